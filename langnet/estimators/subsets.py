"""Votes among k of n draws, by seeded subsets: their expectation has no short closed form."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langnet.errors import DataError
from langnet.estimators.draws import Floats
from langnet.key import Key

__all__ = ["Estimate", "majority_at_k", "weighted_vote_at_k"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over random subsets.

    Attributes:
        mean: the estimate.
        error: its standard error from the subsets alone, not from how many draws there are; 0
            where the only subset is all of the draws.
        subsets: how many subsets were taken.
    """

    mean: float
    error: float
    subsets: int


def majority_at_k(
    answers: Sequence[Hashable],
    correct: Sequence[bool],
    k: int,
    *,
    key: Key,
    subsets: int = 100,
) -> Estimate:
    """How often the most common answer among k draws is right (self-consistency).

    See `weighted_vote_at_k`, of which it is the case of equal scores.
    """
    return weighted_vote_at_k(answers, [1.0] * len(answers), correct, k, key=key, subsets=subsets)


def weighted_vote_at_k(
    answers: Sequence[Hashable],
    scores: Sequence[float],
    correct: Sequence[bool],
    k: int,
    *,
    key: Key,
    subsets: int = 100,
    top: int | None = None,
) -> Estimate:
    """How often the answer with the largest sum of scores among k draws is right.

    Answers that do equally well share the win, which is the expectation over random ties: a
    vote that takes the first to appear has the same mean where subsets come in random order and
    scores are equal. Singhi et al. 2025 (arXiv 2504.01005) take 25 subsets.

    Args:
        answers: one question's solutions; "" and `None` have no vote and never win.
        scores: one for each.
        correct: whether each solution's answer is right.
        k: how many are taken, without replacement.
        key: where the subsets come from.
        subsets: how many; one is enough where k is all of them.
        top: how many of an answer's scores count, the largest first; all unless given.

    Raises:
        DataError: the lengths differ, or a number lies outside its range.
    """
    n = len(answers)
    if not len(scores) == len(correct) == n:
        raise DataError(
            f"there are {n} answers, {len(scores)} scores and {len(correct)} marks; give one each"
        )
    if not 1 <= k <= n:
        raise DataError(f"k must lie between 1 and the {n} draws there are, not {k}")
    if subsets < 1 or (top is not None and top < 1):
        raise DataError("subsets and top must be at least 1")
    weights = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(weights).all():
        raise DataError("a score is no finite number; give what is unread 0")
    numbers: dict[Hashable, int] = {}
    codes = np.array(
        [-1 if a in {"", None} else numbers.setdefault(a, len(numbers)) for a in answers]
    )
    rights = np.asarray(correct, dtype=np.float64)
    rng = np.random.default_rng((key / "subsets").seed)
    rounds = 1 if k == n else subsets
    won = np.array(
        [
            _won(taken[codes[taken] >= 0], codes, weights, rights, top)
            for taken in (rng.permutation(n)[:k] for _ in range(rounds))
        ]
    )
    error = float(won.std(ddof=1)) / math.sqrt(rounds) if rounds > 1 else 0.0
    return Estimate(float(won.mean()), error, rounds)


def _won(
    taken: NDArray[np.intp],
    codes: NDArray[np.intp],
    weights: Floats,
    rights: Floats,
    top: int | None,
) -> float:
    """The share of the win that goes to right answers, in one subset."""
    if not len(taken):
        return 0.0
    taken = taken[np.lexsort((-weights[taken], codes[taken]))]
    _, start, answer = np.unique(codes[taken], return_index=True, return_inverse=True)
    rank = np.arange(len(taken)) - start[answer]
    counted = rank < (len(taken) if top is None else top)
    sums = np.bincount(answer[counted], weights=weights[taken][counted])
    ties = np.isclose(sums, sums.max(), rtol=1e-12, atol=0.0)
    # Solutions with the same answer are right or wrong together.
    return float(rights[taken][start][ties].mean())
