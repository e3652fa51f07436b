"""When the next request may go, so that no minute holds more requests or tokens than is allowed.

Two rules hold together, for requests, for tokens, and for tokens of contexts and of answers where a
server limits them apart:

- *Spacing*: a request of a size goes no earlier than the sizes before it allow at an even rate, so
  that there is no burst (the generic cell rate algorithm, ITU-T I.371, in the form of a theoretical
  arrival time).
- *Window*: what was sent within the last minute, at the sizes that are reserved or were settled,
  stays within the limit. This holds whatever the sizes turn out to be.

A server counts when requests arrive, a little later than they are sent and not evenly so. The
window is therefore longer than a minute by the jitter that is allowed for, and the rate is one
hundredth below the limit.

Everything here is arithmetic at a time that the caller gives, in seconds; nothing waits.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, get_args

from langnet.lm.headers import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Pacer", "Reservation"]

MINUTE = 60.0
MARGIN = 1.01
JITTER = 0.3  # seconds by which the delays of two requests on their way may differ
LATE = 0.25  # seconds that may be caught up where timers wake late
_TOLD = 0.02  # of a limit: what a server may count otherwise than we do before it is believed
_SUMMED = 0.1  # seconds that are logged as one while nothing is limited
_INSTANT = 1e-6  # seconds; less is the rounding of sums of times


class Reservation:
    """A place in time that was taken.

    Attributes:
        at: when, in seconds.
        requests: how many requests.
        tokens: how many tokens are reserved, or were used once it is settled.
        drawn: how many of these are answers'.
        within: the sum in the log that it is a part of, where it does not stand there by itself.
    """

    __slots__ = ("at", "counts", "drawn", "requests", "tokens", "within")

    def __init__(self, at: float, requests: int, tokens: int, drawn: int) -> None:
        self.at = at
        self.requests = requests
        self.tokens = tokens
        self.drawn = drawn
        self.counts = True  # until the window has passed
        self.within: Reservation | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """How much of each resource, in the order of `Resource`."""
        return _sizes(self.requests, self.tokens, self.drawn)


def _sizes(requests: int, tokens: int, drawn: int) -> tuple[int, ...]:
    return requests, tokens, tokens - drawn, drawn


class _Lane:
    """One limit, such as that of requests."""

    __slots__ = ("due", "limit", "others", "others_until", "spacing", "used")

    def __init__(self) -> None:
        self.limit = inf  # per minute
        self.spacing = 0.0  # seconds for one unit
        self.due = -inf  # when what was sent has been worked off at an even rate
        self.used = 0  # within the window
        self.others = 0  # what a server counts beyond that
        self.others_until = -inf

    def delay(self, now: float, size: int, oldest: float, burst: float) -> float:
        """Seconds until so much may go; at most those until something leaves the window."""
        if self.limit == inf:
            return 0.0
        wait = self.due - burst - now
        others = self.others if now < self.others_until else 0
        if self.used + others + min(size, self.limit) > self.limit and (self.used or others):
            leaves = min(oldest, self.others_until if others else inf)
            wait = max(wait, leaves - now)
        return wait

    def take(self, since: float, size: int) -> None:
        self.due = max(self.due, since) + size * self.spacing
        self.used += size

    def change(self, size: int, *, counts: bool) -> None:
        """Adds to what was taken, or gives back."""
        self.due += size * self.spacing
        if counts:
            self.used += size


class Pacer:
    """Spaces requests by their number and their tokens.

    Args:
        burst: seconds' worth of the limits that may go at once.

    Attributes:
        burst: see above.
        limits: per minute, those that are kept to.
    """

    __slots__ = ("_lanes", "_limited", "_log", "_sum", "_sum_since", "burst", "limits")

    def __init__(self, *, burst: float = 0.0) -> None:
        self.burst = burst
        self._lanes: dict[Resource, _Lane] = {name: _Lane() for name in get_args(Resource)}
        self._log: deque[Reservation] = deque()
        # The lanes with a limit and their places among sizes; the others are not kept up.
        self._limited: list[tuple[int, _Lane]] = []
        self.limits: dict[Resource, float] = {}
        self._sum: Reservation | None = None
        self._sum_since = 0.0

    def limit(self, limits: Mapping[Resource, float], *, speed: float = 1.0) -> None:
        """Sets the limits per minute, and the share of them that is used.

        What was sent before counts under the new limits.
        """
        self._limited.clear()
        for place, (name, lane) in enumerate(self._lanes.items()):
            limit = limits.get(name, inf)
            if limit < inf:
                self._limited.append((place, lane))
                if lane.limit == inf:
                    lane.used = sum(taken.sizes[place] for taken in self._log)
            lane.limit = limit
            lane.spacing = MINUTE * MARGIN / (limit * speed)
        self.limits = {name: lane.limit for name, lane in self._lanes.items() if lane.limit < inf}

    def told(self, now: float, kind: Resource, remaining: int | None, reset: float | None) -> None:
        """Takes over what a server counts beyond what was sent here, such as others' calls.

        Args:
            now: the present time, in seconds.
            kind: what is limited.
            remaining: what the server says is left of the limit.
            reset: seconds until all is there again.
        """
        lane = self._lanes[kind]
        if remaining is None or lane.limit == inf:
            return
        self._forget(now)
        more = lane.limit - remaining - lane.used
        lane.others = int(more) if more > _TOLD * lane.limit else 0
        lane.others_until = now + (MINUTE if reset is None else reset)

    def used(self, now: float) -> dict[Resource, int]:
        """What was taken within the last minute of each limit, as far as it is settled."""
        self._forget(now)
        return {name: lane.used for name, lane in self._lanes.items() if lane.limit < inf}

    def delay(self, now: float, requests: int, tokens: int, drawn: int = 0) -> float:
        """Seconds until so much may be asked for again to go; not above zero where it may now."""
        self._forget(now)
        if not self._limited:
            return 0.0
        oldest = self._log[0].at + MINUTE + JITTER if self._log else inf
        sizes = _sizes(requests, tokens, drawn)
        wait = max(
            lane.delay(now, sizes[place], oldest, self.burst) for place, lane in self._limited
        )
        return wait if wait > _INSTANT / 2 else 0.0

    def fits(self, requests: int, tokens: int, drawn: int = 0) -> bool:
        """Whether a minute has so much at all."""
        sizes = _sizes(requests, tokens, drawn)
        lanes = zip(self._lanes.values(), sizes, strict=True)
        return all(size <= lane.limit for lane, size in lanes)

    def take(
        self, now: float, requests: int, tokens: int, drawn: int = 0, *, since: float
    ) -> Reservation:
        """Reserves, once `delay` is zero.

        Args:
            now: the present time, in seconds.
            requests: how many requests.
            tokens: how many tokens at most.
            drawn: how many of these are answers'.
            since: when it was first asked for; lateness after that is caught up a little.
        """
        since = max(since, now - LATE)
        taken = Reservation(now, requests, tokens, drawn)
        for place, lane in self._limited:
            lane.take(since, taken.sizes[place])
        if self._limited:
            self._log.append(taken)
        else:
            self._add(taken)
        return taken

    def _add(self, taken: Reservation) -> None:
        """Logs what is not limited yet: as a sum, so that the log does not grow with the speed."""
        last = self._log[-1] if self._log else None
        if last is not self._sum or last is None or taken.at - self._sum_since > _SUMMED:
            self._forget(taken.at)
            last = self._sum = Reservation(taken.at, 0, 0, 0)
            self._sum_since = taken.at
            self._log.append(last)
        last.at = taken.at  # the whole of it leaves the window with its last part
        last.requests += taken.requests
        last.tokens += taken.tokens
        last.drawn += taken.drawn
        taken.within = last

    def settle(self, taken: Reservation, tokens: int, drawn: int = 0) -> None:
        """Sets what a reservation really used; the rest is given back."""
        self._change(taken, taken.requests, tokens, drawn)

    def undo(self, taken: Reservation) -> None:
        """Gives back a reservation of which nothing was sent."""
        self._change(taken, 0, 0, 0)

    def cost(self, requests: int, tokens: int, drawn: int = 0) -> float:
        """The largest share of the limits, in seconds; the number of requests where none is known.

        Source: dominant resources (Ghodsi et al., NSDI 2011).
        """
        if not self._limited:
            return float(requests)
        sizes = _sizes(requests, tokens, drawn)
        return max(sizes[place] * lane.spacing for place, lane in self._limited) or float(requests)

    def _change(self, taken: Reservation, requests: int, tokens: int, drawn: int) -> None:
        before = taken.sizes if self._limited else ()
        logged = taken.within
        if logged is not None:
            logged.requests += requests - taken.requests
            logged.tokens += tokens - taken.tokens
            logged.drawn += drawn - taken.drawn
        taken.requests, taken.tokens, taken.drawn = requests, tokens, drawn
        for place, lane in self._limited:
            change = taken.sizes[place] - before[place]
            if change:
                lane.change(change, counts=(logged or taken).counts)

    def _forget(self, now: float) -> None:
        """Drops what has left the window."""
        log, end = self._log, now - MINUTE - JITTER + _INSTANT
        while log and log[0].at <= end:
            taken = log.popleft()
            taken.counts = False
            for place, lane in self._limited:
                lane.used -= taken.sizes[place]
