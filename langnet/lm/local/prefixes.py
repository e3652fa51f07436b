"""Saved streams: what was computed, kept for what begins in the same way."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Held", "Prefixes", "common"]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A saved stream: the keys and values of some tokens.

    Attributes:
        tokens: of shape (token,).
        data: as `Llama.save` gives it.
    """

    tokens: npt.NDArray[np.int32]
    data: npt.NDArray[np.uint8]


def common(first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]) -> int:
    """With how many tokens two sequences begin alike."""
    size = min(len(first), len(second))
    differ = first[:size] != second[:size]
    where = int(differ.argmax()) if size else 0
    return where if size and differ[where] else size


class Prefixes:
    """Saved streams, the most recently used ones up to a size.

    What it holds decides how fast an answer comes, never what it is: a token's keys and values
    are the same bits whoever computed them.

    Args:
        room: in bytes.
    """

    __slots__ = ("_entries", "_room", "_size")

    def __init__(self, room: int) -> None:
        self._room = room
        self._size = 0
        self._entries: OrderedDict[bytes, Held] = OrderedDict()

    def put(self, held: Held) -> None:
        """Keeps a saved stream and drops the least recently used ones where room is short."""
        key = held.tokens.tobytes()
        old = self._entries.pop(key, None)
        self._size += held.data.nbytes - (old.data.nbytes if old else 0)
        self._entries[key] = held
        while self._size > self._room:
            _, dropped = self._entries.popitem(last=False)
            self._size -= dropped.data.nbytes

    def longest(self, tokens: npt.NDArray[np.int32]) -> tuple[int, Held | None]:
        """The saved stream that begins with the most of these tokens, and with how many."""
        length, best = 0, None
        for key, held in self._entries.items():
            alike = common(held.tokens, tokens)
            if alike > length:
                length, best = alike, key
        if best is None:
            return 0, None
        self._entries.move_to_end(best)
        return length, self._entries[best]
