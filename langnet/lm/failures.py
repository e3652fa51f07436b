"""What a server's status and words mean: whether trying again can help, and what would mend it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from yarl import URL

from langnet.errors import ContextOverflow, ModelError, RateLimited, RequestRejected, TransientError

__all__ = ["cleaned", "error_for", "overflow_sizes", "retry_seconds", "words_of"]

_LONGEST_MESSAGE = 500  # characters of a server's message that are passed on
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY}
# Of the server's own errors, those that say that it will never know how.
_NEVER = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED}
_MENDS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; check the API key",
    HTTPStatus.FORBIDDEN: "; check the API key and what it may use",
    HTTPStatus.NOT_FOUND: "; check the model's name, base_url and the endpoint",
}

# Azure's 400 for a prompt that its filter of content stops.
_FILTERED = re.compile(rb'"code"\s*:\s*"(?:content_filter|ResponsibleAIPolicyViolation)"')
# OpenAI's 429 for an account without money, which no wait mends.
_SPENT = re.compile(rb'"(?:code|type)"\s*:\s*"insufficient_quota"')
# What servers say of a request that is too long, in lower case.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context length|context size|context window"
    r"|maximum model length|max_model_len|too many tokens|longer than the model"
    r"|prompt is too long|input is too long|exceed context limit"
    r"|`inputs` tokens \+ `max_new_tokens`|`inputs` must have less than"
)
# Anthropic's words for a prompt that leaves too little room for the longest answer.
_SUM = re.compile(r"(\d+) \+ (\d+) > (\d+)")
# Where such a message names the size of the context: after these words or before them.
_AVAILABLE = re.compile(
    r"(?:context length|context size|context window|model length|limit|must be <=|must have less"
    r" than)\D{0,20}?(\d+)"
    r"|(\d+) (?:tokens? )?max"
)


def error_for(
    status: int,
    data: bytes,
    *,
    url: str,
    retry_after: str | None = None,
    location: str | None = None,
    secret: str | None = None,
) -> ModelError:
    """The error that a status other than 2xx stands for, with the server's own message.

    Args:
        status: the HTTP status.
        data: the answer's body.
        url: what was asked.
        retry_after: the header of that name.
        location: the header of that name.
        secret: text that is taken out of the message.
    """
    message = cleaned(words_of(data), secret)
    said = f"{url} answered {status}: {message}" if message else f"{url} answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS and _SPENT.search(data[: 2**16]):
        return RequestRejected(f"{said}; the account has no credit left")
    wait = retry_seconds(retry_after, now=datetime.now(UTC))
    passes = status in _TRANSIENT or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NEVER
    )
    if status == HTTPStatus.TOO_MANY_REQUESTS or (passes and wait is not None):
        return RateLimited(said, retry_after=wait)  # with a 503, a server says it as well
    if passes:
        return TransientError(said)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        place = cleaned(_place(url, location), secret)
        return RequestRejected(
            f"{said}; redirects are not followed: give the address that it moved to{place} "
            "as base_url"
        )
    return _refusal(status, data, said, message)


def _refusal(status: int, data: bytes, said: str, message: str) -> RequestRejected:
    """What a status that refuses stands for."""
    # llama.cpp and Anthropic-like gateways say 413 or 422 where OpenAI says 400.
    if _OVERFLOW.search(data[: 2**16].decode(errors="replace").lower()):
        needed, available = overflow_sizes(message)
        return ContextOverflow(
            f"{said}; shorten the prompt or the texts, or lower max_tokens",
            needed=needed,
            available=available,
        )
    if _FILTERED.search(data[: 2**16]):
        return RequestRejected(
            f"{said}; the filter of content stopped the prompt: change it, or the filter of the "
            "deployment"
        )
    return RequestRejected(said + _MENDS.get(status, ""))


def overflow_sizes(message: str) -> tuple[int | None, int | None]:
    """Tokens that a request needs and that a context holds, where a server's message names them.

    >>> overflow_sizes("This model's maximum context length is 4097 tokens. However, your "
    ...                "messages resulted in 5000 tokens.")
    (5000, 4097)
    """
    text = re.sub(r"(?<=\d)[,_](?=\d{3})", "", message.lower())
    if added := _SUM.search(text):
        return int(added[1]) + int(added[2]), int(added[3])
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


def _place(url: str, location: str | None) -> str:
    """Where a redirect leads, in brackets, without what may be secret in it."""
    if not location:
        return ""
    try:
        found = URL(url).join(URL(location))
        return f" ({found.with_user(None).with_query(None).with_fragment(None)})"
    except ValueError:
        return ""


def words_of(data: bytes) -> str:
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
    try:
        return answer if isinstance(answer, str) else json.dumps(answer)
    except RecursionError:
        return data[: 4 * _LONGEST_MESSAGE].decode(errors="replace")


def cleaned(text: str, secret: str | None) -> str:
    """One line without the secret and without what a terminal would obey, not too long."""
    if secret:
        text = text.replace(secret, "[key]")
    text = " ".join(text.split())
    short = "".join(letter if letter.isprintable() else "�" for letter in text[:_LONGEST_MESSAGE])
    return short if len(text) <= _LONGEST_MESSAGE else short + "…"
