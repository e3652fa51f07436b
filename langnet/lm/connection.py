"""A server's address with the connections to it: the one place where a model asks its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import anyio

from langnet.lm.address import Address
from langnet.lm.http import post_json

__all__ = ["Connection"]

_CONNECTIONS = 100  # of a session that is opened here


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

    async def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's answer.

        Args:
            path: from the base address, or with a slash from the server's root.
            body: what is sent.

        Raises:
            ModelError: see `langnet.lm.http.post_json`.
            RuntimeError: the connection was closed.
        """
        return await post_json(
            self.opened(),
            self.address.url(path),
            body,
            headers=self.address.headers,
            timeout=self.timeout,
            secret=self.address.key,
            hear=self._hear,
        )

    def opened(self) -> aiohttp.ClientSession:
        """The connections.

        Raises:
            RuntimeError: they were closed.
        """
        if self._closed:
            raise RuntimeError(f"the model at {self.address.base_url} is closed")
        if self.session is None:
            # A limiter decides how many calls are open; a second queue below it would be blind.
            most = _CONNECTIONS if self._hear is None else 0
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=most))
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
