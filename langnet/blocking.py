"""A network for code that does not await: scripts, notebooks without a loop, command-line tools.

    with BlockingNetwork.open("runs/first") as network:
        print(network(text="The film opens in a harbour.").output)

An event loop runs in a thread of its own as long as the block lasts. Where a loop runs already, it
would be blocked, so there all of this refuses: use `langnet.load` and await.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from langnet.data import Example
from langnet.graph import Graph
from langnet.network import Network, Specs, load
from langnet.trace import Failure, Trace

__all__ = ["BlockingNetwork"]


class BlockingNetwork:
    """A network whose calls block; made by `open`. Threads may share it."""

    def __init__(self, portal: BlockingPortal, network: Network) -> None:
        self._portal = portal
        self._network = network

    @classmethod
    @contextmanager
    def open(
        cls, source: Graph | str | Path, *, models: Specs | None = None, **settings: Any
    ) -> Iterator[BlockingNetwork]:
        """Opens a network with its models, and closes both at the end; see `langnet.load`.

        Raises:
            RuntimeError: an event loop runs in this thread.
        """
        _refuse("async with langnet.load(…) as network")
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(load(source, models=models, **settings)) as network,
        ):
            yield cls(portal, network)

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._network.graph

    def __call__(self, /, **inputs: Any) -> Trace:
        """Runs the network on one example; see `Network`.

        Raises:
            RuntimeError: an event loop runs in this thread.
        """
        trace: Trace = self._do(partial(self._network, **inputs), "await network(…)")
        return trace

    def run(self, example: Example) -> Trace:
        """Runs the network on one example; see `Network.run`."""
        trace: Trace = self._do(partial(self._network.run, example), "await network.run(…)")
        return trace

    def stream(self, examples: Iterable[Example], **settings: Any) -> Iterator[Trace | Failure]:
        """Runs the network over a stream of examples; see `Network.stream`.

        The examples are read in the thread of the event loop. Closing the iterator, as leaving a
        `for` loop early does, cancels what is in flight.
        """
        results = self._do(
            partial(_begun, self._network, examples, settings),
            "async for result in network.stream(…)",
        )
        try:
            while (outcome := self._do(partial(anext, results, None), "stream")) is not None:
                yield outcome
        finally:
            self._do(results.aclose, "stream")

    def _do(self, call: Callable[[], Any], instead: str) -> Any:
        _refuse(instead)
        return self._portal.call(call)


async def _begun(network: Network, examples: Iterable[Example], settings: dict[str, Any]) -> Any:
    return network.stream(examples, **settings)


def _refuse(instead: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop runs in this thread, and blocking here would stop everything in it; use "
        f"langnet.load there: {instead}"
    )
