"""The trial of one prompt's variants: all on some examples, then the best on fresh ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from langnet.data import Example
from langnet.diagnose.bench import Bench, Column, matrix
from langnet.diagnose.statistics import simultaneous
from langnet.diagnose.verdict import Bars, Judgement, is_able, is_clear
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Interval, paired_interval
from langnet.vi.score import Floats

__all__ = ["Trial"]

_FINALISTS = 2
"""Variants that fresh examples decide between: the best of few examples is often not the best."""
_FEWEST_AT_ONCE = 30
"""Fresh examples that are worth a look of their own."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Networks that differ in one prompt, and what is asked of them.

    A gain must be clear at a share of the risk for each look at the data. The advantage over a
    constant answer must be clear as well; since "go" takes both, neither costs the other anything.

    Attributes:
        bench: runs the networks.
        networks: one per variant, the current one first.
        prompt: the name of the prompt, for progress.
        constant: the best answer that is always the same.
        bars: what a gain is held against.
        risk: the share of cases in which a gain may be claimed although there is none.
        key: where resampling comes from.
    """

    bench: Bench
    networks: tuple[Graph, ...]
    prompt: str
    constant: str
    bars: Bars
    risk: float
    key: Key

    async def columns(self, examples: Sequence[Example]) -> list[Column]:
        """Runs every network."""
        self.bench.phase(f"variants of {self.prompt}", len(self.networks) * len(examples))
        return [await self._column(number, examples) for number in range(len(self.networks))]

    def screened(
        self, columns: Sequence[Column], examples: Sequence[Example], *, is_only: bool
    ) -> tuple[tuple[Interval, ...], list[Judgement]]:
        """The gain of every variant but the current one, and the judgement on each of all.

        Args:
            columns: of every network.
            examples: what they ran on.
            is_only: whether there will be no other look, so that the whole risk is this one's.
        """
        key = self.key
        # An interval's lower end has half of the risk that its confidence leaves.
        confidence = 1 - 2 * self.risk if is_only else 1 - self.risk
        values, idle = matrix(columns), self._idle(examples)[:, None]
        gains = _bounds(values[:, 1:] - values[:, :1], confidence, key / "gain")
        advantages = _bounds(values - idle, 1 - 2 * self.risk, key / "advantage")
        none = Interval(0.0, 0.0, 0.0, len(examples), confidence)
        judgements = [
            Judgement(
                fresh=False,
                metric=float(np.mean(column.values)),
                current=float(np.mean(columns[0].values)),
                gain=gain,
                advantage=advantage,
                logprob_gain=_logprob_gain(columns[0], column, confidence, key),
            )
            for column, gain, advantage in zip(columns, (none, *gains), advantages, strict=True)
        ]
        return gains, judgements

    def ranked(self, columns: Sequence[Column]) -> list[int]:
        """The variants but the current one, the best first; log p(target) breaks ties."""
        return sorted(range(1, len(columns)), key=lambda number: _merit(columns[number]))

    async def confirmed(
        self, ranked: Sequence[int], examples: Sequence[Example]
    ) -> tuple[int, Judgement]:
        """Looks at fresh examples, first at half of them, and gives the winner and its judgement.

        The best two are run on the first half, and the better of them goes on. What is clear by
        then is clear. What does no better than a constant, or is able but seems to gain nothing,
        is not pursued: to stop for that can only lower the risk.
        """
        half = len(examples) // 2
        finalists = list(ranked[:_FINALISTS])
        # Each finalist could have won (Bonferroni). Of what risk is left, a fifth is the first's.
        risk = self.risk / len(finalists)
        looks = [(half, 1 - risk / 5), (len(examples), 1 - 4 * risk / 5)]
        if half < _FEWEST_AT_ONCE:
            looks = [(len(examples), 1 - risk)]
        runs = (1 + len(finalists)) * looks[0][0] + 2 * sum(count for count, _ in looks[1:])
        self.bench.phase(f"best variants of {self.prompt}", runs)
        for count, confidence in looks:
            shown = examples[:count]
            current = await self._column(0, shown)
            columns = {number: await self._column(number, shown) for number in finalists}
            best = min(columns, key=lambda number: _merit(columns[number]))
            finalists = [best]
            found = self._judged(current, columns[best], shown, confidence)
            is_hopeless = found.advantage.mean <= 0 or (found.gain.mean <= 0 and is_able(found))
            if is_hopeless or is_clear(found, self.bars):
                break
        return best, found

    def _judged(
        self, current: Column, best: Column, examples: Sequence[Example], confidence: float
    ) -> Judgement:
        key = self.key.below("confirmed", len(examples))
        values = np.array(best.values)
        gains, advantages = values - np.array(current.values), values - self._idle(examples)
        return Judgement(
            fresh=True,
            metric=float(values.mean()),
            current=float(np.mean(current.values)),
            gain=_bounds(gains[:, None], confidence, key / "gain")[0],
            advantage=_bounds(advantages[:, None], 1 - 2 * self.risk, key / "advantage")[0],
            logprob_gain=_logprob_gain(current, best, confidence, key),
        )

    async def _column(self, number: int, examples: Sequence[Example]) -> Column:
        return await self.bench.column(self.networks[number], examples, tolerant=number > 0)

    def _idle(self, examples: Sequence[Example]) -> Floats:
        """The metric of the constant answer, as (example,)."""
        target, metric = self.networks[0].target, self.bench.metric
        return np.array([float(metric(self.constant, item.targets[target])) for item in examples])


def _merit(column: Column) -> tuple[float, float]:
    """Orders variants, the best first."""
    return -round(float(np.mean(column.values)), 9), -float(np.mean(column.logprobs or (0.0,)))


def _bounds(differences: Floats, confidence: float, key: Key) -> tuple[Interval, ...]:
    # As though at least one example of all made a difference: right-or-wrong values may all agree.
    return simultaneous(
        differences, confidence=confidence, key=key, least_variance=1 / len(differences)
    )


def _logprob_gain(current: Column, other: Column, confidence: float, key: Key) -> Interval | None:
    if current.logprobs is None or other.logprobs is None:
        return None
    if not all(map(math.isfinite, (*current.logprobs, *other.logprobs))):
        return None
    return paired_interval(
        current.logprobs, other.logprobs, confidence=confidence, key=key / "logprob"
    )
