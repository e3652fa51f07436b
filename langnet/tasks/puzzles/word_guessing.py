"""Word guessing: find a word of five letters from what its letters have in common with guesses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import ClassVar

from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State
from langnet.tasks.setting import Setting
from langnet.tasks.words import NOUNS

__all__ = ["Secret", "WordGuessing", "marks"]

_LENGTH = 5
_FIVE = tuple(word for word in NOUNS if len(word) == _LENGTH)
_MEANING = {"=": "right", "~": "elsewhere", ".": "absent"}


@dataclass(frozen=True, slots=True)
class Secret:
    """What one game hides.

    Attributes:
        words: all that the word may be; the player is told.
        word: the word.
    """

    words: tuple[str, ...]
    word: str


@dataclass(frozen=True)
class WordGuessing(Puzzle[Secret]):
    """The player guesses words of a list, and is told of each letter where it belongs.

    Attributes:
        turns: guesses.
        words: how many words the list has.
    """

    name: ClassVar[str] = "word_guessing"
    summary: ClassVar[str] = (
        "Find a word of five letters from what its letters have in common with guesses."
    )
    kind: ClassVar[type[Secret]] = Secret
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "turns": Setting(6, "guesses", least=1, most=50),
            "words": Setting(40, "words in the list", least=2, most=150),
        }
    )

    turns: int = 6
    words: int = 40

    def draw(self, rng: Random) -> Secret:
        """A list and a word of it."""
        words = tuple(sorted(rng.sample(_FIVE, self.words)))
        return Secret(words, rng.choice(words))

    def rules(self, hidden: Secret) -> str:
        """The list, and how to read the replies."""
        return (
            f"Guess the secret word. It is one of: {', '.join(hidden.words)}.\n"
            "After each guess you are told of each of its letters whether it is right (in its "
            "place), elsewhere (in the word, but not in that place) or absent. Answer with one "
            f"word. You have {self.turns} guesses."
        )

    def answer(self, state: State[Secret], move: str) -> Answer:
        """The marks of a guess."""
        guess = self._read(state.hidden, move)
        if guess is None:
            return Answer("That does not name exactly one word of the list.", legal=False)
        found = marks(guess, state.hidden.word)
        if guess == state.hidden.word:
            return Answer(f"{guess} is the word.", done=True)
        letters = (f"{letter} {_MEANING[mark]}" for letter, mark in zip(guess, found, strict=True))
        return Answer(f"{', '.join(letters)}.")

    def score(self, state: State[Secret]) -> float:
        """1 where the word was found."""
        return float(self._guesses(state)[-1:] == [state.hidden.word])

    def consistent(self, state: State[Secret]) -> tuple[str, ...]:
        """The words that all replies so far leave possible."""
        hidden = state.hidden
        guesses = self._guesses(state)
        told = [marks(guess, hidden.word) for guess in guesses]
        return tuple(
            word
            for word in hidden.words
            if all(marks(guess, word) == mark for guess, mark in zip(guesses, told, strict=True))
        )

    def best_move(self, state: State[Secret]) -> str:
        """The guess whose marks part the possible words into most groups; a possible one if any."""
        possible = self.consistent(state)

        def worth(guess: str) -> tuple[int, bool]:
            return len({marks(guess, word) for word in possible}), guess in possible

        return max(state.hidden.words, key=worth) if len(possible) > 1 else possible[0]

    def random_move(self, state: State[Secret], rng: Random) -> str:
        """Any word of the list."""
        return rng.choice(state.hidden.words)

    def _guesses(self, state: State[Secret]) -> list[str]:
        read = (self._read(state.hidden, turn.move) for turn in state.turns if turn.legal)
        return [guess for guess in read if guess is not None]

    def _read(self, hidden: Secret, move: str) -> str | None:
        named = {word for word in re.findall(r"[a-z]+", move.lower()) if word in hidden.words}
        return named.pop() if len(named) == 1 else None


def marks(guess: str, word: str) -> str:
    """A mark for each letter of a guess: "=" in its place, "~" elsewhere, "." absent.

    A letter is found elsewhere as often as the word has it beyond the places that are right, from
    left to right.

    >>> marks("eerie", "there")
    '~.~.='
    """
    spare = Counter(b for a, b in zip(guess, word, strict=True) if a != b)
    found = []
    for a, b in zip(guess, word, strict=True):
        if a == b:
            found.append("=")
        elif spare[a]:
            spare[a] -= 1
            found.append("~")
        else:
            found.append(".")
    return "".join(found)
