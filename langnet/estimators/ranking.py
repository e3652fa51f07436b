"""How well scores tell right solutions from wrong ones: the area under the ROC curve."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from langnet.errors import DataError
from langnet.estimators.draws import Floats
from langnet.metrics import Interval

__all__ = ["auc", "auc_gain"]


def auc(
    scores: Sequence[float],
    correct: Sequence[bool],
    *,
    questions: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Interval:
    """The chance that a right solution is scored above a wrong one, ties counting half.

    The interval is that of DeLong, DeLong and Clarke-Pearson 1988, on the logit scale so that it
    stays within (0, 1). Solutions of one question are not independent of each other: with
    `questions` the variance is that of clustered data (Obuchowski 1997, Biometrics 53), which is
    DeLong's where each question has one solution.

    Args:
        scores: one for each solution, higher for better.
        correct: whether each is right.
        questions: the question of each; each solution counts as its own unless given.
        confidence: of the interval, in (0, 1).

    Returns:
        The area as `mean`, and the number of questions as `n`. The ends are unknown where the
        scores tell all solutions apart (area 0 or 1), or where only one question has right
        solutions or wrong ones.

    Raises:
        DataError: the lengths differ, a score is NaN, or all solutions are right, or all wrong.
    """
    parts = _Parts(scores, correct, questions)
    area = parts.area
    spread = area * (1 - area)
    low = high = None
    variance = parts.covariance(parts)
    if spread > 0 and variance is not None:
        half = _quantile(confidence) * math.sqrt(max(variance, 0.0)) / spread
        middle = math.log(area / (1 - area))
        low, high = _expit(middle - half), _expit(middle + half)
    return Interval(area, low, high, parts.clusters, confidence)


def auc_gain(
    before: Sequence[float],
    after: Sequence[float],
    correct: Sequence[bool],
    *,
    questions: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Interval:
    """How much a second scorer's area exceeds a first one's on the same solutions.

    The variance of the difference takes in that both saw the same solutions (DeLong et al. 1988;
    Obuchowski 1997 for several solutions of a question). The difference is clear at this
    confidence where the interval leaves out 0.

    Args:
        before: the first scorer's scores.
        after: the second scorer's.
        correct: whether each solution is right.
        questions: the question of each; each solution counts as its own unless given.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: as in `auc`.
    """
    first, second = (_Parts(scores, correct, questions) for scores in (before, after))
    gain = second.area - first.area
    terms = first.covariance(first), second.covariance(second), first.covariance(second)
    low = high = None
    if terms[0] is not None and terms[1] is not None and terms[2] is not None:
        variance = max(terms[0] + terms[1] - 2 * terms[2], 0.0)
        half = _quantile(confidence) * math.sqrt(variance)
        low, high = gain - half, gain + half
    return Interval(gain, low, high, first.clusters, confidence)


class _Parts:
    """The structural components of an area, summed over the solutions of each question."""

    def __init__(
        self,
        scores: Sequence[float],
        correct: Sequence[bool],
        questions: Sequence[Hashable] | None,
    ) -> None:
        given = np.asarray(scores, dtype=np.float64)
        right = np.asarray(correct, dtype=bool)
        units = range(len(given)) if questions is None else questions
        if not len(given) == len(right) == len(units):
            raise DataError(
                f"{len(given)} scores, {len(right)} marks and {len(units)} questions do not pair"
            )
        if np.isnan(given).any():
            raise DataError("a score is NaN; give solutions without a verdict the lowest score")
        if right.all() or not right.any():
            raise DataError("an area needs right solutions and wrong ones")
        numbers: dict[Hashable, int] = {}
        cluster = np.array([numbers.setdefault(unit, len(numbers)) for unit in units])
        self.clusters = len(numbers)
        high, low = given[right], given[~right]
        # For each right solution, the share of wrong ones below it; and the other way round.
        of_high = _share_below(high, low)
        of_low = 1.0 - _share_below(low, high)
        self.area = float(of_high.mean())
        self.counts = [self._sum(cluster[right]), self._sum(cluster[~right])]
        self.deviations = [
            self._sum(cluster[right], of_high) - self.counts[0] * self.area,
            self._sum(cluster[~right], of_low) - self.counts[1] * self.area,
        ]

    def _sum(self, cluster: NDArray[np.intp], values: Floats | None = None) -> Floats:
        return np.bincount(cluster, weights=values, minlength=self.clusters).astype(np.float64)

    def covariance(self, other: _Parts) -> float | None:
        """The covariance of two areas on the same solutions; unknown from a single question."""
        total = 0.0
        for side in (0, 1):
            with_any = int((self.counts[side] > 0).sum())
            if with_any < 2:  # noqa: PLR2004 - no variance from one
                return None
            size = self.counts[side].sum()
            product = float(self.deviations[side] @ other.deviations[side])
            total += with_any / (with_any - 1) * product / size**2
        crossed = float(
            self.deviations[0] @ other.deviations[1] + self.deviations[1] @ other.deviations[0]
        )
        sizes = self.counts[0].sum() * self.counts[1].sum()
        return total + self.clusters / (self.clusters - 1) * crossed / float(sizes)


def _share_below(values: Floats, others: Floats) -> Floats:
    """For each value the share of the others below it, equal ones counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(below / (2 * len(others)), dtype=np.float64)


def _quantile(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise DataError(f"confidence must lie in (0, 1), not {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else 1 - 1 / (1 + math.exp(value))
