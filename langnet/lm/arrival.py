"""Tells whoever keeps answers of each that arrives, before the call that it belongs to has ended.

A call for several draws or texts is several requests at a server, and returns with the last of
them. What arrived before is paid for, and a process that is killed meanwhile would pay it again. So
a cache listens while it makes such a call, and what splits it into requests tells of each answer.
It changes no result: the call returns the same answers.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

__all__ = ["arrived", "listening"]

_listener: ContextVar[Callable[[Hashable, Any], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[Hashable, Any], None]) -> Iterator[None]:
    """Has a listener told of the answers to calls that are made within the block.

    Args:
        listener: takes a question and its answer, see `arrived`. Questions that it did not ask may
            be among them, since a model may ask other models.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def arrived(question: Hashable, answer: Any) -> None:
    """Tells of an answer, where anybody listens.

    Args:
        question: "sample" or "score", the model's identity, and all arguments but one key or text
            in place of several.
        answer: the completion or the score.
    """
    listener = _listener.get()
    if listener is not None:
        listener(question, answer)
