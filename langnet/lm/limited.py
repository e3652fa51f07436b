"""A model whose calls wait for their turn; see `langnet.lm.limiter` for what that means."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import anyio

from langnet.errors import LangnetError, ModelError, RateLimited, TransientError
from langnet.lm.arrival import arrived
from langnet.lm.base import Choice, LabelScores, TextScores, Usage
from langnet.lm.logprobs import log_sum_exp
from langnet.lm.partial import Partial, partial_of
from langnet.lm.tokens import counter
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from langnet.key import Key
    from langnet.lm.base import Completion, Decoding, LanguageModel, TextScore
    from langnet.lm.limiter import Limiter

__all__ = ["SHARED", "Bounded", "Limited", "taken"]

SHARED = (
    "a server's limits hold for all who use the same key: within a process give connections one "
    "limiter, connect(…, limits=limiter); else give each its part, Limits(requests_per_minute=…)"
)
"""What is added to a refusal."""

T = TypeVar("T")


@runtime_checkable
class Bounded(Protocol):
    """A server's model that leaves to a limiter how many calls are open."""

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Tells the status and the headers of every answer from now on."""
        ...


class Limited(Wrapper):
    """A model whose calls keep to limits. A server's model stands directly below it.

    Of several draws or texts each is a call of its own, since servers count requests.

    Args:
        model: the model. If it is `Bounded`, it tells the limiter what its answers' headers say.
        limiter: gives the turns; others may share it.
        name: of the user whose share this is. Every wrapper has a share of its own.
        queued: is told the seconds that each request waited for its turn, in the task that waited.
    """

    __slots__ = ("_member", "_queued", "_tokens", "limiter")

    def __init__(
        self,
        model: LanguageModel,
        limiter: Limiter,
        *,
        name: str = "",
        queued: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(model)
        self.limiter = limiter
        self._queued = queued
        self._member = limiter.member(name)
        self._tokens = counter(model)
        if isinstance(model, Bounded):
            model.bounded(limiter.hear)

    def shared(self, name: str = "") -> Limited:
        """The same model for another user, who has a share of its own."""
        return Limited(self.model, self.limiter, name=name, queued=self._queued)

    def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> Coroutine[Any, Any, list[Completion]]:
        """Draws one text per key, each in its turn.

        Raises:
            ModelError: a draw failed. Where that may pass, the others are waited for, and the
                error takes them along; otherwise they are cancelled.
        """
        # At temperature 0 all draws are one, which is asked for once.
        if len(keys) == 1 or (keys and decoding.temperature == 0):
            return self._drawn(context, decoding, keys)
        return self._sampled(context, decoding, keys)

    async def _sampled(
        self, context: str, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        async def draw(part: Sequence[Key]) -> tuple[list[Completion], Usage]:
            drawn = await self._drawn(context, decoding, part)
            arrived(("sample", self.identity, context, decoding, part[0]), drawn[0])
            return drawn, _used(drawn)

        answers, _ = await _all(draw, [[key] for key in keys])
        return [completion for drawn in answers for completion in drawn]

    def _drawn(
        self, context: str, decoding: Decoding, keys: Sequence[Key]
    ) -> Coroutine[Any, Any, list[Completion]]:
        draw = partial(self.model.sample, context, decoding=decoding, keys=keys)
        return self._in_turn(draw, _used, context, drawn=decoding.max_tokens)

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts, each in its turn.

        Raises:
            CapabilityError: the model cannot score.
            ModelError: a score failed; what becomes of the others is as for draws.
        """

        async def one(text: str) -> tuple[list[TextScore], Usage]:
            found = await self._in_turn(
                lambda: self.model.score(context, [text], decoding=decoding, end=end),
                lambda found: found.usage,
                context,
                text,
            )
            if len(texts) > 1:
                arrived(("score", self.identity, context, decoding, end, text), found.scores[0])
            return list(found.scores), found.usage

        answers, usage = await _all(one, texts)
        return TextScores(tuple(score for scores in answers for score in scores), usage)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, where texts are scored each in its turn.

        Raises:
            CapabilityError: the model cannot score labels.
            ModelError: the call failed.
        """
        if not (isinstance(self.model, Bounded) and self.model.capabilities.score):
            return await self._chosen(context, choices)

        # A server's model that scores texts sends a request for each, independent of the others.
        async def one(text: str) -> tuple[list[float], Usage]:
            found = await self._chosen(context, [Choice(text)])
            return list(found.logprobs), found.usage

        texts = list(dict.fromkeys(text for choice in choices for text in choice.texts))
        try:
            answers, usage = await _all(one, texts)
        except ModelError as error:  # the whole set is asked again, so only the cost goes along
            error.partial = Partial({}, partial_of(error).usage)
            raise
        scores = {text: score for text, (score,) in zip(texts, answers, strict=True)}
        logprobs = (log_sum_exp([scores[text] for text in set(c.texts)]) for c in choices)
        return LabelScores(tuple(logprobs), usage)

    async def _chosen(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        scores = self.model.capabilities.score
        return await self._in_turn(
            lambda: self.model.choose(context, choices),
            lambda found: found.usage,
            context,
            # A model that does not score texts asks for one token.
            *(text for choice in choices if scores for text in choice.texts),
        )

    async def _in_turn(
        self,
        call: Callable[[], Awaitable[T]],
        used: Callable[[T], Usage],
        *texts: str,
        drawn: int = 1,
    ) -> T:
        limiter = self.limiter
        if limiter.counts_tokens:
            tokens = sum(map(self._tokens, texts)) + drawn
            turn = limiter.ask(self._member, tokens=tokens, drawn=min(drawn, tokens))
        else:
            turn = limiter.ask(self._member)
        if not limiter.goes(turn):
            await limiter.wait(turn)
        if self._queued is not None:
            self._queued(turn.queued)
        try:
            answer = await call()
        except BaseException as error:
            if isinstance(error, RateLimited):
                error.add_note(SHARED)
            limiter.leave(turn, error=error)
            raise
        total, output = taken(used(answer))
        limiter.leave(turn, tokens=total, drawn=output)
        return answer


def taken(usage: Usage) -> tuple[int | None, int | None]:
    """The tokens that a call took, and those of them that were drawn.

    `None` where a server does not say what it counted; then what was reserved stays.
    """
    tokens = usage.prompt_tokens + usage.completion_tokens
    return (tokens, usage.completion_tokens) if tokens else (None, None)


def _used(drawn: Sequence[Completion]) -> Usage:
    if len(drawn) == 1:
        return drawn[0].usage
    return sum((completion.usage for completion in drawn), Usage())


async def _all(
    ask: Callable[[T], Awaitable[tuple[list[Any], Usage]]], parts: Sequence[T]
) -> tuple[list[list[Any]], Usage]:
    """Asks for all parts at once.

    The first that fails for good cancels the others. Where a failure may pass, the others are
    waited for, and go along with the error: they have been paid for.
    """
    if len(parts) == 1:
        answer, usage = await ask(parts[0])
        return [answer], usage
    answers: dict[int, list[Any]] = {}
    usages: list[Usage] = []
    errors: list[LangnetError] = []

    async def one(index: int) -> None:
        try:
            answers[index], usage = await ask(parts[index])
            usages.append(usage)
        except LangnetError as error:
            errors.append(error)
            if not isinstance(error, TransientError):
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for index in range(len(parts)):
            group.start_soon(one, index)
    total = sum(usages, Usage())
    if not errors:
        return [answers[index] for index in range(len(parts))], total
    worst = max(errors, key=_weight)
    if isinstance(worst, TransientError):
        arrived = {index: answer[0] for index, answer in answers.items()}
        worst.partial = Partial(arrived, total)
    raise worst


def _weight(error: LangnetError) -> tuple[bool, float]:
    """What fails for good outweighs what may pass, and the longest wait outweighs the others."""
    wait = error.retry_after if isinstance(error, RateLimited) else None
    return not isinstance(error, TransientError), -1.0 if wait is None else wait
