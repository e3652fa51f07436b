"""One HTTP call to a model's server, and what its failures mean.

A call either gives the server's JSON object or raises a `ModelError` that says whether trying
again can help. Nothing here waits and tries again: that is the task of `langnet.lm.retry`, which
finds all it needs in the error (`TransientError`, `RateLimited.retry_after`).

A redirect is not followed, not even to the same server: the key and the prompt would go to an
address that nobody has chosen. No error holds the key, nor does anything that hangs on it.
"""

from __future__ import annotations

import json
import ssl
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from langnet.errors import ModelError, RequestRejected, TransientError
from langnet.lm.failures import cleaned, error_for, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "LONGEST_BODY",
    "answer_of",
    "body_of",
    "connection_error",
    "json_object",
    "post_json",
    "reported_error",
]

LONGEST_BODY = 32 * 2**20  # bytes; a long text with log-probabilities takes a few megabytes
_END_OF_STATUS = 600
# What Anthropic calls its errors, which have no status of their own within a stream.
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


async def post_json(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109  # seconds of silence, not of the whole call
    secret: str | None = None,
    hear: Callable[[int, Mapping[str, str]], None] | None = None,
) -> dict[str, Any]:
    """Sends one request and reads one JSON object.

    Args:
        session: the connections.
        url: where to send it.
        body: what to send.
        headers: sent along; they appear in no error.
        timeout: seconds to wait for a connection, and for the server's next byte.
        secret: text that is taken out of every message.
        hear: is told the status and the headers of an answer.

    Raises:
        RateLimited: status 429, or a passing one with a header Retry-After.
        TransientError: no connection, silence, a broken answer, status 408, 409, 425 or 5xx.
        ContextOverflow: the server says that the request is too long.
        RequestRejected: any other status that is not 2xx, or no connection that can be trusted.
        ModelError: the answer is longer than anything a model says.
    """
    cause: Exception
    try:
        async with session.post(
            url,
            data=_encoded(body),
            headers={**headers, "Content-Type": "application/json"},
            timeout=_waits(timeout),
            allow_redirects=False,
        ) as response:
            data = await body_of(response, url)
            status, said = response.status, response.headers
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        cause = error
    else:
        if hear is not None:
            hear(status, said)
        return answer_of(status, data, url, said, secret)
    fault = connection_error(cause, url, timeout, secret)
    # Raised out here, without a context: an error of the HTTP layer holds the request's headers,
    # and so the key.
    if isinstance(cause, aiohttp.ClientResponseError):
        raise fault
    raise fault from cause


def connection_error(error: Exception, url: str, timeout: float, secret: str | None) -> ModelError:
    """What it means that no answer came.

    Raise it without a context where `error` is an `aiohttp.ClientResponseError`, which holds the
    request's headers, and so the key.
    """
    if isinstance(error, TimeoutError):
        return TransientError(
            f"{url} was silent for {timeout:g} s; give a longer timeout where answers take longer"
        )
    reason = cleaned(str(error) or type(error).__name__, secret)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return RequestRejected(
            f"{url} has no certificate that can be trusted: {reason}; check base_url, or let "
            "SSL_CERT_FILE name the certificates that you trust"
        )
    # A handshake that is cut off is a reset like others; one that fails will fail again.
    cut_off = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
    if isinstance(error, aiohttp.ClientConnectorSSLError) and not isinstance(
        error.os_error, cut_off
    ):
        return RequestRejected(
            f"no secure connection to {url}: {reason}; check whether base_url begins with http "
            "or https"
        )
    return TransientError(f"no answer from {url}: {reason}")


def answer_of(
    status: int, data: bytes, url: str, headers: Mapping[str, str], secret: str | None
) -> dict[str, Any]:
    """The JSON object of an answer that came.

    Raises:
        ModelError: it is an error, or none that can be read.
    """
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise error_for(
            status,
            data,
            url=url,
            retry_after=headers.get("Retry-After"),
            location=headers.get("Location"),
            secret=secret,
        )
    answer = json_object(data, url, secret)
    if answer.get("error") and not answer.get("choices"):
        raise reported_error(answer, data, url, headers.get("Retry-After"), secret)
    return answer


def json_object(data: bytes, url: str, secret: str | None) -> dict[str, Any]:
    """The JSON object that a server sent.

    Raises:
        TransientError: it sent something else.
    """
    try:
        answer = _decoded(data)
    except (ValueError, RecursionError) as error:
        raise TransientError(
            f"{url} answered with what is no JSON: {_shown(data, secret)}"
        ) from error
    if not isinstance(answer, dict):
        raise TransientError(f"{url} answered with no JSON object: {_shown(data, secret)}")
    return answer


def reported_error(
    answer: Mapping[str, Any], data: bytes, url: str, retry_after: str | None, secret: str | None
) -> ModelError:
    """What an error means that came with a good status."""
    # Gateways report a failure behind them so, with its status as the code; Anthropic names it.
    error = answer["error"] if isinstance(answer.get("error"), dict) else answer
    code = error.get("code")
    if type(code) is not int:
        code = _STATUSES.get(str(error.get("type")))
    if type(code) is int and HTTPStatus.BAD_REQUEST <= code < _END_OF_STATUS:
        return error_for(code, data, url=url, retry_after=retry_after, secret=secret)
    return TransientError(
        f"{url} answered with an error in place of a choice: {cleaned(words_of(data), secret)}"
    )


async def body_of(response: aiohttp.ClientResponse, url: str) -> bytes:
    """The body, which may not be longer than `LONGEST_BODY`.

    Raises:
        ModelError: it is longer.
    """
    content = response.content
    chunks: list[bytes] = []
    size = 0
    while not content.at_eof():
        # A short answer comes with its headers, and nothing is waited for.
        chunk = content.read_nowait() if content.is_eof() else await content.readany()
        size += len(chunk)
        if size > LONGEST_BODY:
            response.close()
            raise ModelError(f"{url} answered with more than {LONGEST_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


@lru_cache(maxsize=64)
def _waits(seconds: float) -> aiohttp.ClientTimeout:
    """The time limits of a call, which are made once, not for every call."""
    return aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON, also of what orjson refuses: half a surrogate pair, a number beyond 64 bits."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


def _decoded(data: bytes) -> Any:
    """What JSON says, also in the dialect of servers that write NaN and Infinity.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        return json.loads(data)


def _shown(data: bytes, secret: str | None) -> str:
    # A little more than is shown, so that a secret at the cut is found whole.
    return cleaned(data[:2000].decode(errors="replace"), secret)
