"""Evaluation: what a network answers on data, and how well by a metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langnet.data import Example
from langnet.display import Displayed
from langnet.errors import DataError
from langnet.key import Key
from langnet.lm.caller import PURPOSE, calling
from langnet.metrics import Marked, Metric
from langnet.program import Program
from langnet.run import stream
from langnet.trace import Failure, Trace

__all__ = ["Evaluation", "evaluate", "marked_of", "value_of"]


@dataclass(frozen=True, slots=True)
class Evaluation(Displayed):
    """How a network did on some examples.

    Attributes:
        values: the metric on each example, in their order; 0 where the run failed.
        predictions: the first output on each example; `None` where the run failed.
        failures: the examples whose run failed.
        kept: the value of the part that was to be kept; `None` where the run failed.
    """

    values: tuple[float, ...]
    predictions: tuple[Any, ...]
    failures: tuple[Failure, ...]
    kept: tuple[Any, ...] = ()

    @property
    def mean(self) -> float:
        """The mean of the metric."""
        return math.fsum(self.values) / len(self.values)


async def evaluate(
    program: Program,
    examples: Sequence[Example],
    *,
    metric: Metric,
    key: Key,
    greedy: bool = True,
    concurrency: int = 32,
    max_failures: float = 0.1,
    cut_off: bool = False,
    keep: str | None = None,
    on_example: Callable[[], None] | None = None,
    on_outcome: Callable[[Trace | Failure], None] | None = None,
) -> Evaluation:
    """Runs a network over examples and compares its first output with their targets.

    Args:
        program: the graph with its models.
        examples: each has a target at `program.graph.target`.
        metric: of a prediction and a target.
        key: what every draw's seed is derived from.
        greedy: whether each node takes its most probable text.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail; they count as 0.
        cut_off: whether to report what there is when the run's deadline passes: the examples that
            are left are then failures with a `RunDeadlineExceeded`, which no share counts.
        keep: a part whose value on each example is kept beside the answer.
        on_example: called after each example, for progress.
        on_outcome: is given what happened on each example, in their order.

    Raises:
        DataError: there are no examples, or one has no target.
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    if not examples:
        raise DataError("there are no examples to evaluate on")
    values: list[float] = []
    predictions: list[Any] = []
    kept: list[Any] = []
    failures: list[Failure] = []
    with calling(purpose=PURPOSE.get() or "evaluate"):
        async with stream(
            program,
            examples,
            key=key,
            greedy=greedy,
            concurrency=concurrency,
            max_failures=max_failures,
            cut_off=cut_off,
        ) as outcomes:
            position = 0
            async for outcome in outcomes:
                example = examples[position]
                position += 1
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                    values.append(0.0)
                    predictions.append(None)
                else:
                    values.append(value_of(outcome, example, program.graph.target, metric))
                    predictions.append(outcome.output)
                if keep is not None:
                    kept.append(None if isinstance(outcome, Failure) else outcome[keep])
                if on_outcome is not None:
                    on_outcome(outcome)
                if on_example is not None:
                    on_example()
    return Evaluation(tuple(values), tuple(predictions), tuple(failures), tuple(kept))


def value_of(trace: Trace, example: Example, target: str, metric: Metric) -> float:
    """The metric of one run: of its first output, or the mean over its elements.

    Raises:
        DataError: the example has no target there.
    """
    return marked_of(trace, example, target, metric).value


def marked_of(trace: Trace, example: Example, target: str, metric: Metric) -> Marked:
    """The metric of one run with its feedback: of its first output, or over its elements.

    Over elements, the value is the mean and the feedback what was said of any, each once, a line
    each; it is empty where the metric gives none.

    Raises:
        DataError: the example has no target there.
    """
    wanted = example.targets.get(target)
    if wanted is None:
        raise DataError(
            f"example {example.id!r} has no target at node {target!r}, so it cannot be evaluated; "
            f"it has targets at {', '.join(map(repr, example.targets)) or 'no node'}"
        )
    output = trace.output
    elements = output if isinstance(output, tuple) else (output,)
    marks = [metric(str(element), wanted) for element in elements]
    said = dict.fromkeys(mark.feedback for mark in marks if isinstance(mark, Marked))
    return Marked(
        math.fsum(map(float, marks)) / len(marks) if marks else 0.0,
        "\n".join(filter(None, said)),
    )
