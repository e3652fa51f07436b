"""Tells of every call: who made it, of which model, how long it took, what it took, how it ended.

`Observed` stands on top of a stack, so that what it tells of is what the caller saw: an answer from
the cache is told as a hit, and a call that was made three times is told once, with three attempts.
What the layers below count is counted for the one call as well (`langnet.lm.reading.WATCHED`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from langnet.errors import LangnetError
from langnet.lm.call import CallFinished, Content, Kind
from langnet.lm.caller import EXAMPLE, NODE, PURPOSE
from langnet.lm.clock import current_time
from langnet.lm.failures import cleaned
from langnet.lm.reading import WATCHED, Counts
from langnet.lm.wrapper import Wrapper, name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
    )

__all__ = ["CallFinished", "Content", "Observed"]

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _Question(NamedTuple):
    """What a call asks."""

    kind: Kind
    context: str
    texts: tuple[str, ...]
    asked: int
    decoding: Decoding | None
    said: Callable[[Any], Sequence[Any]]


class Observed(Wrapper):
    """A model whose calls are told of. It stands over all others, the cache included.

    Args:
        model: the model. What it takes is known where a `Metered` is in it.
        notify: is told of every call when it has ended, in the task that made it. If it raises,
            that is logged and it is told of no more: watching must not stop the work.
        content: whether contexts, texts and answers are told, too.
    """

    __slots__ = ("_content", "_identity", "_name", "_notify")

    def __init__(
        self,
        model: LanguageModel,
        notify: Callable[[CallFinished], None],
        *,
        content: bool = False,
    ) -> None:
        super().__init__(model)
        self._notify: Callable[[CallFinished], None] | None = notify
        self._content = content
        self._identity = model.identity  # worked out once, not for every call
        self._name = name_of(model)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, and tells of it.

        Raises:
            ModelError: the call failed.
        """
        return await self._told(
            _Question("sample", context, (), len(keys), decoding, _texts),
            self.model.sample(context, decoding=decoding, keys=keys),
        )

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts, and tells of it.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score.
        """
        return await self._told(
            _Question("score", context, tuple(texts), len(texts), decoding, _scores),
            self.model.score(context, texts, decoding=decoding, end=end),
        )

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, and tells of it.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
        """
        labels = tuple(choice.label for choice in choices)
        return await self._told(
            _Question("choose", context, labels, len(labels), None, _logprobs),
            self.model.choose(context, choices),
        )

    async def _told(self, question: _Question, call: Awaitable[T]) -> T:
        counts = Counts()
        started, began = time.time(), current_time()
        answer: T | None = None
        error = message = ""
        token = WATCHED.set(counts)
        try:
            answer = await call
        except LangnetError as fault:
            error, message = type(fault).__name__, cleaned(str(fault), None)
            raise
        except Exception as fault:
            error = type(fault).__name__  # a bug: what it says may be anything
            raise
        except BaseException:
            error = "cancelled"
            raise
        else:
            return answer
        finally:
            WATCHED.reset(token)
            seconds = current_time() - began
            self._tell(question, answer, counts, started, seconds, error, message)

    def _tell(
        self,
        question: _Question,
        answer: Any,
        counts: Counts,
        started: float,
        seconds: float,
        error: str,
        message: str,
    ) -> None:
        """Tells of a call that has ended."""
        if self._notify is None:
            return
        content = None
        if self._content:
            said = () if answer is None else tuple(question.said(answer))
            content = Content(question.context, question.texts, said)
        is_drawn = question.kind == "sample" and answer is not None
        event = CallFinished(
            model=self._name,
            identity=self._identity,
            kind=question.kind,
            node=NODE.get().node,
            example=EXAMPLE.get(),
            purpose=PURPOSE.get(),
            started=started,
            seconds=seconds,
            queued=counts.queued,
            waited=counts.waited,
            attempts=counts.calls,
            texts=question.asked,
            hits=counts.hits,
            prompt_tokens=counts.prompt_tokens,
            completion_tokens=counts.completion_tokens,
            cached_tokens=counts.cached_tokens,
            estimated_tokens=counts.estimated_tokens,
            cost=None if counts.unpriced_tokens else counts.known_cost,
            decoding=question.decoding,
            finish=tuple(completion.finish for completion in answer) if is_drawn else (),
            error=error,
            message=message,
            content=content,
        )
        try:
            self._notify(event)
        except Exception:  # noqa: BLE001
            _log.exception("what watches the calls of %s raised and is left out", self._name)
            self._notify = None


def _texts(drawn: list[Completion]) -> list[str]:
    return [completion.text for completion in drawn]


def _scores(found: TextScores) -> list[float]:
    return [score.logprob for score in found.scores]


def _logprobs(found: LabelScores) -> Sequence[float]:
    return found.logprobs
