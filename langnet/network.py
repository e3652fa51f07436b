"""A graph bound to its models, as an application calls it.

    async with Network.open("runs/first/best.yaml", models="openai:gpt-4o") as network:
        answer = await network(text="The film opens in a harbour.")
        print(answer.output)

A network holds nothing global: several of them run side by side in one event loop, and may share a
session, a cache and limits, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup

from langnet.data import Example
from langnet.errors import DeadlineExceeded, GraphError
from langnet.graph import Graph
from langnet.graph_file import load
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.connect import connect_all
from langnet.lm.listen import Delta, listening
from langnet.lm.meter import Meter, Metered
from langnet.program import Models, Program
from langnet.run import stream
from langnet.trace import Failure, Trace

__all__ = ["Event", "Finished", "Network", "Piece", "Results", "Valued"]

Specs = str | LanguageModel | Mapping[str, str | LanguageModel]
"""A line that names a model, or a model, for every node; or several by the names nodes call."""


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


class Network:
    """A graph bound to its models.

    Args:
        graph: the network.
        models: one model for every node, or models by the names that nodes call; whoever opened
            them closes them.
        seed: decides every draw, together with the example's id.
        greedy: whether each node takes its most probable text, as evaluation does.
        concurrency: runs at the same time; further ones wait, first come, first served.
        timeout: seconds that a run may take once it has begun; infinite by default.

    Raises:
        GraphError: a node calls a model that is not given.
    """

    def __init__(
        self,
        graph: Graph,
        models: Models,
        *,
        seed: int = 0,
        greedy: bool = True,
        concurrency: int = 32,
        timeout: float = math.inf,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency}")
        self.program = Program(graph, models)
        self._models = (
            models if isinstance(models, Mapping) else dict.fromkeys(_called(graph), models)
        )
        self.concurrency = concurrency
        self._key = Key(("network", seed))
        self._greedy = greedy
        self._timeout = timeout
        self._room = anyio.Semaphore(concurrency, fast_acquire=True)
        self._group: TaskGroup | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        source: Graph | str | Path,
        *,
        models: Specs,
        trust: bool = False,
        seed: int = 0,
        greedy: bool = True,
        concurrency: int = 32,
        timeout: float = math.inf,  # noqa: ASYNC109 - of each run, not of opening
        **connection: Any,
    ) -> AsyncIterator[Self]:
        """Opens a network with its models, and closes both at the end.

        Args:
            source: a graph, or a file that holds one, such as the best.yaml that a fit leaves.
            models: see `Specs`.
            trust: whether functions other than langnet's own that the file names may be imported.
            seed: see `Network`.
            greedy: see `Network`.
            concurrency: see `Network`.
            timeout: see `Network`.
            **connection: cache, meter, limits, retries and the like; see `connect_all`.

        Raises:
            GraphError: the file holds no graph, or a node calls a model that is not given.
            LangnetError: a model cannot be opened.
        """
        graph = source if isinstance(source, Graph) else load(source, trust=trust)
        specs = models if isinstance(models, Mapping) else dict.fromkeys(_called(graph), models)
        async with connect_all(specs, **connection) as opened:
            network = cls(
                graph,
                opened,
                seed=seed,
                greedy=greedy,
                concurrency=concurrency,
                timeout=timeout,
            )
            async with network:
                yield network

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self.program.graph

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        group, self._group = self._group, None
        assert group is not None  # noqa: S101 - entered before
        group.cancel_scope.cancel()  # streams that nobody reads to their end
        return await group.__aexit__(kind, error, traceback)

    async def __call__(self, /, **inputs: Any) -> Trace:
        """Runs the network on one example, given by its inputs.

        Cancelling the call cancels what it has asked.

        Raises:
            GraphError: the inputs do not fit the graph.
            ModelError: a call failed; a note names the node.
            DeadlineExceeded: the run took longer than the timeout.
        """
        return await self.run(Example("call", inputs))

    async def run(self, example: Example, *, meter: Meter | None = None) -> Trace:
        """Runs the network on one example; see `__call__`. Its id decides the draws.

        Args:
            example: its targets, if any, are not looked at.
            meter: counts what this run takes, besides what counts all calls of the models.
        """
        return await self._run(example, None, meter)

    @asynccontextmanager
    async def watch(
        self, example: Example, *, pieces: bool = False, meter: Meter | None = None
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Runs the network, and tells of each node's value as soon as it is there.

            async with network.watch(Example("1", {"text": …})) as events:
                async for event in events:
                    ...

        The last event is `Finished`. Leaving the block cancels the run.

        Args:
            example: its inputs are run.
            pieces: whether texts are told piece by piece while they are drawn, by models that can.
            meter: see `run`.

        Raises:
            GraphError: the inputs do not fit the graph.
            ModelError: a call failed; while events are read.
        """
        send, receive = anyio.create_memory_object_stream[Event](math.inf)
        failed: list[Exception] = []
        places = len(self._key) + 1  # the key of a draw goes on with its node and its index

        def hear(delta: Delta) -> None:
            node, *index = delta.key[places:]
            send.send_nowait(Piece(str(node), tuple(map(int, index)), delta.text, delta.first))

        async def work() -> None:
            with send, listening(hear if pieces else None):
                try:
                    trace = await self._run(example, send, meter)
                    send.send_nowait(Finished(trace))
                except Exception as error:  # noqa: BLE001 - raised to whoever reads
                    failed.append(error)

        async def events() -> AsyncIterator[Event]:
            async for event in receive:
                yield event
            if failed:
                raise failed[0]

        raised: Exception | None = None
        async with anyio.create_task_group() as group:
            with receive:
                group.start_soon(work)
                try:
                    yield events()
                except Exception as error:  # noqa: BLE001 - raised below, not in a group of one
                    raised = error
                group.cancel_scope.cancel()
        if raised is not None:
            raise raised

    def stream(
        self,
        examples: Iterable[Example] | AsyncIterable[Example],
        *,
        ordered: bool = True,
        concurrency: int | None = None,
        max_failures: float = 1.0,
    ) -> Results:
        """Runs the network over a stream of examples of any length.

            async for result in network.stream(examples):
                ...

        Examples are read as fast as results are taken, and no faster. To leave early, use
        `async with network.stream(examples) as results`, which cancels what is in flight; what is
        dropped without that waits until the network is closed.

        Args:
            examples: any iterable or async iterable.
            ordered: whether results come in the order of the examples, or as they finish.
            concurrency: examples in flight; by default as many as the network runs at a time.
            max_failures: the share of examples that may fail, each giving a `Failure`.

        Raises:
            RuntimeError: the network is not open.
        """
        if self._group is None:
            raise RuntimeError(
                "the network is not open; use `async with Network.open(…) as network`, or "
                "`async with network` for one of your own"
            )
        return Results(
            self,
            self._group,
            examples,
            key=self._key,
            ordered=ordered,
            concurrency=concurrency or self.concurrency,
            max_failures=max_failures,
            greedy=self._greedy,
        )

    async def _run(self, example: Example, told: Any, meter: Meter | None = None) -> Trace:
        wanted = self.graph.inputs
        if example.inputs.keys() != set(wanted):
            raise GraphError(
                f"{self.graph.name} reads {', '.join(wanted)}, but example {example.id!r} brings "
                f"{', '.join(example.inputs) or 'nothing'}"
            )
        program = self.program
        if meter is not None:
            metered = {name: Metered(model, meter) for name, model in self._models.items()}
            program = Program(self.graph, metered)
        async with self._room:
            with anyio.move_on_after(self._timeout) as scope:
                return await program.run(
                    example.inputs,
                    key=self._key / example.id,
                    greedy=self._greedy,
                    example=example.id,
                    on_value=None
                    if told is None
                    else lambda name, value: told.send_nowait(Valued(name, value)),
                )
        assert scope.cancelled_caught  # noqa: S101 - nothing else leads here
        raise DeadlineExceeded(
            f"{self.graph.name} took longer than {self._timeout:g} s on example {example.id!r}"
        )


class Results(AsyncIterator[Trace | Failure]):
    """What came of a stream's examples; see `Network.stream`."""

    def __init__(
        self,
        network: Network,
        group: TaskGroup,
        examples: Iterable[Example] | AsyncIterable[Example],
        **settings: Any,
    ) -> None:
        # A result is handed over when it is taken, so that nothing runs ahead of the reader.
        self._send, self._receive = anyio.create_memory_object_stream[Trace | Failure](0)
        self._scope = anyio.CancelScope()
        self._error: Exception | None = None
        self._ended = False
        self._done = anyio.Event()
        group.start_soon(self._work, network.program, examples, settings)

    async def _work(self, program: Program, examples: Any, settings: Mapping[str, Any]) -> None:
        try:
            with self._send, self._scope:
                async with stream(program, examples, **settings) as outcomes:
                    async for outcome in outcomes:
                        await self._send.send(outcome)
        except Exception as error:  # noqa: BLE001 - raised to whoever reads
            self._error = error
        except BaseException:  # cancelled: the network is closed
            self._receive.close()
            raise
        finally:
            self._done.set()

    async def __anext__(self) -> Trace | Failure:
        if self._ended:
            raise StopAsyncIteration
        try:
            return await self._receive.receive()
        except anyio.ClosedResourceError:
            raise RuntimeError("the network, or this stream of it, is closed") from None
        except anyio.EndOfStream:
            self._ended = True
            self._receive.close()
            await self._done.wait()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Cancels what is in flight, and waits until it has ended."""
        self._scope.cancel()
        self._receive.close()
        with anyio.CancelScope(shield=True):
            await self._done.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _called(graph: Graph) -> list[str]:
    return sorted({node.model for node in graph.nodes.values()}) or ["default"]
