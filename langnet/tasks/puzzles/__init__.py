"""Multi-turn puzzles: environments to talk with, whose scores are exact.

After the puzzles of Badola et al. 2025 (arXiv 2508.10142), whose data hold no environment and no
scorer; words, facts and rules are langnet's own.

>>> puzzle = get("word_guessing")
>>> state = puzzle.reset(seed=1)
>>> state, said, done = puzzle.reply(state, "It could be bench.")
>>> puzzle.score(state)
0.0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import distinct
from langnet.tasks.puzzles.circuit_decoding import CircuitDecoding
from langnet.tasks.puzzles.film_recommendation import FilmRecommendation
from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State, Turn, play
from langnet.tasks.puzzles.twenty_questions import TwentyQuestions
from langnet.tasks.puzzles.word_chaining import WordChaining
from langnet.tasks.puzzles.word_guessing import WordGuessing
from langnet.tasks.task import Task

__all__ = [
    "TASKS",
    "Answer",
    "CircuitDecoding",
    "FilmRecommendation",
    "Puzzle",
    "State",
    "Turn",
    "TwentyQuestions",
    "WordChaining",
    "WordGuessing",
    "get",
    "names",
    "of",
    "play",
    "scored",
]

_PUZZLES: Mapping[str, type[Any]] = MappingProxyType(
    {
        puzzle.name: puzzle
        for puzzle in (
            WordGuessing,
            FilmRecommendation,
            CircuitDecoding,
            WordChaining,
            TwentyQuestions,
        )
    }
)


def get(name: str, **settings: Any) -> Puzzle[Any]:
    """The puzzle of that name, with its settings where they should differ from the defaults.

    Raises:
        DataError: there is none, it has no such setting, or the setting is out of range.
    """
    if name not in _PUZZLES:
        raise DataError(f"there is no puzzle {name!r}; there is {', '.join(_PUZZLES)}")
    try:
        puzzle: Puzzle[Any] = _PUZZLES[name](**settings)
    except TypeError:
        known = ", ".join(_PUZZLES[name].__dataclass_fields__)
        raise DataError(f"the puzzle {name!r} has the settings {known}, not {settings}") from None
    return puzzle


def of(task: Task) -> Puzzle[Any]:
    """The puzzle of a task, with the settings of the task.

    Raises:
        DataError: the task is no puzzle.
    """
    return get(task.name, **task.chosen)


def names() -> tuple[str, ...]:
    """The names of all puzzles."""
    return tuple(_PUZZLES)


def scored(prediction: str, target: str) -> float:  # noqa: ARG001 - a metric has both
    """The score that a dialogue ended with, which is its metric; 0 for what is no number.

    >>> scored("0.75", "1")
    0.75
    """
    try:
        return min(1.0, max(0.0, float(prediction)))
    except ValueError:
        return 0.0


def _generate(
    name: str,
    n: int,
    /,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    **settings: Any,
) -> list[Example]:
    """N different games of a puzzle, whose input is the state at the start as JSON."""
    puzzle = get(name, **settings)
    (task,) = (task for task in TASKS if task.name == name)

    def draw(rng: Random) -> tuple[str, str]:
        return puzzle.dump(State(puzzle.draw(rng))), "1"

    return distinct(
        n,
        name=task.configured(**settings).spec,
        input_name=task.input,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


TASKS: tuple[Task, ...] = tuple(
    Task(
        name,
        "Play the game as well as you can. Answer with your next move alone.",
        "puzzle",
        (),
        summary=puzzle.summary,
        metric=scored,
        settings=puzzle.settings,
        make=partial(_generate, name),
    )
    for name, puzzle in _PUZZLES.items()
)
"""Each puzzle as a task: a target is the best score, 1, and the metric is the score."""
