"""What can be said of variants that saw the same examples: spread, realisable gain, bounds.

All functions take a matrix of one number per example and variant, such as the metric; the variant
in the first column is the current one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from langnet.key import Key
from langnet.metrics import Interval
from langnet.vi.score import Floats

__all__ = ["Spread", "needed", "realisable", "simultaneous", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the variants lie apart in truth, in the units of the values.

    Attributes:
        raw: the standard deviation of the variants' means as they were seen.
        sd: the same with the sampling noise taken out; 0 where noise explains all of it.
        low: lower end of its interval.
        high: upper end of its interval; None where it is unknown.
        confidence: of the interval.
    """

    raw: float
    sd: float
    low: float
    high: float | None
    confidence: float


def spread(values: Floats, *, confidence: float = 0.95) -> Spread:
    """The spread of the variants' true means, by analysis of variance.

    Examples and variants are crossed random effects, V_ik = μ + a_k + b_i + e_ik. How hard an
    example is (b) drops out, since every variant saw it, and the noise of a mean, σ²_e / n, is
    subtracted. The interval is that of a ratio of variances (Searle, Casella and McCulloch,
    "Variance Components", 1992, §3.6): exact for normal values, near for right-or-wrong ones.

    Args:
        values: as (example, variant), at least two of each.
        confidence: of the interval, in (0, 1).
    """
    from scipy.stats import f  # noqa: PLC0415 - SciPy takes long to load

    n, variants = values.shape
    means = values.mean(axis=0)
    between = float(n * means.var(ddof=1))
    residuals = values - values.mean(axis=1, keepdims=True) - means + values.mean()
    freedom = (variants - 1, (n - 1) * (variants - 1))
    within = float((residuals**2).sum() / freedom[1])
    raw = math.sqrt(between / n)
    if within <= 0:
        return Spread(raw, raw, raw, raw, confidence)
    tail = (1 - confidence) / 2
    ratio = between / within
    ends = (ratio / float(f.ppf(share, *freedom)) for share in (1 - tail, tail))
    low, high = (math.sqrt(max(0.0, (end - 1) * within / n)) for end in ends)
    return Spread(raw, math.sqrt(max(0.0, (between - within) / n)), low, high, confidence)


def realisable(values: Floats, *, key: Key, splits: int = 400) -> float:
    """The gain that choosing a variant on half of the examples brings on the other half.

    The best of many variants looks better on the examples that it was chosen on than it is. Here
    the choice never sees what it is judged by: over many random halves, the variant with the best
    mean on one, less the current variant, on the other.

    Args:
        values: as (example, variant); the first variant is the current one, and wins ties.
        key: where the halves come from.
        splits: how many times.
    """
    n = len(values)
    rng = np.random.default_rng(key.seed)
    order = rng.permuted(np.tile(np.arange(n), (splits, 1)), axis=1)
    chosen_on = np.zeros((splits, n))
    np.put_along_axis(chosen_on, order[:, : n // 2], 1.0, axis=1)
    best = np.argmax(np.round(chosen_on @ values, 9), axis=1)
    gains = (values - values[:, :1])[:, best].T
    judged = 1.0 - chosen_on
    return float(((gains * judged).sum(axis=1) / judged.sum(axis=1)).mean())


def simultaneous(
    differences: Floats,
    *,
    confidence: float = 0.95,
    key: Key,
    flips: int = 4000,
    least_variance: float = 0.0,
) -> tuple[Interval, ...]:
    """Intervals of the mean of every column that hold all at once.

    So one may look at all of them, take the best and still believe its interval. The width is the
    quantile of the largest studentised mean when each example's row has its sign flipped at random:
    max-T (Westfall and Young 1993; Romano and Wolf 2005), exact where no column differs from 0 and
    rows are symmetric. Columns that rise and fall together cost little.

    Args:
        differences: as (example, column), at least two examples and one column.
        confidence: that no true mean lies below its interval's lower end or above its upper one
            is at least this likely; each side has half of the risk.
        key: where the signs come from.
        flips: of the signs.
        least_variance: taken for a column's variance where that is smaller, so that a few equal
            differences are not taken for certainty.
    """
    n = len(differences)
    rng = np.random.default_rng(key.seed)
    means, squares = differences.mean(axis=0), (differences**2).mean(axis=0)

    def errors(mean: Floats) -> Floats:
        variance = np.maximum((squares - mean**2) * n / (n - 1), max(least_variance, 1e-18))
        return np.asarray(np.sqrt(variance / n), dtype=np.float64)

    flipped = rng.choice([-1.0, 1.0], size=(flips, n)) @ differences / n
    largest = (flipped / errors(flipped)).max(axis=1)
    share = (1 + confidence) / 2
    # Where few rows differ at all there are few signs to flip: no narrower than for normal values.
    factor = max(float(np.quantile(largest, share)), NormalDist().inv_cdf(share))
    width = factor * errors(means)
    return tuple(
        Interval(float(mean), float(mean - half), float(mean + half), n, confidence)
        for mean, half in zip(means, width, strict=True)
    )


def needed(found: Interval, above: float) -> int | None:
    """About how many examples would put the lower end above a bound, if the mean is what it seems.

    None where no number would, or nothing is known.
    """
    if found.low is None or found.mean <= above:
        return None
    return math.ceil(found.n * ((found.mean - found.low) / (found.mean - above)) ** 2)
