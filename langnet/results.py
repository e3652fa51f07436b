"""What an application gets of a network: the results of a stream, and the events of a run."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from langnet.data import Example
from langnet.program import Program
from langnet.run import stream
from langnet.trace import Failure, Trace

__all__ = ["Event", "Finished", "Piece", "Results", "Valued"]


@dataclass(frozen=True, slots=True)
class Valued:
    """A node has its value.

    Attributes:
        node: its name.
        value: a text, or what a function returned; a tuple where the node is plural.
    """

    node: str
    value: Any


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text that a node is drawing, as it comes.

    Attributes:
        node: its name.
        index: the position in the node's plates.
        text: the piece.
        first: whether the text begins here. A call that failed and is made again begins again.
    """

    node: str
    index: tuple[int, ...]
    text: str
    first: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is over.

    Attributes:
        trace: all of it.
    """

    trace: Trace


Event = Piece | Valued | Finished
"""What a run tells of while it goes on."""


class Results(AsyncIterator[Trace | Failure]):
    """What came of a stream's examples; see `langnet.network.Network.stream`.

    Work begins when the first result is asked for, or when a block (`async with`) is entered.

    Args:
        ready: gives the program and the task group that the work belongs to.
        examples: any iterable or async iterable.
        settings: see `langnet.run.stream`.
    """

    def __init__(
        self,
        ready: Callable[[], Awaitable[tuple[Program, TaskGroup]]],
        examples: Iterable[Example] | AsyncIterable[Example],
        settings: Mapping[str, Any],
    ) -> None:
        self._ready = ready
        self._examples = examples
        self._settings = settings
        self._beginning = anyio.Lock()
        self._receive: MemoryObjectReceiveStream[Trace | Failure] | None = None
        self._scope = anyio.CancelScope()
        self._error: Exception | None = None
        self._ended = False
        self._closed = False
        self._done = anyio.Event()

    async def _begin(self) -> MemoryObjectReceiveStream[Trace | Failure]:
        async with self._beginning:
            if self._closed:
                raise RuntimeError("this stream is closed")
            if self._receive is None:
                program, group = await self._ready()
                # A result is handed over when it is taken: nothing runs ahead of the reader.
                send, self._receive = anyio.create_memory_object_stream[Trace | Failure](0)
                group.start_soon(self._work, program, send)
            return self._receive

    async def _work(self, program: Program, send: MemoryObjectSendStream[Trace | Failure]) -> None:
        try:
            with send, self._scope:
                async with stream(program, self._examples, **self._settings) as outcomes:
                    async for outcome in outcomes:
                        await send.send(outcome)
        except Exception as error:  # noqa: BLE001 - raised to whoever reads
            self._error = error
        except BaseException:  # cancelled: the network is closed
            if self._receive is not None:
                self._receive.close()
            raise
        finally:
            self._done.set()

    async def __anext__(self) -> Trace | Failure:
        if self._ended:
            raise StopAsyncIteration
        receive = self._receive or await self._begin()
        try:
            return await receive.receive()
        except anyio.ClosedResourceError:
            raise RuntimeError("the network, or this stream of it, is closed") from None
        except anyio.EndOfStream:
            self._ended = True
            receive.close()
            await self._done.wait()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Cancels what is in flight, and waits until it has ended."""
        self._closed = True
        if self._receive is None:  # nothing has begun
            return
        self._scope.cancel()
        self._receive.close()
        with anyio.CancelScope(shield=True):
            await self._done.wait()

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
