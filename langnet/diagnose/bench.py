"""The bench: networks that differ in their prompts, run on the same examples and draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import ModelError, TooManyFailures
from langnet.evaluate import value_of
from langnet.events import Notifier, PhaseAdvanced
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.caller import calling
from langnet.lm.meter import Meter, Metered
from langnet.metrics import Metric
from langnet.program import Models, Program
from langnet.run import stream
from langnet.trace import Trace
from langnet.vi.score import Floats

__all__ = ["Bench", "Column", "matrix"]


@dataclass(frozen=True, slots=True)
class Column:
    """What one network did.

    Attributes:
        values: the metric, as (example,); 0 where the run failed.
        logprobs: log p(target | parents) in nats, as (example,), the mean over the target's
            plates; None where the target is no node with choices, or its model compares none.
        traces: the runs, as (example,); None where a run failed.
    """

    values: tuple[float, ...]
    logprobs: tuple[float, ...] | None
    traces: tuple[Trace | None, ...]


class Bench:
    """Runs networks on examples; what was asked of a model once is not asked again.

    Every node takes its most probable text, as in an evaluation, and every draw that is left has
    the same seed in every network.

    Attributes:
        models: the given ones, each with a memory of its answers over a meter.
        meter: counts what reached the given models.
    """

    def __init__(
        self,
        models: Models,
        *,
        metric: Metric,
        key: Key,
        concurrency: int,
        max_failures: float,
        tell: Notifier,
    ) -> None:
        self.meter = Meter()
        self.models = _remembering(models, self.meter)
        self.metric = metric
        self.key = key
        self.concurrency = concurrency
        self.max_failures = max_failures
        self._tell = tell
        self._phase = ""
        self._done = self._total = 0

    def phase(self, name: str, total: int) -> None:
        """Begins a part of the work that has so many runs in it."""
        self._phase, self._done, self._total = name, 0, total

    async def column(
        self, graph: Graph, examples: Sequence[Example], *, tolerant: bool = False
    ) -> Column:
        """Runs one network on the examples.

        Args:
            graph: the network.
            examples: each has a target at `graph.target`.
            tolerant: whether any number of runs may fail, as with a prompt that leaves no room.

        Raises:
            TooManyFailures: more examples failed than may.
            DataError: an example has no target.
        """
        program = Program(graph, self.models)
        traces: list[Trace | None] = []
        with calling(purpose="diagnose"):
            async with stream(
                program,
                examples,
                key=self.key,
                greedy=True,
                concurrency=self.concurrency,
                max_failures=1.0 if tolerant else self.max_failures,
            ) as outcomes:
                async for outcome in outcomes:
                    traces.append(outcome if isinstance(outcome, Trace) else None)
                    self._done += 1
                    self._tell(PhaseAdvanced(self._phase, self._done, self._total))
        if not tolerant and all(trace is None for trace in traces):
            raise TooManyFailures(
                f"every run of {graph.name!r} with its own prompts failed, so there is nothing to "
                "compare with; `langnet run` on one example shows why"
            )
        values = tuple(
            0.0 if trace is None else value_of(trace, example, graph.target, self.metric)
            for trace, example in zip(traces, examples, strict=True)
        )
        return Column(values, await _logprobs(program, traces, examples), tuple(traces))


def matrix(columns: Sequence[Column]) -> Floats:
    """The metric as (example, column)."""
    return np.array([column.values for column in columns], dtype=np.float64).T


async def _logprobs(
    program: Program, traces: Sequence[Trace | None], examples: Sequence[Example]
) -> tuple[float, ...] | None:
    """Log p(target) where it comes for free: the run has asked for all labels already."""
    target = program.graph.target
    conditional = program.conditionals.get(target)
    if (
        conditional is None
        or conditional.node.choices is None
        or not conditional.model.capabilities.choose
    ):
        return None

    async def one(pair: tuple[Trace | None, Example]) -> float:
        trace, example = pair
        if trace is None:
            return -math.inf
        wanted = [example.targets[target]]
        try:
            found = [
                (await conditional.logprobs(site.context, wanted))[0] for site in trace.at(target)
            ]
        except ModelError:
            return -math.inf
        return math.fsum(found) / len(found) if found else -math.inf

    return tuple(await each(one, list(zip(traces, examples, strict=True))))


def _remembering(models: Models, meter: Meter) -> Models:
    def over(model: LanguageModel) -> LanguageModel:
        return Cached(Metered(model, meter), MemoryStore())

    if not isinstance(models, Mapping):
        return over(models)
    made = {id(model): over(model) for model in models.values()}
    return {name: made[id(model)] for name, model in models.items()}
