"""How a model that is declared is opened, by its provider."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.to_thread

from langnet.lm.anthropic import AnthropicModel
from langnet.lm.base import Capabilities
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries, retried
from langnet.lm.secret import Secret
from langnet.lm.spec import SpecError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import aiohttp

    from langnet.lm.base import LanguageModel
    from langnet.lm.limiter import Limiter
    from langnet.lm.spec import Declaration

    Opener = Callable[..., Awaitable[LanguageModel]]

__all__ = ["SERVERS", "opener", "shielded"]

SERVERS: Mapping[str, Callable[..., OpenAIModel | AnthropicModel]] = {
    "openai": OpenAIModel,
    "anthropic": AnthropicModel,
}
"""Providers that are reached over a session."""


def opener(declaration: Declaration) -> Opener:
    """How to open a model.

    Raises:
        SpecError: its options cannot be used; nothing was opened.
    """
    if declaration.provider == "local":
        return _local(declaration)
    return _server(declaration)


def _local(declaration: Declaration) -> Opener:
    name = declaration.name

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
        return await local.LocalModel.load(name, **declaration.options)

    return opened


def _server(declaration: Declaration) -> Opener:
    place, options = declaration.place, dict(declaration.options)
    probe = options.pop("probe", False)
    variable = options.pop("key_env", None)
    if options.pop("choose", False):
        options["capabilities"] = Capabilities(score="scoring" in options, choose=True)
    if variable is not None:
        if not os.environ.get(variable):
            raise SpecError(f"{place}: the variable {variable} is not set; put the API key there")
        options["api_key"] = Secret(os.environ[variable])

    def make(session: aiohttp.ClientSession | None) -> OpenAIModel | AnthropicModel:
        return SERVERS[declaration.provider](declaration.name, session=session, **options)

    try:
        make(None)  # opens nothing, and finds what is wrong before anything is opened
    except ValueError as error:
        raise SpecError(f"{place}: {error}") from error

    async def opened(
        *,
        retries: Retries | None,
        limiter: Limiter | None,
        session: aiohttp.ClientSession | None,
        **_download: object,
    ) -> LanguageModel:
        model = make(session)
        if limiter is not None:
            model.bounded(limiter.hear)  # already a probe's answers tell of limits
        if probe and isinstance(model, OpenAIModel):
            try:
                await retried(model.probe, retries or Retries(attempts=1))
            except BaseException:
                await shielded(model.aclose)
                raise
        return model

    return opened


async def shielded(close: Callable[[], Awaitable[None]]) -> None:
    """Closes something even where the caller is cancelled."""
    with anyio.CancelScope(shield=True):
        await close()
