"""How fast calls may go now: by the user's limits, by what the server tells, after its refusals.

Everything here is arithmetic at a time that the caller gives, in seconds; nothing waits.
"""

from __future__ import annotations

from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, get_args

from langnet.lm.headers import Resource, quotas, used_up
from langnet.lm.pace import Pacer
from langnet.lm.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langnet.errors import RateLimited
    from langnet.lm.fair import Turn
    from langnet.lm.limits import Limits
    from langnet.lm.pace import Reservation

__all__ = ["Tempo"]

_SLOWER = 0.7
_SLOWEST = 0.1
_RECOVERY = 0.005  # of the limits, per second: a minute makes good for one refusal


class Tempo:
    """The limits that hold, the share of them that is used, pauses and quotas.

    Args:
        limits: what the user allows.
        changed: is called where other limits hold than before.

    Attributes:
        counts_tokens: whether tokens are limited.
        speed: the share of the limits that is used since the last refusal.
        refused: calls that the server refused for the rate, so far.
    """

    __slots__ = (
        "_changed",
        "_learnt",
        "_limits",
        "_pacer",
        "_pause",
        "_quotas",
        "_speed_at",
        "counts_tokens",
        "refused",
        "speed",
    )

    def __init__(self, limits: Limits, changed: Callable[[], None]) -> None:
        self.speed = 1.0
        self.refused = 0
        self._limits = limits
        self._changed = changed
        self._pacer = Pacer(burst=limits.burst)
        self._quotas = Quotas(limits)
        self._learnt: dict[Resource, float] = {}
        self._speed_at = 0.0
        self._pause = -inf
        self._set()

    @property
    def limits(self) -> dict[Resource, float]:
        """The limits per minute that are kept to, where one is known."""
        return self._pacer.limits

    def used(self, now: float) -> dict[Resource, int]:
        """What was taken of these limits within the last minute."""
        return self._pacer.used(now)

    @property
    def is_free(self) -> bool:
        """Whether nothing is limited, and nothing was refused; then all calls may go at once."""
        return (
            not self.refused
            and not self._pacer.limits
            and not self._quotas.counts
            and self._quotas.until == -inf
        )

    @property
    def closed_until(self) -> float:
        """Until when calls fail at once, since the server wants it; `-inf` where it does not."""
        return self._quotas.until

    def refusal(self, now: float, turn: Turn) -> RateLimited | None:
        """Why a call may not go, however long it waits; `None` where it may."""
        return self._quotas.refusal(now, turn.requests, turn.tokens)

    def delay(self, now: float, turn: Turn) -> float:
        """Seconds until a call may go; not above zero where it may now, `inf` after another."""
        if self._quotas.must_wait(now, turn.tokens):
            return inf
        if self.speed < 1:
            self._recover(now)
        return max(self._pause - now, self._pacer.delay(now, *turn.size))

    def cost(self, requests: int, tokens: int, drawn: int) -> float:
        """What a call takes of the scarcest resource; see `Pacer.cost`."""
        return self._pacer.cost(requests, tokens, drawn)

    def fits(self, tokens: int, drawn: int) -> bool:
        """Whether one request may take so many tokens, of which some are drawn."""
        return self._pacer.fits(1, tokens, drawn)

    def take(self, now: float, turn: Turn) -> Reservation:
        """Reserves what a call may take, once `delay` is zero."""
        self._quotas.take(now, turn.requests, turn.tokens)
        return self._pacer.take(now, *turn.size, since=turn.since)

    def settle(self, taken: Reservation, tokens: int, drawn: int) -> None:
        """Sets what a call really took."""
        self._quotas.settle(taken.at, taken.tokens, tokens)
        self._pacer.settle(taken, tokens, drawn)

    def undo(self, taken: Reservation) -> None:
        """Gives back what was reserved for a call that was not sent."""
        self._quotas.undo(taken.at, taken.requests, taken.tokens)
        self._pacer.undo(taken)

    def succeeded(self) -> None:
        """Takes note that the server answers."""
        self._quotas.open()

    def hear(self, now: float, status: int, headers: Mapping[str, str]) -> None:
        """Takes note of what an answer's headers tell of limits."""
        if not self._limits.learn:
            return
        found = quotas(headers)
        for kind, quota in found.items():
            if self._learnt.get(kind) != quota.limit:
                self._learnt[kind] = quota.limit
                self._set()
        for kind, quota in found.items():
            self._pacer.told(now, kind, quota.remaining, quota.reset)
        spent = used_up(headers) if status == HTTPStatus.TOO_MANY_REQUESTS else None
        if spent is not None and "Retry-After" not in headers:
            kind, quota = spent
            why = f"the server's limit of {quota.limit:,} {kind.replace('_', ' ')} is used up"
            self._quotas.close(now, quota.reset or 0.0, why)

    def refuse(self, now: float, error: RateLimited, *, slower: bool) -> None:
        """Takes note of a refusal.

        Args:
            now: the present time, in seconds.
            error: what the server said.
            slower: whether it is the first of its round, so that the pace falls.
        """
        self.refused += 1
        asked = error.retry_after or 0.0
        if asked > self._limits.longest_pause:
            self._quotas.close(now, asked, str(error))
        elif asked:
            self._pause = max(self._pause, now + asked)
        if slower:
            self._recover(now)
            self.speed = max(_SLOWEST, self.speed * _SLOWER)
            self._speed_at = max(now, self._pause)  # nothing is learnt while nothing is sent
            self._set()

    def _recover(self, now: float) -> None:
        if self.speed < 1 and now > self._speed_at:
            self.speed = min(1.0, self.speed + (now - self._speed_at) * _RECOVERY)
            self._speed_at = now
            self._set()

    def _set(self) -> None:
        """Keeps to the smaller of what the user and the server say."""
        limits: dict[Resource, float] = {}
        for name in get_args(Resource):
            own: float | None = getattr(self._limits, f"{name}_per_minute")
            known = [limit for limit in (own, self._learnt.get(name)) if limit]
            if known:
                limits[name] = min(known)
        before = self._pacer.limits
        self._pacer.limit(limits, speed=self.speed)
        self.counts_tokens = len(limits) > ("requests" in limits) or self._quotas.counts_tokens
        if before != limits:
            self._changed()
