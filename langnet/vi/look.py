"""What a step sees of its batch: forward passes, posteriors, and what each node makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from langnet.concurrency import concurrently
from langnet.data import Example
from langnet.errors import ModelError, TooManyFailures
from langnet.evaluate import value_of
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Metric
from langnet.plate import at
from langnet.program import Program
from langnet.run import run_all
from langnet.trace import Failure, Site, Trace
from langnet.vi.blanket import parents_at
from langnet.vi.method import Method
from langnet.vi.objective import Evidence
from langnet.vi.posterior import Posterior, Row, infer
from langnet.vi.proposal import Observation

__all__ = ["Seen", "evidence", "look", "observations"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One example of the batch: its forward pass, whether it was right, and its posterior."""

    example: Example
    forward: Trace
    value: float
    posterior: Posterior | None


async def look(
    program: Program,
    batch: Sequence[Example],
    method: Method,
    metric: Metric,
    key: Key,
    objective: str,
) -> tuple[list[Seen], tuple[Failure, ...]]:
    """The forward pass and the posterior of every example of a batch."""
    forwards = await run_all(
        program,
        batch,
        key=key / "forward",
        greedy=True,
        concurrency=method.concurrency,
        max_failures=method.max_failures,
    )
    failures = [outcome for outcome in forwards if isinstance(outcome, Failure)]

    async def one(example: Example, forward: Trace) -> Seen | Failure:
        value = value_of(forward, example, program.graph.target, metric)
        if objective == "rollout":
            return Seen(example, forward, value, None)
        try:
            posterior = await infer(
                program,
                example,
                key=key.below("infer", example.id),
                settings=method.inference,
                forward=forward,
            )
        except ModelError as error:
            return Failure(example.id, error)
        return Seen(example, forward, value, posterior)

    seen = await concurrently(
        partial(one, example, forward)
        for example, forward in zip(batch, forwards, strict=True)
        if isinstance(forward, Trace)
    )
    failures += [item for item in seen if isinstance(item, Failure)]
    if len(failures) > max(1.0, method.max_failures * len(batch)) or (
        failures and not method.max_failures
    ):
        raise TooManyFailures(
            f"{len(failures)} of {len(batch)} examples of the batch failed, more than the share of "
            f"{method.max_failures:g} that max_failures allows; the last: {failures[-1].error}"
        ) from failures[-1].error
    return [item for item in seen if isinstance(item, Seen)], tuple(failures)


def _forward_row(graph: Graph, item: Seen, site: Site) -> Row:
    parents = parents_at(graph, item.forward.values, site.node, site.index)
    return Row(item.example.id, site.node, site.index, 1.0, parents, site.text)


def evidence(graph: Graph, node: str, seen: Sequence[Seen], progress: float) -> Evidence:
    """The weighted supervised set of one node."""
    rows = [
        row
        for item in seen
        if item.posterior is not None
        for row in item.posterior.rows
        if row.node == node
    ]
    forward = [
        (_forward_row(graph, item, site), item.value < 1)
        for item in seen
        for site in item.forward.at(node)
    ]
    return Evidence(
        tuple(rows),
        tuple(row for row, _ in forward),
        tuple(wrong for _, wrong in forward),
        len(seen),
        progress,
    )


def observations(graph: Graph, node: str, seen: Sequence[Seen]) -> list[Observation]:
    """What a proposer is shown of a node: its contexts without prompt, outputs and targets."""
    template = graph.structure.templates[node].bind("")
    found = []
    for item in seen:
        for site in item.forward.at(node):
            target: str | None
            if node in item.example.targets:
                target = item.example.targets[node]
            elif item.posterior is not None and node in item.posterior.best:
                target = str(at(item.posterior.best[node], site.index))
            else:
                target = site.text if item.value >= 1 else None
            parents = parents_at(graph, item.forward.values, node, site.index)
            found.append(Observation(template.render(parents), site.text, target))
    return found
