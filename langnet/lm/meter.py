"""Counts what was asked of a model: calls, texts, tokens, answers from a cache, errors.

A meter also holds the budget, since it stands where calls go out: above it are caches, whose
answers are free.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, TypeVar

from langnet.errors import BudgetExceeded, LangnetError, ModelError
from langnet.lm.base import Completion, Usage
from langnet.lm.partial import partial_of
from langnet.lm.tokens import counter
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
    )
    from langnet.lm.budget import Budget

T = TypeVar("T")

_FREE = nullcontext()

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
        errors: calls that reached the model and failed, also those that were then made again.
        retries: calls that were made again after a failure.
        waited: seconds that calls waited before they were made again, added up over calls that
            waited at the same time.
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

    def to_json(self) -> dict[str, float]:
        """The counts by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Meter:
    """Counters that belong to the caller. Give one meter to several models to add them up.

    Not safe between threads: one event loop counts.
    """

    __slots__ = ("_budget", "_earlier", "_reserved", *(f.name for f in fields(MeterReading)))

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

    def __init__(self) -> None:
        for field in fields(MeterReading):
            setattr(self, field.name, field.default)
        self._budget: Budget | None = None
        self._earlier = MeterReading()
        self._reserved = Usage()

    def snapshot(self) -> MeterReading:
        """The counts as they stand now."""
        return MeterReading(**{f.name: getattr(self, f.name) for f in fields(MeterReading)})

    @contextmanager
    def limited(
        self, budget: Budget | None, *, spent: MeterReading | None = None
    ) -> Iterator[None]:
        """Holds all that is counted from now on to a budget, until the block is left.

        Args:
            budget: the limits; none where it is `None`.
            spent: what counts as spent already, such as by earlier sessions of the same fit.

        Raises:
            BudgetExceeded: in the block, by a call that could exceed the budget: it is not sent.
        """
        before = self._budget, self._earlier
        self._budget = budget
        self._earlier = self.snapshot() - (spent or MeterReading())
        try:
            yield
        finally:
            self._budget, self._earlier = before

    @property
    def is_limited(self) -> bool:
        """Whether a budget holds."""
        return self._budget is not None

    @contextmanager
    def reserved(self, usage: Usage) -> Iterator[None]:
        """Sets aside what a call may take, while it is under way.

        Raises:
            BudgetExceeded: it could exceed the budget.
        """
        if self._budget is None:
            yield
            return
        since = self.snapshot() - self._earlier
        reserved = self._reserved + usage
        fault = self._budget.exceeded(
            since.calls + 1,
            since.prompt_tokens + reserved.prompt_tokens,
            since.completion_tokens + reserved.completion_tokens,
        )
        if fault is not None:
            raise BudgetExceeded(f"{fault}; give a larger one to go on")
        self._reserved = reserved
        try:
            yield
        finally:
            self._reserved = Usage(
                self._reserved.prompt_tokens - usage.prompt_tokens,
                self._reserved.completion_tokens - usage.completion_tokens,
            )

    def took(self, usage: Usage) -> None:
        """Adds the tokens of one answer."""
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cached_tokens += usage.cached_tokens

    def __repr__(self) -> str:
        return f"Meter({self.snapshot()!r})"


class Metered(Wrapper):
    """A model whose calls are counted. It stands below a cache, so that hits are no calls.

    Args:
        model: the model.
        meter: where to count, and what holds the budget.
    """

    __slots__ = ("_meter", "_tokens")

    def __init__(self, model: LanguageModel, meter: Meter) -> None:
        super().__init__(model)
        self._meter = meter
        self._tokens = counter(model)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, and counts.

        Raises:
            ModelError: the call failed.
            BudgetExceeded: it was not sent.
        """
        meter = self._meter
        with self._reserved(context, completion=decoding.max_tokens * len(keys)):
            meter.sample_calls += 1
            completions = await self._counted(
                self.model.sample(context, decoding=decoding, keys=keys)
            )
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
            BudgetExceeded: it was not sent.
        """
        meter = self._meter
        with self._reserved(context, *texts):
            meter.score_calls += 1
            scores = await self._counted(
                self.model.score(context, texts, decoding=decoding, end=end)
            )
            meter.texts_scored += len(scores.scores)
            meter.took(scores.usage)
        return scores

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, and counts.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
            BudgetExceeded: it was not sent.
        """
        meter = self._meter
        texts = [text for choice in choices for text in choice.texts]
        with self._reserved(context, *texts):
            meter.choose_calls += 1
            scores = await self._counted(self.model.choose(context, choices))
            meter.texts_scored += 1
            meter.took(scores.usage)
        return scores

    async def _counted(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except LangnetError as error:
            self._meter.errors += 1
            if isinstance(error, ModelError):
                self._arrived(error)
            raise

    def _arrived(self, error: ModelError) -> None:
        """Counts what a failed call has given all the same."""
        partial = partial_of(error)
        self._meter.took(partial.usage)
        for answer in partial.answers.values():
            if isinstance(answer, Completion):
                self._meter.texts_drawn += 1
            else:
                self._meter.texts_scored += 1

    def _reserved(self, *texts: str, completion: int = 0) -> AbstractContextManager[None]:
        """Sets aside what a call may take; nothing is counted where no budget asks for it."""
        if not self._meter.is_limited:
            return _FREE
        return self._meter.reserved(Usage(sum(map(self._tokens, texts)), completion))
