"""The bootstrap: where a statistic lies if its units had been drawn again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from langnet.key import Key

__all__ = ["bootstrap_ends"]

_AT_ONCE = 1_000_000
"""How many drawn units are held at a time."""


def bootstrap_ends(
    statistic: Callable[..., Any],
    sizes: Sequence[int],
    *,
    confidence: float,
    key: Key,
    resamples: int,
) -> tuple[float, float]:
    """The ends of a bootstrap interval, bias-corrected and accelerated (BCa; Efron 1987).

    Where that has no value, as with differences that all but vanish, those of the percentile
    interval; NaN where that has none either.

    Args:
        statistic: takes an array of unit numbers for each sample, as (resample, unit), and gives
            one number per resample, as (resample,). Units are looked up by the caller, so that one
            may be a number, a pair or a whole question with its solutions.
        sizes: how many units each sample has; each is resampled by itself.
        confidence: in (0, 1).
        key: where the resampling comes from; the same key gives the same ends.
        resamples: how many times units are drawn, with replacement.
    """
    # SciPy takes long to load, and most uses of langnet need no interval.
    from scipy.stats import DegenerateDataWarning, bootstrap  # noqa: PLC0415

    def of(*units: Any, axis: int = -1) -> Any:
        del axis  # always the last
        # The data themselves, resamples and jackknife samples come with 1, 2 and 3 axes.
        flat = [each.reshape(-1, each.shape[-1]) for each in units]
        rows = max(map(len, flat))
        full = [np.broadcast_to(each, (rows, each.shape[-1])) for each in flat]
        leading = max((each.shape[:-1] for each in units), key=math.prod)
        return np.asarray(statistic(*full)).reshape(leading)

    ends = (math.nan, math.nan)
    for method in ("BCa", "percentile"):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            result = bootstrap(
                tuple(np.arange(size) for size in sizes),
                of,
                vectorized=True,
                n_resamples=resamples,
                batch=max(1, _AT_ONCE // sum(sizes)),
                confidence_level=confidence,
                method=method,
                rng=np.random.default_rng((key / "bootstrap").seed),
            )
        ends = (float(result.confidence_interval.low), float(result.confidence_interval.high))
        if not any(map(math.isnan, ends)):
            break
    return ends
