"""Solutions with what a network's own verifier says of them: a pool to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langnet.confidence import PROBABILITY, with_probability
from langnet.data import Example
from langnet.errors import DataError, GraphError
from langnet.estimators import Judged
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Metric, exact
from langnet.program import Models, Program
from langnet.run import stream
from langnet.trace import Failure

__all__ = ["judged"]


async def judged(
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    answer: str | None = None,
    verdict: str = "verdict",
    yes: str = "Yes",
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[], None] | None = None,
) -> list[Judged]:
    """Runs a network that solves and verifies, and keeps every answer with all its p(Yes).

    With the most solutions and verdicts that are asked about, `estimators.accuracy_at` tells what
    any smaller numbers of them bring, from this one run.

    Args:
        graph: has a plate of solutions, an answer to each, and verdicts on each.
        examples: each has a target at `graph.target`.
        models: what the nodes call.
        metric: of an answer and a target; 1 is right.
        answer: the part with an answer for each solution; by default the target.
        verdict: the node with choices that approves or not.
        yes: the choice that approves.
        seed: decides every draw; those of `sweep` with the same seed are the same.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail; they are left out.
        on_example: called after each example, for progress.

    Returns:
        One for each example that did not fail, in their order.

    Raises:
        GraphError: the parts are not there, or do not stand in such plates.
        DataError: an example has no target.
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    answer = answer or graph.target
    graph[answer]  # raises for a part that is not there
    found: list[Judged] = []
    async with stream(
        Program(with_probability(graph, yes, node=verdict), models),
        examples,
        key=Key(("sweep", seed)),
        greedy=True,
        concurrency=concurrency,
        max_failures=max_failures,
    ) as outcomes:
        rest = iter(examples)
        async for outcome in outcomes:
            example = next(rest)
            if not isinstance(outcome, Failure):
                target = example.targets.get(graph.target)
                if target is None:
                    raise DataError(f"example {example.id!r} has no target at {graph.target!r}")
                answers = outcome[answer]
                found.append(
                    Judged(
                        answers,
                        [float(metric(str(one), target)) >= 1 for one in answers],
                        list(_rows(outcome[PROBABILITY], answers, verdict)),
                    )
                )
            if on_example is not None:
                on_example()
    return found


def _rows(verdicts: Any, answers: Any, name: str) -> Iterator[tuple[float, ...]]:
    """The verdicts of each solution, whether they stand in a plate of their own or not."""
    if not isinstance(answers, tuple) or not isinstance(verdicts, tuple):
        raise GraphError("solutions and their verdicts need a plate; give the solutions draws=N")
    if len(answers) != len(verdicts):
        raise GraphError(
            f"there are {len(answers)} answers, but {name!r} has verdicts on {len(verdicts)} "
            "solutions; let it run over the solutions"
        )
    for row in verdicts:
        yield row if isinstance(row, tuple) else (row,)
