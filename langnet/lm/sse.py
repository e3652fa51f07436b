"""Server-sent events, read as they come, in whatever pieces a connection delivers them.

Source: the HTML standard, section 9.2.6, "Interpreting an event stream".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["EventParser", "ServerEvent"]

_BREAK = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        data: its lines of data, joined by line breaks.
        name: its type; "message" where the server names none.
    """

    data: str
    name: str = "message"


class EventParser:
    r"""Takes bytes and gives events.

    >>> parser = EventParser(longest=1000)
    >>> parser.feed(b'data: {"a"'), parser.feed(b": 1}\r"), parser.feed(b"\n\r\ndata: [DO")
    ([], [], [ServerEvent(data='{"a": 1}', name='message')])
    >>> parser.feed(b"NE]"), parser.end()
    ([], [ServerEvent(data='[DONE]', name='message')])

    Args:
        longest: bytes that one event may take.
    """

    __slots__ = ("_after_return", "_began", "_data", "_longest", "_name", "_parts", "_size")

    def __init__(self, *, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []  # of a line that is not complete
        self._data: list[str] = []
        self._name = ""
        self._size = 0
        self._began = False
        self._after_return = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that these bytes complete.

        Raises:
            ValueError: an event is longer than it may be.
        """
        if self._after_return and data[:1] == b"\n":  # of a line break that came in two pieces
            data = data[1:]
            self._after_return = False
        if not data:
            return []
        self._after_return = data.endswith(b"\r")
        events: list[ServerEvent] = []
        # Only what is new is searched: the time is linear however small the pieces are.
        first, *others = _BREAK.split(data)
        self._hold(first)
        for part in others:
            self._line(b"".join(self._parts), events)
            self._parts.clear()
            self._hold(part)
        return events

    def end(self) -> list[ServerEvent]:
        """An event whose empty line at the end did not come, as some servers leave it out."""
        events: list[ServerEvent] = []
        self._line(b"".join(self._parts), events)
        self._line(b"", events)
        self._parts.clear()
        return events

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._longest:
            raise ValueError(f"an event is longer than {self._longest} bytes")
        if part:
            self._parts.append(part)

    def _line(self, line: bytes, events: list[ServerEvent]) -> None:
        if not self._began:
            self._began = True
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(ServerEvent("\n".join(self._data), self._name or "message"))
            self._data.clear()
            self._name = ""
            self._size = 0
            return
        field, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
