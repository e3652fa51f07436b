"""Keeps the live view at the foot of a terminal, below the lines that scroll."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType

from langnet.report.live.snapshot import Snapshot
from langnet.report.live.view import lines

__all__ = ["EVERY", "Display", "can_show"]

EVERY = 0.25
"""Seconds between two pictures."""


def can_show(console: Console) -> bool:
    """Whether a console's cursor can be moved, and its characters be more than ASCII."""
    return (
        console.is_terminal
        and console.is_interactive
        and not console.is_dumb_terminal
        and not console.options.ascii_only
        and console.file.isatty()
    )


class Display:
    """The view, which is there for as long as the block lasts, and leaves the terminal clean.

    Args:
        console: the terminal.
        snapshot: says how the work stands.
        clock: gives seconds.
    """

    def __init__(
        self,
        console: Console,
        snapshot: Callable[[], Snapshot],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._snapshot = snapshot
        self._clock = clock
        self._due = clock()
        self._shown = snapshot()
        self._widths: list[int] = []  # of the lines as they were drawn last
        self._live = Live(
            get_renderable=lambda: self,
            console=console,
            auto_refresh=False,  # by the work's own event loop: a thread would read torn counters
            transient=True,
            vertical_overflow="crop",
            # What is printed for people comes above the view; what a program reads is left alone.
            redirect_stdout=sys.stdout.isatty(),
        )

    def print(self, line: str) -> None:
        """Writes a line above the view."""
        self._settle()
        self._console.print(line, markup=False, soft_wrap=True)

    def refresh(self) -> None:
        """Draws the view anew, where that is due."""
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY
            self._settle()
            self._shown = self._snapshot()
            self._live.refresh()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._settle()
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = lines(self._shown, options.max_width, console.height)
        self._widths = [line.cell_len for line in drawn]
        yield from drawn

    def _settle(self) -> None:
        """Goes up to where the view begins, if the terminal has become too narrow for it.

        A terminal wraps what it shows then, so the view takes more lines than were drawn.
        """
        width = max(self._console.width, 1)
        more = sum(max(each - 1, 0) // width for each in self._widths)
        if more:
            self._widths = []
            up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)) * more
            self._console.control(
                Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up)
            )
