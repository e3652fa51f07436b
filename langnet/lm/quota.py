"""Quotas that take hours to be full again: where one is used up, calls fail rather than wait.

Two are known: what the user allows in a day (`Limits.requests_per_day`, `tokens_per_day`), and what
a server says by asking to be left alone for longer than anybody waits. Meanwhile every call fails
at once with a `RateLimited` that says until when, and that no retry waits for. Since servers can be
wrong, now and then one call may go all the same, and if it succeeds the others may as well.

Everything here is arithmetic at a time that the caller gives, in seconds; nothing waits.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from langnet.errors import RateLimited

if TYPE_CHECKING:
    from langnet.lm.limits import Limits

__all__ = ["Day", "Quotas"]

DAY = 86400.0
_BIN = 60.0  # seconds; what a day holds is kept by the minute
_INSTANT = 1e-6  # seconds; less is the rounding of sums of times


class Day:
    """What was used within the last 24 hours, to the minute.

    Args:
        limit: how much any 24 hours may hold.
        what: the name of it.
    """

    __slots__ = ("_bins", "_used", "limit", "what")

    def __init__(self, limit: float, what: str) -> None:
        self.limit = limit
        self.what = what
        self._used = 0
        self._bins: deque[tuple[float, int]] = deque()  # when the last of it was used, and how much

    def delay(self, now: float, size: int) -> float:
        """Seconds until so much fits; `inf` where it never does."""
        while self._bins and self._bins[0][0] <= now - DAY + _INSTANT:
            self._used -= self._bins.popleft()[1]
        if self._used + size <= self.limit:
            return 0.0
        left = self._used
        for at, used in self._bins:
            left -= used
            if left + size <= self.limit:
                return at + DAY - now
        return inf

    def add(self, at: float, size: int) -> None:
        """Counts what was used at a time, or is given back of it where it is negative."""
        self._used += size
        place = len(self._bins)
        while place and self._bins[place - 1][0] // _BIN > at // _BIN:
            place -= 1
        last, used = self._bins[place - 1] if place else (-inf, 0)
        if last // _BIN == at // _BIN:
            self._bins[place - 1] = (max(last, at), used + size)
        else:
            self._bins.insert(place, (at, size))


class Quotas:
    """Says which calls are not to be sent at all.

    Args:
        limits: with the user's own quotas.

    Attributes:
        counts: whether the user has quotas of a day.
        counts_tokens: whether they are of tokens.
        until: when the server may be asked again; `-inf` where it may be now.
    """

    __slots__ = (
        "_open",
        "_patience",
        "_probe",
        "_requests",
        "_tokens",
        "_why",
        "counts",
        "counts_tokens",
        "until",
    )

    def __init__(self, limits: Limits) -> None:
        self._requests = Day(limits.requests_per_day or inf, "requests")
        self._tokens = Day(limits.tokens_per_day or inf, "tokens")
        self.counts_tokens = self._tokens.limit < inf
        self.counts = self.counts_tokens or self._requests.limit < inf
        self._open = 0  # tokens that calls may still take
        self._patience = limits.longest_pause
        self.until = -inf
        self._probe = -inf
        self._why = ""

    def close(self, now: float, seconds: float, why: str) -> None:
        """Lets no call go for so long, as the server asks."""
        self.until = max(self.until, now + seconds)
        self._probe = now + self._patience
        self._why = why

    def open(self) -> None:
        """Lets calls go again, since one has succeeded."""
        self.until = -inf

    def refusal(self, now: float, requests: int, tokens: int) -> RateLimited | None:
        """Why a call of such a size is not to be sent; `None` where it may."""
        if now < min(self.until, self._probe):
            return _refusal(self.until - now, self._why)
        for day, size in ((self._requests, requests), (self._tokens, tokens)):
            if day.limit == inf or (wait := day.delay(now, size)) <= 0:
                continue
            if wait == inf:
                return RateLimited(
                    f"not sent: the call could take {size:,} {day.what}, more than the "
                    f"{day.limit:,.0f} of {day.what}_per_day",
                    retry_after=DAY,
                )
            return _refusal(wait, f"the {day.limit:,.0f} of {day.what}_per_day are used up")
        return None

    def must_wait(self, now: float, tokens: int) -> bool:
        """Whether a call may fit, but only if open calls take less than they may."""
        if not self.counts_tokens or not self._open:
            return False
        return self._tokens.delay(now, self._open + tokens) > 0

    def take(self, now: float, requests: int, tokens: int) -> None:
        """Counts a call that goes now, and reserves what it may take."""
        if now < self.until:
            self._probe = now + self._patience  # this one finds out whether it still holds
        self._open += tokens
        if self.counts:
            self._count(self._requests, now, requests)

    def settle(self, at: float, reserved: int, tokens: int) -> None:
        """Counts the tokens that a call took that went at a time."""
        self._open -= reserved
        if self.counts:
            self._count(self._tokens, at, tokens)

    def undo(self, at: float, requests: int, reserved: int) -> None:
        """Gives back what was counted of a call that was not sent."""
        self._count(self._requests, at, -requests)
        self._open -= reserved

    @staticmethod
    def _count(day: Day, at: float, size: int) -> None:
        if day.limit < inf and size:
            day.add(at, size)


def _refusal(seconds: float, why: str) -> RateLimited:
    then = datetime.now(UTC) + timedelta(seconds=min(seconds, 366 * DAY))
    return RateLimited(
        f"not sent: {why}; calls go again at {then:%Y-%m-%d %H:%M} UTC, in {_long(seconds)}",
        retry_after=seconds,
    )


def _long(seconds: float) -> str:
    """A time in words.

    >>> [_long(seconds) for seconds in (42.0, 150.0, 30_000.0)]
    ['42 s', '2 min 30 s', '8 h 20 min']
    """
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
