"""How long a call may take, all its attempts and the waits between them together.

Time in which a call does not compete for an answer, such as in the queue of a rate limit, is no
fault of the server's and can be long by design: whoever makes a call wait so stops its clock
(`off_the_clock`). The deadline of a run (`langnet.lm.until`) stands still for nothing.

Every call passes here, so on asyncio one timer serves all calls of a model (`Alarm`): a cancel
scope for each would take a fifth of all the time that a call takes.

All times are those of the event loop's clock (`anyio.current_time`), in seconds.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, Token
from math import inf
from typing import TYPE_CHECKING, Self

import anyio

from langnet.lm.clock import current_time
from langnet.lm.reading import COUNTING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Alarm", "CallClock", "off_the_clock"]


class Alarm:
    """Cancels the attempts of many calls at their deadlines, with one timer, on asyncio."""

    __slots__ = ("_attempts", "_due", "_timer")

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, attempt: Attempt) -> None:
        """Watches an attempt."""
        self._attempts.add(attempt)
        if (deadline := attempt.deadline) < self._due:
            self._set(deadline)

    def moved(self, attempt: Attempt) -> None:
        """Takes note of an attempt's deadline."""
        if attempt.deadline < self._due and attempt in self._attempts:
            self._set(attempt.deadline)

    def remove(self, attempt: Attempt) -> None:
        """Watches an attempt no longer; of a clock that nobody needs no timer is left."""
        self._attempts.discard(attempt)
        if not self._attempts and self._timer is not None:
            self._set(inf)

    def _set(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        loop = asyncio.get_running_loop()
        self._timer = None if due == inf else loop.call_at(due, self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        for attempt in [attempt for attempt in self._attempts if attempt.deadline <= now]:
            self._attempts.discard(attempt)
            attempt.cancel()
        self._set(min((attempt.deadline for attempt in self._attempts), default=inf))


class Attempt:
    """A block of one asyncio task that is cancelled at a deadline, as in `asyncio.timeout`.

    Args:
        deadline: on the event loop's clock.
        alarm: what watches it.

    Attributes:
        cancelled_caught: whether the block ended by the deadline.
    """

    __slots__ = ("_alarm", "_cancelled", "_cancelling", "_deadline", "_task", "cancelled_caught")

    def __init__(self, deadline: float, alarm: Alarm) -> None:
        self._deadline = deadline
        self.cancelled_caught = False
        self._alarm = alarm
        self._cancelled = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm.add(self)
        return self

    @property
    def deadline(self) -> float:
        """When the block is cancelled; it may be moved while the block runs."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: float) -> None:
        self._deadline = deadline
        if not self._cancelled:
            self._alarm.moved(self)

    def cancel(self) -> None:
        """Ends the block."""
        self._cancelled = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._alarm.remove(self)
        if self._cancelled and self._task.uncancel() <= self._cancelling:
            # Nobody else has cancelled the task.
            self.cancelled_caught = kind is not None and issubclass(kind, asyncio.CancelledError)
        return self.cancelled_caught


class CallClock:
    """The time that one call has.

    Args:
        seconds: how long the call may take.
        alarm: ends attempts at their deadlines; calls may share one.
    """

    __slots__ = ("_alarm", "_began", "_last", "_paused", "_pauses", "_scope", "_seconds")

    def __init__(self, seconds: float, *, alarm: Alarm | None = None) -> None:
        self._alarm = alarm
        self._began = current_time()
        self._seconds = seconds
        self._last = self._began + seconds
        self._pauses = 0
        self._paused = 0.0
        self._scope: Attempt | anyio.CancelScope | None = None

    @property
    def left(self) -> float:
        """Seconds until the call's deadline."""
        return self._last - current_time()

    @property
    def taken(self) -> float:
        """Seconds since the call began."""
        return current_time() - self._began

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

    def attempt(self) -> Attempt | anyio.CancelScope:
        """What one attempt runs in: it is cancelled at the deadline."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # another kind of event loop
            self._scope = anyio.CancelScope(deadline=self._last)
        else:
            self._scope = Attempt(self._last, self._alarm or Alarm())
        return self._scope

    def pause(self) -> None:
        """Stops the clock. Several may have stopped it at the same time."""
        self._pauses += 1
        if self._pauses == 1:
            self._paused = current_time()
            if self._scope is not None:
                self._scope.deadline = inf

    def resume(self) -> None:
        """Lets the clock go on once all who stopped it have said so."""
        self._pauses -= 1
        if self._pauses == 0:
            self._last += current_time() - self._paused
            if self._scope is not None:
                self._scope.deadline = self._last


_running: ContextVar[CallClock | None] = ContextVar("_running", default=None)


class off_the_clock:  # noqa: N801 - it is used as a function; a generator would take longer
    """Time in this block does not count towards the deadline of the call that is under way.

    It is counted as queued instead, where a meter counts the call.
    """

    __slots__ = ("_began", "_clock")

    def __enter__(self) -> None:
        self._clock = _running.get()
        self._began = current_time()
        if self._clock is not None:
            self._clock.pause()

    def __exit__(self, *_: object) -> None:
        if self._clock is not None:
            self._clock.resume()
        for counts in COUNTING.get():
            counts.queued += current_time() - self._began
