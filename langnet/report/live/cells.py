"""Words and bars of the live view, cut to cells."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

__all__ = ["APART", "COLOURS", "DOT", "GAP", "WIDE", "bar", "cut"]

GAP = "  "
APART = "    "
DOT = " · "
WIDE = 92
"""Cells from which two curves stand side by side, and tokens are told apart."""
COLOURS = {
    "forward": "cyan",
    "infer": "blue",
    "correct": "blue",
    "propose": "magenta",
    "score": "green",
    "validate": "yellow",
    "test": "yellow",
}
"""Of what calls are for."""


def bar(share: float, width: int) -> Text:
    """A bar of so many cells, filled to a share."""
    halves = round(2 * width * min(max(share, 0.0), 1.0))
    full = "━" * (halves // 2) + "╸" * (halves % 2)
    return Text.assemble((full, "cyan"), ("─" * (max(width, 0) - len(full)), "dim"))


def cut(text: str, width: int) -> str:
    """A text in exactly so many cells."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"
