"""A server's address with the connections to it: the one place where a model asks its server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import anyio

from langnet.lm.address import Address
from langnet.lm.chunks import Chunks
from langnet.lm.http import post_json
from langnet.lm.stream import post_events

__all__ = ["Connection", "opened_session"]

_CONNECTIONS = 100  # of a session that nobody limits


class Connection:
    """Asks a server. Nothing is opened before the first question.

    Args:
        address: where the server is.
        timeout: seconds to wait for a connection, and for the server's next byte.
        session: connections that the caller owns and closes.
    """

    def __init__(
        self, address: Address, *, timeout: float, session: aiohttp.ClientSession | None = None
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.session = session
        self._owns_session = session is None
        self._hear: Callable[[int, Mapping[str, str]], None] | None = None
        self._closed = False
        self._headers = address.headers
        self._urls: dict[str, str] = {}

    def ask(self, path: str, body: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
        """The server's answer.

        Args:
            path: from the base address, or with a slash from the server's root.
            body: what is sent.

        Raises:
            ModelError: see `langnet.lm.http.post_json`.
            RuntimeError: the connection was closed.
        """
        return post_json(
            self.opened(),
            self._urls.get(path) or self._url(path),
            body,
            headers=self._headers,
            timeout=self.timeout,
            secret=self.address.key,
            hear=self._hear,
        )

    async def stream(
        self, path: str, body: Mapping[str, Any], chunks: Chunks, heard: Callable[[str], None]
    ) -> dict[str, Any]:
        """The server's answer, read as it comes; see `langnet.lm.stream.post_events`.

        Args:
            path: see `ask`.
            body: what is sent, which asks for a stream.
            chunks: puts the answer together.
            heard: is told each piece of text.

        Raises:
            ModelError: see `post_events`.
            RuntimeError: the connection was closed.
        """
        return await post_events(
            self.opened(),
            self.address.url(path),
            body,
            chunks=chunks,
            heard=heard,
            headers=self._headers,
            timeout=self.timeout,
            secret=self.address.key,
            hear=self._hear,
        )

    def _url(self, path: str) -> str:
        url = self._urls[path] = self.address.url(path)
        return url

    def opened(self) -> aiohttp.ClientSession:
        """The connections.

        Raises:
            RuntimeError: they were closed.
        """
        if self._closed:
            raise RuntimeError(f"the model at {self.address.base_url} is closed")
        if self.session is None:
            # A limiter decides how many calls are open; a second queue below it would be blind.
            self.session = opened_session(limited=self._hear is not None)
        return self.session

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Leaves the number of open calls to a limiter, and tells it of answers.

        Args:
            hear: is told the status and the headers of every answer from now on.
        """
        self._hear = hear

    async def aclose(self) -> None:
        """Closes the connections, except those of a session that the caller owns."""
        self._closed = True
        if self._owns_session and self.session is not None:
            with anyio.CancelScope(shield=True):
                await self.session.close()


def opened_session(*, limited: bool) -> aiohttp.ClientSession:
    """New connections.

    Args:
        limited: whether a limiter decides how many calls are open.
    """
    most = 0 if limited else _CONNECTIONS
    # A model's server has no use for cookies, and every request would look for them.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most), cookie_jar=aiohttp.DummyCookieJar()
    )
