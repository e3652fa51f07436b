"""Two networks on the same held-out examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from langnet.data import Example
from langnet.display import Displayed
from langnet.evaluate import Evaluation, evaluate
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Interval, Metric, exact, interval, paired_interval
from langnet.program import Models, Program

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison(Displayed):
    """Two networks on the same held-out examples.

    Attributes:
        before: the first network's metric and its interval.
        after: the second's.
        gain: the paired difference, after minus before.
        evaluations: what both answered, before and after.
    """

    before: Interval
    after: Interval
    gain: Interval
    evaluations: tuple[Evaluation, Evaluation]


async def compare(
    before: Graph,
    after: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[str], None] | None = None,
) -> Comparison:
    """Compares two networks on held-out examples, with a paired bootstrap interval."""
    key = Key(("test", seed))
    found = []
    for name, graph in (("before", before), ("after", after)):
        found.append(
            await evaluate(
                Program(graph, models),
                examples,
                metric=metric,
                key=key,
                concurrency=concurrency,
                max_failures=max_failures,
                on_example=None if on_example is None else partial(on_example, name),
            )
        )
    first, second = found
    return Comparison(
        interval(first.values, key=key),
        interval(second.values, key=key),
        paired_interval(first.values, second.values, key=key),
        (first, second),
    )
