"""Listening on loopback for as long as somebody looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from langnet.concurrency import task_group
from langnet.serve import serving
from langnet.ui.app import application
from langnet.ui.events import Clients
from langnet.ui.security import Guard, loopback
from langnet.ui.watch import Watcher

__all__ = ["viewing"]


@asynccontextmanager
async def viewing(
    roots: Sequence[str | Path],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    interval: float = 0.5,
    clients: Clients | None = None,
) -> AsyncIterator[str]:
    """Shows the runs in some folders as long as the block lasts, and gives the address.

    The address holds a secret, and whoever has it can see and steer the runs.

    Args:
        roots: run directories, or folders that hold some or will.
        host: where to listen, on loopback.
        port: where to listen; 0 is any free port.
        interval: seconds between two looks at the files.
        clients: those who follow events.

    Raises:
        LangnetError: the host is not on loopback, or the port cannot be had.
    """
    loopback(host)
    guard = Guard()
    watcher = Watcher(roots, interval=interval)
    app = application(watcher, guard, clients)
    async with task_group() as tasks:
        # What there is is there for the first who asks.
        watcher.poll()
        tasks.start_soon(watcher.watch)
        # Nobody has to wait: what a page was told it is told again when it comes back.
        async with serving(app, host=host, port=port, patience=1.0) as address:
            yield f"{address}/?token={guard.token}"
        tasks.cancel_scope.cancel()
