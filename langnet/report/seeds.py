"""Fits with several seeds: what each brought, and the mean over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from langnet.metrics import Interval
from langnet.report.table import measured
from langnet.report.words import amount

__all__ = ["MEASURES", "over_seeds", "seeds_data", "seeds_table"]

MEASURES = ("initial", "fitted", "gain")
"""What is told of each seed: the metric before and after on held-out examples, and the gain."""


def over_seeds(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The mean over seeds and its interval by Student's t, as is customary for a few runs.

    It says how the mean of other seeds on the same examples may differ; how other examples may,
    the interval of each fit says. A bootstrap of three values would look surer than it is.

    Args:
        values: one for each seed.
        confidence: share of such intervals that hold the true mean, in (0, 1).
    """
    n = len(values)
    if n < 2:  # noqa: PLR2004 - one value has no spread
        return Interval(fmean(values), None, None, n, confidence)
    from scipy.stats import t  # noqa: PLC0415 - slow to import

    half = float(t.ppf((1 + confidence) / 2, n - 1)) * stdev(values) / math.sqrt(n)
    mean = fmean(values)
    return Interval(mean, mean - half, mean + half, n, confidence)


def seeds_data(results: Mapping[int, Mapping[str, Any]]) -> dict[str, Interval] | None:
    """The mean over seeds of each measure; `None` where nothing was held out.

    Args:
        results: by seed; see `langnet.report.result.result_data`.
    """
    tests = [result["test"] for result in results.values()]
    if not tests or None in tests:
        return None
    return {name: over_seeds([test[name]["mean"] for test in tests]) for name in MEASURES}


def seeds_table(results: Mapping[int, Mapping[str, Any]], metric: str) -> RenderableType:
    """Each seed's metric before and after on held-out examples, the gain, and the means."""
    means = seeds_data(results)
    if means is None:
        return "Nothing was held out, so there is nothing to compare."
    table = Table(title=f"{metric} on held-out examples, by seed")
    table.add_column("seed")
    for name in MEASURES:
        table.add_column(name)
    for seed, result in results.items():
        test = result["test"]
        gain = test["gain"]
        table.add_row(
            str(seed),
            amount(test["initial"]["mean"]),
            amount(test["fitted"]["mean"]),
            measured(Interval(*(gain[key] for key in ("mean", "low", "high", "n", "confidence")))),
        )
    table.add_row("mean", *(measured(means[name]) for name in MEASURES), style="bold")
    return table
