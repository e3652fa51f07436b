"""How a model reaches its server: connections, a key, and who is told of the answers' headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import anyio
from yarl import URL

from langnet.lm.http import post_json
from langnet.lm.secret import Secret
from langnet.lm.stream import post_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from langnet.lm.chunks import Chunks

__all__ = ["Session", "checked_key", "checked_url", "opened_session"]

_CONNECTIONS = 100  # of a session that nobody limits


class Session:
    """The way to one server.

    Args:
        headers: sent with every request; they appear in no error.
        secret: what is taken out of every message.
        timeout: seconds to wait for a connection, and for the server's next byte.
        shared: connections that the caller owns and closes; by default some of its own, which are
            opened with the first request.

    Attributes:
        timeout: see above.
    """

    __slots__ = ("_headers", "_hear", "_is_closed", "_opened", "_owns", "_secret", "timeout")

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        secret: str | None,
        timeout: float,
        shared: aiohttp.ClientSession | None,
    ) -> None:
        self.timeout = timeout
        self._headers = headers
        self._secret = secret
        self._opened = shared
        self._owns = shared is None
        self._hear: Callable[[int, Mapping[str, str]], None] | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"Session(timeout={self.timeout!r})"  # the headers hold the key

    @property
    def connections(self) -> aiohttp.ClientSession:
        """The connections.

        Raises:
            RuntimeError: the model is closed.
        """
        if self._is_closed:
            raise RuntimeError("the model is closed")
        if self._opened is None:
            # A limiter decides how many calls are open; a second queue below it would be blind.
            self._opened = opened_session(limited=self._hear is not None)
        return self._opened

    def post(self, url: str, body: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
        """Sends a request and reads the answer; see `langnet.lm.http.post_json`."""
        return post_json(
            self.connections,
            url,
            body,
            headers=self._headers,
            timeout=self.timeout,
            secret=self._secret,
            hear=self._hear,
        )

    async def stream(
        self, url: str, body: Mapping[str, Any], chunks: Chunks, heard: Callable[[str], None]
    ) -> dict[str, Any]:
        """Sends a request and reads the stream; see `langnet.lm.stream.post_events`."""
        return await post_events(
            self.connections,
            url,
            body,
            chunks=chunks,
            heard=heard,
            headers=self._headers,
            timeout=self.timeout,
            secret=self._secret,
            hear=self._hear,
        )

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Leaves the number of open calls to a limiter, and tells it of answers from now on."""
        self._hear = hear

    async def aclose(self) -> None:
        """Closes the connections, except those that the caller owns."""
        self._is_closed = True
        if self._owns and self._opened is not None:
            with anyio.CancelScope(shield=True):
                await self._opened.close()


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


def checked_url(text: str) -> str:
    """The address of a server, without a slash at its end.

    Raises:
        ValueError: it is none that can be used.
    """
    try:
        url = URL(text.strip())
        host = url.host
    except ValueError as error:
        raise ValueError(
            "base_url is no address; give one such as http://127.0.0.1:8000/v1"
        ) from error
    if url.scheme not in {"http", "https"} or not host:
        raise ValueError(
            "base_url is an http(s) address such as http://127.0.0.1:8000/v1; this is none"
        )
    if url.user or url.password or url.query_string or url.fragment:
        # The text is not shown: it may hold a password.
        raise ValueError(
            f"base_url of {host} holds a name, a password, a query or a fragment; leave them out "
            "and give a secret as api_key"
        )
    return str(url).rstrip("/")


def checked_key(key: str | None) -> Secret | None:
    """The key as it can stand in a header; None where there is none.

    Raises:
        ValueError: it cannot.
    """
    key = Secret(key.strip()) if key else Secret()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key holds characters that no header can; check where it is from")
    return key
