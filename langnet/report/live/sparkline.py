"""Curves in a line of text, such as ▁▂▄▇."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

__all__ = ["sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_MIDDLE = "▄"
_UNKNOWN = " "


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Values as bars from the lowest to the highest; where all are equal, in the middle.

    Where there are more values than cells, each cell shows the mean of those that fall into it.

    >>> sparkline([0, 1, 2, 3, None, 7], 10), sparkline([5, 5], 10), sparkline([0, 2, 8, 6], 2)
    ('▁▂▃▄ █', '▄▄', '▁█')

    Args:
        values: in their order; one that is unknown, or no finite number, leaves a gap.
        width: cells at most.
    """
    cells = [_mean(part) for part in _parts(values, width)]
    known = [value for value in cells if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(_UNKNOWN if value is None else _bar(value, low, high) for value in cells)


def _parts(values: Sequence[float | None], width: int) -> list[Sequence[float | None]]:
    cells = min(len(values), max(width, 0))
    ends = [len(values) * cell // cells for cell in range(cells + 1)] if cells else []
    return [values[start:end] for start, end in pairwise(ends)]


def _mean(part: Sequence[float | None]) -> float | None:
    known = [value for value in part if value is not None and isfinite(value)]
    return sum(value / len(known) for value in known) if known else None


def _bar(value: float, low: float, high: float) -> str:
    # Halves, since the difference of two large numbers may be none.
    span = high / 2 - low / 2
    if not span > 0:
        return _MIDDLE
    share = (value / 2 - low / 2) / span
    return _BARS[min(max(int(share * (len(_BARS) - 1) + 0.5), 0), len(_BARS) - 1)]
