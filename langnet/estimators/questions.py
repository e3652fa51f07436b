"""Intervals over questions: the draws of one question stand or fall together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from langnet.bootstrap import bootstrap_ends
from langnet.errors import DataError
from langnet.key import Key
from langnet.metrics import Interval

__all__ = ["bootstrap", "compositional_gap", "false_positive_rate"]

_Sizes = Sequence[int]


def bootstrap(
    statistic: Callable[..., Any],
    sizes: _Sizes,
    *,
    key: Key,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Any statistic of one set of questions or several, with its bootstrap interval (BCa).

    >>> right, drawn = np.array([3, 1, 0, 2]), np.array([4, 4, 2, 2])
    >>> share = bootstrap(
    ...     lambda q: right[q].sum(-1) / drawn[q].sum(-1), [4], key=Key(("example",))
    ... )
    >>> share.mean
    0.5

    Args:
        statistic: takes an array of question numbers for each set, as (resample, question), and
            gives one number for each resample, as (resample,).
        sizes: how many questions each set has.
        key: where the resampling comes from.
        confidence: of the interval, in (0, 1).
        resamples: of the questions, with replacement.

    Returns:
        An interval whose `mean` is the statistic on all questions and whose `n` is the size of the
        smallest set. Its ends are unknown where that is 1 or the statistic has no finite value
        on too many resamples.

    Raises:
        DataError: a set is empty, or the confidence is out of range.
    """
    if not 0 < confidence < 1:
        raise DataError(f"confidence must lie in (0, 1), not {confidence}")
    if not sizes or min(sizes) < 1:
        raise DataError("there are no questions to resample")
    with np.errstate(all="ignore"):
        value = float(np.asarray(statistic(*(np.arange(size)[None] for size in sizes)))[0])
    low: float | None = None
    high: float | None = None
    if min(sizes) > 1 and math.isfinite(value):
        ends = bootstrap_ends(statistic, sizes, confidence=confidence, key=key, resamples=resamples)
        low, high = (end if math.isfinite(end) else None for end in ends)
    return Interval(value, low, high, min(sizes), confidence)


def false_positive_rate(
    wrong_reasoning: Sequence[Sequence[bool]],
    *,
    key: Key,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Among solutions with the right answer, the share whose reasoning is wrong.

    Bansal et al. 2024 (arXiv 2408.16737) judge a sample of such solutions by people or by a model.

    Args:
        wrong_reasoning: for each question, what was found of its solutions with a right answer;
            questions without any are left out.
        key: where the resampling of questions comes from.
        confidence: of the interval.
        resamples: of the questions.

    Raises:
        DataError: there is no solution with a right answer.
    """
    judged = [found for found in wrong_reasoning if len(found)]
    wrong = np.array([sum(map(bool, found)) for found in judged], dtype=np.float64)
    seen = np.array([len(found) for found in judged], dtype=np.float64)
    return bootstrap(
        lambda units: wrong[units].sum(-1) / seen[units].sum(-1),
        [len(judged)] if judged else [],
        key=key,
        confidence=confidence,
        resamples=resamples,
    )


def compositional_gap(
    test_queries: Sequence[tuple[float, float]],
    train_queries: Sequence[tuple[float, float]],
    *,
    key: Key,
    confidence: float = 0.95,
    resamples: int = 5000,
) -> Interval:
    """The relative gap (ID − OOD) / ID between in- and out-of-distribution exemplars.

    ID = (test→test + train→train) / 2 and OOD = (train→test + test→train) / 2, where A→B takes the
    exemplars from split A and the query from split B (Hosseini et al. 2022, arXiv 2211.08473, §3).
    A query is answered with both kinds of exemplars, so its two values are resampled together.

    Args:
        test_queries: of each query from the test split, whether it was answered right with
            exemplars from its own split and with those from the other.
        train_queries: the same of queries from the training split.
        key: where the resampling of queries comes from.
        confidence: of the interval.
        resamples: of the queries; 5000 in the paper.

    Returns:
        The gap with its interval; NaN with unknown ends where nothing was answered right in
        distribution.

    Raises:
        DataError: a split has no queries.
    """
    pairs = [np.asarray(side, dtype=np.float64) for side in (test_queries, train_queries)]
    if any(side.ndim != 2 or side.shape[1] != 2 for side in pairs):  # noqa: PLR2004 - pairs
        raise DataError("each query has two values: exemplars of its own split, and of the other")

    def gap(*units: Any) -> Any:
        means = sum(side[drawn].mean(axis=-2) for side, drawn in zip(pairs, units, strict=True))
        same, other = means[..., 0], means[..., 1]
        return np.where(same > 0, (same - other) / np.where(same > 0, same, 1.0), np.nan)

    return bootstrap(
        gap,
        [len(side) for side in pairs],
        key=key,
        confidence=confidence,
        resamples=resamples,
    )
