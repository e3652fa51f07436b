"""What a server's headers tell of its rate limits: how much, how much is left, until when.

Two families are read: `x-ratelimit-limit-requests` and its like (OpenAI and those who speak as it
does), with durations such as "6m0s", and `anthropic-ratelimit-requests-limit` and its like, with
RFC 3339 dates; this one has tokens of contexts and of answers apart as well. What is not there, or
makes no sense, stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Quota", "Resource", "quotas", "seconds_of", "used_up"]

Resource = Literal["requests", "tokens", "input_tokens", "output_tokens"]
"""What is limited; "tokens" are those of contexts and answers together."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|us|µs|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"\d{1,15}")
# What is limited, and the headers of its limit, of what is left, and of the time until all is left.
# Every answer is searched for them, so they are spelled out once.
_TOLD = ("limit", "remaining", "reset")
_NAMES: tuple[tuple[Resource, str, str, str], ...] = tuple(
    (resource, *(form.format(resource.replace("_", "-"), what) for what in _TOLD))
    for resource in get_args(Resource)
    for form in ("x-ratelimit-{1}-{0}", "anthropic-ratelimit-{0}-{1}")
)
# A minute's limit is full again within a minute, give or take what clocks and rounding add.
_MINUTE = 62.0


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit, as a server tells it.

    Attributes:
        limit: how many may be used.
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
    return {
        resource: quota
        for resource, quota in _told(headers, now).items()
        if quota.reset is None or quota.reset <= _MINUTE
    }


def used_up(
    headers: Mapping[str, str], *, now: datetime | None = None
) -> tuple[Resource, Quota] | None:
    """The limit of a longer time than a minute, such as a day's, of which nothing is left.

    >>> used_up({"x-ratelimit-limit-requests": "200", "x-ratelimit-remaining-requests": "0",
    ...          "x-ratelimit-reset-requests": "7h12m"})
    ('requests', Quota(limit=200, remaining=0, reset=25920.0))

    Args:
        headers: of the answer.
        now: the present time, for dates; by default that of the system.
    """
    spent = {
        resource: quota
        for resource, quota in _told(headers, now).items()
        if quota.remaining == 0 and (quota.reset or 0.0) > _MINUTE
    }
    return max(spent.items(), key=lambda item: item[1].reset or 0.0, default=None)


def _told(headers: Mapping[str, str], now: datetime | None) -> dict[Resource, Quota]:
    """All limits that are told, of a minute or of longer."""
    found: dict[Resource, Quota] = {}
    for resource, limit_name, remaining_name, reset_name in _NAMES:
        text = headers.get(limit_name)
        if text is not None and resource not in found and (limit := _count(text)):
            remaining = _count(headers.get(remaining_name))
            reset = seconds_of(headers.get(reset_name), now=now)
            found[resource] = Quota(limit, remaining, reset)
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
