"""From a line of text to a model that is ready: "local:smollm2", "openai:gpt-4o", an address.

    async with connect("local:smollm2", cache=default_cache_path()) as model:
        ...

What comes out is a stack of models: the model itself, for a server's what keeps to its limits, a
meter where one is given, what tries again, and a cache over all, so that an answer from the cache
is no call. `langnet.lm.retry` says why in this order.
"""

from __future__ import annotations

import os
import re
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio
import anyio.from_thread
import anyio.to_thread

from langnet.errors import LangnetError
from langnet.lm.base import Capabilities
from langnet.lm.cache import Cached, DiskStore
from langnet.lm.limited import Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter, Metered
from langnet.lm.observe import Observed
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries, Retrying, retried
from langnet.lm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from langnet.lm.base import LanguageModel
    from langnet.lm.cache import Store
    from langnet.lm.observe import CallFinished

__all__ = ["SpecError", "connect", "connect_all"]

_FORMS = """
  local:smollm2                          a model of the catalogue (`langnet models list`)
  local:/path/to/model.gguf              a model file
  openai:gpt-4o                          OpenAI, or the server that OPENAI_BASE_URL names
  openai:NAME@http://127.0.0.1:8000/v1   a server that speaks OpenAI's protocol
  http://127.0.0.1:8000/v1#NAME          the same
Options follow a question mark: openai:NAME@http://127.0.0.1:8000/v1?endpoint=completions&probe=1"""

_RETRIES = Retries()
_LIMITS = Limits()

_OPENAI = re.compile(r"(?P<name>[^?#]+?)(@(?P<url>https?://[^?#]+))?(\?(?P<options>.*))?")
_ADDRESS = re.compile(r"(?P<url>https?://[^?#]+)#(?P<name>[^?#]+)(\?(?P<options>.*))?")
_LOCAL = re.compile(r"(?P<name>[^?]+)(\?(?P<options>.*))?")


class SpecError(LangnetError, ValueError):
    """A line that names a model cannot be read; the message lists the forms."""


@asynccontextmanager
async def connect(
    spec: str | LanguageModel,
    *,
    cache: Store | str | Path | None = None,
    meter: Meter | None = None,
    retries: Retries | None = _RETRIES,
    limits: Limits | Limiter | None = _LIMITS,
    observe: Callable[[CallFinished], None] | None = None,
    observe_content: bool = False,
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
        pull=pull,
        progress=progress,
    ) as models:
        yield models["default"]


@asynccontextmanager
async def connect_all(
    specs: Mapping[str, str | LanguageModel],
    *,
    cache: Store | str | Path | None = None,
    meter: Meter | None = None,
    retries: Retries | None = _RETRIES,
    limits: Limits | Limiter | None = _LIMITS,
    observe: Callable[[CallFinished], None] | None = None,
    observe_content: bool = False,
    pull: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> AsyncIterator[dict[str, LanguageModel]]:
    """Opens several models by name, each different line once, and closes them at the end.

    Args:
        specs: a line or a model object for each name.
        cache: see `connect`; the models share it.
        meter: see `connect`; it adds up all models.
        retries: see `connect`.
        limits: see `connect`; each server's model has a limiter of its own, unless this is one.
        observe: see `connect`.
        observe_content: see `connect`.
        pull: see `connect`.
        progress: see `connect`.

    Raises:
        SpecError: a line cannot be read; nothing was opened.
        LangnetError: a model is not there, or cannot be loaded.
    """
    openers = {spec: _opener(spec) for spec in specs.values() if isinstance(spec, str)}
    if meter is None and observe is not None:
        meter = Meter()  # it knows what calls take
    async with AsyncExitStack() as stack:
        store: Store | None
        if isinstance(cache, str | Path):
            store = await anyio.to_thread.run_sync(DiskStore, cache)
            stack.push_async_callback(store.aclose)
        else:
            store = cache

        def over(model: LanguageModel, retries: Retries | None) -> LanguageModel:
            if meter is not None:
                model = Metered(model, meter)
            if retries is not None:
                model = Retrying(model, retries, meter=meter)
            if store is not None:
                model = Cached(model, store, meter=meter)
            if observe is not None:
                model = Observed(model, observe, content=observe_content)
            return model

        opened: dict[str, LanguageModel] = {}
        for spec, opener in openers.items():
            limiter = Limiter(limits) if isinstance(limits, Limits) else limits
            model = await opener(pull=pull, progress=progress, retries=retries, limiter=limiter)
            stack.push_async_callback(_close, model)
            if isinstance(model, OpenAIModel):
                opened[spec] = over(model if limiter is None else Limited(model, limiter), retries)
            else:
                opened[spec] = over(model, None)
        yield {
            name: opened[spec] if isinstance(spec, str) else over(spec, None)
            for name, spec in specs.items()
        }


def _opener(spec: str) -> Callable[..., Any]:
    """How to open what a line names; raises at once where the line cannot be read."""
    spec = spec.strip()
    shown = re.sub(r"(?<=//)[^/@]*@", "…@", spec)  # a name and a password may stand there
    kind, _, rest = spec.partition(":")
    if kind == "local" and (found := _LOCAL.fullmatch(rest)):
        return _local(found["name"], _options(shown, found["options"], _LOCAL_OPTIONS))
    if kind == "openai" and (found := _OPENAI.fullmatch(rest)):
        return _openai(shown, found["name"], found["url"], found["options"])
    if kind in {"http", "https"} and (found := _ADDRESS.fullmatch(spec)):
        return _openai(shown, found["name"], found["url"], found["options"])
    raise SpecError(f"{shown!r} names no model; the forms are{_FORMS}")


def _options(
    spec: str, text: str | None, known: Mapping[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """Options by name, read by the function that `known` has for each."""
    options: dict[str, Any] = {}
    for name, value in parse_qsl(text or "", keep_blank_values=True):
        if name not in known:
            raise SpecError(f"{spec!r} has the unknown option {name!r}; known are {sorted(known)}")
        if name in options:
            raise SpecError(f"{spec!r} has the option {name!r} twice; leave one out")
        try:
            options[name] = known[name](value)
        except ValueError as error:
            raise SpecError(f"{spec!r}: {value!r} is no value of {name!r}: {error}") from error
    return options


def _local(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    async def opened(
        *, pull: bool, progress: Callable[[int, int], None] | None, **_server: object
    ) -> LanguageModel:
        # Only who uses an embedded model pays for its imports.
        from langnet.lm import local  # noqa: PLC0415

        def told(done: int, total: int) -> None:
            anyio.from_thread.check_cancelled()  # so that a download can be cancelled
            if progress is not None:
                progress(done, total)

        if pull and any(entry.name == name for entry in local.catalogue()):
            await anyio.to_thread.run_sync(local.pull, name, told)
        return await local.LocalModel.load(name, **options)

    return opened


def _openai(spec: str, name: str, url: str | None, options: str | None) -> Callable[..., Any]:
    chosen = _options(spec, options, _OPENAI_OPTIONS)
    probe = chosen.pop("probe", False)
    variable = chosen.pop("key_env", None)
    if chosen.pop("choose", False):
        scores = "scoring" in chosen
        chosen["capabilities"] = Capabilities(score=scores, choose=True)
    if variable is not None:
        if not os.environ.get(variable):
            raise SpecError(f"{spec!r}: the variable {variable} is not set; put the API key there")
        chosen["api_key"] = Secret(os.environ[variable])
    try:
        model = OpenAIModel(name, base_url=url, **chosen)  # opens nothing yet
    except ValueError as error:
        raise SpecError(f"{spec!r}: {error}") from error

    async def opened(
        *, retries: Retries | None, limiter: Limiter | None, **_download: object
    ) -> LanguageModel:
        if limiter is not None:
            model.bounded(limiter.hear)  # already a probe's answers tell of limits
        if probe:
            try:
                await retried(model.probe, retries or Retries(attempts=1))
            except BaseException:
                await _close(model)
                raise
        return model

    return opened


async def _close(model: LanguageModel) -> None:
    """Closes a model even where the caller is cancelled."""
    with anyio.CancelScope(shield=True):
        await model.aclose()


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("it is 0 or 1")
    return text == "1"


_LOCAL_OPTIONS: dict[str, Callable[[str], Any]] = {"context_size": int, "threads": int}
_OPENAI_OPTIONS: dict[str, Callable[[str], Any]] = {
    "choose": _flag,
    "endpoint": str,
    "key_env": str,
    "probe": _flag,
    "scoring": str,
    "timeout": float,
    "top_logprobs": int,
}
