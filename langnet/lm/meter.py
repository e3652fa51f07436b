"""Counts what was asked of a model: calls, texts, tokens, answers from a cache, errors."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from langnet.errors import LangnetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Capabilities,
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
        Usage,
    )

__all__ = ["Meter", "MeterReading", "Metered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
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
        prompt_tokens: tokens of contexts and given texts, as the model counts them; a server that
            does not say adds nothing.
        completion_tokens: tokens that were drawn.
        cached_tokens: those of `prompt_tokens` that the model did not compute anew.
        errors: calls that reached the model and failed.
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

    @property
    def calls(self) -> int:
        """All calls that reached the model."""
        return self.sample_calls + self.score_calls + self.choose_calls

    def __sub__(self, earlier: MeterReading) -> MeterReading:
        return self._combined(earlier, -1)

    def __add__(self, other: MeterReading) -> MeterReading:
        return self._combined(other, 1)

    def _combined(self, other: MeterReading, sign: int) -> MeterReading:
        pairs = zip(fields(self), astuple(self), astuple(other), strict=True)
        return MeterReading(**{field.name: mine + sign * its for field, mine, its in pairs})

    def to_json(self) -> dict[str, int]:
        """The counts by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Meter:
    """Counters that belong to the caller. Give one meter to several models to add them up.

    Not safe between threads: one event loop counts.
    """

    __slots__ = tuple(field.name for field in fields(MeterReading))

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

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    def snapshot(self) -> MeterReading:
        """The counts as they stand now."""
        return MeterReading(**{name: getattr(self, name) for name in self.__slots__})

    def took(self, usage: Usage) -> None:
        """Adds the tokens of one answer."""
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cached_tokens += usage.cached_tokens

    def __repr__(self) -> str:
        return f"Meter({self.snapshot()!r})"


class Metered:
    """A model whose calls are counted. It stands below a cache, so that hits are no calls.

    Args:
        model: the model.
        meter: where to count.
    """

    __slots__ = ("_meter", "model")

    def __init__(self, model: LanguageModel, meter: Meter) -> None:
        self.model = model
        self._meter = meter

    @property
    def identity(self) -> str:
        """That of the model: counting changes no answer."""
        return self.model.identity

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model."""
        return self.model.capabilities

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, and counts.

        Raises:
            ModelError: the call failed.
        """
        meter = self._meter
        meter.sample_calls += 1
        try:
            completions = await self.model.sample(context, decoding=decoding, keys=keys)
        except LangnetError:
            meter.errors += 1
            raise
        meter.texts_drawn += len(completions)
        for completion in completions:
            meter.took(completion.usage)
        return completions

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts, and counts.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score.
        """
        meter = self._meter
        meter.score_calls += 1
        try:
            scores = await self.model.score(context, texts, decoding=decoding, end=end)
        except LangnetError:
            meter.errors += 1
            raise
        meter.texts_scored += len(scores.scores)
        meter.took(scores.usage)
        return scores

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, and counts.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
        """
        meter = self._meter
        meter.choose_calls += 1
        try:
            scores = await self.model.choose(context, choices)
        except LangnetError:
            meter.errors += 1
            raise
        meter.texts_scored += 1
        meter.took(scores.usage)
        return scores

    async def aclose(self) -> None:
        """Closes the model."""
        await self.model.aclose()
