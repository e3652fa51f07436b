"""A network's models: given, or yet to be opened; and what is open while a network is."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from langnet import graph_file
from langnet.concurrency import task_group
from langnet.errors import DeadlineExceeded, GraphError
from langnet.graph import Graph
from langnet.lm import models_file
from langnet.lm.base import LanguageModel
from langnet.lm.connect import Declaration, connect_all
from langnet.lm.spec import parsed
from langnet.program import Models, Program
from langnet.saved import located, named_models, saved_models
from langnet.trace import Trace

__all__ = ["Bound", "Opened", "Opening", "Specs", "Timed", "opened", "sourced"]

Specs = str | Path | LanguageModel | Mapping[str, str | LanguageModel]
"""A line that names a model, or a model, for every node; several by the names nodes call; or a file
that declares them (a `Path`)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Models that are yet to be opened.

    Attributes:
        specs: a line that names a model, or a model, by the names that nodes call.
        connection: what `connect_all` is told besides.
    """

    specs: Mapping[str, str | LanguageModel | Declaration]
    connection: Mapping[str, Any]


class Timed(Program):
    """A program each of whose runs has to end in time.

    Args:
        graph: the network.
        models: what its nodes call.
        timeout: seconds that a run may take.
    """

    __slots__ = ("timeout",)

    def __init__(self, graph: Graph, models: Models, timeout: float) -> None:
        super().__init__(graph, models)
        self.timeout = timeout

    async def run(self, inputs: Mapping[str, Any], *, example: str = "", **settings: Any) -> Trace:
        """Runs the graph on one example; see `Program.run`.

        Raises:
            DeadlineExceeded: it took too long.
        """
        with anyio.move_on_after(self.timeout) as scope:
            return await super().run(inputs, example=example, **settings)
        assert scope.cancelled_caught  # noqa: S101 - nothing else leads here
        raise DeadlineExceeded(
            f"{self.graph.name} took longer than {self.timeout:g} s on example {example!r}"
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A graph with models that are open.

    Attributes:
        program: what runs it.
        models: by the names that nodes call.
        timeout: seconds that a run may take.
    """

    program: Program
    models: Mapping[str, LanguageModel]
    timeout: float

    @classmethod
    def of(cls, graph: Graph, models: Models, *, timeout: float) -> Bound:
        """Binds them.

        Raises:
            GraphError: a node calls a model that is not given.
        """
        endless = math.isinf(timeout)  # and then spares a cancel scope for each run
        program = Program(graph, models) if endless else Timed(graph, models, timeout)
        if not isinstance(models, Mapping):
            models = dict.fromkeys(named_models(graph), models)
        return cls(program, models, timeout)


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open while a network is: its models, and the group that its streams belong to."""

    bound: Bound
    group: TaskGroup


@asynccontextmanager
async def opened(models: Bound | Opening, bind: Callable[[Models], Bound]) -> AsyncIterator[Opened]:
    """Opens models that are yet to be opened, and a group for streams; both end with the block.

    Args:
        models: what is bound already, or what is to be opened.
        bind: binds what was opened.
    """
    async with AsyncExitStack() as stack:
        if isinstance(models, Opening):
            connecting = connect_all(models.specs, **models.connection)
            models = bind(await stack.enter_async_context(connecting))
        group = await stack.enter_async_context(task_group())
        try:
            yield Opened(models, group)
        finally:
            group.cancel_scope.cancel()  # streams that nobody reads to their end


def sourced(
    source: Graph | str | Path,
    models: Specs | None,
    *,
    trust: bool,
    connection: Mapping[str, Any],
) -> tuple[Graph, Opening]:
    """A graph, and the models that its nodes call; see `langnet.network.load`.

    Raises:
        GraphError: there is no network, or a node calls a model that nothing says.
        SpecError: a line that names a model cannot be read.
    """
    named: Mapping[str, str] = {}
    if isinstance(source, Graph):
        graph, place = source, f"the graph {source.name!r}"
    else:
        path = located(source)
        graph, place = graph_file.load(path, trust=trust), str(path)
        named = saved_models(path, trust=trust) if models is None else {}
    specs = _specs(graph, named if models is None else models, place)
    return graph, Opening(specs, connection)


def _specs(graph: Graph, models: Specs, place: str) -> dict[str, LanguageModel | Declaration]:
    """What is called by each name that nodes call; lines are read, and nothing is opened."""
    called = named_models(graph)
    given: Mapping[str, str | LanguageModel | Declaration]
    if isinstance(models, Path):
        given = models_file.read(models)
    elif isinstance(models, Mapping):
        given = models
    else:
        given = dict.fromkeys(called, models)
    missing = [name for name in called if name not in given and "default" not in given]
    if missing:
        raise GraphError(
            f"{place} calls the model {missing[0]!r}, and nothing says which that is; give "
            'models="local:smollm2", or another line, or one for each name'
        )
    found = {name: given.get(name) or given["default"] for name in called}
    return {name: parsed(spec) if isinstance(spec, str) else spec for name, spec in found.items()}
