"""A graph bound to its models, as an application calls it.

    async with langnet.load("runs/first") as network:
        answer = await network(text="The film opens in a harbour.")
        print(answer.output)

A network holds nothing global: several of them run side by side in one event loop, and may share a
session, a cache and limits, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup

from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.held import Held
from langnet.key import Key
from langnet.lm.listen import Delta, listening
from langnet.lm.meter import Meter, Metered
from langnet.opening import Bound, Opening, Specs, opened, sourced
from langnet.program import Models, Program
from langnet.results import Event, Finished, Piece, Results, Valued
from langnet.trace import Trace

__all__ = ["Event", "Finished", "Network", "Opening", "Piece", "Results", "Specs", "Valued", "load"]


class Network:
    """A graph bound to its models; `load` makes one of a file.

    Models that are yet to be opened are opened when a block (`async with network`) is entered, or
    else by the first call. The end of the block closes them, or `aclose`; or else the end of the
    event loop, with a `ResourceWarning` where the network is dropped before that.

    Args:
        graph: the network.
        models: one model for every node, or models by the names that nodes call; whoever opened
            them closes them. Or models that are yet to be opened.
        seed: decides every draw, together with the example's id.
        greedy: whether each node takes its most probable text, as evaluation does.
        concurrency: runs at the same time; further ones wait, first come, first served.
        timeout: seconds that a run may take once it has begun; infinite by default. One of a stream
            that takes longer is a `Failure`.

    Raises:
        GraphError: a node calls a model that is not given.
    """

    def __init__(
        self,
        graph: Graph,
        models: Models | Opening,
        *,
        seed: int = 0,
        greedy: bool = True,
        concurrency: int = 32,
        timeout: float = math.inf,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency}")
        self.graph = graph
        self.concurrency = concurrency
        bind = partial(Bound.of, graph, timeout=timeout)
        bound = models if isinstance(models, Opening) else bind(models)
        self._given = bound if isinstance(bound, Bound) else None
        self._held = Held(
            partial(opened, bound, bind),
            what=f"the network {graph.name!r}",
            again="load it again",
        )
        self._key = Key(("network", seed))
        self._greedy = greedy
        self._room = anyio.Semaphore(concurrency, fast_acquire=True)

    @classmethod
    def open(cls, source: Graph | str | Path, **settings: Any) -> Network:
        """`load` by another name: `async with Network.open("runs/first") as network`."""
        return load(source, **settings)

    def __repr__(self) -> str:
        return f"Network of {self.graph!r}"

    def _repr_html_(self) -> str:
        return self.graph._repr_html_()

    async def __aenter__(self) -> Self:
        await self._held.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._held.__aexit__(kind, error, traceback)

    async def aclose(self) -> None:
        """Cancels the streams that go on, and closes what this network has opened."""
        await self._held.aclose()

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
            RuntimeError: the network is closed.
        """
        self._held.check()
        settings = {
            "key": self._key,
            "ordered": ordered,
            "concurrency": concurrency or self.concurrency,
            "max_failures": max_failures,
            "greedy": self._greedy,
        }
        return Results(self._ready, examples, settings)

    async def _ready(self) -> tuple[Program, TaskGroup]:
        held = await self._held.value()
        return held.bound.program, held.group

    async def _run(self, example: Example, told: Any, meter: Meter | None = None) -> Trace:
        wanted = self.graph.inputs
        if example.inputs.keys() != set(wanted):
            raise GraphError(
                f"{self.graph.name} reads {', '.join(wanted)}, but example {example.id!r} brings "
                f"{', '.join(example.inputs) or 'nothing'}"
            )
        self._held.check()
        # Models that are given need nothing to be open.
        bound = self._given or (await self._held.value()).bound
        program = bound.program
        if meter is not None:
            metered = {name: Metered(model, meter) for name, model in bound.models.items()}
            program = Bound.of(self.graph, metered, timeout=bound.timeout).program
        async with self._room:
            return await program.run(
                example.inputs,
                key=self._key / example.id,
                greedy=self._greedy,
                example=example.id,
                on_value=None
                if told is None
                else lambda name, value: told.send_nowait(Valued(name, value)),
            )


def load(
    source: Graph | str | Path,
    *,
    models: Specs | None = None,
    trust: bool = False,
    seed: int = 0,
    greedy: bool = True,
    concurrency: int = 32,
    timeout: float = math.inf,
    **connection: Any,
) -> Network:
    """A network of a file, ready to be called.

        network = langnet.load("best.json")
        trace = await network(question="…")
        async for result in network.stream(examples):
            ...
        await network.aclose()

    Nothing is opened before the first call, or before a block is entered: `async with
    langnet.load("best.json") as network` opens the models there, and closes them at its end.

    Args:
        source: a graph file such as the best.yaml that a fit leaves, the directory of a run, or a
            graph.
        models: see `Specs`; by default those that the file says it was fitted with.
        trust: whether functions other than langnet's own that the file names may be imported,
            which runs their code, and models be asked at addresses that the file names.
        seed: see `Network`.
        greedy: see `Network`.
        concurrency: see `Network`.
        timeout: see `Network`.
        **connection: cache, meter, limits, session, retries and the like; see `connect_all`.

    Raises:
        GraphError: there is no network, or a node calls a model that nothing says.
        SpecError: a line that names a model cannot be read.
    """
    graph, opening = sourced(source, models, trust=trust, connection=connection)
    return Network(
        graph,
        opening,
        seed=seed,
        greedy=greedy,
        concurrency=concurrency,
        timeout=timeout,
    )
