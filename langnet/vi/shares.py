"""Shares: which strategy makes how many proposals, and how that follows what was accepted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import sqrt

__all__ = ["adapted", "allocate"]

_GOLDEN = (sqrt(5) - 1) / 2


def allocate(mix: Mapping[str, float], count: int, turn: int) -> list[str]:
    """Which strategy makes each of the `count` proposals of a turn.

    Systematic sampling: the shares are laid end to end, and `count` points with equal distances
    are put on them, so that a strategy comes up as often as its share says, rounded down or up.
    The first point moves from turn to turn by the golden ratio, whose multiples spread evenly
    whatever they are cut into (Kronecker sequence). So the rounding evens out over the turns
    although nothing is kept between them, and it does so where the mix changes as well.

    Args:
        mix: strategies with their shares; those without a positive share never come up.
        count: proposals in a turn.
        turn: the number of the turn.

    Returns:
        The strategies in the order of their names, each as often as it comes up.
    """
    names = sorted(name for name, share in mix.items() if share > 0)
    ends = list(accumulate(mix[name] for name in names))
    first = (0.5 + turn * _GOLDEN) % 1.0
    # Rounding may put the last point behind the last end.
    return [
        names[min(bisect_right(ends, (place + first) / count * ends[-1]), len(names) - 1)]
        for place in range(count)
    ]


def adapted(
    mix: Mapping[str, float],
    record: Mapping[str, tuple[int, int]],
    *,
    prior: float = 2.0,
    floor: float = 0.25,
) -> dict[str, float]:
    """The mix, with shares that follow what was accepted.

    Each strategy's rate of acceptance has a Beta prior around the pooled rate r, worth `prior`
    acceptances: Beta(prior, prior (1 − r) / r). Its posterior mean over r is

        (accepted + prior) / (scored · r + prior),

    acceptances over those to be expected, drawn towards 1. A share is multiplied by that number;
    a part `floor` of it is kept whatever happens. So nothing changes where nothing was accepted
    yet, or where all strategies do equally well, and one success of many trials changes little.

    Args:
        mix: strategies with their shares.
        record: how many proposals of each strategy were scored, and how many of them accepted.
            Strategies that are not in the mix do not count.
        prior: how many acceptances the prior is worth; more adapts slower.
        floor: the part of a share that no record takes away, in [0, 1].

    Returns:
        The strategies of the mix, whose shares add up to what they did.

    Raises:
        ValueError: more was accepted than scored, or a setting makes no sense.

    >>> adapted({"a": 1, "b": 1}, {"a": (10, 3), "b": (10, 1)})
    {'a': 1.1875, 'b': 0.8125}
    """
    if prior <= 0 or not 0 <= floor <= 1:
        raise ValueError(
            f"prior must be positive and floor lie in [0, 1], not {prior:g} and {floor:g}"
        )
    for name, (scored, accepted) in record.items():
        if not 0 <= accepted <= scored:
            raise ValueError(f"strategy {name!r} cannot have {accepted} of {scored} accepted")
    shares = {name: share for name, share in mix.items() if share > 0}
    counts = {name: record.get(name, (0, 0)) for name in shares}
    tried = sum(scored for scored, _ in counts.values())
    rate = sum(accepted for _, accepted in counts.values()) / tried if tried else 0.0
    grown = {
        name: shares[name] * (accepted + prior) / (scored * rate + prior)
        for name, (scored, accepted) in counts.items()
    }
    scale = sum(shares.values()) / sum(grown.values()) if grown else 0.0
    return {
        name: floor * share + (1 - floor) * scale * grown[name] if name in grown else 0.0
        for name, share in mix.items()
    }
