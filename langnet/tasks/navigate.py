"""Do these instructions lead back to the start? After navigate of BIG-bench (MIT licence).

The label is what a simulated walk says: "Yes" where it ends where it began. There are two kinds
of walk: one that always faces forward and steps in four directions, and one that turns and steps
ahead. Half of the walks that do not return are walks that do with one instruction changed, so
that their looks do not give them away.

Source: Srivastava et al. 2022, arXiv 2206.04615; in BIG-Bench-Hard, Suzgun et al. 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["DESCRIPTION", "INPUT", "LABELS", "NAME", "TASK", "answer", "generate"]

NAME = "navigate"
INPUT = "text"
LABELS = ("Yes", "No")
DESCRIPTION = (
    "Read the navigation instructions and say whether following them leads back to the starting "
    "point. Answer Yes or No."
)

_QUESTION = "If you follow these instructions, do you return to the starting point?"
_OPTIONS = "\nOptions:\n- Yes\n- No"
_FACE_FORWARD = "Always face forward"

# Directions as complex numbers relative to the way one faces: multiplying by 1j turns left.
_TURNS: Mapping[str, complex] = MappingProxyType({"left": 1j, "right": -1j, "around": -1})
_WAYS: Mapping[str, complex] = MappingProxyType(
    {"forward": 1, "backward": -1, "left": 1j, "right": -1j}
)
_STEP = re.compile(r"Take (\d+) steps?(?: (forward|backward|left|right))?")
_TURN = re.compile(r"Turn (left|right|around)")

_MOST_STEPS = 10
_FEWEST, _MOST = 2, 9


def answer(question: str) -> str:
    """Walks as a question says: "Yes" where the walk ends where it began, else "No".

    Raises:
        DataError: where a sentence is no instruction that is known here.

    >>> answer("Take 2 steps. Turn around. Take 1 step. Take 1 step.")
    'Yes'
    """
    instructions = question.removeprefix(_QUESTION).partition("\nOptions:")[0]
    return "No" if _walk(instructions.strip().rstrip(".").split(". "))[0] else "Yes"


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    options: bool = True,
) -> list[Example]:
    """Generates n distinct questions, half of them with each answer, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose questions must not come up.
        options: end each question with the lines that list the answers, as the published ones do.

    Raises:
        DataError: where no further question is found.
    """

    def draw(rng: Random, label: str) -> str:
        walk = _returning(rng) if label == "Yes" else _straying(rng)
        return f"{_QUESTION} {'. '.join(walk)}.{_OPTIONS if options else ''}"

    return balanced(
        n,
        name=NAME,
        input_name=INPUT,
        labels=LABELS,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _walk(instructions: Iterable[str]) -> tuple[complex, complex]:
    """Where a walk from 0 ends, and the way it faces there, having faced 1 at first."""
    position, facing = 0j, 1 + 0j
    for instruction in instructions:
        if turn := _TURN.fullmatch(instruction):
            facing *= _TURNS[turn[1]]
        elif step := _STEP.fullmatch(instruction):
            position += int(step[1]) * facing * _WAYS[step[2] or "forward"]
        elif instruction != _FACE_FORWARD:
            raise DataError(f"{instruction!r} is no instruction that navigate knows")
    return position, facing


def _returning(rng: Random) -> list[str]:
    """A walk that returns: some instructions at random, then what leads home."""
    make = _sideways if rng.random() < 0.5 else _turning  # noqa: PLR2004
    while True:
        walk = make(rng)
        position, _ = _walk(walk)
        steps = sum(instruction.startswith("Take") for instruction in walk)
        if not position and steps and _FEWEST <= len(walk) - (walk[0] == _FACE_FORWARD) <= _MOST:
            return walk


def _straying(rng: Random) -> list[str]:
    """A walk that does not return: one that does with a change, or one at random."""
    by_change = rng.random() < 0.5  # noqa: PLR2004
    while True:
        walk = _returning(rng)
        first = int(walk[0] == _FACE_FORWARD)
        places = [rng.randrange(first, len(walk))] if by_change else range(first, len(walk))
        for place in places:
            walk[place] = _another(rng, walk[place])
        if _walk(walk)[0]:
            return walk


def _sideways(rng: Random) -> list[str]:
    walk = [_step(rng, rng.choice(list(_WAYS))) for _ in range(rng.randint(1, 6))]
    home = -_walk(walk)[0]
    ways = ("forward" if home.real > 0 else "backward", "left" if home.imag > 0 else "right")
    for way, distance in zip(ways, (home.real, home.imag), strict=True):
        walk += [_told(steps, way) for steps in _parts(rng, int(abs(distance)))]
    rng.shuffle(walk)
    return [_FACE_FORWARD, *walk]


def _turning(rng: Random) -> list[str]:
    walk = [
        _step(rng) if rng.random() < 0.65 else f"Turn {rng.choice(list(_TURNS))}"  # noqa: PLR2004
        for _ in range(rng.randint(1, 6))
    ]
    position, facing = _walk(walk)
    for part in (complex(position.real), complex(0, position.imag)):
        if part:
            homeward = -part / abs(part)
            walk += [f"Turn {turn}" for turn, by in _TURNS.items() if facing * by == homeward]
            walk += [_told(steps) for steps in _parts(rng, int(abs(part)))]
            facing = homeward
    if rng.random() < 0.3:  # noqa: PLR2004
        walk.append(f"Turn {rng.choice(list(_TURNS))}")
    return walk


def _parts(rng: Random, distance: int) -> list[int]:
    """The distance in one instruction where that may be, or in several."""
    parts = []
    while distance:
        part = min(distance, rng.choice((_MOST_STEPS, rng.randint(1, _MOST_STEPS))))
        parts.append(part)
        distance -= part
    return parts


def _another(rng: Random, instruction: str) -> str:
    """Another instruction of the same kind."""
    if instruction.startswith("Turn"):
        return f"Turn {rng.choice(list(_TURNS))}"
    return _step(rng, rng.choice(list(_WAYS)) if instruction.endswith(tuple(_WAYS)) else None)


def _step(rng: Random, way: str | None = None) -> str:
    return _told(rng.randint(1, _MOST_STEPS), way)


def _told(steps: int, way: str | None = None) -> str:
    return f"Take {steps} step{'' if steps == 1 else 's'}{f' {way}' if way else ''}"


TASK = Task(
    NAME,
    DESCRIPTION,
    INPUT,
    LABELS,
    summary="Do these instructions lead back to the start?",
    prompts={
        "paper": (
            "Read the following sentence, then determine whether you return to the starting point."
        )
    },
    settings={"options": Setting(default=True, about="end with the lines that list the answers")},
    answer=answer,
    make=generate,
)
"""The task."""
