"""The baselines of `langnet fit` that need the training examples: k-shot, KATE and APE."""

from __future__ import annotations

from langnet.cli.connection import Connected
from langnet.cli.fit_job import Job
from langnet.cli.group import note
from langnet.errors import TooManyFailures
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
    graph = job.graph
    found: dict[str, Graph] = {}
    if reason := no_shots(graph):
        note(f"k-shot and KATE do not apply: {reason}")
    elif job.shots:
        try:
            found |= await _shown(job, opened)
        except TooManyFailures as error:
            note(f"k-shot and KATE are left out: {error}")
    if reason := no_ape(graph):
        note(f"APE does not apply: {reason}")
    else:
        try:
            found |= await _induced(job, opened)
        except TooManyFailures as error:
            note(f"APE is left out: {error}")
    return found


async def _shown(job: Job, opened: Connected) -> dict[str, Graph]:
    key = Key(("baselines", job.seed))
    solved = await shots(
        job.graph,
        job.splits.train,
        models=opened.models,
        key=key,
        concurrency=job.method.concurrency,
        max_failures=job.method.max_failures,
    )
    count = min(job.shots, len(solved))
    return {
        f"{count}-shot": k_shot(job.graph, solved, count, key.below("shown")),
        f"KATE, {count} nearest": kate(job.graph, solved, count),
    }


async def _induced(job: Job, opened: Connected) -> dict[str, Graph]:
    made = await ape(
        job.graph,
        job.splits.train,
        models=opened.models,
        proposer=opened.proposer,
        metric=job.metric.metric,
        method=job.method,
        seed=job.seed,
        proposals=_PROPOSALS,
    )
    note(f"APE chose: {made.nodes[made.target].prompt_text!r}")
    return {f"APE, {_PROPOSALS} proposals": made}
