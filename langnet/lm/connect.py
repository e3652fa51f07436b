"""From a line of text to a model that is ready: "local:smollm2", "openai:gpt-4o", an address.

    async with connect("local:smollm2", cache=default_cache_path()) as model:
        ...

What comes out is a stack of models: the model itself, for a server's what keeps to its limits, a
meter where one is given, what tries again, what asks the same question once at a time, and a cache
over all, so that an answer from the cache is no call. `langnet.lm.retry` says why in this order.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from langnet.lm import models_file
from langnet.lm.cache import Cached, DiskStore
from langnet.lm.connection import opened_session
from langnet.lm.flight import SingleFlight
from langnet.lm.gather import Gathered
from langnet.lm.limited import Bounded, Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter, Metered
from langnet.lm.observe import Observed
from langnet.lm.openai import OpenAIModel
from langnet.lm.providers import SERVERS, shielded
from langnet.lm.providers import opener as _opener
from langnet.lm.retry import Retries, Retrying
from langnet.lm.spec import Declaration, SpecError, parsed
from langnet.lm.until import Until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    import aiohttp

    from langnet.lm.base import LanguageModel
    from langnet.lm.cache import Store
    from langnet.lm.observe import CallFinished

__all__ = ["Declaration", "SpecError", "connect", "connect_all"]

_RETRIES = Retries()
_LIMITS = Limits()


@asynccontextmanager
async def connect(
    spec: str | Declaration | LanguageModel,
    *,
    cache: Store | str | Path | None = None,
    meter: Meter | None = None,
    retries: Retries | None = _RETRIES,
    limits: Limits | Limiter | None = _LIMITS,
    observe: Callable[[CallFinished], None] | None = None,
    observe_content: bool = False,
    session: aiohttp.ClientSession | None = None,
    deadline: float = inf,
    pull: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> AsyncIterator[LanguageModel]:
    """Opens the model that a line names, and closes it at the end.

    Args:
        spec: such as "local:smollm2" or "openai:gpt-4o"; `docs/models.md` lists the forms and
            their options. A model object is taken as it is, and its owner closes it.
        cache: keeps answers: a directory, or a store, which its owner closes. None keeps none.
        meter: counts the calls that reach the model, and the hits of the cache.
        retries: how calls of a server's model that fail are made again; None leaves that to the
            caller. The embedded model, and a model object, are asked once: wrap an object of your
            own in `langnet.lm.retry.Retrying`.
        limits: what a server's model is held to, or a limiter that others share; by default as
            many calls are open as turn out well, and limits are learnt from the server's headers.
            None leaves all to the caller. The embedded model and model objects are not limited:
            wrap an object of your own in `langnet.lm.limited.Limited`.
        observe: is told of every call when it has ended (`langnet.lm.observe.CallFinished`).
        observe_content: whether it is told contexts and answers, too.
        session: connections that the caller owns and closes; by default one session is opened for
            all servers, and closed at the end.
        deadline: when the run ends, on the event loop's clock: `anyio.current_time() + 3600`. Calls
            under way are cut off then, and later ones not sent: `RunDeadlineExceeded`. It holds for
            every model; answers of the cache still come.
        pull: download a model of the catalogue that is not there.
        progress: is told the bytes that have come and those in all, from the thread that
            downloads.

    Raises:
        SpecError: the line cannot be read.
        LangnetError: the model is not there, or cannot be loaded.
    """
    async with connect_all(
        {"default": spec},
        cache=cache,
        meter=meter,
        retries=retries,
        limits=limits,
        observe=observe,
        observe_content=observe_content,
        session=session,
        deadline=deadline,
        pull=pull,
        progress=progress,
    ) as models:
        yield models["default"]


@asynccontextmanager
async def connect_all(
    specs: Mapping[str, str | Declaration | LanguageModel] | str | Path,
    *,
    cache: Store | str | Path | None = None,
    meter: Meter | None = None,
    retries: Retries | None = _RETRIES,
    limits: Limits | Limiter | None = _LIMITS,
    observe: Callable[[CallFinished], None] | None = None,
    observe_content: bool = False,
    session: aiohttp.ClientSession | None = None,
    deadline: float = inf,
    pull: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> AsyncIterator[dict[str, LanguageModel]]:
    """Opens several models by name, each different one once, and closes them at the end.

    Args:
        specs: a line, a declaration or a model object for each name; or a file that declares
            models (`langnet.lm.models_file`). What it says of limits and retries comes before
            what is said here for all.
        cache: see `connect`; the models share it.
        meter: see `connect`; it adds up all models.
        retries: see `connect`.
        limits: see `connect`; each server's model has a limiter of its own, unless this is one.
        observe: see `connect`.
        observe_content: see `connect`.
        session: see `connect`.
        deadline: see `connect`.
        pull: see `connect`.
        progress: see `connect`.

    Raises:
        SpecError: a line or the file cannot be read; nothing was opened.
        LangnetError: a model is not there, or cannot be loaded.
    """
    named, declared = _declared(specs)
    openers = [_opener(declaration) for declaration in declared]
    if meter is None and observe is not None:
        meter = Meter()  # it knows what calls take
    async with AsyncExitStack() as stack:
        store = await _kept(cache, stack)

        over = partial(
            _stacked,
            meter=meter,
            store=store,
            deadline=deadline,
            observe=observe,
            observe_content=observe_content,
        )
        if session is None and any(each.provider in SERVERS for each in declared):
            session = opened_session(limited=limits is not None)
            stack.push_async_callback(shielded, session.close)
        opened: list[LanguageModel] = []
        for each, opener in zip(declared, openers, strict=True):
            bounds = limits if each.limits == "usual" else each.limits
            again = retries if each.retries == "usual" else each.retries
            limiter = Limiter(bounds) if isinstance(bounds, Limits) else bounds
            model = await opener(
                pull=pull, progress=progress, retries=again, limiter=limiter, session=session
            )
            stack.push_async_callback(shielded, model.aclose)
            again = again if isinstance(model, Bounded) else None
            opened.append(over(await _in_turns(model, limiter, stack), again))
        yield {
            name: opened[declared.index(spec)]
            if isinstance(spec, Declaration)
            else over(spec, None)
            for name, spec in named.items()
        }


def _stacked(
    model: LanguageModel,
    retries: Retries | None,
    *,
    meter: Meter | None,
    store: Store | None,
    deadline: float,
    observe: Callable[[CallFinished], None] | None,
    observe_content: bool,
) -> LanguageModel:
    """All that stands over a model, in the order that this module's first lines give."""
    if meter is not None:
        model = Metered(model, meter)
    if retries is not None:
        model = Retrying(model, retries, meter=meter)
    if (meter, retries, store) != (None, None, None):
        model = SingleFlight(model)
    if deadline < inf:
        model = Until(model, deadline)
    if store is not None:
        model = Cached(model, store, meter=meter)
    if observe is not None:
        model = Observed(model, observe, content=observe_content)
    return model


async def _kept(cache: Store | str | Path | None, stack: AsyncExitStack) -> Store | None:
    """Where answers are kept; what is opened here is closed at the end."""
    if not isinstance(cache, str | Path):
        return cache
    store = await anyio.to_thread.run_sync(DiskStore, cache)
    stack.push_async_callback(store.aclose)
    return store


async def _in_turns(
    model: LanguageModel, limiter: Limiter | None, stack: AsyncExitStack
) -> LanguageModel:
    """A server's model whose requests take their turns, and travel together where they may."""
    if isinstance(model, OpenAIModel) and model.batch is not None:
        return await stack.enter_async_context(Gathered(model, limiter))
    if isinstance(model, Bounded) and limiter is not None:
        return Limited(model, limiter)
    return model


def _declared(
    specs: Mapping[str, str | Declaration | LanguageModel] | str | Path,
) -> tuple[dict[str, Declaration | LanguageModel], list[Declaration]]:
    """What each name stands for, and the different models that are declared."""
    if isinstance(specs, str | Path):
        specs = models_file.read(specs)
    named = {name: parsed(spec) if isinstance(spec, str) else spec for name, spec in specs.items()}
    declared: list[Declaration] = []  # what they hold cannot be hashed
    for spec in named.values():
        if isinstance(spec, Declaration) and spec not in declared:
            declared.append(spec)
    return named, declared
