"""Make a number from others with + - * / and brackets: Countdown.

Every puzzle has a solution, since it is built from one. A target observes that solution, but any
right one counts: `verify` reads the numbers and the value from it and does the sum of the answer.

Source: as a task of search for language models, Gandhi et al. 2024, arXiv 2404.03683.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from random import Random

from langnet.data import Example
from langnet.errors import DataError
from langnet.metrics import Marked
from langnet.tasks import expression
from langnet.tasks.draw import distinct
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "answer", "generate", "verify"]

_PUZZLE = "Use each of the numbers {numbers} exactly once to make {goal}."
_READ = re.compile(
    r"numbers (?P<numbers>\d+(?:(?:, | and )\d+)*) exactly once to make (?P<goal>\d+)"
)
_AHEAD = re.compile(r"^.*:\s*|^[^\d(\[\-−]*")
_AROUND = " \t.`$*_\"'"


def verify(prediction: str, target: str) -> Marked:
    """1 where the prediction uses the target's numbers and comes to its value, else 0, and why.

    What counts is the last line that is not empty, after a colon, and of equal sides that with the
    most numbers, as in "Answer: (3 + 7) * 2 = 20". It is parsed, never run.

    Args:
        prediction: what a model wrote.
        target: any right solution.

    >>> float(verify("So: 2 * (7 + 3) = 20", "(3 + 7) * 2"))
    1.0
    >>> verify("(3 + 7) + 2", "(3 + 7) * 2").feedback
    'it comes to 12, not to 20'
    """
    solution = expression.parse(target)
    wanted, goal = expression.numbers(solution), expression.value(solution)
    lines = [line for line in prediction.splitlines() if line.strip()]
    told = _AHEAD.sub("", lines[-1].strip(_AROUND)) if lines else ""
    side = max(told.split("="), key=lambda side: len(re.findall(r"\d+", side)))
    try:
        tree = expression.parse(side.strip(_AROUND))
        found = expression.value(tree)
    except DataError as error:
        return Marked(0.0, f"it is no sum: {error}")
    used = expression.numbers(tree)
    if used != wanted:
        return Marked(
            0.0,
            f"it uses the numbers {', '.join(map(str, used))}, where it should use "
            f"{', '.join(map(str, wanted))}, each once",
        )
    if found != goal:
        return Marked(0.0, f"it comes to {found}, not to {goal}")
    return Marked(1.0, "")


def answer(text: str) -> str:
    """A solution of a puzzle, found by trying all.

    Raises:
        DataError: where the text is no puzzle, or has no solution.
    """
    match = _READ.search(text)
    if match is None:
        raise DataError(f"there is no puzzle in {text!r}")
    numbers = [int(number) for number in re.findall(r"\d+", match["numbers"])]
    goal = Fraction(match["goal"])
    found = next(
        (
            told
            for reached, told in _reachable([(Fraction(n), str(n)) for n in numbers])
            if reached == goal
        ),
        None,
    )
    if found is None:
        raise DataError(f"there is no solution to {text!r}")
    return found.removeprefix("(").removesuffix(")") if len(numbers) > 1 else found


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    numbers: int = 4,
    largest: int = 20,
    goal: int = 100,
) -> list[Example]:
    """Generates n distinct puzzles with a solution each.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the solution observes.
        exclude: examples whose puzzles must not come up.
        numbers: in a puzzle.
        largest: of the numbers.
        goal: the largest number to make.

    Raises:
        DataError: where no further puzzle is found.
    """
    task = TASK.configured(numbers=numbers, largest=largest, goal=goal)

    def draw(rng: Random) -> tuple[str, str]:
        while True:
            given = [rng.randint(1, largest) for _ in range(numbers)]
            reached, solution = _built(rng, given)
            if 1 <= reached <= goal:
                break
        told = [str(number) for number in given]
        listed = f"{', '.join(told[:-1])} and {told[-1]}"
        return _PUZZLE.format(numbers=listed, goal=reached), solution

    return distinct(
        n,
        name=task.spec,
        input_name=task.input,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _built(rng: Random, given: Sequence[int]) -> tuple[int, str]:
    """A number with an expression for it: two at a time are joined, in ways that stay whole."""
    parts = [(number, str(number)) for number in given]
    while len(parts) > 1:
        rng.shuffle(parts)
        (one, left), (other, right) = parts.pop(), parts.pop()
        if one < other:
            one, left, other, right = other, right, one, left
        joined = [(one + other, "+"), (one - other, "-"), (one * other, "*")]
        if other and one % other == 0:
            joined.append((one // other, "/"))
        result, sign = rng.choice(joined)
        parts.append((result, f"({left} {sign} {right})"))
    ((result, told),) = parts
    return result, told[1:-1]


def _reachable(parts: list[tuple[Fraction, str]]) -> Iterator[tuple[Fraction, str]]:
    """Every value that uses all parts, with an expression for it."""
    if len(parts) == 1:
        yield parts[0]
        return
    for first, second in combinations(range(len(parts)), 2):
        rest = [part for index, part in enumerate(parts) if index not in {first, second}]
        (one, left), (other, right) = parts[first], parts[second]
        joined = [
            (one + other, f"({left} + {right})"),
            (one * other, f"({left} * {right})"),
            (one - other, f"({left} - {right})"),
            (other - one, f"({right} - {left})"),
        ]
        joined += [(one / other, f"({left} / {right})")] if other else []
        joined += [(other / one, f"({right} / {left})")] if one else []
        for new in joined:
            yield from _reachable([*rest, new])


TASK = Task(
    "countdown",
    "Make the number by using each of the given numbers exactly once, with +, -, *, / and "
    "brackets. Answer with the sum alone, such as (3 + 7) * 2.",
    "text",
    (),
    summary="Make a number from others; any right sum counts.",
    metric=verify,
    settings={
        "numbers": Setting(4, "numbers in a puzzle", least=2, most=6),
        "largest": Setting(20, "the largest of the numbers", least=2, most=1000),
        "goal": Setting(100, "the largest number to make", least=1, most=100_000),
    },
    answer=answer,
    make=generate,
)
"""The task."""
