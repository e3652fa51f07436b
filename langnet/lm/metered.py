"""A model whose calls are counted, and held to the meter's budget."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from langnet.errors import LangnetError, ModelError
from langnet.lm.base import Completion, Usage
from langnet.lm.partial import partial_of
from langnet.lm.reading import COUNTING, Counts
from langnet.lm.tokens import counter
from langnet.lm.wrapper import Wrapper, innermost, stack_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from contextlib import AbstractContextManager

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
    )
    from langnet.lm.meter import Meter

__all__ = ["Metered"]

T = TypeVar("T")
_FREE = nullcontext()


class Metered(Wrapper):
    """A model whose calls are counted. It stands below a cache, so that hits are no calls.

    Where an answer does not say how many tokens it took, they are counted here, as well as that
    can be known (`langnet.lm.tokens.counter`), and marked as an estimate.

    Args:
        model: the model.
        meter: where to count, and what holds the budget.
    """

    __slots__ = ("_estimates", "_meter", "_name", "_price", "_separate", "_tokens")

    def __init__(self, model: LanguageModel, meter: Meter) -> None:
        super().__init__(model)
        self._meter = meter
        self._name = meter.known(model)
        self._price = meter.price(self._name)
        self._tokens = counter(model)
        # A server's model sends a request for each text, and each has the whole context.
        self._separate = hasattr(innermost(model), "bounded")
        # What comes out of a memory took no tokens.
        self._estimates = not any(getattr(part, "remembers", False) for part in stack_of(model))

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, and counts.

        Raises:
            ModelError: the call failed.
            BudgetExceeded: it was not sent.
        """
        counts = self._meter.counts(self._name)
        draws = len(keys) if decoding.temperature > 0 else min(len(keys), 1)
        with self._allowed(context, (), draws, decoding.max_tokens * len(keys)):
            for each in counts:
                each.sample_calls += 1
                each.open += 1
            token = COUNTING.set(counts)
            try:
                completions = await self.model.sample(context, decoding=decoding, keys=keys)
            except LangnetError as error:
                self._failed(counts, error)
                raise
            finally:
                COUNTING.reset(token)
                for each in counts:
                    each.open -= 1
            usage = completions[0].usage if len(completions) == 1 else _used(completions)
            is_told = self._is_told(usage)
            if not is_told:
                drawn = sum(self._tokens(completion.text) for completion in completions[:draws])
                usage = self._estimate(context, (), draws, drawn)
            cost = self._cost(usage)
            for each in counts:
                each.texts_drawn += len(completions)
                each.took(usage, cost, estimated=not is_told)
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
        counts = self._meter.counts(self._name)
        with self._allowed(context, texts, len(texts)):
            for each in counts:
                each.score_calls += 1
            scores = await self._counted(
                counts, self.model.score(context, texts, decoding=decoding, end=end)
            )
            self._took(counts, scores.usage, len(scores.scores), context, texts, len(texts))
        return scores

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, and counts.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
            BudgetExceeded: it was not sent.
        """
        counts = self._meter.counts(self._name)
        texts = [text for choice in choices for text in choice.texts]
        # A model that scores texts scores each; one that does not draws one token.
        requests = len(texts) if self.model.capabilities.score else 1
        with self._allowed(context, texts, requests):
            for each in counts:
                each.choose_calls += 1
            scores = await self._counted(counts, self.model.choose(context, choices))
            self._took(counts, scores.usage, 1, context, texts, requests)
        return scores

    async def _counted(self, counts: tuple[Counts, ...], call: Awaitable[T]) -> T:
        token = COUNTING.set(counts)
        for each in counts:
            each.open += 1
        try:
            return await call
        except LangnetError as error:
            self._failed(counts, error)
            raise
        finally:
            COUNTING.reset(token)
            for each in counts:
                each.open -= 1

    def _failed(self, counts: tuple[Counts, ...], error: LangnetError) -> None:
        for each in counts:
            each.errors += 1
        if isinstance(error, ModelError) and error.partial is not None:
            self._arrived(counts, error)

    def _took(
        self,
        counts: tuple[Counts, ...],
        usage: Usage,
        scored: int,
        context: str,
        texts: Sequence[str],
        requests: int,
    ) -> None:
        """Counts what scoring took."""
        is_told = self._is_told(usage)
        if not is_told:
            usage = self._estimate(context, texts, requests)
        cost = self._cost(usage)
        for each in counts:
            each.texts_scored += scored
            each.took(usage, cost, estimated=not is_told)

    def _arrived(self, counts: tuple[Counts, ...], error: ModelError) -> None:
        """Counts what a failed call has given all the same."""
        partial = partial_of(error)
        cost = self._cost(partial.usage)
        drawn = sum(isinstance(answer, Completion) for answer in partial.answers.values())
        for each in counts:
            each.took(partial.usage, cost)
            each.texts_drawn += drawn
            each.texts_scored += len(partial.answers) - drawn

    def _is_told(self, usage: Usage) -> bool:
        return bool(usage.prompt_tokens or usage.completion_tokens) or not self._estimates

    def _cost(self, usage: Usage) -> float | None:
        price = self._price
        if price is None:
            return None
        return price.of(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)

    def _allowed(
        self, context: str, texts: Sequence[str], requests: int, drawn: int = 1
    ) -> AbstractContextManager[None]:
        """Sets the most aside that a call may take; nothing where no budget asks for it."""
        if not self._meter.is_limited:
            return _FREE
        return self._meter.reserved(self._estimate(context, texts, requests, drawn), self._name)

    def _estimate(self, context: str, texts: Sequence[str], requests: int, drawn: int = 0) -> Usage:
        """The tokens of so many requests, as well as they can be counted here."""
        contexts = requests if self._separate else min(requests, 1)
        prompt = contexts * self._tokens(context) + sum(map(self._tokens, texts))
        return Usage(prompt, drawn)


def _used(completions: Sequence[Completion]) -> Usage:
    return sum((completion.usage for completion in completions), Usage())
