"""The models that a command line names, opened for as long as the command needs them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import anyio
import click

from langnet.cli.watch import WatchOptions, watching
from langnet.events import Notifier, Observer, PhaseAdvanced
from langnet.graph import Graph
from langnet.lm import models_file
from langnet.lm.base import LanguageModel
from langnet.lm.cache import default_cache_path
from langnet.lm.connect import Declaration, connect_all
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter
from langnet.lm.retry import Retries
from langnet.saved import demand_trust, recordable

__all__ = [
    "LOCAL",
    "Connected",
    "ModelOptions",
    "cache_path",
    "connected",
    "recorded_models",
]

LOCAL = "local:smollm2"
"""What nodes call where nothing is said."""
_DEFAULT = "default"
_NAMED = re.compile(r"(?P<name>\w+)=(?P<spec>.+)")
# No node can call a model of this name.
_PROPOSER = "--proposer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What the command line says about models.

    Attributes:
        recorded: what the network's file says it was fitted with; counts where nothing is given.
        trust: whether that may name addresses.
    """

    recorded: Mapping[str, str] = field(default_factory=dict)
    trust: bool = False
    model: tuple[str, ...] = ()
    models: str | None = None
    proposer: str | None = None
    cache: str | None = None
    pull: bool = False
    retries: int = Retries().attempts - 1
    call_deadline: float | None = Retries().call_deadline
    run_deadline: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """Models that are open.

    Attributes:
        models: by the names that nodes call.
        proposer: the model that proposes prompts.
        observers: who else is to be told of events.
    """

    models: dict[str, LanguageModel]
    proposer: LanguageModel
    observers: tuple[Observer, ...] = ()


@asynccontextmanager
async def connected(
    graph: Graph,
    options: ModelOptions,
    *,
    meter: Meter,
    observer: Observer,
    watch: WatchOptions | None = None,
) -> AsyncIterator[Connected]:
    """Opens the models that the nodes of a graph call, and the proposer.

    Raises:
        click.UsageError: a model is given for a name that no node calls.
        LangnetError: a model cannot be opened.
        OSError: the log cannot be written.
    """
    watch = watch or WatchOptions()
    began = anyio.current_time()
    with watching(watch) as observers:
        async with connect_all(
            _specs(graph, options),
            cache=cache_path(options.cache),
            meter=meter,
            retries=Retries(
                attempts=options.retries + 1,
                call_deadline=inf if options.call_deadline is None else options.call_deadline,
            ),
            limits=Limits(
                requests_per_minute=options.requests_per_minute,
                tokens_per_minute=options.tokens_per_minute,
                concurrency=options.max_concurrency or "adaptive",
            ),
            deadline=inf if options.run_deadline is None else began + options.run_deadline,
            observe=Notifier(observers) if observers else None,
            observe_content=watch.log_content,
            pull=options.pull,
            progress=_download(observer),
        ) as models:
            proposer = models.pop(_PROPOSER)
            yield Connected(models, proposer, tuple(observers))


def recorded_models(graph: Graph, options: ModelOptions) -> dict[str, str]:
    """The models that nodes call, as far as the graph's file may name them."""
    specs = _specs(graph, options)
    specs.pop(_PROPOSER)
    return recordable(specs)


def cache_path(given: str | None) -> Path | None:
    """The directory of the cache; `None` where there is to be none."""
    if given is None:
        return default_cache_path()
    return None if given == "none" else Path(given)


def _specs(graph: Graph, options: ModelOptions) -> dict[str, str | Declaration]:
    """What is called by each name that a node calls, and by the proposer.

    What stands on the command line comes before what a file of models declares, and either before
    what the network's own file says.
    """
    given: dict[str, str] = {}
    for item in options.model:
        match = _NAMED.fullmatch(item)
        given[match["name"] if match else _DEFAULT] = match["spec"] if match else item
    called = sorted(
        {node.model for node in graph.nodes.values()}, key=lambda name: name != _DEFAULT
    )
    unknown = [name for name in given if name not in {*called, _DEFAULT}]
    if unknown:
        raise click.UsageError(
            f"no node calls a model {unknown[0]!r}; the nodes call {', '.join(called)}"
        )
    declared = {} if options.models is None else models_file.read(options.models)
    recorded: Mapping[str, str] = {}
    if not given and options.models is None:
        recorded = options.recorded
        if not options.trust:
            demand_trust(recorded, "the network's file")
    known: dict[str, str | Declaration] = {**recorded, **declared, **given}
    first = next(iter(given.values()), None) or (LOCAL if options.models is None else None)
    default = known.get(_DEFAULT, first)
    found = {name: known.get(name, default) for name in called or [_DEFAULT]}
    missing = [name for name, spec in found.items() if spec is None]
    if missing:
        raise click.UsageError(
            f"nodes call a model {missing[0]!r}, which {options.models} does not declare; add it, "
            f"or one called {_DEFAULT} for all others"
        )
    specs = {name: spec for name, spec in found.items() if spec is not None}
    proposer = options.proposer or declared.get("proposer") or next(iter(specs.values()))
    return {**specs, _PROPOSER: proposer}


def _download(observer: Observer) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        observer(PhaseAdvanced("download", done, total))

    return progress
