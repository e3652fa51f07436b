"""Asks each question once: answers are remembered for as long as their `Answers` live.

Callers that ask the same at the same time share one call. Where the caller that sent it is
cancelled or its call fails, the next one that waits sends it again, so that nobody is harmed by
somebody else's end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from langnet.lm.base import TextScores
from langnet.lm.caller import calling
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScore,
    )

__all__ = ["Answers", "Once", "Tally"]

T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """Counts questions.

    Attributes:
        asked: calls that were asked for.
        repeated: those that were answered from what was asked before.
    """

    asked: int = 0
    repeated: int = 0

    @property
    def sent(self) -> int:
        """Calls that went to the model below."""
        return self.asked - self.repeated


@dataclass(slots=True)
class Answers:
    """What was answered so far, and what is being asked; several models may share it."""

    known: dict[Hashable, Any] = field(default_factory=dict)
    pending: dict[Hashable, anyio.Event] = field(default_factory=dict)

    async def of(
        self,
        names: Sequence[Hashable],
        ask: Callable[[Sequence[Hashable]], Awaitable[Sequence[T]]],
        tally: Tally,
    ) -> list[T]:
        """The answer to each question, asking for those that nobody has asked yet.

        Args:
            names: of the questions, each all that can change its answer.
            ask: answers questions by their names, in one call.
            tally: counts the call.
        """
        tally.asked += 1
        tally.repeated += 1  # unless it turns out otherwise
        has_sent = False
        while missing := [name for name in dict.fromkeys(names) if name not in self.known]:
            free = [name for name in missing if name not in self.pending]
            if not free:
                await self.pending[missing[0]].wait()
                continue
            if not has_sent:
                has_sent = True
                tally.repeated -= 1
            arrived = anyio.Event()
            self.pending.update(dict.fromkeys(free, arrived))
            try:
                self.known.update(zip(free, await ask(free), strict=True))
            finally:
                for name in free:
                    del self.pending[name]
                arrived.set()
        return [self.known[name] for name in names]


class Once(Wrapper):
    """A model that is asked each question once.

    Args:
        model: answers what was not asked before.
        answers: what it answered.
        tally: counts the calls.
        purpose: what the calls are for, for those who watch them; as it is where it is empty.
    """

    __slots__ = ("_answers", "_purpose", "_tally")
    remembers = True

    def __init__(
        self, model: LanguageModel, answers: Answers, tally: Tally, purpose: str = ""
    ) -> None:
        super().__init__(model)
        self._answers = answers
        self._tally = tally
        self._purpose = purpose or None

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key; see `LanguageModel.sample`."""
        # The most probable text is the same for every key.
        paths = [key if decoding.temperature > 0 else None for key in keys]
        by_path = dict(zip(paths, keys, strict=True))

        async def ask(names: Sequence[Any]) -> Sequence[Completion]:
            with calling(purpose=self._purpose):
                return await self.model.sample(
                    context, decoding=decoding, keys=[by_path[name[-1]] for name in names]
                )

        names = [("sample", self.model.identity, context, decoding, path) for path in paths]
        return await self._answers.of(names, ask, self._tally)

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts; see `LanguageModel.score`."""

        async def ask(names: Sequence[Any]) -> Sequence[TextScore]:
            wanted = [name[-1] for name in names]
            with calling(purpose=self._purpose):
                found = await self.model.score(context, wanted, decoding=decoding, end=end)
            return found.scores

        names = [("score", self.model.identity, context, decoding, end, text) for text in texts]
        return TextScores(tuple(await self._answers.of(names, ask, self._tally)))

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set; see `LanguageModel.choose`."""

        async def ask(_: Sequence[Any]) -> Sequence[LabelScores]:
            with calling(purpose=self._purpose):
                return [await self.model.choose(context, choices)]

        name = ("choose", self.model.identity, context, tuple(choices))
        (answer,) = await self._answers.of([name], ask, self._tally)
        return answer

    async def aclose(self) -> None:
        """Nothing: the model belongs to the caller."""
