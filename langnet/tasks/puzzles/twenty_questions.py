"""Twenty questions, with the player as the one who answers: do the answers hold together?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import ClassVar

from langnet.tasks.puzzles.facts import FACTS, QUESTIONS
from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State
from langnet.tasks.setting import Setting

__all__ = ["Quiz", "TwentyQuestions"]


@dataclass(frozen=True, slots=True)
class Quiz:
    """What one game hides.

    Attributes:
        words: what the player may think of; the player is told.
        questions: the facts that are asked after, in their order.
    """

    words: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class TwentyQuestions(Puzzle[Quiz]):
    """The player thinks of a word and answers yes or no.

    Nobody knows the word, perhaps not even the player: what counts is that after every answer there
    is a word for which all answers so far are true.

    Attributes:
        turns: questions; one that is answered otherwise is asked again.
        words: how many words there are to think of.
    """

    name: ClassVar[str] = "twenty_questions"
    summary: ClassVar[str] = (
        "Think of a word and answer questions about it; the answers must hold together."
    )
    kind: ClassVar[type[Quiz]] = Quiz
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "turns": Setting(20, "questions", least=1, most=24),
            "words": Setting(80, "words to think of", least=2, most=95),
        }
    )

    turns: int = 20
    words: int = 80

    def draw(self, rng: Random) -> Quiz:
        """Words, and questions in some order."""
        words = tuple(sorted(rng.sample([*FACTS], self.words)))
        return Quiz(words, tuple(rng.sample([*QUESTIONS], self.turns)))

    def rules(self, hidden: Quiz) -> str:
        """The words, and the first question."""
        return (
            f"Think of one of these words: {', '.join(hidden.words)}. Keep to it, do not say it, "
            f"and answer {self.turns} questions about it truthfully with yes or no.\n"
            f"Question 1: {QUESTIONS[hidden.questions[0]]}"
        )

    def answer(self, state: State[Quiz], move: str) -> Answer:
        """The next question, or that no word is left."""
        asked = sum(turn.legal for turn in state.turns)
        question = state.hidden.questions[asked]
        said = _read(move)
        if said is None:
            return Answer(f"Answer yes or no. {QUESTIONS[question]}", legal=False)
        if not any((question in FACTS[word]) == said for word in self.consistent(state)):
            return Answer("No word of the list fits all of your answers.", done=True)
        if asked + 1 == self.turns:
            return Answer("Thank you.", done=True)
        following = QUESTIONS[state.hidden.questions[asked + 1]]
        return Answer(f"Question {asked + 2}: {following}")

    def score(self, state: State[Quiz]) -> float:
        """The share of the questions that were answered before the answers contradict each other.

        That is, before no word fits them all.
        """
        said = [
            (question, _read(turn.move))
            for question, turn in zip(
                state.hidden.questions, filter(lambda turn: turn.legal, state.turns), strict=False
            )
        ]
        held = 0
        words = set(state.hidden.words)
        for question, answer in said:
            words = {word for word in words if (question in FACTS[word]) == answer}
            held += bool(words)
        return held / self.turns

    def consistent(self, state: State[Quiz]) -> tuple[str, ...]:
        """The words for which all answers so far are true."""
        legal = [turn for turn in state.turns if turn.legal]
        said = [*zip(state.hidden.questions, map(_read, (t.move for t in legal)), strict=False)]
        return tuple(
            word
            for word in state.hidden.words
            if all((question in FACTS[word]) == answer for question, answer in said)
        )

    def best_move(self, state: State[Quiz]) -> str:
        """The truth about the first word that fits."""
        asked = sum(turn.legal for turn in state.turns)
        return "Yes" if state.hidden.questions[asked] in FACTS[self.consistent(state)[0]] else "No"

    def random_move(self, state: State[Quiz], rng: Random) -> str:  # noqa: ARG002 - any answer may
        """Yes or no."""
        return rng.choice(["Yes", "No"])


def _read(move: str) -> bool | None:
    """What a move says, where it says one of both."""
    said = {word for word in re.findall(r"[a-z]+", move.lower()) if word in {"yes", "no"}}
    return said == {"yes"} if len(said) == 1 else None
