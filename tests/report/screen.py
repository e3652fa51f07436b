"""A terminal that remembers what it shows: just enough of one to see what is left on it."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(\x1b)|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Lines without end, a cursor, and the few sequences that langnet may send.

    Attributes:
        lines: what stands there.
        is_cursor_shown: whether the cursor is.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]
        self.is_cursor_shown = True
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """All that stands there, blank lines at the end left out."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip()

    def feed(self, text: str) -> None:
        """Takes what a program writes; anything but known sequences is an error."""
        for argument, final, escape, move, shown in _TOKEN.findall(text):
            if final:
                self._control(argument, final)
            elif escape:
                raise AssertionError(f"an unknown sequence in {text!r}")
            elif move == "\r":
                self._column = 0
            elif move == "\n":
                self._down()
                self._column = 0
            else:
                for char in shown:
                    assert char.isprintable(), f"{char!r} in {text!r}"
                    self._put(char)

    def resize(self, width: int) -> None:
        """Wraps what is too wide, as terminals do."""
        wrapped: list[str] = []
        row = 0
        for place, line in enumerate(self.lines):
            parts = [line[at : at + width] for at in range(0, max(len(line), 1), width)]
            wrapped += parts
            if place == self._row:
                row = len(wrapped) - 1
                self._column = len(parts[-1])
        self.lines, self._row, self.width = wrapped, row, width

    def _control(self, argument: str, final: str) -> None:
        if final == "A":
            self._row = max(self._row - int(argument or 1), 0)
        elif final == "K" and argument == "2":
            self.lines[self._row] = ""
        elif final in "lh" and argument == "?25":
            self.is_cursor_shown = final == "h"
        elif final != "m":
            raise AssertionError(f"an unknown sequence: {argument}{final}")

    def _put(self, char: str) -> None:
        if self._column >= self.width:
            self._down()
            self._column = 0
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
        self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")
