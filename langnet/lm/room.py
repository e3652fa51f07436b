"""How many calls may be open: found by trying, or fixed.

Additive increase, multiplicative decrease (Chiu and Jain 1989), as in TCP's congestion avoidance
with its slow start (Jacobson 1988): the number begins small, grows by one for each success until
something is refused for the first time, and after that by one for each round of successes; where a
server refuses, it is halved. It grows only while all of it is used, since otherwise success says
nothing.
"""

from __future__ import annotations

__all__ = ["Room"]

_LESS = 0.5


class Room:
    """The calls that are open, and how many may be.

    Args:
        limit: how many may be open at first, or always.
        most: how many may be open at most; the number is fixed where this is `limit`.

    Attributes:
        limit: how many may be open now; its whole part counts.
        open: how many are open.
    """

    __slots__ = ("_adapts", "_grace", "_most", "_refused", "limit", "open")

    def __init__(self, limit: int, most: int) -> None:
        self.limit = float(limit)
        self.open = 0
        self._most = most
        self._adapts = limit < most
        self._refused = False
        self._grace = 0

    def has(self, calls: int) -> bool:
        """Whether so many more may be opened; a call alone always may."""
        return self.open + calls <= self.limit or not self.open

    def enter(self, calls: int) -> None:
        """Opens calls."""
        self.open += calls

    def leave(self, calls: int, *, succeeded: bool) -> None:
        """Closes calls, and grows where all succeeded and the room was full."""
        if succeeded and self.limit < self._most and self.open >= int(self.limit):
            more = calls / self.limit if self._refused else calls
            self.limit = min(self._most, self.limit + more)
        self.open -= calls
        self._grace -= calls

    def shrink(self) -> bool:
        """Halves the number, once for all calls that were open when it was last halved.

        Returns:
            Whether this was the first refusal of such a round.
        """
        if self._grace > 0:
            return False
        self._grace = self.open
        if self._adapts:
            self.limit = max(1.0, self.limit * _LESS)
        self._refused = True
        return True
