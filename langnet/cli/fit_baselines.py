"""The baselines of `langnet fit` that need the training examples: k-shot, KATE and APE."""

from __future__ import annotations

from langnet.cli.connection import Connected
from langnet.cli.fit_job import Job
from langnet.cli.group import note
from langnet.graph import Graph
from langnet.key import Key
from langnet.report.ape import ape, no_ape
from langnet.report.baselines import baselines
from langnet.report.shots import k_shot, kate, no_shots, shots

__all__ = ["counted_baselines", "with_examples"]

_PROPOSALS = 15
"""Instructions that APE induces, as many as APE-15 of the DLN paper."""


def counted_baselines(job: Job) -> int:
    """How many baselines a network is compared with."""
    shown = 2 * (no_shots(job.graph) is None and job.shots > 0)
    return len(baselines(job.graph)) + shown + (no_ape(job.graph) is None)


async def with_examples(job: Job, opened: Connected) -> dict[str, Graph]:
    """The initial network as k-shot, KATE and APE make it, by what they are called.

    What does not apply is left out, and it is said why.
    """
    graph, train = job.graph, job.splits.train
    found: dict[str, Graph] = {}
    key = Key(("baselines", job.seed))
    if reason := no_shots(graph):
        note(f"k-shot and KATE do not apply: {reason}")
    elif job.shots:
        solved = await shots(
            graph,
            train,
            models=opened.models,
            key=key,
            concurrency=job.method.concurrency,
            max_failures=job.method.max_failures,
        )
        count = min(job.shots, len(solved))
        found[f"{count}-shot"] = k_shot(graph, solved, count, key.below("shown"))
        found[f"KATE, {count} nearest"] = kate(graph, solved, count)
    if reason := no_ape(graph):
        note(f"APE does not apply: {reason}")
    else:
        made = await ape(
            graph,
            train,
            models=opened.models,
            proposer=opened.proposer,
            metric=job.metric.metric,
            method=job.method,
            seed=job.seed,
            proposals=_PROPOSALS,
        )
        note(f"APE chose: {made.nodes[made.target].prompt_text!r}")
        found[f"APE, {_PROPOSALS} proposals"] = made
    return found
