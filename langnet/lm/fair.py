"""A queue for each of several members, from which the one goes next that has had the least.

Source: start-time fair queueing (Goyal, Vin and Cheng 1996): who comes back after a pause starts
level with the others, so that nobody saves up a right to a burst.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from langnet.errors import RateLimited
    from langnet.lm.pace import Reservation

__all__ = ["FairQueue", "Member", "Turn"]


class Turn:
    """A call that waits for its turn, or that has had it and is to be settled.

    Attributes:
        member: whose call it is.
        requests: how many requests it sends.
        tokens: how many tokens it may take at most.
        drawn: how many of these are its answer's.
        since: when it was asked for, in seconds.
        taken: its place in time, once it has gone.
        refusal: why it may never go.
        gone: whether it waits no longer, since it may go, may not, or was cancelled.
        woken: is set once it may go or not, or is to look at the clock.
    """

    __slots__ = (
        "drawn",
        "gone",
        "member",
        "refusal",
        "requests",
        "since",
        "taken",
        "tokens",
        "woken",
    )

    def __init__(
        self, member: Member, requests: int, tokens: int, drawn: int, since: float
    ) -> None:
        self.member = member
        self.requests = requests
        self.tokens = tokens
        self.drawn = drawn
        self.since = since
        self.taken: Reservation | None = None
        self.refusal: RateLimited | None = None
        self.gone = False
        self.woken: asyncio.Event | anyio.Event | None = None

    @property
    def size(self) -> tuple[int, int, int]:
        """Requests, tokens, and those of them that are the answer's."""
        return self.requests, self.tokens, self.drawn

    @property
    def queued(self) -> float:
        """Seconds that it waited before it went."""
        return 0.0 if self.taken is None else self.taken.at - self.since


class Member:
    """One of those who share a limiter.

    Attributes:
        name: for people.
        had: how much it has had, in whatever unit its limiter counts.
        waiting: its calls that wait, in their order.
    """

    __slots__ = ("__weakref__", "had", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.had = 0.0
        self.waiting: deque[Turn] = deque()


class FairQueue:
    """The calls of all members that wait.

    Attributes:
        size: how many calls wait.
    """

    __slots__ = ("_active", "_members", "_start", "size")

    def __init__(self) -> None:
        self.size = 0
        self._active: dict[Member, None] = {}  # their first call is one that waits
        self._members: weakref.WeakSet[Member] = weakref.WeakSet()
        self._start = 0.0

    def join(self, name: str) -> Member:
        """A new member."""
        member = Member(name)
        self._members.add(member)
        return member

    def add(self, turn: Turn) -> None:
        """Queues a call behind the others of its member."""
        member = turn.member
        if member not in self._active:
            member.had = max(member.had, self._start)
            self._active[member] = None
        member.waiting.append(turn)
        self.size += 1

    def next(self) -> Turn:
        """The call that goes next; there must be one."""
        # Members are few, so the least of them is looked for.
        return min(self._active, key=_had).waiting[0]

    def served(self, turn: Turn, cost: float) -> None:
        """Counts what a call that goes now may take."""
        member = turn.member
        if member not in self._active:
            member.had = max(member.had, self._start)
        self._start = member.had
        member.had += cost

    def remove(self, turn: Turn) -> None:
        """Takes out a call that waits, wherever it stands."""
        waiting = turn.member.waiting
        turn.gone = True
        self.size -= 1
        while waiting and waiting[0].gone:
            waiting.popleft()
        if not waiting:
            del self._active[turn.member]

    def reset(self) -> None:
        """Forgets what members have had, such as where the unit changes."""
        self._start = 0.0
        for member in self._members:
            member.had = 0.0


def _had(member: Member) -> float:
    return member.had
