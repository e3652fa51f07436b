"""How often a call is made again, and how long it waits before that: settings and sums alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

__all__ = ["Retries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a call that failed is made again, and how long that may take.

    Attributes:
        attempts: how often a call is made at most, the first time included.
        first_wait: the longest back-off after the first failure, in seconds; it doubles.
        longest_wait: the longest back-off at all, in seconds.
        longest_retry_after: the longest wait that a server may ask for, in seconds. One that asks
            for more, such as until the next day, fails the call at once.
        call_deadline: seconds that a call may take with all its attempts and waits; `inf` for as
            long as it takes. More than the model's time-out, or a stalled server gets one chance.
            Time in the queue of a rate limit does not count.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_retry_after: float = 120.0
    call_deadline: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}")
        for name in ("first_wait", "longest_wait", "longest_retry_after"):
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise ValueError(f"{name} must be a number of seconds from 0, not {value}")
        if not self.call_deadline > 0:
            raise ValueError(f"call_deadline must be above 0 s, not {self.call_deadline}")

    def back_off(self, failures: int) -> float:
        """The longest back-off after so many failures, in seconds: the range of the jitter.

        >>> [Retries(longest_wait=3.0).back_off(n) for n in (1, 2, 3, 4)]
        [0.5, 1.0, 2.0, 3.0]
        """
        # Doubled no more often than a float bears.
        return min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 500))
