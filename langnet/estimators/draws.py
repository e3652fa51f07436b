"""Exact expectations over all subsets of k among n draws, without drawing any subset.

The mean over all subsets is unbiased for what k fresh draws would give, where putting k into a
formula with the share of right draws (such as 1 − (1 − c/n)ᵏ) is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from langnet.errors import DataError

__all__ = ["coverage_at_k", "diversity_at_k", "verifier_at_k"]

Floats: TypeAlias = NDArray[np.float64]


def coverage_at_k(n: ArrayLike, c: ArrayLike, k: int) -> Floats:
    """The chance that k of n draws hold one of the c that are right: 1 − C(n−c, k) / C(n, k).

    Also called pass@k (Chen et al. 2021, arXiv 2107.03374, eq. 1). Computed as a product of ratios
    in logarithms, so that neither large n nor a small chance loses digits.

    Args:
        n: draws; an array gives an array, as (question,).
        c: how many of them are right, of the same shape or one that broadcasts.
        k: how many are taken, at most the smallest n.

    Raises:
        DataError: a count lies outside its range.

    >>> coverage_at_k(4, [0, 1, 2, 4], 2).round(3).tolist()
    [0.0, 0.5, 0.833, 1.0]
    """
    draws, right = np.broadcast_arrays(np.asarray(n), np.asarray(c))
    if draws.dtype.kind not in "iu" or right.dtype.kind not in "iub":
        raise DataError("n and c are counts; give whole numbers")
    if draws.size and not 1 <= k <= draws.min():
        raise DataError(f"k must lie between 1 and the {draws.min()} draws there are, not {k}")
    if ((right < 0) | (right > draws)).any():
        raise DataError("c counts draws that are right; it must lie between 0 and n")
    found = np.empty(draws.shape)
    for size in np.unique(draws):
        # C(n−c, k) / C(n, k) = ∏ over i < c of (1 − k / (n − i)), which is 0 beyond c = n − k.
        rest = np.maximum(size - np.arange(size, dtype=np.float64), k)
        with np.errstate(divide="ignore"):
            missed = np.concatenate(([0.0], np.cumsum(np.log1p(-k / rest))))
        here = draws == size
        found[here] = 0.0 - np.expm1(missed[right[here].astype(np.int64)])
    return found


def diversity_at_k(answers: Sequence[Hashable], correct: Sequence[bool], k: int) -> float:
    """How many different correct solutions k of n draws hold, in expectation.

    Σ over different correct solutions of 1 − C(n−m, k) / C(n, k), where m is how often it was
    drawn (Bansal et al. 2024, arXiv 2408.16737, count unique correct solutions per question).

    Args:
        answers: one question's solutions, in a form in which the same are equal.
        correct: whether each is right.
        k: how many are taken.

    Raises:
        DataError: the lengths differ, or k lies outside its range.
    """
    _paired(answers, correct, "correct")
    times = Counter(answer for answer, right in zip(answers, correct, strict=True) if right)
    return float(coverage_at_k(len(answers), [*times.values(), 0], k).sum())


def verifier_at_k(scores: Sequence[float], correct: Sequence[float], k: int) -> float:
    """How often the best-scored of k draws is right: Verifier@k, or best of k, exactly.

    Σ over i of C(N−i−1, k−1) α_i / C(N, k), with α sorted by falling score (V-STaR, Hosseini et
    al. 2024, arXiv 2402.06457, §3.3). Equal scores are taken as broken at random: the highest score
    of a subset lies in a group of equal ones with the chance that the subset meets the group
    and nothing above it, and each member of the group is as likely as the other. So a verifier
    that gives all the same score gets the share of right draws, whatever their order.

    Args:
        scores: one question's solutions, higher for better.
        correct: 1 where a solution is right, 0 where not; any number is averaged alike.
        k: how many are taken.

    Raises:
        DataError: the lengths differ, a score is NaN, or k lies outside its range.
    """
    _paired(scores, correct, "correct")
    given, alpha = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if np.isnan(given).any():
        raise DataError("a score is NaN; give solutions without a verdict the lowest score")
    n = len(given)
    _, group, size = np.unique(given, return_inverse=True, return_counts=True)
    up_to = np.cumsum(size)
    # That all of k draws lie among the m lowest: C(m, k) / C(n, k).
    below = 1.0 - coverage_at_k(n, n - np.concatenate(([0], up_to)), k)
    right = np.bincount(group, weights=alpha) / size
    return float(np.diff(below) @ right)


def _paired(one: Sequence[object], other: Sequence[object], name: str) -> None:
    if len(one) != len(other):
        raise DataError(f"{name} has {len(other)} values for {len(one)} solutions; give one each")
    if len(one) == 0:
        raise DataError("there are no solutions")
