"""Accuracy against cost: solutions and verdicts at matched budgets.

A question that is solved S times, each solution verified V times, costs C = S (1 + λV) in units of
one solution, where λ is what a verdict costs in solutions (Singhi et al. 2025, arXiv 2504.01005).
Self-consistency is V = 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from langnet.errors import DataError
from langnet.metrics import Interval

__all__ = ["Crossover", "PowerLaw", "Spent", "crossover", "frontier", "power_law"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What one way to spend a budget brings.

    Attributes:
        solutions: S, at least 1.
        verdicts: V for each solution; 0 where the answers only vote.
        accuracy: what it brings.
    """

    solutions: int
    verdicts: int
    accuracy: float

    def cost(self, ratio: float) -> float:
        """S (1 + λV), in solutions, where λ is `ratio`."""
        return self.solutions * (1 + ratio * self.verdicts)


def frontier(points: Sequence[Spent], *, ratio: float) -> tuple[tuple[float, Spent], ...]:
    """The best that each budget buys: (budget, point), from the smallest budget up.

    Budgets are the costs in the table. A point holds from its cost until a better one is paid for;
    of equally accurate ones the cheapest is kept, and of equally cheap ones that with the most
    solutions.

    Args:
        points: what was measured.
        ratio: λ, the cost of a verdict in solutions (1 for a model that verifies at the length of
            a solution, 2 for one fine-tuned to write longer verdicts, in the paper).

    Raises:
        DataError: λ is negative, or a point has no solution.
    """
    if ratio < 0:
        raise DataError(f"a verdict cannot cost less than nothing: ratio is {ratio}")
    if any(point.solutions < 1 or point.verdicts < 0 for point in points):
        raise DataError("a point needs at least one solution and no negative number of verdicts")
    order = sorted(points, key=lambda point: (point.cost(ratio), -point.accuracy, -point.solutions))
    found: list[tuple[float, Spent]] = []
    for point in order:
        if not found or point.accuracy > found[-1][1].accuracy:
            found.append((point.cost(ratio), point))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where verifying overtakes voting.

    Attributes:
        budget: the smallest from which on verifying is at least as accurate as voting at every
            budget of the table; `None` where there is none.
        cost_ratio: how much more verifying costs when it first is as accurate as voting ever is,
            relative to the cheapest vote of that accuracy; `None` where it never is.
        gain: how much more accurate verifying is in the end, each at its best.
    """

    budget: float | None
    cost_ratio: float | None
    gain: float


def crossover(points: Sequence[Spent], *, ratio: float) -> Crossover:
    """Compares points with verdicts to those without, at matched budgets.

    Raises:
        DataError: one of the two kinds is missing, or as in `frontier`.
    """
    voting = frontier([point for point in points if not point.verdicts], ratio=ratio)
    verifying = frontier([point for point in points if point.verdicts], ratio=ratio)
    if not voting or not verifying:
        raise DataError("a crossover needs points with verdicts and points without")
    budgets = sorted({point.cost(ratio) for point in points})
    since: float | None = None
    for budget in budgets:
        if _bought(verifying, budget) < _bought(voting, budget):
            since = None
        elif since is None and budget >= verifying[0][0]:
            since = budget
    top, best = voting[-1]
    reached = [cost for cost, point in verifying if point.accuracy >= best.accuracy]
    return Crossover(
        since,
        reached[0] / top if reached else None,
        verifying[-1][1].accuracy - best.accuracy,
    )


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """y = prefactor · xᵉ, fitted on logarithms.

    Attributes:
        exponent: e with its interval.
        prefactor: y at x = 1.
        r_squared: the share of the variance of log y that it explains; 1 where that has none.
    """

    exponent: Interval
    prefactor: float
    r_squared: float

    def __call__(self, x: float) -> float:
        """The y that it predicts."""
        return float(self.prefactor * x**self.exponent.mean)


def power_law(x: Sequence[float], y: Sequence[float], *, confidence: float = 0.95) -> PowerLaw:
    """Fits y = a xᵉ, such as the best number of solutions against the budget, S_opt ∝ Cᵃ.

    Least squares on logarithms, with Student's interval for the exponent, which takes deviations
    of log y to be independent and of one size. Where y can only take the values of a grid, such as
    powers of two, they are not quite, and the interval is rough.

    Args:
        x: positive, at least two different ones.
        y: positive, one for each.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: a number is not positive, or there are too few.
    """
    if not 0 < confidence < 1:
        raise DataError(f"confidence must lie in (0, 1), not {confidence}")
    if len(x) != len(y):
        raise DataError(f"{len(x)} values of x do not pair with {len(y)} of y")
    if not all(0 < value < math.inf for value in (*x, *y)):
        raise DataError("a power law is fitted to positive numbers only")
    if len(set(x)) < 2:  # noqa: PLR2004 - a line needs two
        raise DataError("a power law needs at least two different values of x")
    from scipy.stats import t  # noqa: PLC0415 - SciPy takes long to load

    n = len(x)
    across, up = np.log(np.asarray(x, dtype=np.float64)), np.log(np.asarray(y, dtype=np.float64))
    centred = across - across.mean()
    slope = float(centred @ up / (centred @ centred))
    rest = up - up.mean() - slope * centred
    total = float(((up - up.mean()) ** 2).sum())
    low = high = None
    if n > 2:  # noqa: PLR2004 - two points leave no degree of freedom
        error = math.sqrt(float(rest @ rest) / (n - 2) / float(centred @ centred))
        half = float(t.ppf((1 + confidence) / 2, n - 2)) * error
        low, high = slope - half, slope + half
    return PowerLaw(
        Interval(slope, low, high, n, confidence),
        math.exp(float(up.mean() - slope * across.mean())),
        1 - float(rest @ rest) / total if total > 0 else 1.0,
    )


def _bought(points: Sequence[tuple[float, Spent]], budget: float) -> float:
    return max((point.accuracy for cost, point in points if cost <= budget), default=-math.inf)
