"""What a server's headers tell of its rate limits: how much, how much is left, until when.

Two families are read: `x-ratelimit-limit-requests` and its like (OpenAI and those who speak as it
does), with durations such as "6m0s", and `anthropic-ratelimit-requests-limit` and its like, with
RFC 3339 dates. What is not there, or makes no sense, stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Quota", "Resource", "quotas", "seconds_of"]

Resource = Literal["requests", "tokens"]

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|us|µs|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"\d{1,15}")
# What is limited, and the headers of its limit, of what is left, and of the time until all is left.
# Every answer is searched for them, so they are spelled out once.
_NAMES: tuple[tuple[Resource, str, str, str], ...] = tuple(
    (resource, *(form.format(resource, what) for what in ("limit", "remaining", "reset")))
    for resource in ("requests", "tokens")
    for form in ("x-ratelimit-{1}-{0}", "anthropic-ratelimit-{0}-{1}")
)
# A minute's limit is full again within a minute, give or take what clocks and rounding add.
_MINUTE = 62.0


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit per minute, as a server tells it.

    Attributes:
        limit: how many may be used in a minute.
        remaining: how many are left now, where the server says it.
        reset: seconds until all are there again, where the server says it.
    """

    limit: int
    remaining: int | None = None
    reset: float | None = None


def quotas(headers: Mapping[str, str], *, now: datetime | None = None) -> dict[Resource, Quota]:
    """The limits per minute that an answer's headers tell, by what they limit.

    A limit that takes longer than a minute to be full again is none per minute (some servers tell
    that of a day under the same name), so it is left out: nothing is made up.

    >>> quotas({"x-ratelimit-limit-requests": "3000", "x-ratelimit-remaining-requests": "2999",
    ...         "x-ratelimit-reset-requests": "20ms", "x-ratelimit-limit-tokens": "-1"})
    {'requests': Quota(limit=3000, remaining=2999, reset=0.02)}

    Args:
        headers: of the answer, whose names are found in lower case or in any.
        now: the present time, for dates; by default that of the system.
    """
    found: dict[Resource, Quota] = {}
    for resource, limit_name, remaining_name, reset_name in _NAMES:
        text = headers.get(limit_name)
        if text is None or resource in found or not (limit := _count(text)):
            continue
        reset = seconds_of(headers.get(reset_name), now=now)
        if reset is None or reset <= _MINUTE:
            found[resource] = Quota(limit, _count(headers.get(remaining_name)), reset)
    return found


def seconds_of(text: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds until a reset: "1s", "6m0s", "20ms", a number of seconds, or an RFC 3339 date.

    >>> [seconds_of(text) for text in ("1s", "6m0s", "20ms", "1h2m3.5s", "17", "soon")]
    [1.0, 360.0, 0.02, 3723.5, 17.0, None]

    Args:
        text: the header.
        now: the present time, for dates; by default that of the system.
    """
    if text is None:
        return None
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None
