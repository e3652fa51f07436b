"""How long a call may take, all its attempts and the waits between them together.

Time in which a call does not compete for an answer, such as in the queue of a rate limit, is no
fault of the server's and can be long by design: whoever makes a call wait so stops its clock
(`off_the_clock`). The deadline of a run (`langnet.lm.until`) stands still for nothing.

All times are those of the event loop's clock (`anyio.current_time`), in seconds.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, Token
from math import inf
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CallClock", "off_the_clock"]


class CallClock:
    """The time that one call has.

    Args:
        seconds: how long the call may take.
    """

    __slots__ = ("_began", "_last", "_paused", "_pauses", "_scope", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._began = anyio.current_time()
        self._seconds = seconds
        self._last = self._began + seconds
        self._pauses = 0
        self._paused = 0.0
        self._scope: anyio.CancelScope | None = None

    @property
    def left(self) -> float:
        """Seconds until the call's deadline."""
        return self._last - anyio.current_time()

    @property
    def taken(self) -> float:
        """Seconds since the call began."""
        return anyio.current_time() - self._began

    @property
    def which(self) -> str:
        """The deadline, in words."""
        return f"the call's deadline of {self._seconds:g} s (call_deadline)"

    def start(self) -> Token[CallClock | None]:
        """Makes this the clock that `off_the_clock` stops, until `stop`."""
        return _running.set(self)

    @staticmethod
    def stop(token: Token[CallClock | None]) -> None:
        """Ends what `start` began."""
        _running.reset(token)

    def attempt(self) -> anyio.CancelScope:
        """What one attempt runs in: it is cancelled at the deadline."""
        self._scope = anyio.CancelScope(deadline=self._last)
        return self._scope

    def pause(self) -> None:
        """Stops the clock. Several may have stopped it at the same time."""
        self._pauses += 1
        if self._pauses == 1:
            self._paused = anyio.current_time()
            if self._scope is not None:
                self._scope.deadline = inf

    def resume(self) -> None:
        """Lets the clock go on once all who stopped it have said so."""
        self._pauses -= 1
        if self._pauses == 0:
            self._last += anyio.current_time() - self._paused
            if self._scope is not None:
                self._scope.deadline = self._last


_running: ContextVar[CallClock | None] = ContextVar("_running", default=None)


@contextmanager
def off_the_clock() -> Iterator[None]:
    """Time in this block does not count towards the deadline of the call that is under way."""
    clock = _running.get()
    if clock is None:
        yield
        return
    clock.pause()
    try:
        yield
    finally:
        clock.resume()
