"""Asks each question once: answers are remembered for as long as their `Answers` live.

Callers that ask the same at the same time share one call (`langnet.lm.flight`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from langnet.errors import ModelError
from langnet.lm.caller import calling
from langnet.lm.flight import Flights, PerQuestion
from langnet.lm.partial import Partial, partial_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

    from langnet.lm.base import LanguageModel

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
    flights: Flights = field(default_factory=Flights)

    async def of(
        self,
        names: Sequence[Hashable],
        ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]],
        tally: Tally,
    ) -> list[T]:
        """The answer to each question, asking for those that nobody has asked yet.

        Args:
            names: of the questions, each all that can change its answer.
            ask: answers questions by their names, in one call.
            tally: counts the call.

        Raises:
            ModelError: a question was not answered. What arrived all the same is remembered.
        """
        tally.asked += 1
        tally.repeated += 1  # unless it turns out otherwise
        known = self.known
        missing = [name for name in dict.fromkeys(names) if name not in known]
        if missing:

            async def sent(free: Sequence[Any]) -> Sequence[T]:
                tally.repeated -= 1
                return await ask(free)

            try:
                found = await self.flights.of(missing, sent)
            except ModelError as error:
                arrived = partial_of(error).answers
                known.update({missing[place]: answer for place, answer in arrived.items()})
                there = {place: known[name] for place, name in enumerate(names) if name in known}
                error.partial = Partial(there) if there else None
                raise
            known.update(zip(missing, found, strict=True))
        return [known[name] for name in names]


class Once(PerQuestion):
    """A model that is asked each question once.

    Args:
        model: answers what was not asked before.
        answers: what it answered.
        tally: counts the calls.
        purpose: what the calls are for, for those who watch them; as it is where it is empty.
    """

    __slots__ = ("_known", "_purpose", "_tally")
    remembers = True

    def __init__(
        self, model: LanguageModel, answers: Answers, tally: Tally, purpose: str = ""
    ) -> None:
        super().__init__(model)
        self._known = answers
        self._tally = tally
        self._purpose = purpose or None

    def answers(
        self, names: Sequence[Hashable], ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]]
    ) -> Awaitable[list[T]]:
        """The answer to each question; see `Answers.of`."""

        async def asked(free: Sequence[Any]) -> Sequence[T]:
            with calling(purpose=self._purpose):
                return await ask([name for _, name in free])

        identity = self.model.identity
        return self._known.of([(identity, name) for name in names], asked, self._tally)

    async def aclose(self) -> None:
        """Nothing: the model belongs to the caller."""
