"""Carries an answer from the engine's thread to the task that waits for it."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

import anyio

__all__ = ["Ticket"]

T = TypeVar("T")


class Ticket(Generic[T]):
    """The answer to a request, once it is there. Made in the event loop that waits for it.

    Attributes:
        dropped: whether nobody waits any more; the engine then leaves the work out.
    """

    __slots__ = ("_error", "_event", "_loop", "_result", "dropped")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = anyio.Event()
        self._result: list[T] = []
        self._error: Exception | None = None
        self.dropped = False

    async def wait(self) -> T:
        """Waits for the answer. A cancelled wait tells the engine to drop the work."""
        try:
            await self._event.wait()
        finally:
            self.dropped = True
        if self._error is not None:
            raise self._error
        return self._result[0]

    def deliver(self, result: T) -> None:
        """Hands over the answer, from the engine's thread."""
        if not self._settled:
            self._result.append(result)
            self._notify()

    def fail(self, error: Exception) -> None:
        """Hands over an error, from the engine's thread, where there is no answer yet."""
        if not self._settled:
            self._error = error
            self._notify()

    @property
    def _settled(self) -> bool:
        return bool(self._result) or self._error is not None

    def _notify(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            self.dropped = True  # the loop ended, and nobody is left to hear it
