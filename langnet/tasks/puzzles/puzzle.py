"""What every puzzle is: a dialogue with an environment that knows something the player does not.

A state never changes: a reply gives the next one. All chance is in the seed, so a dialogue can be
replayed, and the reply to a move depends on nothing but the state and the move.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from langnet.errors import DataError
from langnet.key import Key
from langnet.tasks.setting import Setting

__all__ = ["Answer", "Puzzle", "State", "Turn", "play"]

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Turn:
    """A move and what was said to it.

    Attributes:
        move: what the player wrote, on one line.
        reply: what the environment said.
        legal: whether the move could be made; one that could not has taken a turn all the same.
    """

    move: str
    reply: str
    legal: bool


@dataclass(frozen=True, slots=True)
class State(Generic[H]):
    """Where a dialogue stands.

    Attributes:
        hidden: what was drawn from the seed; the player sees of it what the rules tell.
        turns: what was said so far.
        done: whether the dialogue is over.
    """

    hidden: H
    turns: tuple[Turn, ...] = ()
    done: bool = False


class Answer(NamedTuple):
    """What an environment makes of a move.

    Attributes:
        text: what it says.
        done: whether that ends the dialogue.
        legal: whether the move could be made.
    """

    text: str
    done: bool = False
    legal: bool = True


@dataclass(frozen=True)
class Puzzle(ABC, Generic[H]):
    """A puzzle with its settings.

    Attributes:
        name: what it is called.
        summary: what it is, in one line.
        kind: what is hidden in a state.
        settings: what can be turned, with the defaults and the ranges.
        turns: how many moves the player has.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    kind: ClassVar[type[Any]]
    settings: ClassVar[Mapping[str, Setting]]

    turns: int

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            DataError: one is out of range.
        """
        for name, setting in self.settings.items():
            setting.read(name, getattr(self, name))

    def reset(self, seed: int) -> State[H]:
        """The state at the start; the same for the same seed."""
        return State(self.draw(Key(("puzzle", self.name, seed)).rng()))

    def reply(self, state: State[H], move: str) -> tuple[State[H], str, bool]:
        """The next state, what the environment says to a move, and whether that was the end.

        A dialogue that is over stays as it is.
        """
        if state.done:
            return state, "The game is over.", True
        told = " ".join(move.split())
        text, done, legal = self.answer(state, told)
        done = done or len(state.turns) + 1 >= self.turns
        turns = (*state.turns, Turn(told, text, legal))
        return State(state.hidden, turns, done), text, done

    def view(self, state: State[H]) -> str:
        """All that the player may see: the rules, what was said, and how many moves are left."""
        lines = [self.rules(state.hidden), ""]
        for turn in state.turns:
            lines += [f"You: {turn.move}", f"Reply: {turn.reply}"]
        left = self.turns - len(state.turns)
        lines.append("The game is over." if state.done else f"Moves left: {left}.")
        return "\n".join(lines)

    def dump(self, state: State[H]) -> str:
        """The state as JSON, with all that is hidden."""
        return json.dumps(dataclasses.asdict(state), ensure_ascii=False, separators=(",", ":"))

    def load(self, text: str) -> State[H]:
        """The state that was dumped.

        Raises:
            DataError: the text is no state of this puzzle.
        """
        try:
            data = json.loads(text)
            hidden = self.kind(**{name: _frozen(item) for name, item in data["hidden"].items()})
            turns = tuple(Turn(**turn) for turn in data["turns"])
            return State(cast("H", hidden), turns, bool(data["done"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"this is no state of the puzzle {self.name!r}: {error}") from error

    @abstractmethod
    def draw(self, rng: Random) -> H:
        """What is hidden in one game."""

    @abstractmethod
    def rules(self, hidden: H) -> str:
        """What the player is told at the start."""

    @abstractmethod
    def answer(self, state: State[H], move: str) -> Answer:
        """What the environment makes of a move, given on one line."""

    @abstractmethod
    def score(self, state: State[H]) -> float:
        """How well the player did, from 0 to 1; before the end, what it would be if it ended."""

    @abstractmethod
    def best_move(self, state: State[H]) -> str:
        """A move of the reference player, who sees no more than the player and reasons exactly."""

    @abstractmethod
    def random_move(self, state: State[H], rng: Random) -> str:
        """A legal move by chance, for the lower end of the scale."""


def play(puzzle: Puzzle[H], seed: int, *, at_random: bool = False) -> State[H]:
    """The end of a game that the reference player plays, or the random one."""
    state = puzzle.reset(seed)
    rng = Key(("puzzle", puzzle.name, seed, "player")).rng()
    while not state.done:
        move = puzzle.random_move(state, rng) if at_random else puzzle.best_move(state)
        state, _, _ = puzzle.reply(state, move)
    return state


def _frozen(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return value
