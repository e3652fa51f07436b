"""Listening, and ending so that no request is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from aiohttp import web

from langnet.errors import LangnetError

__all__ = ["serving"]


@asynccontextmanager
async def serving(
    app: web.Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    patience: float = 30.0,
) -> AsyncIterator[str]:
    """Serves an application as long as the block lasts, and gives its address.

    At the end nothing new is taken, and what is being answered is waited for.

    Args:
        app: see `application`.
        host: where to listen.
        port: where to listen; 0 is any free port.
        patience: seconds to wait for open requests at the end; then they are cancelled.

    Raises:
        LangnetError: the port cannot be had.
    """
    # Who hangs up is not answered any more, and what the request asked of models is cancelled.
    runner = web.AppRunner(
        app, handler_cancellation=True, shutdown_timeout=patience, access_log=None
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise LangnetError(
                f"{host}:{port} cannot be listened on: {error.strerror or error}; give another "
                "--port, or 0 for any that is free"
            ) from error
        address = runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"http://{shown}:{address[1]}"
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()
