"""An asynchronous context that is entered when it is first asked for, and left by who closes it.

Task groups and connections have to be closed by the task that opened them. Where callers come and
go, none of theirs can be that task, so one of its own is made, which opens, waits and closes: the
second of the two places where a task is made without a task group (see `langnet.lm.flight`). It
ends with `aclose`, or with the event loop, whose end cancels it and so closes all in order. A block
(`async with`) needs no such task.
"""

from __future__ import annotations

import asyncio
import contextvars
import warnings
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Generic, TypeVar

import anyio

__all__ = ["Held"]

T = TypeVar("T")
_Enter = Callable[[], AbstractAsyncContextManager[T]]


class Held(Generic[T]):
    """A context, entered when it is first asked for.

    Args:
        enter: makes the context. It must not refer to who holds it, or that could not be dropped.
        what: it is called in errors and warnings.
        again: how one gets another, in errors.
    """

    def __init__(self, enter: _Enter[T], *, what: str, again: str) -> None:
        self._enter = enter
        self._what = what
        self._again = again
        self._block: tuple[AsyncExitStack, T] | None = None
        self._kept: _Kept[T] | None = None
        self._closed = False

    def check(self) -> None:
        """Raises where it is closed.

        Raises:
            RuntimeError: it is.
        """
        if self._closed:
            raise RuntimeError(f"{self._what} is closed; {self._again}")

    async def value(self) -> T:
        """What the context gives; entered now, where it has not been yet.

        Raises:
            RuntimeError: it is closed, or belongs to another event loop that still runs.
        """
        self.check()
        if self._block is not None:
            return self._block[1]
        loop = _running(self._what)
        if self._kept is not None and (self._kept.loop.is_closed() or self._kept.task.done()):
            self._kept = None  # its loop has ended, and with it the context
        if self._kept is None:
            self._kept = _Kept(self._enter, loop)
        if self._kept.loop is not loop:
            raise RuntimeError(
                f"{self._what} is open in another event loop; load one for each loop, or close it"
            )
        kept = self._kept
        await kept.decided.wait()
        self.check()
        if kept.error is not None:
            raise kept.error
        return kept.values[0]

    async def aclose(self) -> None:
        """Leaves the context, and waits until that is done; there is no way back."""
        self._closed = True
        block, self._block = self._block, None
        kept, self._kept = self._kept, None
        if block is not None:
            await block[0].aclose()
        if kept is not None:
            await kept.aclose()

    async def __aenter__(self) -> T:
        self.check()
        if self._block is not None:
            raise RuntimeError(f"{self._what} is in a block already")
        if self._kept is not None:
            return await self.value()
        stack = AsyncExitStack()
        value = await stack.enter_async_context(self._enter())
        self._block = stack, value
        return value

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        block, self._block = self._block, None
        if block is not None:
            await block[0].__aexit__(kind, error, traceback)
        await self.aclose()

    def __del__(self) -> None:
        kept = getattr(self, "_kept", None)
        if kept is None or kept.task.done():
            return
        warnings.warn(
            f"{self._what} was never closed; use `async with`, or `await ….aclose()`",
            ResourceWarning,
            source=self,
            stacklevel=2,
        )
        if not kept.loop.is_closed():
            kept.loop.call_soon_threadsafe(kept.task.cancel)


class _Kept(Generic[T]):
    """A context in the care of a task."""

    def __init__(self, enter: _Enter[T], loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.decided = asyncio.Event()
        self.values: list[T] = []
        self.error: BaseException | None = None
        self._closing = asyncio.Event()
        # Nothing of the first asker's context is to last as long as this does.
        empty = contextvars.Context()
        self.task = loop.create_task(self._keep(enter), context=empty)

    async def _keep(self, enter: _Enter[T]) -> None:
        try:
            async with enter() as value:
                self.values.append(value)
                self.decided.set()
                await self._closing.wait()
        except BaseException as error:
            if self.values:
                raise
            self.error = error  # raised by whoever waits; the next one tries anew
            if not isinstance(error, Exception):
                raise
        finally:
            self.decided.set()

    async def aclose(self) -> None:
        """Ends it, whether it is open by now or not."""
        self._closing.set()
        if not self.values:
            self.task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([self.task])
        if not self.task.cancelled() and (error := self.task.exception()) is not None:
            raise error


def _running(what: str) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"outside a block, {what} needs asyncio; enter it with `async with`"
        ) from None
