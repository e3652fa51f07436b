"""How a snapshot looks on a terminal: lines that fit its width and its height.

A pure function of both. What does not fit is left out, the least important first: blank lines,
prompts that are as they were, more prompts, idle nodes, limits, curves. Whatever a model wrote is
shown as visible characters, never as markup or control characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from langnet.report.live import parts
from langnet.report.live.snapshot import Snapshot
from langnet.report.live.table import network

__all__ = ["lines"]

_NARROW = 50
"""Cells below which there is no frame."""
_FRAME = 4
"""Cells that a frame takes of a line."""
_FREE = 5
"""Lines of the terminal that are left to what scrolls above."""
_LEAST = 3


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the view.

    Attributes:
        rank: the lower, the later it shrinks.
        make: its lines, at most so many.
    """

    rank: int
    make: Callable[[int], list[Text]]


def lines(snapshot: Snapshot, width: int, height: int) -> list[Text]:
    """The view, each line no wider than the terminal, and fewer of them than it has.

    Args:
        snapshot: what to show.
        width: cells of the terminal.
        height: lines of the terminal.
    """
    framed = width >= _NARROW
    inner = max(width - _FRAME if framed else width - 1, 1)
    room = max(height - _FREE - (2 if framed else 0), _LEAST)
    body = _body(snapshot, inner, room)
    for line in body:
        line.truncate(inner, overflow="ellipsis")
    return _framed(snapshot, body, inner) if framed else body


def _body(snapshot: Snapshot, width: int, room: int) -> list[Text]:
    sections = [
        _Section(0, lambda most: parts.heading(snapshot, width)[:most]),
        _Section(3, lambda most: network(snapshot, width, most)),
        _Section(2, lambda most: parts.curves(snapshot, width)[:most]),
        _Section(5, lambda most: parts.prompts(snapshot, width, most)),
        _Section(1, lambda most: parts.totals(snapshot, width)[:most]),
        _Section(4, lambda most: parts.limits(snapshot, width)[:most]),
    ]
    made = [section.make(room) for section in sections]
    excess = sum(map(len, made)) - room
    for place in sorted(range(len(sections)), key=lambda place: -sections[place].rank):
        if excess > 0 and made[place]:
            before = len(made[place])
            made[place] = sections[place].make(max(before - excess, 0))
            excess -= before - len(made[place])
    # The totals and the limits belong together.
    blocks = [block for block in (*made[:4], made[4] + made[5]) if block]
    if sum(map(len, blocks)) + len(blocks) - 1 <= room:
        blocks = [block if not at else [Text(), *block] for at, block in enumerate(blocks)]
    return [line for block in blocks for line in block]


def _framed(snapshot: Snapshot, body: Sequence[Text], width: int) -> list[Text]:
    title, times = parts.title(snapshot), parts.times(snapshot)
    title.truncate(max(width - 4, 1), overflow="ellipsis")
    if title.cell_len + times.cell_len + 5 > width:
        times = Text()
    after = Text.assemble(" ", times, (" ─", "dim")) if times else Text()
    line = "─" * (width - 1 - title.cell_len - after.cell_len)
    return [
        Text.assemble(("╭─ ", "dim"), title, (f" {line}", "dim"), after, ("╮", "dim")),
        *(
            Text.assemble(("│ ", "dim"), line, " " * (width - line.cell_len), (" │", "dim"))
            for line in body
        ),
        Text("╰" + "─" * (width + 2) + "╯", style="dim"),
    ]
