"""The network in the live view: a line for each part, with what it is doing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from langnet.drawing.words import printable
from langnet.report.live.cells import COLOURS, GAP, WIDE, cut
from langnet.report.live.snapshot import NodeNow, Snapshot
from langnet.report.words import quantity

__all__ = ["network"]

_DOTS = 12
"""Open calls that are drawn, at most."""


def network(snapshot: Snapshot, width: int, most: int) -> list[Text]:
    """The network, and what each node is doing; where there are too many, the busiest."""
    drawn = dict(snapshot.network)
    rows = [(line, snapshot.nodes.get(name)) for name, line in snapshot.network]
    rows += [
        (f"  {printable(name) or '(none)'}", node)
        for name, node in snapshot.nodes.items()
        if name not in drawn and (name or node.calls or node.open)
    ]
    if not rows or most < 2:  # noqa: PLR2004 - a heading alone says nothing
        return []
    hidden = 0
    if len(rows) + 1 > most:
        if most < 4:  # noqa: PLR2004 - a heading, what is left out, and hardly any between
            return []
        rows, hidden = _busiest(rows, most - 2), len(rows) - most + 2
    columns = _columns(width)
    taken = sum(size + len(GAP) for _, size in columns)
    widest = max((cell_len(line) for line, _ in rows), default=0)
    left = max(min(max(widest, 9), width - taken), 1)
    head = Text(set_cell_size("network", left), style="dim")
    for name, size in columns:
        head.append(GAP + _aligned(name, size, name), style="dim")
    return [
        head,
        *(_row(line, node, left, columns, width) for line, node in rows),
        *([Text(f"… and {hidden} more", style="dim")] if hidden else []),
    ]


_Rows = list[tuple[str, NodeNow | None]]


def _busiest(rows: _Rows, most: int) -> _Rows:
    def weight(place: int) -> tuple[float, ...]:
        node = rows[place][1] or NodeNow()
        return node.open, node.calls_per_second, node.calls, -place

    chosen = sorted(sorted(range(len(rows)), key=weight)[len(rows) - max(most, 0) :])
    return [rows[place] for place in chosen]


def _columns(width: int) -> list[tuple[str, int]]:
    columns = [("now", 8), ("open", 4), ("calls/s", 7), ("calls", 6)]
    if width < 50:  # noqa: PLR2004 - as they add up
        return [columns[0], columns[1], columns[3]]
    if width >= WIDE:
        return [*columns, ("given", 6), ("drawn", 6)]
    return [*columns, ("tokens", 6)] if width >= 60 else columns  # noqa: PLR2004 - as they add up


def _row(
    line: str, node: NodeNow | None, left: int, columns: Sequence[tuple[str, int]], width: int
) -> Text:
    row = Text(cut(line, left), style="" if node is not None else "dim")
    if node is None:
        return row
    tokens = node.prompt_tokens + node.completion_tokens
    rate = node.calls_per_second
    shown = {
        "now": printable(node.purpose),
        "open": str(node.open) if node.open else "–",
        "calls/s": f"{rate:.1f}" if rate else "–",
        "calls": quantity(node.calls),
        "tokens": quantity(tokens),
        "given": quantity(node.prompt_tokens),
        "drawn": quantity(node.completion_tokens),
    }
    purpose = COLOURS.get(node.purpose, "")
    for name, size in columns:
        style = purpose if name in {"now", "open"} else ""
        row.append(GAP + _aligned(shown[name], size, name), style=style)
    room = min(width - row.cell_len - len(GAP), _DOTS)
    if node.open and room > 1:
        dots = "●" * node.open if node.open <= room else "●" * (room - 1) + "+"
        row.append(GAP + dots, style=purpose)
    return row


def _aligned(text: str, size: int, column: str) -> str:
    return cut(text, size) if column == "now" else text.rjust(size)
