"""Structured concurrency: run several things at once and keep every failure.

Where tasks of a group fail, one error is raised in place of an exception group: a bug before a
model's error, so that a bug is never taken for the failure of one example. Its cause stays as it
is, and a note tells of the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from langnet.errors import ModelError

__all__ = ["concurrently", "each", "task_group"]

T = TypeVar("T")
S = TypeVar("S")


def task_group() -> AbstractAsyncContextManager[TaskGroup]:
    """An anyio task group that raises one error itself instead of a group of errors."""
    return _OneError()


async def concurrently(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of all calls, in their order; the first failure cancels the rest."""
    waiting = list(calls)
    if len(waiting) < 2:  # noqa: PLR2004 - one call needs no task
        return [await call() for call in waiting]
    results: dict[int, T] = {}

    async def one(index: int, call: Callable[[], Awaitable[T]]) -> None:
        results[index] = await call()

    async with task_group() as tasks:
        for index, call in enumerate(waiting):
            tasks.start_soon(one, index, call)
    return [results[index] for index in range(len(waiting))]


async def each(
    function: Callable[[S], Awaitable[T]], items: Sequence[S], *, limit: int | None = None
) -> list[T]:
    """`function` of every item, at most `limit` at once, in the order of the items."""
    if limit is None or limit >= len(items):
        return await concurrently(partial(function, item) for item in items)
    results: dict[int, T] = {}
    waiting = iter(enumerate(items))

    async def work() -> None:
        for index, item in waiting:
            results[index] = await function(item)

    await concurrently([work] * limit)
    return [results[index] for index in range(len(items))]


class _OneError(AbstractAsyncContextManager[TaskGroup]):
    """A class rather than a generator, which would take a third again of a task group's time."""

    __slots__ = ("_group",)

    async def __aenter__(self) -> TaskGroup:
        self._group = anyio.create_task_group()
        return await self._group.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._group.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            worst = _worst(group)
        # Raised out here, so that the group does not take the place of the error's own context.
        if worst is error:
            return None
        raise worst


def _worst(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    worst = min(leaves, key=_rank)
    for other in leaves:
        if other is not worst:
            worst.add_note(f"at the same time another task failed: {other!r}")
    return worst


def _rank(error: BaseException) -> int:
    """Interrupts before bugs, and bugs before failed calls."""
    return isinstance(error, Exception) + isinstance(error, ModelError)
