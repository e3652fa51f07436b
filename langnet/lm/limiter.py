"""Keeps to a server's rate limits: a call waits for its turn before it takes a connection.

A `Limiter` belongs to one model at one server and may be shared by several users of it, such as
fits that run at the same time: each is a member with a queue of its own. A call goes when

- no pause holds: a server that says when to come back is left alone until then, by all;
- there is room for one more open call (`langnet.lm.room`);
- its place in time has come, by the requests and by the tokens of the last minute
  (`langnet.lm.pace`). What it may take at most is reserved, and what it took is settled.

Among members that wait, the one goes that has had the least so far, counted by the resource that is
scarcest for it (`langnet.lm.fair`).

Limits come from the user, or from the server's own headers; the smaller holds. Where neither says
anything there is none. After a 429 the pace falls, and recovers evenly.

Where it stands: cache → retry → meter → limit → server. Below the meter and what tries again, so
that every attempt waits for its turn; time in the queue is not held against the call's deadline.
"""

from __future__ import annotations

from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING

import anyio

from langnet.errors import RateLimited, RequestRejected
from langnet.lm.deadline import off_the_clock
from langnet.lm.fair import FairQueue, Member, Turn
from langnet.lm.headers import quotas
from langnet.lm.limits import LimiterReading, Limits
from langnet.lm.pace import Pacer
from langnet.lm.room import Room

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limiter"]

_SLOWER = 0.7
_SLOWEST = 0.1
_RECOVERY = 0.005  # of the limits, per second: a minute makes good for one refusal
_OVERLOADED = {HTTPStatus.SERVICE_UNAVAILABLE, 529}  # the second is Anthropic's


class Limiter:
    """Gives calls of one model their turns.

    It belongs to one event loop, whose clock it reads, and holds no task, so it needs no closing:
    one of the calls that wait looks at the clock for all.

    Args:
        limits: what is allowed.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits = limits or Limits()
        fixed = limits.concurrency != "adaptive"
        first = limits.concurrency if fixed else limits.first_concurrency
        self._room = Room(int(first), int(first) if fixed else limits.most_concurrency)
        self._pacer = Pacer(burst=limits.burst)
        self._learnt: dict[str, float] = {}
        self._speed = 1.0
        self._speed_at = 0.0
        self._pause = -inf
        self._refused = 0
        self._queue = FairQueue()
        self._leader: Turn | None = None
        self._alarm: anyio.CancelScope | None = None
        self._set()

    @property
    def counts_tokens(self) -> bool:
        """Whether a limit of tokens holds, so that calls must say how many they may take."""
        return self._pacer.tokens_per_minute is not None

    def reading(self) -> LimiterReading:
        """How it stands now."""
        return LimiterReading(
            requests_per_minute=self._pacer.requests_per_minute,
            tokens_per_minute=self._pacer.tokens_per_minute,
            speed=self._speed,
            concurrency=int(self._room.limit),
            open=self._room.open,
            waiting=self._queue.size,
            refused=self._refused,
        )

    def member(self, name: str = "") -> Member:
        """One more who shares the limits; all have the same right."""
        return self._queue.join(name)

    async def enter(self, member: Member, *, requests: int = 1, tokens: int = 0) -> Turn:
        """Waits for a turn. What comes after must end in `leave`.

        Args:
            member: whose call it is.
            requests: how many requests the call sends at once.
            tokens: what they may take at most, together.
        """
        now = anyio.current_time()
        turn = Turn(member, requests, tokens, now)
        if not self._queue.size and self._delay(now, turn) <= 0:
            self._take(now, turn)
            return turn
        self._queue.add(turn)
        try:
            with off_the_clock():
                await self._turn(turn)
        except BaseException:  # cancelled: nobody is to wait longer for it
            if turn.taken is None:
                self._queue.remove(turn)
            else:
                self._pacer.undo(turn.taken)
                self._room.leave(requests, succeeded=False)
            self._release()
            raise
        finally:
            self._hand_over(turn)
        return turn

    def leave(
        self, turn: Turn, *, tokens: int | None = None, error: BaseException | None = None
    ) -> None:
        """Settles a call that has ended, and lets others go.

        Args:
            turn: the call's.
            tokens: what it took; `None` where that is unknown, which keeps what was reserved.
            error: what it failed with.
        """
        if isinstance(error, RateLimited):
            self._refuse(error.retry_after)
        elif isinstance(getattr(error, "__cause__", None), TimeoutError):
            self._room.shrink()
        if isinstance(error, RateLimited | RequestRejected):
            tokens = 0  # a server that refuses draws nothing; the request itself counts
        self._room.leave(turn.requests, succeeded=error is None)
        if tokens is not None and turn.taken is not None:
            more = tokens - turn.taken.tokens
            self._pacer.settle(turn.taken, tokens)
            if more and self.counts_tokens:
                reserved = self._pacer.cost(turn.requests, turn.tokens)
                turn.member.had += self._pacer.cost(turn.requests, tokens) - reserved
        self._release()

    def hear(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes note of an answer's status and of what its headers tell of limits."""
        if status in _OVERLOADED:
            self._room.shrink()
        if not self.limits.learn:
            return
        found = quotas(headers)
        if not found:
            return
        now = anyio.current_time()
        for kind, quota in found.items():
            if self._learnt.get(kind) != quota.limit:
                self._learnt[kind] = quota.limit
                self._set()
        for kind, quota in found.items():
            self._pacer.told(now, kind, quota.remaining, quota.reset)

    def _set(self) -> None:
        """Keeps to the smaller of what the user and the server say."""
        requests, tokens = (
            min((limit for limit in (own, self._learnt.get(kind)) if limit), default=None)
            for kind, own in (
                ("requests", self.limits.requests_per_minute),
                ("tokens", self.limits.tokens_per_minute),
            )
        )
        before = self._pacer.requests_per_minute, self._pacer.tokens_per_minute
        self._pacer.limit(requests, tokens, speed=self._speed)
        if before != (requests, tokens):
            self._queue.reset()  # what members had is no longer in the same unit

    def _refuse(self, retry_after: float | None) -> None:
        self._refused += 1
        now = anyio.current_time()
        if retry_after:
            self._pause = max(self._pause, now + min(retry_after, self.limits.longest_pause))
        if self._room.shrink():
            self._recover(now)
            self._speed = max(_SLOWEST, self._speed * _SLOWER)
            self._speed_at = max(now, self._pause)  # nothing is learnt while nothing is sent
            self._set()

    def _recover(self, now: float) -> None:
        if self._speed < 1 and now > self._speed_at:
            self._speed = min(1.0, self._speed + (now - self._speed_at) * _RECOVERY)
            self._speed_at = now
            self._set()

    def _delay(self, now: float, turn: Turn) -> float:
        """Seconds until a call may go; `inf` where another must end first."""
        if not self._room.has(turn.requests):
            return inf
        if self._speed < 1:
            self._recover(now)
        return max(self._pause - now, self._pacer.delay(now, turn.requests, turn.tokens))

    def _take(self, now: float, turn: Turn) -> None:
        turn.taken = self._pacer.take(now, turn.requests, turn.tokens, since=turn.since)
        self._room.enter(turn.requests)
        self._queue.served(turn, self._pacer.cost(turn.requests, turn.tokens))

    def _release(self) -> None:
        """Lets all go who may, and sets the alarm for the next."""
        if not self._queue.size:
            return
        now, wait = anyio.current_time(), inf
        while self._queue.size:
            turn = self._queue.next()
            wait = self._delay(now, turn)
            if wait > 0:
                break
            self._take(now, turn)
            self._queue.remove(turn)
            if turn.woken is not None:
                turn.woken.set()
        if self._alarm is not None:
            self._alarm.deadline = now + wait

    async def _turn(self, turn: Turn) -> None:
        """Returns once the turn has come; meanwhile looks at the clock if nobody else does."""
        while turn.taken is None:
            turn.woken = anyio.Event()
            if self._leader is None:
                self._leader = turn
            if self._leader is not turn:
                await turn.woken.wait()
                continue
            with anyio.CancelScope() as self._alarm:
                self._release()
                if turn.taken is None:
                    await turn.woken.wait()
            self._alarm = None

    def _hand_over(self, turn: Turn) -> None:
        """Lets another look at the clock."""
        if self._leader is turn:
            self._leader = self._alarm = None
        if self._leader is None and self._queue.size:
            heir = self._queue.next().woken
            if heir is not None:
                heir.set()
