"""Several requests for one call: each draw or text is a request of its own, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio

from langnet.errors import ModelError, RateLimited, TransientError
from langnet.lm.base import Usage
from langnet.lm.partial import Partial

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["asked_at_once"]

_T = TypeVar("_T")


async def asked_at_once(
    calls: Sequence[Callable[[], Awaitable[tuple[_T, Usage]]]],
) -> list[tuple[_T, Usage]]:
    """Makes all calls at once.

    The first that fails for good cancels the others. Where a failure may pass, the others are
    waited for: what they give has been paid for, and goes along with the error.
    """
    if len(calls) == 1:
        return [await calls[0]()]
    answers: dict[int, tuple[_T, Usage]] = {}
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
