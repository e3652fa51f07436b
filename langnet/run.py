"""Running graphs: one example, or a stream of any length with bounded work in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio

from langnet.concurrency import task_group
from langnet.data import Example
from langnet.errors import ModelError, TooManyFailures
from langnet.graph import Graph
from langnet.key import Key
from langnet.program import Models, Program
from langnet.trace import Failure, Trace
from langnet.visit import Guide

__all__ = ["run", "run_all", "stream"]


async def run(
    graph: Graph,
    inputs: Mapping[str, Any],
    *,
    models: Models,
    key: Key,
    given: Mapping[str, Any] | None = None,
    guide: Mapping[str, Guide] | None = None,
    score: bool = False,
    greedy: bool = False,
    example: str = "",
) -> Trace:
    """Runs a graph on one example; see `Program.run`. For many examples, see `stream`."""
    return await Program(graph, models).run(
        inputs, key=key, given=given, guide=guide, score=score, greedy=greedy, example=example
    )


@asynccontextmanager
async def stream(
    program: Program,
    examples: Iterable[Example] | AsyncIterable[Example],
    *,
    key: Key,
    concurrency: int = 32,
    ordered: bool = True,
    max_failures: float = 0.0,
    observe: bool = False,
    guide: Mapping[str, Guide] | None = None,
    score: bool = False,
    greedy: bool = False,
) -> AsyncIterator[AsyncIterator[Trace | Failure]]:
    """Runs a program over a stream of examples of any length.

    >>> async def answer(program, examples):
    ...     async with stream(program, examples, key=Key(("demo",))) as outcomes:
    ...         async for outcome in outcomes:
    ...             print(outcome)

    At most `concurrency` examples are in flight, and at most twice as many are finished and not
    yet taken, so memory does not grow with the stream. Leaving the block cancels what is in
    flight. Every draw's seed comes from `key` and the example's id, so results do not depend on
    the order in which calls finish.

    Args:
        program: the graph with its models.
        examples: any iterable or async iterable; read only as fast as results are taken.
        key: what every draw's seed is derived from.
        concurrency: examples in flight.
        ordered: whether results come in the order of the examples, or as they finish.
        max_failures: the share of examples that may fail because a model's call failed; such an
            example yields a `Failure`. One failure is always allowed where the share is above 0.
        observe: whether each example's targets are given to its run.
        guide: see `Program.run`.
        score: see `Program.run`.
        greedy: see `Program.run`.

    Raises:
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    window = _Window(2 * concurrency, ordered=ordered)
    source = _Source(examples)

    async def attempt(example: Example) -> Trace | Failure:
        try:
            return await program.run(
                example.inputs,
                key=key / example.id,
                given=example.targets if observe else None,
                guide=guide,
                score=score,
                greedy=greedy,
                example=example.id,
            )
        except ModelError as error:
            window.failures += 1
            allowed = max(1.0, max_failures * (window.finished + 1)) if max_failures else 0.0
            if window.failures > allowed:
                raise TooManyFailures(
                    f"{window.failures} of {window.finished + 1} examples failed, more than the "
                    f"share of {max_failures:g} that max_failures allows; the last: {error}"
                ) from error
            return Failure(example.id, error)

    async def work() -> None:
        while await window.has_room():
            ticket, example = await source.take()
            if example is None:
                break
            window.taken += 1
            window.put(ticket, await attempt(example))
        window.leave()

    async with task_group() as tasks:
        window.workers = concurrency
        for _ in range(concurrency):
            tasks.start_soon(work)
        yield window
        tasks.cancel_scope.cancel()


async def run_all(
    program: Program,
    examples: Iterable[Example],
    *,
    key: Key,
    concurrency: int = 32,
    max_failures: float = 0.0,
    observe: bool = False,
    guide: Mapping[str, Guide] | None = None,
    score: bool = False,
    greedy: bool = False,
) -> list[Trace | Failure]:
    """Runs a program over examples and returns what came of each, in order; see `stream`."""
    async with stream(
        program,
        examples,
        key=key,
        concurrency=concurrency,
        max_failures=max_failures,
        observe=observe,
        guide=guide,
        score=score,
        greedy=greedy,
    ) as outcomes:
        return [outcome async for outcome in outcomes]


class _Source:
    """Hands out examples with the numbers of their places."""

    def __init__(self, examples: Iterable[Example] | AsyncIterable[Example]) -> None:
        self._sync: Iterator[Example] | None = None
        self._async: AsyncIterator[Example] | None = None
        if isinstance(examples, AsyncIterable):
            self._async = aiter(examples)
        else:
            self._sync = iter(examples)
        self._lock = anyio.Lock()
        self._count = 0
        self._ended = False

    async def take(self) -> tuple[int, Example | None]:
        if self._async is None:
            assert self._sync is not None  # noqa: S101 - one of the two is there
            example = next(self._sync, None)
        else:
            # An async generator must not be entered twice at a time.
            async with self._lock:
                example = None if self._ended else await anext(self._async, None)
                self._ended = example is None
        self._count += 1
        return self._count - 1, example


class _Window(AsyncIterator[Trace | Failure]):
    """Finished examples that wait to be taken, never more than a fixed number with those begun."""

    def __init__(self, size: int, *, ordered: bool) -> None:
        self.size = size
        self.ordered = ordered
        self.workers = 0
        self.taken = 0
        self.finished = 0
        self.failures = 0
        self._yielded = 0
        self._ready: deque[Trace | Failure] = deque()
        self._waiting: dict[int, Trace | Failure] = {}
        self._room = anyio.Event()
        self._news = anyio.Event()

    async def has_room(self) -> bool:
        while self.taken - self._yielded >= self.size:
            await self._room.wait()
        return True

    def put(self, ticket: int, outcome: Trace | Failure) -> None:
        self.finished += 1
        if not self.ordered:
            self._ready.append(outcome)
        else:
            self._waiting[ticket] = outcome
            following = self._yielded + len(self._ready)
            while following in self._waiting:
                self._ready.append(self._waiting.pop(following))
                following += 1
        if self._ready:
            self._news.set()

    def leave(self) -> None:
        self.workers -= 1
        self._news.set()

    async def __anext__(self) -> Trace | Failure:
        while not self._ready:
            if not self.workers:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        self._yielded += 1
        room, self._room = self._room, anyio.Event()
        room.set()
        return self._ready.popleft()
