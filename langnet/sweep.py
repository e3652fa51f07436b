"""Sweeps: the same network with different settings, on the same examples, with what each costs.

More solutions or more verdicts, a longer text, a larger model: what is worth its tokens? Settings
that only draw more share what the smaller ones have drawn, since a draw's seed is its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from langnet.data import Example
from langnet.errors import DataError
from langnet.evaluate import value_of
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.tokens import counter
from langnet.metrics import Interval, Metric, exact, interval
from langnet.program import Models, Program
from langnet.run import stream
from langnet.trace import Failure, Trace

__all__ = ["Point", "grid", "sweep"]


@dataclass(frozen=True, slots=True)
class Point:
    """A network with one choice of settings.

    Attributes:
        settings: the settings.
        metric: over the examples, with its interval; a failed example counts 0.
        values: the metric on each example, in their order.
        prompt_tokens: of an example's contexts on average, each counted once however often it is
            drawn from. As far as can be known without asking the model; see `lm.tokens.counter`.
        completion_tokens: of an example's texts on average.
        failures: examples that failed.
    """

    settings: Mapping[str, Any]
    metric: Interval
    values: tuple[float, ...]
    prompt_tokens: float
    completion_tokens: float
    failures: tuple[Failure, ...]

    @property
    def tokens(self) -> float:
        """Tokens of an example on average."""
        return self.prompt_tokens + self.completion_tokens

    def to_json(self) -> dict[str, Any]:
        """The point as plain data."""
        return {
            "settings": dict(self.settings),
            "metric": asdict(self.metric),
            "values": list(self.values),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "failures": [
                {"example": one.example, "error": str(one.error)} for one in self.failures
            ],
        }


def grid(settings: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of settings, the last one changing fastest.

    >>> grid({"a": [1, 2], "b": ["x"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}]
    """
    return [
        dict(zip(settings, values, strict=True)) for values in itertools.product(*settings.values())
    ]


async def sweep(
    make: Callable[..., Graph],
    points: Sequence[Mapping[str, Any]],
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[], None] | None = None,
) -> list[Point]:
    """Evaluates a network with each choice of settings on the same examples and the same seeds.

    Args:
        make: builds the network from settings, given by name.
        points: the choices; see `grid`.
        examples: each has a target.
        models: what the nodes call; give them a cache, and nothing is drawn twice.
        metric: of an answer and a target.
        seed: decides every draw.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail.
        on_example: called after each example of each point, for progress.

    Raises:
        DataError: there are no examples, or one has no target.
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    if not examples:
        raise DataError("there are no examples to sweep over")
    found: list[Point] = []
    for settings in points:
        program = Program(make(**settings), models)
        values: list[float] = []
        failures: list[Failure] = []
        cost = _Cost(program)
        async with stream(
            program,
            examples,
            key=Key(("sweep", seed)),
            greedy=True,
            concurrency=concurrency,
            max_failures=max_failures,
        ) as outcomes:
            rest = iter(examples)
            async for outcome in outcomes:
                example = next(rest)
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                    values.append(0.0)
                else:
                    values.append(value_of(outcome, example, program.graph.target, metric))
                    cost.add(outcome)
                if on_example is not None:
                    on_example()
        succeeded = max(1, len(values) - len(failures))
        found.append(
            Point(
                dict(settings),
                interval(values, key=Key(("sweep", seed))),
                tuple(values),
                cost.prompt / succeeded,
                cost.completion / succeeded,
                tuple(failures),
            )
        )
    return found


class _Cost:
    """Adds up the tokens of traces, whether or not a cache answered."""

    def __init__(self, program: Program) -> None:
        self.prompt = self.completion = 0
        self._labelled = {
            name for name, one in program.conditionals.items() if one.node.choices is not None
        }
        self._count = {name: counter(one.model) for name, one in program.conditionals.items()}

    def add(self, trace: Trace) -> None:
        seen: set[tuple[str, str]] = set()
        for site in trace.sites:
            count = self._count[site.node]
            if (site.node, site.context) not in seen:
                seen.add((site.node, site.context))
                self.prompt += count(site.context)
            if site.node not in self._labelled:  # labels are compared, not drawn
                self.completion += count(site.text)
