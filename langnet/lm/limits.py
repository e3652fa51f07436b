"""What a limiter is to keep to, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langnet.lm.headers import Resource

__all__ = ["LimiterReading", "Limits"]

_RATES = (
    "requests_per_minute",
    "tokens_per_minute",
    "input_tokens_per_minute",
    "output_tokens_per_minute",
    "requests_per_day",
    "tokens_per_day",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a model may be asked.

    Attributes:
        requests_per_minute: requests in any minute; `None` takes what the server's headers say.
        tokens_per_minute: tokens of contexts and answers in any minute; `None` as above.
        input_tokens_per_minute: tokens of contexts alone, where the server limits them apart.
        output_tokens_per_minute: the same of answers.
        requests_per_day: requests in any 24 hours. A call that would be more fails at once.
        tokens_per_day: the same of tokens.
        burst: seconds' worth of these that may go at once, up to 60: 0 spaces them evenly.
        concurrency: calls that are open at once; "adaptive" finds out how many are well.
        first_concurrency: how many that is at the start, where it is adaptive.
        most_concurrency: how many at most, where it is adaptive.
        learn: whether the server's headers are believed.
        longest_pause: seconds that calls are held back at most where a server asks to be left
            alone. Where it asks for more, calls fail at once until then, except for one after each
            such pause, which finds out whether it meant it.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    requests_per_day: float | None = None
    tokens_per_day: float | None = None
    burst: float = 0.0
    concurrency: int | Literal["adaptive"] = "adaptive"
    first_concurrency: int = 8
    most_concurrency: int = 256
    learn: bool = True
    longest_pause: float = 120.0

    def __post_init__(self) -> None:
        for name in _RATES:
            value = getattr(self, name)
            if value is not None and not (value >= 1 and isfinite(value)):
                raise ValueError(f"{name} must be at least 1, or None for no limit, not {value}")
        if not 0 <= self.burst <= 60:  # noqa: PLR2004 - a minute
            raise ValueError(f"burst is seconds from 0 to 60, not {self.burst}")
        if self.concurrency != "adaptive" and self.concurrency < 1:
            raise ValueError(f'concurrency is "adaptive" or at least 1, not {self.concurrency}')
        if not 1 <= self.first_concurrency <= self.most_concurrency:
            raise ValueError("first_concurrency lies between 1 and most_concurrency")
        if not 0 <= self.longest_pause < inf:
            raise ValueError(f"longest_pause is seconds from 0, not {self.longest_pause}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterReading:
    """How a limiter stands.

    Attributes:
        requests_per_minute: the limit that is kept to; `None` where none is known.
        tokens_per_minute: the same of tokens.
        input_tokens_per_minute: the same of tokens of contexts alone.
        output_tokens_per_minute: the same of tokens of answers alone.
        speed: the share of the limits that is used since the last refusal.
        concurrency: calls that may be open.
        open: calls that are.
        waiting: calls that wait for their turn.
        refused: calls that the server refused for the rate, so far.
        queued: seconds that calls have waited for their turn, added up over calls that waited at
            the same time.
        closed_for: seconds for which calls fail at once, since a quota is used up; 0 where they go.
        used: requests and tokens of the last minute, by the resource that is limited.
    """

    requests_per_minute: float | None
    tokens_per_minute: float | None
    input_tokens_per_minute: float | None
    output_tokens_per_minute: float | None
    speed: float
    concurrency: int
    open: int
    waiting: int
    refused: int
    queued: float
    closed_for: float
    used: Mapping[Resource, int] = field(default_factory=dict)
