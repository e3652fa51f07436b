"""Finding out what a server can do, with a few tiny requests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp

from langnet.errors import ModelError, RequestRejected, TransientError
from langnet.lm.address import OPENAI
from langnet.lm.base import Capabilities
from langnet.lm.connection import Connection
from langnet.lm.dialects import ScoringWay

__all__ = ["Probe", "found_out"]

T = TypeVar("T")

_LONGEST = 2**20  # bytes; what these endpoints say is short
# Where each kind of server says what it is, and what stands there at no other.
_SIGNS = (
    ("sglang", "/model_info", "model_path"),
    ("sglang", "/get_model_info", "model_path"),
    ("llamacpp", "/props", "default_generation_settings"),
    ("tgi", "/info", "max_concurrent_requests"),
    ("ollama", "/api/version", "version"),
    ("vllm", "/version", "version"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a server was found to do.

    Attributes:
        capabilities: what it can do.
        scoring: how it gives log-probabilities of a given text, if it does.
        dialect: which of the known kinds of server it is, if it says so; nothing follows from it
            until it is declared.
        notes: why it cannot do the rest, by capability.
    """

    capabilities: Capabilities
    scoring: ScoringWay | None = None
    dialect: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


async def found_out(
    connection: Connection,
    declared: str,
    draw: Callable[[], Awaitable[object]],
    first: Callable[[int], Awaitable[object]],
    score: Callable[[ScoringWay], Awaitable[object]],
    ways: Sequence[ScoringWay],
) -> tuple[Probe, int | None]:
    """What a server does when it is asked, and how many top log-probabilities it gives.

    Args:
        connection: to the server.
        declared: the dialect that was declared; empty where none was.
        draw: draws a text.
        first: asks for this many of the most probable first tokens.
        score: scores a text in this way.
        ways: to try in turn; none in a chat.

    Raises:
        ModelError: the server does not even draw a text, or did not answer.
    """
    try:
        await draw()
    except RequestRejected as error:
        kind = None if declared else await _named(connection)
        if kind is not None:
            error.add_note(f"the server says that it is {kind}; try dialect={kind}")
        raise
    dialect = declared or await _named(connection)
    notes: dict[str, str] = {}
    given = await _first_that_works((20, 5), first)
    top, why = given
    if top is None:
        notes["choose"] = why
    way = await _first_that_works(ways, score)
    scoring, why = way
    if scoring is None:
        notes["score"] = why or 'a chat cannot be scored; endpoint="completions" may'
    scores = scoring is not None
    able = Capabilities(score=scores, choose=scores or top is not None)
    return Probe(capabilities=able, scoring=scoring, dialect=dialect, notes=notes), top


async def _named(connection: Connection) -> str | None:
    """Which kind of server this is, if one of the places where they say so is there."""
    address, silence = connection.address, connection.timeout
    if address.base_url == OPENAI:
        return None
    waits = aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence)
    for name, path, sign in _SIGNS:
        try:
            async with connection.opened().get(
                address.url(path), headers=address.headers, timeout=waits, allow_redirects=False
            ) as response:
                found = json.loads(await _beginning(response)) if response.ok else None
        except (aiohttp.ClientError, OSError):
            return None
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and sign in found:
            return name
    return None


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    data = b""
    while len(data) < _LONGEST and (chunk := await response.content.readany()):
        data += chunk
    return data


async def _first_that_works(
    ways: Sequence[T], call: Callable[[T], Awaitable[object]]
) -> tuple[T | None, str]:
    """The first way in which a call succeeds, or None and why it did not in the last one.

    Raises:
        TransientError: the server did not answer, so nothing is known.
    """
    reason = ""
    for way in ways:
        try:
            await call(way)
        except TransientError:
            raise
        except ModelError as error:
            reason = str(error)
        else:
            return way, ""
    return None, reason
