"""What arrived of a call for several answers that failed: it is paid for, so it is not thrown away.

A server model sends one request per draw or text. Where some of them fail in a way that may pass,
the others are waited for, and the error takes their answers along (`ModelError.partial`). A meter
counts what they took, and whoever tries again asks for the missing ones alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from langnet.errors import ModelError, RateLimited, TransientError
from langnet.lm.base import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

__all__ = ["Partial", "Rest", "gathered", "partial_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Partial:
    """Answers that arrived, although the call failed.

    Attributes:
        answers: completions or text scores by their places in the call, counted from zero.
        usage: tokens that they took and that nobody has counted yet.
    """

    answers: Mapping[int, Any]
    usage: Usage = field(default_factory=Usage)


def partial_of(error: ModelError) -> Partial:
    """What an error takes along; nothing where it does not."""
    return error.partial if isinstance(error.partial, Partial) else Partial({})


class Rest:
    """A call for several answers that can be made again for those that are missing.

    Args:
        count: how many answers there are to be.

    Attributes:
        found: the answers that arrived, by their places.
    """

    __slots__ = ("_count", "found")

    def __init__(self, count: int) -> None:
        self._count = count
        self.found: dict[int, Any] = {}

    async def ask(self, call: Callable[[Sequence[int]], Awaitable[Sequence[T]]]) -> list[T]:
        """All answers, asking for those that are missing.

        Args:
            call: answers for these places, in their order.

        Raises:
            ModelError: the call failed; its `partial` holds all that arrived so far.
        """
        missing = [place for place in range(self._count) if place not in self.found]
        try:
            answers = await call(missing)
        except ModelError as error:
            arrived = partial_of(error).answers
            self.found.update({missing[at]: answer for at, answer in arrived.items()})
            if self.found:
                error.partial = Partial(dict(self.found))
            raise
        self.found.update(zip(missing, answers, strict=True))
        return [self.found[place] for place in range(self._count)]


async def gathered(
    calls: Sequence[Callable[[], Awaitable[tuple[T, Usage]]]],
) -> list[tuple[T, Usage]]:
    """Makes all calls at once, and gives their answers with what each took.

    The first that fails for good cancels the others. Where a failure may pass, the others are
    waited for: what they give has been paid for, and goes along with the error.

    Raises:
        ModelError: of several that failed, the one that says most.
    """
    if len(calls) == 1:
        return [await calls[0]()]
    answers: dict[int, tuple[T, Usage]] = {}
    errors: list[ModelError] = []

    async def answer(index: int) -> None:
        try:
            answers[index] = await calls[index]()
        except ModelError as error:
            errors.append(error)
            if not isinstance(error, TransientError):
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for index in range(len(calls)):
            group.start_soon(answer, index)
    if errors:
        worst = max(errors, key=_weight)
        worst.partial = Partial(
            {index: answer for index, (answer, _) in answers.items()},
            sum((used for _, used in answers.values()), Usage()),
        )
        raise worst
    return [answers[index] for index in range(len(calls))]


def _weight(error: ModelError) -> tuple[bool, float]:
    """What fails for good outweighs what may pass, and the longest wait outweighs the others."""
    wait = error.retry_after if isinstance(error, RateLimited) else None
    return not isinstance(error, TransientError), -1.0 if wait is None else wait
