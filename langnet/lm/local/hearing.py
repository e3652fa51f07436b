"""Carries the pieces of texts from the engine's thread to who listens in the event loop."""

from __future__ import annotations

import asyncio
import codecs
from typing import TYPE_CHECKING, Any

from langnet.lm.listen import Telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langnet.key import Key
    from langnet.lm.base import Completion
    from langnet.lm.listen import Listener
    from langnet.lm.local.ticket import Ticket

__all__ = ["Hearing"]


class Hearing:
    """Tells a listener of the texts of one request. Made in the event loop that waits for them.

    Args:
        listener: is told, in the event loop.
        keys: of the draws.
        stop: strings that end a text.
        ticket: of the request, which fails if the listener does.
    """

    __slots__ = ("_decoders", "_error", "_loop", "_tellings", "_ticket")

    def __init__(
        self, listener: Listener, keys: Sequence[Key], stop: Sequence[str], ticket: Ticket[Any]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ticket = ticket
        self._tellings = [Telling(listener, [key], stop) for key in keys]
        # A token may hold a part of a character.
        self._decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in keys]
        self._error: Exception | None = None

    def heard(self, index: int, piece: bytes) -> None:
        """Takes the next bytes of a text, from the engine's thread."""
        try:
            self._loop.call_soon_threadsafe(self._tell, index, piece)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def end(self, completions: Sequence[Completion]) -> None:
        """Tells what is missing of the texts, once they are there.

        Raises:
            Exception: what the listener raised before.
        """
        if self._error is not None:
            raise self._error
        for telling, completion in zip(self._tellings, completions, strict=True):
            telling.end(completion.text)

    def _tell(self, index: int, piece: bytes) -> None:
        if self._ticket.dropped or self._error is not None:
            return
        try:
            self._tellings[index].piece(self._decoders[index].decode(piece))
        except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
            self._error = error
            self._ticket.fail(error)
