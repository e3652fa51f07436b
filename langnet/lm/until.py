"""A model that can be asked until a time: the end of a run."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, TypeVar

import anyio

from langnet.errors import RunDeadlineExceeded
from langnet.lm.wrapper import Wrapper, stack_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
    )

__all__ = ["Until", "deadline_of"]

T = TypeVar("T")


class Until(Wrapper):
    """A model whose calls end at the deadline of a run; nothing is sent after it.

    It stands below a cache, whose answers take no time, and over all else, so that waits for a turn
    or for another attempt end as well.

    Args:
        model: the model.
        deadline: a time of the event loop's clock (`anyio.current_time`), in seconds.
    """

    __slots__ = ("_deadline",)

    def __init__(self, model: LanguageModel, deadline: float) -> None:
        super().__init__(model)
        self._deadline = deadline

    @property
    def deadline(self) -> float:
        """When its calls end, on the event loop's clock."""
        return self._deadline

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key.

        Raises:
            ModelError: the call failed.
            RunDeadlineExceeded: there was no answer before the deadline.
        """
        return await self._in_time(lambda: self.model.sample(context, decoding=decoding, keys=keys))

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score.
            RunDeadlineExceeded: there was no answer before the deadline.
        """
        return await self._in_time(
            lambda: self.model.score(context, texts, decoding=decoding, end=end)
        )

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
            RunDeadlineExceeded: there was no answer before the deadline.
        """
        return await self._in_time(lambda: self.model.choose(context, choices))

    async def _in_time(self, call: Callable[[], Awaitable[T]]) -> T:
        if anyio.current_time() < self._deadline:
            with anyio.CancelScope(deadline=self._deadline):
                return await call()
        raise RunDeadlineExceeded


def deadline_of(model: LanguageModel) -> float:
    """The earliest deadline of a run for a model, on the event loop's clock; ∞ if there is none."""
    return min((one.deadline for one in stack_of(model) if isinstance(one, Until)), default=inf)
