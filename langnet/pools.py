"""Two pools of solutions at the same cost: smaller, weaker, yet better?

For the price of one draw of a strong model a weak one draws several times, and may so solve more
examples, in more ways (Bansal et al. 2024, arXiv 2408.16737). Pools come from `langnet.collect`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from langnet.collect import Collected, Solution
from langnet.errors import DataError
from langnet.estimators import coverage_at_k, diversity_at_k, false_positive_rate
from langnet.key import Key
from langnet.metrics import Interval, interval, paired_interval

__all__ = ["Match", "Yield", "false_positives", "match", "matched_draws"]


@dataclass(frozen=True, slots=True)
class Yield:
    """What so many draws of each example hold, in expectation over all subsets of the draws.

    Attributes:
        draws: of each example.
        cost: of all draws of an example, in the units of the prices.
        coverage: whether one of them is right; with an interval over examples.
        diversity: how many different right solutions there are; with an interval over examples.
        values: coverage and diversity of each example.
    """

    draws: int
    cost: float
    coverage: Interval
    diversity: Interval
    values: tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Match:
    """A weak and a strong pool beside each other.

    Attributes:
        examples: those that both pools have.
        strong: the strong pool.
        weak: the weak pool, at the same cost.
        equal: the weak pool with as many draws as the strong one, the control.
        coverage_gain: of weak over strong at the same cost, paired by example.
        diversity_gain: the same of diversity.
    """

    examples: int
    strong: Yield
    weak: Yield
    equal: Yield
    coverage_gain: Interval
    diversity_gain: Interval


def matched_draws(draws: int, *, weak: float, strong: float) -> int:
    """How many draws of a weak model cost as much as those of a strong one, rounded down.

    S_weak = (P_strong / P_weak) · S_strong, with parameters, tokens or money as the price of a
    draw.

    Raises:
        ValueError: a price is no positive number, or `draws` is below 1.

    >>> matched_draws(10, weak=9, strong=27)
    30
    """
    if draws < 1 or not (0 < weak < math.inf and 0 < strong < math.inf):
        raise ValueError("draws must be at least 1, and prices positive numbers")
    # 0.3 / 0.1 is three, whatever the last binary digit says.
    return math.floor(round(strong / weak * draws, 9))


def match(
    weak: Collected,
    strong: Collected,
    *,
    prices: tuple[float, float],
    draws: int | None = None,
    key: Key | None = None,
) -> Match:
    """Compares two pools at the same cost, and at equal draws.

    Args:
        weak: of a cheap model or prompt.
        strong: of a dear one, on the same examples.
        prices: of one draw of either.
        draws: of the strong pool; by default as many as both pools allow.
        key: where the resampling of examples comes from.

    Raises:
        DataError: the pools have no example in common, or too few draws.
    """
    pools = weak.by_example(), strong.by_example()
    names = [name for name in pools[0] if name in pools[1]]
    if not names:
        raise DataError("the pools have no example in common; collect both on the same data")
    least = [min(len(pool[name]) for name in names) for pool in pools]
    most = min(least[1], math.floor(round(least[0] * prices[0] / prices[1], 9)), least[0])
    if draws is None:
        draws = most
    at_cost = matched_draws(max(draws, 1), weak=prices[0], strong=prices[1])
    if not 1 <= draws <= most or at_cost < 1:
        raise DataError(
            f"{draws} strong draws are worth {at_cost} weak ones, but there are {least[1]} and "
            f"{least[0]} of each example; collect more, or compare fewer"
        )
    key = key or Key()
    weaker, stronger = ([pool[name] for name in names] for pool in pools)
    strong_yield = _yield(stronger, draws, prices[1], key)
    weak_yield = _yield(weaker, at_cost, prices[0], key)
    pairs = zip(strong_yield.values, weak_yield.values, strict=True)
    coverage_gain, diversity_gain = (paired_interval(*pair, key=key) for pair in pairs)
    return Match(
        len(names),
        strong_yield,
        weak_yield,
        _yield(weaker, draws, prices[0], key),
        coverage_gain,
        diversity_gain,
    )


def false_positives(
    pool: Collected, sound: Callable[[Solution], object], *, key: Key | None = None
) -> Interval:
    """The share of solutions with a right answer whose reasoning is wrong, over examples.

    Args:
        pool: judged by the answer.
        sound: whether the reasoning of a solution holds.
        key: where the resampling of examples comes from.

    Raises:
        DataError: no solution has a right answer.
    """
    judged = [
        [not sound(one) for one in several if one.is_correct]
        for several in pool.by_example().values()
    ]
    return false_positive_rate(judged, key=key or Key())


def _yield(solutions: list[tuple[Solution, ...]], draws: int, price: float, key: Key) -> Yield:
    right = [sum(one.is_correct for one in several) for several in solutions]
    coverage = coverage_at_k([len(several) for several in solutions], right, draws).tolist()
    diversity = [
        diversity_at_k(
            [" ".join(one.text.split()) for one in several],
            [one.is_correct for one in several],
            draws,
        )
        for several in solutions
    ]
    return Yield(
        draws,
        draws * price,
        interval(coverage, key=key),
        interval(diversity, key=key),
        (tuple(coverage), tuple(diversity)),
    )
