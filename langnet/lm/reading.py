"""What is counted of calls: the counters, and what they show at one moment."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from langnet.display import Displayed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langnet.lm.base import Usage

__all__ = ["COUNTING", "WATCHED", "Counts", "MeterReading", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading(Displayed):
    """What a meter showed at one moment; the difference of two is what happened between them.

    >>> before, after = MeterReading(sample_calls=2), MeterReading(sample_calls=5, hits=1)
    >>> (after - before).sample_calls
    3

    Attributes:
        sample_calls: calls of `sample` that reached the model.
        score_calls: calls of `score` that reached the model.
        choose_calls: calls of `choose` that reached the model.
        texts_drawn: texts that the model drew.
        texts_scored: texts and sets of labels that the model scored.
        hits: texts, scores and sets of labels that came from a cache instead.
        prompt_tokens: tokens of contexts and given texts, as the model counts them.
        completion_tokens: tokens that were drawn.
        cached_tokens: those of `prompt_tokens` that the model did not compute anew.
        errors: calls that reached the model and failed, also those that were then made again.
        retries: calls that were made again after a failure.
        waited: seconds that calls waited before they were made again, added up over calls that
            waited at the same time.
        queued: seconds that requests waited for their turn under a rate limit, added up likewise.
        estimated_tokens: those of the prompt and completion tokens that langnet counted itself,
            since the server did not say.
        known_cost: what the tokens with a known price cost, in the currency of the prices.
        unpriced_tokens: tokens whose price is unknown.
    """

    sample_calls: int = 0
    score_calls: int = 0
    choose_calls: int = 0
    texts_drawn: int = 0
    texts_scored: int = 0
    hits: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    errors: int = 0
    retries: int = 0
    waited: float = 0.0
    queued: float = 0.0
    estimated_tokens: int = 0
    known_cost: float = 0.0
    unpriced_tokens: int = 0

    @property
    def calls(self) -> int:
        """All calls that reached the model."""
        return self.sample_calls + self.score_calls + self.choose_calls

    @property
    def tokens(self) -> int:
        """All tokens, given and drawn."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def cost(self) -> float | None:
        """What all of it cost; `None` where the price of a part is unknown."""
        return None if self.unpriced_tokens else self.known_cost

    def __sub__(self, earlier: MeterReading) -> MeterReading:
        return self._combined(earlier, -1)

    def __add__(self, other: MeterReading) -> MeterReading:
        return self._combined(other, 1)

    def _combined(self, other: MeterReading, sign: int) -> MeterReading:
        pairs = zip(_NAMES, astuple(self), astuple(other), strict=True)
        return MeterReading(**{name: mine + sign * its for name, mine, its in pairs})

    def to_json(self) -> dict[str, float]:
        """The counts by name."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MeterReading:
        """The reading that `to_json` wrote, also where an older version did; other names are left.

        Tokens that were counted before there were prices have no known price.
        """
        found = {name: data[name] for name in _NAMES if name in data}
        if "known_cost" not in found:
            tokens = found.get("prompt_tokens", 0) + found.get("completion_tokens", 0)
            found["unpriced_tokens"] = tokens
        return cls(**found)


_NAMES: tuple[str, ...] = tuple(field.name for field in fields(MeterReading))


def total(readings: Iterable[MeterReading]) -> MeterReading:
    """The sum of readings."""
    return sum(readings, MeterReading())


class Counts:
    """Counters that go on; see `MeterReading` for what they count.

    Attributes:
        open: calls that are under way below the meter, those that wait for their turn included.
    """

    __slots__ = (*_NAMES, "open")

    open: int

    sample_calls: int
    score_calls: int
    choose_calls: int
    texts_drawn: int
    texts_scored: int
    hits: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    errors: int
    retries: int
    waited: float
    queued: float
    estimated_tokens: int
    known_cost: float
    unpriced_tokens: int

    def __init__(self) -> None:
        # One by one, since a watched call makes counters of its own.
        self.sample_calls = self.score_calls = self.choose_calls = 0
        self.texts_drawn = self.texts_scored = self.hits = 0
        self.prompt_tokens = self.completion_tokens = self.cached_tokens = 0
        self.errors = self.retries = self.estimated_tokens = self.unpriced_tokens = 0
        self.waited = self.queued = self.known_cost = 0.0
        self.open = 0

    @property
    def calls(self) -> int:
        """All calls that reached the model."""
        return self.sample_calls + self.score_calls + self.choose_calls

    def took(self, usage: Usage, cost: float | None, *, estimated: bool = False) -> None:
        """Adds the tokens of an answer and what they cost."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cached_tokens += usage.cached_tokens
        if estimated:
            self.estimated_tokens += tokens
        if cost is None:
            self.unpriced_tokens += tokens
        else:
            self.known_cost += cost

    def reading(self) -> MeterReading:
        """What they show now."""
        return MeterReading(**{name: getattr(self, name) for name in _NAMES})


WATCHED: ContextVar[Counts | None] = ContextVar("langnet_watched", default=None)
"""Counts what one call does that somebody watches (`langnet.lm.observe`)."""
COUNTING: ContextVar[Sequence[Counts]] = ContextVar("langnet_counting", default=())
"""Where the call that is under way counts the time that its requests queue."""
