"""Word chaining: each word begins with the letter that the last one ended with, and none twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import MappingProxyType
from typing import ClassVar

from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State
from langnet.tasks.setting import Setting
from langnet.tasks.words import NOUNS

__all__ = ["Lexicon", "WordChaining"]

_CHOICES = 3


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one game hides.

    Attributes:
        words: all that may be said; of those that leave the player the least choice the opponent
            says the first. The player is told the words and not their order.
        start: the first word, which is one of them.
    """

    words: tuple[str, ...]
    start: str


@dataclass(frozen=True)
class WordChaining(Puzzle[Lexicon]):
    """The player and an opponent add a word in turn, and who has none left has lost.

    Attributes:
        turns: words that the player is to add.
        words: how many there are to say, or a few more.
    """

    name: ClassVar[str] = "word_chaining"
    summary: ClassVar[str] = (
        "Build a chain of words in turn, each beginning with the last letter of the one before."
    )
    kind: ClassVar[type[Lexicon]] = Lexicon
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "turns": Setting(10, "words to add", least=1, most=50),
            "words": Setting(60, "words in the list, or a few more", least=20, most=240),
        }
    )

    turns: int = 10
    words: int = 60

    def draw(self, rng: Random) -> Lexicon:
        """A list with a chain through it that is long enough."""
        while True:
            order = rng.sample(NOUNS, len(NOUNS))
            size = self.words
            while len(words := _going_on(order[:size])) < self.words:
                size += self.words - len(words)
            lexicon = Lexicon(words, rng.choice(words))
            state = State(lexicon)
            while not state.done and _open(state):
                state, _, _ = self.reply(state, self.best_move(state))
            if self.score(state) == 1:
                return lexicon

    def rules(self, hidden: Lexicon) -> str:
        """The words, the first of them, and what may be said."""
        return (
            "We build a chain of words in turn. Each word begins with the last letter of the word "
            "before it, and none comes twice. Who has no word left has lost. Only these words "
            f"count: {', '.join(sorted(hidden.words))}.\n"
            f"Answer with one word. Add {self.turns} words to win. I begin: {hidden.start}."
        )

    def answer(self, state: State[Lexicon], move: str) -> Answer:
        """The opponent's word, or what is wrong with the player's."""
        hidden, chain = state.hidden, _chain(state)
        word = _read(hidden, move)
        if word is None:
            return Answer("That does not name exactly one word of the list.", legal=False)
        if word in chain:
            return Answer(f"{word} was said before.", legal=False)
        if word[0] != chain[-1][-1]:
            return Answer(
                f"{word} does not begin with {chain[-1][-1]}, as {chain[-1]} demands.", legal=False
            )
        chain = (*chain, word)
        replies = _following(hidden, chain)
        if not replies:
            return Answer("I have no word left. You win.", done=True)
        reply = min(replies, key=lambda word: len(_following(hidden, (*chain, word))))
        if not _following(hidden, (*chain, reply)):
            return Answer(f"{reply}. No word is left for you.", done=True)
        return Answer(f"{reply}.")

    def score(self, state: State[Lexicon]) -> float:
        """The share of the words that were added; 1 where the opponent has none left."""
        added = sum(turn.legal for turn in state.turns)
        won = any(turn.reply.endswith("You win.") for turn in state.turns[-1:])
        return 1.0 if won else added / self.turns

    def best_move(self, state: State[Lexicon]) -> str:
        """The word after which the opponent, whatever it says, leaves most words to go on with."""
        hidden, chain = state.hidden, _chain(state)
        possible = sorted(_following(hidden, chain))

        def worst(word: str) -> float:
            said = (*chain, word)
            replies = _following(hidden, said)
            left = (len(_following(hidden, (*said, reply))) for reply in replies)
            return min(left, default=float("inf"))

        return max(possible, key=worst)

    def random_move(self, state: State[Lexicon], rng: Random) -> str:
        """Any word that may be said."""
        return rng.choice(sorted(_following(state.hidden, _chain(state))))


def _going_on(words: Sequence[str]) -> tuple[str, ...]:
    """The words without dead ends: after each, a few others begin with its last letter."""
    kept: tuple[str, ...] = ()
    left = tuple(words)
    while left != kept:
        kept = left
        begin = Counter(word[0] for word in kept)
        left = tuple(word for word in kept if begin[word[-1]] >= _CHOICES)
    return kept


def _open(state: State[Lexicon]) -> bool:
    return bool(_following(state.hidden, _chain(state)))


def _chain(state: State[Lexicon]) -> tuple[str, ...]:
    """All words so far, the player's and the opponent's."""
    said = [state.hidden.start]
    for turn in state.turns:
        if turn.legal:
            word = _read(state.hidden, turn.move)
            reply = turn.reply.partition(".")[0]
            said += [word] if word else []
            said += [reply] if reply in state.hidden.words else []
    return tuple(said)


def _following(hidden: Lexicon, chain: tuple[str, ...]) -> list[str]:
    return [word for word in _by_letter(hidden.words)[chain[-1][-1]] if word not in chain]


@lru_cache(maxsize=64)
def _by_letter(words: tuple[str, ...]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        found[word[0]].append(word)
    return found


def _read(hidden: Lexicon, move: str) -> str | None:
    named = {word for word in re.findall(r"[a-z]+", move.lower()) if word in hidden.words}
    return named.pop() if len(named) == 1 else None
