"""Structured concurrency: run several things at once and keep every failure.

Where tasks of a group fail, one error is raised in place of an exception group: a bug before a
model's error, so that a bug is never taken for the failure of one example.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from langnet.errors import ModelError

__all__ = ["concurrently", "each", "task_group"]

T = TypeVar("T")
S = TypeVar("S")


@asynccontextmanager
async def task_group() -> AsyncIterator[TaskGroup]:
    """An anyio task group that raises the first error itself instead of a group of errors."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        raise _worst(group) from None


async def concurrently(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of all calls, in their order; the first failure cancels the rest."""
    waiting = list(calls)
    if len(waiting) == 1:
        return [await waiting[0]()]
    results: dict[int, T] = {}

    async def one(index: int, call: Callable[[], Awaitable[T]]) -> None:
        results[index] = await call()

    async with task_group() as tasks:
        for index, call in enumerate(waiting):
            tasks.start_soon(one, index, call)
    return [results[index] for index in range(len(waiting))]


async def each(function: Callable[[S], Awaitable[T]], items: Sequence[S]) -> list[T]:
    """`function` of every item, all at once, in the order of the items."""
    return await concurrently(partial(function, item) for item in items)


def _worst(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((leaf for leaf in leaves if not isinstance(leaf, ModelError)), leaves[0])
