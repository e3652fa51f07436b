"""What an engine really computes, beside what is asked of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["Meter", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much was computed. The difference of two snapshots is what came between them.

    Attributes:
        prefilled_tokens: tokens of contexts and of texts to score that were computed.
        requested_tokens: what that would have been without any sharing: each context once for
            every text that is scored after it, and once for every request that draws.
        drawn_tokens: tokens that were drawn, the ends of texts included. Each is computed in its
            turn, except for the last one of a text.
        decode_calls: calls of the engine.
        filler_tokens: tokens that were computed beside the others and thrown away, since the
            engine rounds otherwise in calls of few tokens.
    """

    prefilled_tokens: int = 0
    requested_tokens: int = 0
    drawn_tokens: int = 0
    decode_calls: int = 0
    filler_tokens: int = 0

    def __add__(self, other: Work) -> Work:
        """Both together."""
        return Work(
            prefilled_tokens=self.prefilled_tokens + other.prefilled_tokens,
            requested_tokens=self.requested_tokens + other.requested_tokens,
            drawn_tokens=self.drawn_tokens + other.drawn_tokens,
            decode_calls=self.decode_calls + other.decode_calls,
            filler_tokens=self.filler_tokens + other.filler_tokens,
        )

    def __sub__(self, earlier: Work) -> Work:
        """What was computed since an earlier snapshot."""
        return Work(
            prefilled_tokens=self.prefilled_tokens - earlier.prefilled_tokens,
            requested_tokens=self.requested_tokens - earlier.requested_tokens,
            drawn_tokens=self.drawn_tokens - earlier.drawn_tokens,
            decode_calls=self.decode_calls - earlier.decode_calls,
            filler_tokens=self.filler_tokens - earlier.filler_tokens,
        )

    @property
    def prefilled_share(self) -> float | None:
        """The computed share of what was requested, None where nothing was.

        Below 1 through what requests have in common with one another and with earlier ones.
        """
        if not self.requested_tokens:
            return None
        return self.prefilled_tokens / self.requested_tokens


class Meter:
    """Adds up work. One thread adds; any thread may take a snapshot."""

    __slots__ = ("_lock", "_work")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work = Work()

    def add(self, work: Work) -> None:
        """Counts something."""
        with self._lock:
            self._work += work

    def snapshot(self) -> Work:
        """All that was counted so far."""
        with self._lock:
            return self._work
