"""Keeps a key, and what a server echoes of it, out of what hangs on an error.

An error's traceback holds the frames that it came through, and a frame its variables: headers with
the key, a body that repeats it. Tools that show or send variables (`pytest -l`, crash reporters,
`traceback.TracebackException(capture_locals=True)`) would show them. So no error leaves a model
with the frames below it, and a key that stands in a variable does not show itself.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from langnet.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Secret", "frameless"]

P = ParamSpec("P")
T = TypeVar("T")


class Secret(str):
    """A text that is sent as it is, and shown as "[key]" wherever a value is represented.

    >>> {"Authorization": Secret("Bearer sk-1")}
    {'Authorization': '[key]'}
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[key]'"


def frameless(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """A call whose `ModelError`s bring no frames from within it, nor their causes any.

    Of a cause its class and its words stay. One that keeps what it could not read is left out.
    """

    @wraps(call)
    async def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except ModelError as error:
            fault = error
        try:
            raise _bare(fault)  # out here, so that it has no context
        finally:
            del fault  # its traceback holds this frame

    return called


def _bare(error: ModelError) -> ModelError:
    error.__traceback__ = None
    error.__context__ = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause.__cause__, json.JSONDecodeError | UnicodeError):
            cause.__cause__ = None  # it holds the whole answer
        cause = cause.__cause__
        if cause is not None:
            cause.__traceback__ = cause.__context__ = None
    return error
