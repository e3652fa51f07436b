"""Server-sent events: whatever has changed since what somebody was told.

Nothing is kept per client but a cursor, so a slow one costs nothing but its connection, and that is
ended when it takes too long to take what it was sent.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import anyio
from aiohttp import web

from langnet.ui.security import Guard, Refused
from langnet.ui.watch import Watcher

__all__ = ["Clients", "Feed"]

_RETRY = b"retry: 2000\n\n"
_CHUNK = 64 * 1024

C = TypeVar("C")


class Feed(Protocol[C]):
    """What can be followed."""

    def since(self, cursor: C | None) -> tuple[list[bytes], C]:
        """The events since a cursor, and the cursor after them."""

    def cursor_of(self, last: str) -> C | None:
        """The cursor of the last event that somebody saw."""


class Clients:
    """Those who follow.

    Attributes:
        most: how many there may be.
        heartbeat: seconds of silence after which a comment is sent, so that a connection that is
            gone is noticed.
        patience: seconds that a client may take to take what it was sent.
        count: how many there are.
    """

    def __init__(self, *, most: int = 100, heartbeat: float = 15.0, patience: float = 10.0) -> None:
        self.most = most
        self.heartbeat = heartbeat
        self.patience = patience
        self.count = 0

    async def follow(
        self, request: web.Request, feed: Feed[Any], watcher: Watcher, guard: Guard
    ) -> web.StreamResponse:
        """Sends events until the client goes or the watcher is over.

        Raises:
            Refused: too many follow already.
        """
        if self.count >= self.most:
            raise Refused(503, "too many pages are open; close some")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        guard.protect(response)
        self.count += 1
        try:
            await response.prepare(request)
            await self._send(request, response, [_RETRY])
            last = request.headers.get("Last-Event-ID") or request.query.get("after", "")
            cursor = feed.cursor_of(last)
            sent = anyio.current_time()
            while not watcher.is_over:
                events, cursor = feed.since(cursor)
                silence = anyio.current_time() - sent
                if not events and silence < self.heartbeat:
                    await watcher.changed(self.heartbeat - silence)
                    continue
                await self._send(request, response, events or [b": still here\n\n"])
                sent = anyio.current_time()
        except (ConnectionError, TimeoutError):
            pass  # it has gone, or was let go
        finally:
            self.count -= 1
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, events: list[bytes]
    ) -> None:
        data = b"".join(events)
        for start in range(0, len(data), _CHUNK):
            try:
                with anyio.fail_after(self.patience):
                    await response.write(data[start : start + _CHUNK])
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
                raise
