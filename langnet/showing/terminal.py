"""Views for a terminal, by rich; and as plain text, for `print`."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from langnet.drawing.words import visible
from langnet.report.words import amount
from langnet.showing.blocks import Block, Cell, Changed, Curve, Line, Long, Table, Title

__all__ = ["rich_of", "text_of"]

_WIDTH = 100
_LONGEST = 2000
_BARS = "▁▂▃▄▅▆▇█"


def rich_of(blocks: Iterable[Block]) -> Group:
    """What rich prints."""
    return Group(*map(_block, blocks))


def text_of(blocks: Iterable[Block]) -> str:
    """Plain lines, none wider than a hundred cells."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=_WIDTH,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,  # or it would show the lines there, and not write them
        legacy_windows=False,
    )
    console.print(rich_of(blocks))
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().split("\n"))


def _block(block: Block) -> RenderableType:
    match block:
        case Title():
            return Text(visible(block.text), style="bold")
        case Line():
            return Text(visible(block.text), style="yellow" if block.warns else "")
        case Table():
            return _table(block)
        case Curve():
            return _curve(block)


def _table(table: Table) -> RichTable:
    made = RichTable(box=box.SIMPLE, show_header=any(table.columns), pad_edge=False)
    for place, name in enumerate(table.columns):
        made.add_column(
            Text(name), justify="right" if place in table.numbers else "left", overflow="fold"
        )
    for row in table.rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(cell: Cell) -> Text:
    match cell:
        case Long():
            return Text(_shortened(cell.text))
        case Changed():
            style = "green" if cell.added else "red strike"
            return Text.assemble(
                *(
                    (visible(piece), style) if is_other else visible(piece)
                    for piece, is_other in cell.words
                )
            )
        case str():
            return Text(visible(cell))


def _curve(curve: Curve) -> Text:
    values = [value for _, value in curve.points]
    low, high = min(values), max(values)
    span = high - low or 1.0
    bars = "".join(_BARS[int((value - low) / span * (len(_BARS) - 1))] for value in values)
    return Text(f"{curve.name} {amount(values[0])} {bars} {amount(values[-1])}")


def _shortened(text: str) -> str:
    """A text with its middle left out where it is long."""
    text = visible(text)
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters …\n{text[-half:]}"
