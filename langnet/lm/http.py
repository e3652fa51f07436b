"""One HTTP call to a model's server, and what its failures mean.

A call either gives the server's JSON object or raises a `ModelError` that says whether trying
again can help. Nothing here waits and tries again: that is the task of a wrapper over the model,
which finds all it needs in the error (`TransientError`, `RateLimited.retry_after`).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from langnet.errors import (
    ContextOverflow,
    ModelError,
    RateLimited,
    RequestRejected,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_for", "overflow_sizes", "post_json", "retry_seconds"]

_LONGEST_BODY = 32 * 2**20  # bytes; a long text with log-probabilities takes a few megabytes
_LONGEST_MESSAGE = 500  # characters of a server's message that are passed on
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY}
_MENDS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; check the API key",
    HTTPStatus.FORBIDDEN: "; check the API key and what it may use",
    HTTPStatus.NOT_FOUND: "; check the model's name, base_url and the endpoint",
}

# What servers say of a request that is too long, in lower case.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context length|context size|context window"
    r"|maximum model length|max_model_len|too many tokens|longer than the model"
    r"|prompt is too long|input is too long"
)
# Where such a message names the size of the context: after these words or before them.
_AVAILABLE = re.compile(
    r"(?:context length|context size|context window|model length|limit)\D{0,20}?(\d+)"
    r"|(\d+) (?:tokens? )?max"
)


async def post_json(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109  # seconds of silence, not of the whole call
    secret: str | None = None,
) -> dict[str, Any]:
    """Sends one request and reads one JSON object.

    Args:
        session: the connections.
        url: where to send it.
        body: what to send.
        headers: sent along; they appear in no error.
        timeout: seconds to wait for a connection, and for the server's next byte.
        secret: text that is taken out of every message.

    Raises:
        RateLimited: status 429.
        TransientError: no connection, silence, a broken answer, status 408, 409, 425 or 5xx.
        ContextOverflow: the server says that the request is too long.
        RequestRejected: any other status that is not 2xx.
        ModelError: the answer is longer than anything a model says.
    """
    waits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
    try:
        async with session.post(
            url, json=body, headers=headers, timeout=waits, allow_redirects=False
        ) as response:
            data = await _read(response, url)
            status, retry_after = response.status, response.headers.get("Retry-After")
    except TimeoutError as error:
        raise TransientError(
            f"{url} was silent for {timeout:g} s; give a longer timeout where answers take longer"
        ) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise RequestRejected(f"{url} has no certificate that can be trusted: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        reason = _cleaned(str(error) or type(error).__name__, secret)
        raise TransientError(f"no answer from {url}: {reason}") from error
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise error_for(status, data, url=url, retry_after=retry_after, secret=secret)
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TransientError(
            f"{url} answered with what is no JSON: {_shown(data, secret)}"
        ) from error
    if not isinstance(answer, dict):
        raise TransientError(f"{url} answered with no JSON object: {_shown(data, secret)}")
    return answer


def error_for(
    status: int, data: bytes, *, url: str, retry_after: str | None = None, secret: str | None = None
) -> ModelError:
    """The error that a status other than 2xx stands for, with the server's own message.

    Args:
        status: the HTTP status.
        data: the answer's body.
        url: what was asked.
        retry_after: the header of that name.
        secret: text that is taken out of the message.
    """
    message = _cleaned(_message(data), secret)
    said = f"{url} answered {status}: {message}" if message else f"{url} answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(said, retry_after=retry_seconds(retry_after, now=datetime.now(UTC)))
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(said)
    # llama.cpp and Anthropic-like gateways say 413 or 422 where OpenAI says 400.
    if _OVERFLOW.search(data[: 2**16].decode(errors="replace").lower()):
        needed, available = overflow_sizes(message)
        return ContextOverflow(
            f"{said}; shorten the prompt or the texts, or lower max_tokens",
            needed=needed,
            available=available,
        )
    moved = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    mend = "; give the address that it moved to as base_url" if moved else _MENDS.get(status, "")
    return RequestRejected(said + mend)


def overflow_sizes(message: str) -> tuple[int | None, int | None]:
    """Tokens that a request needs and that a context holds, where a server's message names them.

    >>> overflow_sizes("This model's maximum context length is 4097 tokens. However, your "
    ...                "messages resulted in 5000 tokens.")
    (5000, 4097)
    """
    text = re.sub(r"(?<=\d)[,_](?=\d{3})", "", message.lower())
    found = _AVAILABLE.search(text)
    if found is None:
        return None, None
    available = int(found[1] or found[2])
    # Servers count the prompt, the answer and their sum; the largest is the sum.
    largest = max(int(number) for number in re.findall(r"(?<![\w.-])\d+(?![\w-])", text))
    return (largest if largest > available else None), available


def retry_seconds(header: str | None, *, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, in either of its forms; None where it says nothing.

    Source: RFC 9110, section 10.2.3.

    Args:
        header: a number of seconds or a date.
        now: the present time, with its time zone.
    """
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


async def _read(response: aiohttp.ClientResponse, url: str) -> bytes:
    """The body, which may not be longer than `_LONGEST_BODY`."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > _LONGEST_BODY:
            response.close()
            raise ModelError(f"{url} answered with more than {_LONGEST_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _message(data: bytes) -> str:
    """What the server says is wrong, in one of the usual places, or its whole answer."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return data[: 4 * _LONGEST_MESSAGE].decode(errors="replace")
    for _ in range(2):
        if not isinstance(answer, dict):
            break
        for place in ("error", "message", "detail"):
            if answer.get(place):
                answer = answer[place]
                break
    return answer if isinstance(answer, str) else json.dumps(answer)


def _cleaned(text: str, secret: str | None) -> str:
    """One line without the secret, not too long."""
    if secret:
        text = text.replace(secret, "[key]")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _shown(data: bytes, secret: str | None) -> str:
    # A little more than is shown, so that a secret at the cut is found whole.
    return _cleaned(data[:2000].decode(errors="replace"), secret)
