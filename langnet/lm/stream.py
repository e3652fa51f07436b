"""One HTTP call whose answer is read as it comes; failures mean what they mean in `http`."""

from __future__ import annotations

from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import anyio

from langnet.errors import ModelError
from langnet.lm.http import (
    LONGEST_BODY,
    answer_of,
    body_of,
    connection_error,
    json_object,
    reported_error,
)
from langnet.lm.sse import EventParser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from langnet.lm.chunks import Chunks
    from langnet.lm.sse import ServerEvent

__all__ = ["post_events"]

T = TypeVar("T")

_LONGEST_EVENT = 4 * 2**20  # bytes
_LINGER = 0.2  # seconds that a connection gets to end its answer, so that it can be used again
_DONE = "[DONE]"


async def post_events(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    chunks: Chunks,
    heard: Callable[[str], None],
    headers: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109  # seconds of silence, not of the whole call
    secret: str | None = None,
    hear: Callable[[int, Mapping[str, str]], None] | None = None,
) -> dict[str, Any]:
    """Sends one request that asks for a stream, and reads it as it comes.

    A server that answers at once, in spite of what it was asked, is read like any other. An answer
    that is cut off is a `TransientError`: what was heard of it does not count.

    Args:
        session: the connections.
        url: where to send it.
        body: what to send.
        chunks: puts the answer together.
        heard: is told each piece of text; what it raises ends the call.
        headers: sent along; they appear in no error.
        timeout: seconds to wait for a connection, and for the server's next byte.
        secret: text that is taken out of every message.
        hear: is told the status and the headers of an answer.

    Raises:
        ModelError: as for `post_json`, also for what the server says in mid-stream.
    """
    waits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)

    async def guarded(waiting: Awaitable[T]) -> T:
        # Around the connection's own work alone: a listener may raise an OSError, too.
        try:
            return await waiting
        except (aiohttp.ClientError, OSError) as error:
            cause = error
        fault = connection_error(cause, url, timeout, secret)
        if isinstance(cause, aiohttp.ClientResponseError):
            raise fault
        raise fault from cause

    response = await guarded(
        session.post(url, json=body, headers=headers, timeout=waits, allow_redirects=False)
    )
    async with response:  # what has not ended when this is left is closed
        if hear is not None:
            hear(response.status, response.headers)
        if response.status != HTTPStatus.OK or response.content_type != "text/event-stream":
            data = await guarded(body_of(response, url))
            return answer_of(response.status, data, url, response.headers, secret)
        is_done = False
        async with aclosing(_events(lambda: guarded(response.content.readany()), url)) as events:
            async for event in events:
                is_done = event.data == _DONE
                if not is_done:
                    _take(event, chunks, heard, url, secret)
                if is_done or chunks.is_complete:
                    break
        answer = chunks.answer(done=is_done)
        with anyio.move_on_after(_LINGER), suppress(aiohttp.ClientError, OSError):
            while await response.content.readany():
                pass
    return answer


async def _events(
    read: Callable[[], Awaitable[bytes]], url: str
) -> AsyncGenerator[ServerEvent, None]:
    """The events of a body, up to its end."""
    parser, size = EventParser(longest=_LONGEST_EVENT), 0
    while data := await read():
        size += len(data)
        try:
            events = parser.feed(data)
        except ValueError as error:
            raise ModelError(f"{url} streamed too much: {error}") from error
        if size > LONGEST_BODY:
            raise ModelError(f"{url} streamed more than {LONGEST_BODY} bytes")
        for event in events:
            yield event
    for event in parser.end():
        yield event


def _take(
    event: ServerEvent, chunks: Chunks, heard: Callable[[str], None], url: str, secret: str | None
) -> None:
    """Adds an event to the answer."""
    data = event.data.encode(errors="replace")
    chunk = json_object(data, url, secret)
    if event.name == "error" or chunk.get("error") or chunk.get("object") == "error":
        raise reported_error(chunk, data, url, None, secret)
    if text := chunks.add(chunk):
        heard(text)
