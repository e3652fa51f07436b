"""The models that a command line names, opened for as long as the command needs them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import anyio
import click

from langnet.events import Observer, PhaseAdvanced
from langnet.graph import Graph
from langnet.lm.base import LanguageModel
from langnet.lm.cache import default_cache_path
from langnet.lm.connect import connect_all
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter
from langnet.lm.retry import Retries

__all__ = ["Connected", "ModelOptions", "cache_path", "connected"]

_DEFAULT = "default"
_NAMED = re.compile(r"(?P<name>\w+)=(?P<spec>.+)")
# No node can call a model of this name.
_PROPOSER = "--proposer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What the command line says about models."""

    model: tuple[str, ...]
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
    """

    models: dict[str, LanguageModel]
    proposer: LanguageModel


@asynccontextmanager
async def connected(
    graph: Graph, options: ModelOptions, *, meter: Meter, observer: Observer
) -> AsyncIterator[Connected]:
    """Opens the models that the nodes of a graph call, and the proposer.

    Raises:
        click.UsageError: a model is given for a name that no node calls.
        LangnetError: a model cannot be opened.
    """
    specs, began = _specs(graph, options), anyio.current_time()
    async with connect_all(
        {**specs, _PROPOSER: options.proposer or next(iter(specs.values()))},
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
        pull=options.pull,
        progress=_download(observer),
    ) as models:
        proposer = models.pop(_PROPOSER)
        yield Connected(models, proposer)


def cache_path(given: str | None) -> Path | None:
    """The directory of the cache; `None` where there is to be none."""
    if given is None:
        return default_cache_path()
    return None if given == "none" else Path(given)


def _specs(graph: Graph, options: ModelOptions) -> dict[str, str]:
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
    default = given.get(_DEFAULT, next(iter(given.values())))
    return {name: given.get(name, default) for name in called} or {_DEFAULT: default}


def _download(observer: Observer) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        observer(PhaseAdvanced("download", done, total))

    return progress
