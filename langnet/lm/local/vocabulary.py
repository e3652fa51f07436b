"""A model's tokens as words: pieces of text, and which of them end one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from langnet.lm.local.llama import Llama

__all__ = ["Vocabulary"]


class Vocabulary:
    """The tokens of a model.

    Attributes:
        start: what every context begins with.
        separator: the token that stands for an empty context.
    """

    def __init__(self, llama: Llama) -> None:
        self._llama = llama
        self.start = llama.start()
        self.separator = llama.separator()
        self._endings: dict[tuple[str, ...], npt.NDArray[np.intp]] = {}

    def tokenise(self, text: str) -> list[int]:
        """The tokens of a text; names of special tokens in it are text like any other."""
        return self._llama.tokenise(text)

    def context(self, text: str) -> list[int]:
        """The tokens of a context: at least one, since every token is drawn after another."""
        return self.start + self.tokenise(text) or [self.separator]

    @cached_property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of every token, by token; none for special ones."""
        return [self._llama.piece(token) for token in range(self._llama.vocabulary)]

    @cached_property
    def generation_ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        tokens = range(self._llama.vocabulary)
        return frozenset(token for token in tokens if self._llama.ends_generation(token))

    def ending(self, stop: tuple[str, ...]) -> npt.NDArray[np.intp]:
        """The tokens that end a text: of themselves, or since they begin with a stop string."""
        if stop not in self._endings:
            starts = tuple(string.encode() for string in stop)
            begin = {
                token
                for token, piece in enumerate(self.pieces)
                if starts and piece.startswith(starts)
            }
            self._endings[stop] = np.array(sorted(begin | self.generation_ends), np.intp)
        return self._endings[stop]
