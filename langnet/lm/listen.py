"""Listens to texts while they are drawn.

Who wants to hear sets a listener for what is called below it:

    with listening(lambda delta: print(delta.text, end="", flush=True)):
        await model.sample(…)

It stands in a context variable: tasks that are started inside inherit it, others do not see it, and
no model over a model needs to know. A server's model that finds a listener asks for a stream. What
it returns is what it returns without one, so listening changes no answer and no name in a cache.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import anyio

from langnet.errors import ModelError
from langnet.key import Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langnet.lm.base import Completion, Decoding, LanguageModel

__all__ = ["Delta", "Listener", "Telling", "current_listener", "listening", "streamed"]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a text that is being drawn.

    The pieces since the last `first` are together the text that `sample` returns.

    Attributes:
        text: the piece.
        key: of the draw.
        first: whether the text begins here. A call that is made again begins again: what was
            heard before under the same key does not count any more.
    """

    text: str
    key: Key
    first: bool = False


Listener = Callable[[Delta], None]
"""What is told of every piece, in the event loop, as it comes. What it raises ends the call."""

_LISTENER: ContextVar[Listener | None] = ContextVar("langnet_listener", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Tells a listener of every text that is drawn within the block; `None` for nobody."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def current_listener() -> Listener | None:
    """Who listens here, if anybody does."""
    return _LISTENER.get()


class Telling:
    """Tells a listener of one text, as it will stand in the completion.

    A model's pieces hold white space around the text, and perhaps a stop string. What may turn out
    to be either is held back until more is known.

    Args:
        listener: is told.
        keys: of the draw, or of several that share it.
        stop: strings that end the text.
    """

    __slots__ = ("_cut", "_held", "_keys", "_listener", "_stop", "_told")

    def __init__(self, listener: Listener, keys: Sequence[Key], stop: Sequence[str]) -> None:
        self._listener = listener
        self._keys = keys
        self._stop = stop
        self._told: list[str] = []
        self._held = ""
        self._cut = False

    def piece(self, text: str) -> None:
        """Takes the next piece of the model's."""
        if self._cut or not text:
            return
        self._held += text
        ends = [at for at in map(self._held.find, self._stop) if at >= 0]
        self._cut = bool(ends)
        sure = min([*ends, *(self._may_begin(stop) for stop in self._stop), len(self._held)])
        shown = self._held[:sure].rstrip()
        taken = len(shown)
        if not self._told:
            shown = shown.lstrip()
        if shown:
            self._tell(shown)
            self._held = self._held[taken:]

    def end(self, text: str) -> None:
        """Takes the whole text of the completion, and tells what is missing of it."""
        told = "".join(self._told)
        if not text.startswith(told):
            self._told.clear()
            told = ""
        if len(text) > len(told):
            self._tell(text[len(told) :])

    def _may_begin(self, stop: str) -> int:
        """Where a stop string may have begun that is not complete."""
        for length in range(min(len(stop) - 1, len(self._held)), 0, -1):
            if self._held.endswith(stop[:length]):
                return len(self._held) - length
        return len(self._held)

    def _tell(self, text: str) -> None:
        is_first = not self._told
        self._told.append(text)
        for key in self._keys:
            self._listener(Delta(text, key, is_first))


@asynccontextmanager
async def streamed(
    model: LanguageModel, context: str, *, decoding: Decoding, key: Key
) -> AsyncIterator[AsyncIterator[str]]:
    """Draws one text, and gives its pieces as they come.

        async with streamed(model, "Tell a story.", decoding=Decoding(), key=key) as pieces:
            async for piece in pieces:
                print(piece, end="", flush=True)

    Together they are the text that `sample` returns. A text that does not come in pieces (from a
    cache, or of a model that cannot stream) is one piece. Leaving the block early, or being
    cancelled, ends the call and closes its connection.

    It is a context manager since the call runs beside the block, and nothing may run on when the
    block is left (PEP 789 says why a generator alone could not promise that).

    Raises:
        ModelError: the call failed; or the text broke off, was asked for again, and came out
            otherwise, so that what was given no longer holds. `listening` is told of that instead.
        CapabilityError: the model cannot draw.
    """
    send, receive = anyio.create_memory_object_stream[Delta](inf)
    outcome: list[Completion | Exception] = []

    async def draw() -> None:
        with send, listening(send.send_nowait):
            try:
                outcome.extend(await model.sample(context, decoding=decoding, keys=[key]))
            except Exception as error:  # noqa: BLE001 - raised where the pieces are read
                outcome.append(error)

    raised: Exception | None = None
    async with (
        anyio.create_task_group() as tasks,
        aclosing(_given(receive, key, outcome)) as pieces,
    ):
        with receive:
            tasks.start_soon(draw)
            try:
                yield pieces
            except Exception as error:  # noqa: BLE001 - raised below, not within a group of one
                raised = error
            tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def _given(
    heard: AsyncIterable[Delta], key: Key, outcome: Sequence[Completion | Exception]
) -> AsyncGenerator[str, None]:
    """What is to be given out, so that it adds up to the text in the end."""
    given = drawn = ""
    async for delta in heard:
        if delta.key != key:
            continue
        drawn = delta.text if delta.first else drawn + delta.text
        # A further attempt mostly draws the same text again, since it has the same seed.
        if len(drawn) > len(given) and drawn.startswith(given):
            yield drawn[len(given) :]
            given = drawn
    (found,) = outcome
    if isinstance(found, Exception):
        raise found
    if not found.text.startswith(given):
        raise ModelError(
            f"the text broke off after {len(given)} characters, and was another one when it was "
            "asked for again; draw it anew, or use `listening`, which is told of it"
        )
    if len(found.text) > len(given):
        yield found.text[len(given) :]
