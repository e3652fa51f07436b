"""Control variates for a race: what the incumbent's scores and the targets tell about a batch.

A race sees a candidate on few rows and asks for its mean over all. Two things are known of every
row: its stratum (such as the target) and, once the incumbent has been scored, how hard the row is
for it. Both predict much of a difference between prompts; a prompt that leans to one label gains
on the rows of that label what it loses on the others. So rows are taken in an order in which each
beginning is spread over strata and difficulty, and what imbalance remains is regressed out
(Cochran 1977, ch. 7 and 8: regression estimators, systematic sampling).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langnet.key import Key

__all__ = ["Control", "Estimate", "control"]

Floats = NDArray[np.float64]
"""An array of numbers; each function says what its axes are."""

_GOLDEN = (5**0.5 - 1) / 2
_RIDGE = 4.0
"""How many rows' worth of evidence says that a covariate does not matter."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What rows seen say about the means over all rows, relative to the incumbent's mean.

    Attributes:
        means: of the differences to the incumbent, as (candidate,), in the units of the scores.
        residuals: of the differences, as (example, candidate).
        freedom: degrees of freedom that the residuals leave; at most 0 where they say nothing.
        unseen: the share of rows that have not been seen.
    """

    means: Floats
    residuals: Floats
    freedom: int
    unseen: float

    def standard_errors(self, leader: int | None) -> Floats:
        """Standard errors of the paired differences to a leader, as (candidate,).

        The rows are drawn without replacement, so the error vanishes when all are seen.

        Args:
            leader: a position among the candidates, or `None` for the incumbent.
        """
        gaps = self.residuals
        if leader is not None:
            gaps = gaps - gaps[:, [leader]]
        variances = np.sum(gaps**2, axis=0) / max(self.freedom, 1)
        return np.asarray(np.sqrt(variances * self.unseen / len(gaps)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Control:
    """What is known of every row before a challenger is scored.

    Attributes:
        order: all rows, in the order in which they are to be seen.
        baseline: the incumbent's scores as (example,); 0 where it cannot serve.
        covariates: what differences are regressed on, as (example, covariate), each of mean 0 and
            variance 1 over all rows.
    """

    order: tuple[int, ...]
    baseline: Floats
    covariates: Floats

    def estimate(self, seen: Sequence[int], scores: Floats) -> Estimate:
        """Estimates means over all rows from finite scores of the rows seen.

        Args:
            seen: rows.
            scores: of those rows, as (example, candidate).
        """
        differences = scores - self.baseline[list(seen), None]
        design = self.covariates[list(seen)]
        count, width = len(seen), design.shape[1]
        # The covariates have mean 0 over all rows, so the intercept is the mean over all rows.
        full = np.hstack([np.ones((count, 1)), design])
        penalty = np.diag([0.0] + [_RIDGE] * width)
        fitted = np.linalg.solve(full.T @ full + penalty, full.T @ differences)
        return Estimate(
            fitted[0],
            differences - full @ fitted,
            count - 1 - width,
            1 - count / len(self.baseline),
        )


def control(incumbent: Floats, strata: Sequence[Hashable] | None, key: Key) -> Control:
    """The order of rows and the covariates.

    Args:
        incumbent: its scores on all rows, as (example,).
        strata: for each row what it should be balanced by, such as its target; too many different
            ones to tell anything (more than one for four rows) are left out.
        key: where the order comes from.
    """
    count = len(incumbent)
    numbers: dict[Hashable, int] = {}
    groups = np.array(
        [numbers.setdefault(stratum, len(numbers)) for stratum in strata or [None] * count]
    )
    if len(numbers) > count / 4:
        groups = np.zeros(count, dtype=int)
        numbers = {None: 0}
    baseline = incumbent if np.isfinite(incumbent).all() else np.zeros(count)
    rng = key.below("rows").rng()
    chance = [rng.random() for _ in range(count)]
    ranked = np.lexsort(np.array([chance, baseline, groups], dtype=np.float64))
    # One column for two groups: the other says the same.
    columns = [groups == number for number in range(1, len(numbers))]
    table = np.array([baseline, *columns], dtype=np.float64).T
    table = table - table.mean(axis=0)
    spread = table.std(axis=0)
    useful = spread > 1e-12 * (1 + np.abs(baseline).max(initial=0.0))
    return Control(
        tuple(int(ranked[place]) for place in _spread(count, rng.random())),
        baseline,
        table[:, useful] / spread[useful],
    )


def _spread(count: int, start: float) -> list[int]:
    """A permutation of the first numbers each beginning of which is spread evenly over all.

    Multiples of the golden ratio modulo 1 are a sequence of low discrepancy (Weyl 1916).
    """
    places: dict[int, None] = {}
    turn = 0
    while len(places) < count:
        places[int((start + turn * _GOLDEN) % 1.0 * count)] = None
        turn += 1
    return list(places)
