"""Running graphs: one example, or a stream of any length with bounded work in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio

from langnet.concurrency import task_group
from langnet.data import Example
from langnet.errors import ModelError, RunDeadlineExceeded, TooManyFailures
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
    cut_off: bool = False,
) -> AsyncIterator[AsyncIterator[Trace | Failure]]:
    """Runs a program over a stream of examples of any length.

    >>> async def answer(program, examples):
    ...     async with stream(program, examples, key=Key(("demo",))) as outcomes:
    ...         async for outcome in outcomes:
    ...             print(outcome)

    At most `concurrency` examples are in flight, and at most twice as many are begun and not yet
    taken, so memory does not grow with the stream. Leaving the block cancels what is in flight.
    Every draw's seed comes from `key` and the example's id, so results do not depend on the order
    in which calls finish. An async generator that is not read to its end is left to its owner.

    Args:
        program: the graph with its models.
        examples: any iterable or async iterable; read only as fast as results are taken.
        key: what every draw's seed is derived from.
        concurrency: examples in flight.
        ordered: whether results come in the order of the examples, or as they finish.
        max_failures: the share of examples that may fail because a model's call failed; such an
            example yields a `Failure`. One failure is always allowed where the share is above 0.
            The share is taken of the examples finished so far.
        observe: whether each example's targets are given to its run.
        guide: see `Program.run`.
        score: see `Program.run`.
        greedy: see `Program.run`.
        cut_off: whether examples that the run's deadline cuts off yield a `Failure` each, which
            `max_failures` does not count; else the `RunDeadlineExceeded` is raised.

    Raises:
        TooManyFailures: more examples failed than `max_failures` allows; the first failure is its
            cause.
        ValueError: `concurrency` or `max_failures` is out of range.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency}")
    if not 0 <= max_failures <= 1:
        raise ValueError(f"max_failures is a share from 0 to 1, not {max_failures}")
    source = _Source(examples)
    outcomes = _Outcomes(2 * concurrency, workers=concurrency, ordered=ordered)
    failures = _Failures(max_failures, cut_off=cut_off)

    async def attempt(example: Example) -> Trace | Failure:
        try:
            trace = await program.run(
                example.inputs,
                key=key / example.id,
                given=example.targets if observe else None,
                guide=guide,
                score=score,
                greedy=greedy,
                example=example.id,
            )
        except (ModelError, RunDeadlineExceeded) as error:
            return failures.record(Failure(example.id, error))
        failures.finished += 1
        return trace

    async def work() -> None:
        while True:
            await outcomes.room.acquire()
            ticket, example = await source.take()
            if example is None:
                break
            outcomes.put(ticket, await attempt(example))
        outcomes.leave()

    async with task_group() as tasks:
        for _ in range(concurrency):
            tasks.start_soon(work)
        try:
            yield outcomes
        finally:
            outcomes.closed = True
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
        self._examples = aiter(examples) if isinstance(examples, AsyncIterable) else iter(examples)
        self._lock = anyio.Lock()
        self._taken = 0
        self._ended = False

    async def take(self) -> tuple[int, Example | None]:
        example: Example | None = None
        if isinstance(self._examples, AsyncIterator):
            # An async generator must not be entered twice at a time.
            async with self._lock:
                if not self._ended:
                    example = await anext(self._examples, None)
        elif not self._ended:
            example = next(self._examples, None)
        self._ended = example is None
        self._taken += 1
        return self._taken - 1, example


class _Failures:
    """Counts the examples whose calls failed, and says when they are too many."""

    def __init__(self, share: float, *, cut_off: bool) -> None:
        self.share = share
        self.cut_off = cut_off
        self.finished = 0
        self.failed = 0
        self.first: Failure | None = None

    def record(self, failure: Failure) -> Failure:
        if isinstance(failure.error, RunDeadlineExceeded):
            if self.cut_off:
                return failure
            raise failure.error
        self.first = self.first or failure
        self.finished += 1
        self.failed += 1
        if self.failed > (max(1.0, self.share * self.finished) if self.share else 0):
            raise TooManyFailures(
                f"{self.failed} of {self.finished} examples failed, more than the share of "
                f"{self.share:g} that max_failures allows; the first was {self.first.example!r}: "
                f"{self.first.error}"
            ) from self.first.error
        return failure


class _Outcomes(AsyncIterator[Trace | Failure]):
    """What came of the examples, handed on to whoever takes it."""

    def __init__(self, size: int, *, workers: int, ordered: bool) -> None:
        self.room = anyio.Semaphore(size, fast_acquire=True)
        self.workers = workers
        self.ordered = ordered
        self.closed = False
        self._next = 0
        self._waiting: dict[int, Trace | Failure] = {}
        self._ready: deque[Trace | Failure] = deque()
        self._news: anyio.Event | None = None

    def put(self, ticket: int, outcome: Trace | Failure) -> None:
        if self.ordered:
            self._waiting[ticket] = outcome
            while self._next in self._waiting:
                self._ready.append(self._waiting.pop(self._next))
                self._next += 1
        else:
            self._ready.append(outcome)
        if self._ready:
            self._tell()

    def leave(self) -> None:
        self.workers -= 1
        self._tell()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None

    async def __anext__(self) -> Trace | Failure:
        if self.closed:
            raise RuntimeError("the stream is closed; take its results inside the async with block")
        while not self._ready:
            if not self.workers:
                raise StopAsyncIteration
            if self._news is None:
                self._news = anyio.Event()
            await self._news.wait()
        self.room.release()
        return self._ready.popleft()
