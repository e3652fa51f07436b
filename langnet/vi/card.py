"""The scores of a race: evaluated block by block, and read as means over all examples."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from langnet.vi.control import Control, Floats

__all__ = ["Card", "Raced", "Score"]

Score = Callable[[Sequence[int], Sequence[int]], Awaitable[Floats]]
"""Scores of some examples under some candidates, as (example, candidate); higher is better."""


@dataclass(frozen=True, slots=True)
class Raced:
    """What a race found.

    Attributes:
        winner: the candidate with the best mean among those seen on all examples; the first of
            equals, so that ties keep the incumbent, which is candidate 0.
        scores: the mean over all examples per candidate: exact where all were seen, estimated from
            the rows seen elsewhere (−inf for one that cannot serve). An estimate may lie above the
            winner's mean: who left the race was behind others on the rows they had in common.
        matrix: the scores as (example, candidate); NaN where they were not evaluated.
        evaluated: pairs of example and candidate that were evaluated, without an incumbent whose
            scores were known.
        full: pairs that full scoring takes, likewise.
        rounds: for each call of the score, the examples seen after it and the candidates it had.
    """

    winner: int
    scores: tuple[float, ...]
    matrix: Floats
    evaluated: int
    full: int
    rounds: tuple[tuple[int, int], ...]

    @property
    def differences(self) -> Floats:
        """The winner minus the incumbent, as (example,); 0 where neither can serve."""
        won, kept = self.matrix[:, self.winner], self.matrix[:, 0]
        differences = np.zeros(len(won))
        np.subtract(won, kept, out=differences, where=won != kept)
        return differences

    @property
    def standard_error(self) -> float | None:
        """That of the mean of `differences`; `None` for one example or an infinite difference."""
        differences = self.differences
        if len(differences) < 2 or not np.isfinite(differences).all():  # noqa: PLR2004 - as it says
            return None
        return float(differences.std(ddof=1)) / math.sqrt(len(differences))


class Card:
    """The scores so far.

    Attributes:
        score: gives more of them.
        matrix: as (example, candidate), NaN where not evaluated.
        evaluated: pairs so far.
        full: pairs that full scoring takes.
        known: whether the incumbent's scores were known.
        rounds: see `Raced`.
    """

    def __init__(self, score: Score, examples: int, candidates: int) -> None:
        self.score = score
        self.matrix: Floats = np.full((examples, candidates), np.nan)
        self.evaluated = 0
        self.full = examples * candidates
        self.known = False
        self.rounds: list[tuple[int, int]] = []

    async def add(self, examples: Sequence[int], candidates: Sequence[int]) -> None:
        """Evaluates a block that has not been evaluated."""
        self._enter(examples, candidates, await self.score(examples, candidates))
        self.evaluated += len(examples) * len(candidates)
        seen = ~np.isnan(self.matrix[:, candidates[0]])
        self.rounds.append((int(seen.sum()), len(candidates)))

    def know(self, incumbent: Floats) -> None:
        """Enters the incumbent's scores, as (example,), which full scoring need not take either."""
        self._enter(range(len(self.matrix)), [0], np.reshape(incumbent, (-1, 1)))
        self.full -= len(self.matrix)
        self.known = True

    def _enter(self, examples: Sequence[int], candidates: Sequence[int], given: Floats) -> None:
        block = np.asarray(given, dtype=np.float64)
        if block.shape != (len(examples), len(candidates)):
            raise ValueError(
                f"there are scores of shape {block.shape} for {len(examples)} examples and "
                f"{len(candidates)} candidates; give (example, candidate)"
            )
        wrong = np.argwhere(np.isnan(block) | (block == math.inf))
        if len(wrong):
            row, column = wrong[0]
            raise ValueError(
                f"candidate {candidates[column]} has the score {block[row, column]} on example "
                f"{examples[row]}; a score is a finite number, or −inf where the candidate cannot "
                "serve"
            )
        self.matrix[np.ix_(examples, candidates)] = block

    def serves(self, candidate: int) -> bool:
        """Whether a candidate has no −inf so far."""
        return bool((self.matrix[:, candidate] != -math.inf).all())

    def finalists(self) -> list[int]:
        """The candidates seen on all rows."""
        return np.flatnonzero(~np.isnan(self.matrix).any(axis=0)).tolist()

    def has_winner(self) -> bool:
        """Whether a candidate that was seen on all rows serves."""
        return any(map(self.serves, self.finalists()))

    def means(self, known: Control | None) -> list[float]:
        """The mean over all rows per candidate, exact or estimated."""
        means = [-math.inf] * self.matrix.shape[1]
        for candidate in filter(self.serves, range(len(means))):
            rows = np.flatnonzero(~np.isnan(self.matrix[:, candidate]))
            column = self.matrix[rows, candidate]
            if known is None or len(rows) == len(self.matrix):
                means[candidate] = math.fsum(column) / len(column)
            else:
                found = known.estimate(rows.tolist(), column[:, None])
                means[candidate] = float(found.means[0] + known.baseline.mean())
        return means

    def spares(self, known: Control) -> list[int]:
        """The candidates not seen on all rows that serve so far, the best first."""
        means = self.means(known)
        rest = set(range(len(means))) - set(self.finalists())
        return sorted(filter(self.serves, sorted(rest)), key=lambda place: -means[place])

    def result(self, known: Control | None) -> Raced:
        """The winner among those seen on all rows."""
        means = self.means(known)
        return Raced(
            max(self.finalists(), key=means.__getitem__),
            tuple(means),
            self.matrix,
            self.evaluated,
            self.full,
            tuple(self.rounds),
        )
