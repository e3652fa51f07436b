"""Keeps to a server's rate limits: a call waits for its turn before it takes a connection.

A `Limiter` belongs to one model at one server and may be shared by several users of it, such as
fits at the same time: each is a member with a queue of its own. A call goes when

- no pause holds: a server that says when to come back is left alone until then, by all;
- there is room for one more open call (`langnet.lm.room`);
- its place in time has come, by the requests and by the tokens of the last minute
  (`langnet.lm.pace`). What it may take at most is reserved, and what it took is settled.

Among members that wait, the one goes that has had the least so far, counted by the resource that is
scarcest for it (`langnet.lm.fair`).

What limits hold, from whom, and what follows from a refusal, is `langnet.lm.tempo`'s affair. Where
a quota is used up that takes hours to be full again, calls fail at once (`langnet.lm.quota`).

Where it stands: cache → retry → meter → limit → server. Below the meter and what tries again, so
that every attempt waits for its turn; time in the queue is not held against the call's deadline.
"""

from __future__ import annotations

from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING

import anyio

from langnet.errors import RateLimited, RequestRejected
from langnet.lm.clock import current_time, event
from langnet.lm.deadline import off_the_clock
from langnet.lm.fair import FairQueue, Member, Turn
from langnet.lm.limits import LimiterReading, Limits
from langnet.lm.room import Room
from langnet.lm.tempo import Tempo

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limiter"]

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
        self._queue = FairQueue()
        # What members had is no longer in the same unit where other limits hold.
        self._tempo = Tempo(limits, self._queue.reset)
        self._queued = 0.0
        self._leader: Turn | None = None
        self._alarm: anyio.CancelScope | None = None

    @property
    def counts_tokens(self) -> bool:
        """Whether a limit of tokens holds, so that calls must say how many they may take."""
        return self._tempo.counts_tokens

    def fits(self, tokens: int, drawn: int) -> bool:
        """Whether one request may take so many tokens: no more than a minute has."""
        return self._tempo.fits(tokens, drawn)

    def reading(self) -> LimiterReading:
        """How it stands now."""
        limits, until = self._tempo.limits, self._tempo.closed_until
        return LimiterReading(
            requests_per_minute=limits.get("requests"),
            tokens_per_minute=limits.get("tokens"),
            input_tokens_per_minute=limits.get("input_tokens"),
            output_tokens_per_minute=limits.get("output_tokens"),
            speed=self._tempo.speed,
            concurrency=int(self._room.limit),
            open=self._room.open,
            waiting=self._queue.size,
            refused=self._tempo.refused,
            queued=self._queued,
            closed_for=0.0 if until == -inf else max(0.0, until - current_time()),
            used=self._tempo.used(current_time()) if limits else {},
        )

    def member(self, name: str = "") -> Member:
        """One more who shares the limits; all have the same right."""
        return self._queue.join(name)

    async def enter(
        self, member: Member, *, requests: int = 1, tokens: int = 0, drawn: int = 0
    ) -> Turn:
        """Waits for a turn. What comes after must end in `leave`.

        Args:
            member: whose call it is.
            requests: how many requests the call sends at once.
            tokens: what they may take at most, together.
            drawn: how many of these are their answers'.

        Raises:
            RateLimited: a quota is used up that takes long to be full again.
        """
        turn = self.ask(member, requests=requests, tokens=tokens, drawn=drawn)
        await self.wait(turn)
        return turn

    def ask(self, member: Member, *, requests: int = 1, tokens: int = 0, drawn: int = 0) -> Turn:
        """A turn to wait for; see `enter`."""
        return Turn(member, requests, tokens, drawn, current_time())

    def goes(self, turn: Turn) -> bool:
        """Whether a turn has come, or comes now without waiting; see `enter`."""
        if turn.taken is None and not self._queue.size:
            now = current_time()
            tempo = self._tempo
            if not tempo.is_free:  # nearly all calls are, so nothing is asked that they do not need
                if (refusal := tempo.refusal(now, turn)) is not None:
                    raise refusal
                if tempo.delay(now, turn) > 0:
                    return False
            if self._room.has(turn.requests):
                self._take(now, turn)
        return turn.taken is not None

    async def wait(self, turn: Turn) -> None:
        """Returns once a turn has come; see `enter`."""
        if self.goes(turn):
            return
        self._queue.add(turn)
        try:
            with off_the_clock():
                await self._turn(turn)
        except BaseException:  # cancelled: nobody is to wait longer for it
            if turn.taken is not None:
                self._tempo.undo(turn.taken)
                self._room.leave(turn.requests, succeeded=False)
            elif not turn.gone:
                self._queue.remove(turn)
            self._release()
            raise
        finally:
            self._hand_over(turn)
        if turn.refusal is not None:
            raise turn.refusal
        self._queued += turn.queued

    def change(self, turn: Turn, *, tokens: int, drawn: int) -> None:
        """Adds to what a call may take, or takes from it, while it waits for its turn."""
        turn.tokens += tokens
        turn.drawn += drawn
        if tokens < 0:
            self._release()

    def leave(
        self,
        turn: Turn,
        *,
        tokens: int | None = None,
        drawn: int | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Settles a call that has ended, and lets others go.

        Args:
            turn: the call's.
            tokens: what it took; `None` where that is unknown, which keeps what was reserved.
            drawn: how many of these were its answer's; as many as were reserved where it is `None`.
            error: what it failed with.
        """
        if error is None:
            self._tempo.succeeded()
        else:
            if isinstance(error, RateLimited):
                self._tempo.refuse(current_time(), error, slower=self._room.shrink())
            elif isinstance(error.__cause__, TimeoutError):
                self._room.shrink()
            if isinstance(error, RateLimited | RequestRejected):
                tokens = 0  # a server that refuses draws nothing; the request itself counts
        self._room.leave(turn.requests, succeeded=error is None)
        if turn.taken is not None:
            tokens = turn.tokens if tokens is None else tokens
            drawn = min(turn.drawn if drawn is None else drawn, tokens)
            self._tempo.settle(turn.taken, tokens, drawn)
            if tokens != turn.tokens and self.counts_tokens:
                cost = self._tempo.cost
                turn.member.had += cost(turn.requests, tokens, drawn) - cost(*turn.size)
        if self._queue.size:
            self._release()

    def hear(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes note of an answer's status and of what its headers tell of limits."""
        if status in _OVERLOADED:
            self._room.shrink()
        self._tempo.hear(current_time(), status, headers)

    def _delay(self, now: float, turn: Turn) -> float:
        """Seconds until a call may go; `inf` where another must end first."""
        if not self._room.has(turn.requests):
            return inf
        return self._tempo.delay(now, turn)

    def _take(self, now: float, turn: Turn) -> None:
        turn.taken = self._tempo.take(now, turn)
        self._room.enter(turn.requests)
        self._queue.served(turn, self._tempo.cost(*turn.size))

    def _release(self) -> None:
        """Lets all go who may, sends those away who may not, and sets the alarm for the next."""
        if not self._queue.size:
            return
        now, wait = current_time(), inf
        while self._queue.size:
            turn = self._queue.next()
            turn.refusal = self._tempo.refusal(now, turn)
            if turn.refusal is None:
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
        while not turn.gone:
            turn.woken = event()
            if self._leader is None:
                self._leader = turn
            if self._leader is not turn:
                await turn.woken.wait()
                continue
            with anyio.CancelScope() as self._alarm:
                self._release()
                if not turn.gone:
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
