"""Are all steps of a sum right? Data for verifiers, with a known share of wrong steps.

A wrong step has a wrong result, and the steps after it go on from there, as in a person's mistake.

Uses: verifiers, Zhang et al. 2024, arXiv 2408.15240; right and wrong traces, arXiv 2512.22255.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from random import Random

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.arithmetic import LARGEST, SIGNS, STEPS, problem, read, worked
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "answer", "corrupted", "generate", "mistakes"]

_LINE = re.compile(r"(-?\d+) ([-+*]) (\d+) = (-?\d+)")


def corrupted(text: str, fraction: float, rng: Random) -> str:
    """Steps of which that share is wrong, rounded up; each goes on from the result before it.

    Args:
        text: the problem.
        fraction: of the steps, in [0, 1].
        rng: which steps, and what is wrong about them.

    Raises:
        DataError: where the fraction is not in [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise DataError(f"the fraction of wrong steps must lie in [0, 1], not {fraction}")
    start, steps = read(text)
    # A share such as 0.3 of ten is three, whatever the last binary digit of the product says.
    wrong = set(rng.sample(range(len(steps)), math.ceil(round(fraction * len(steps), 9))))
    lines, value = [], start
    for index, (sign, by) in enumerate(steps):
        result = SIGNS[sign](value, by)
        if index in wrong:
            result = _mistaken(rng, value, sign, by, result)
        lines.append(f"{value} {sign} {by} = {result}")
        value = result
    return "\n".join(lines)


def mistakes(text: str, trace: str) -> tuple[bool, ...]:
    """Which lines of worked steps are wrong, each judged by itself and against the problem.

    A line is wrong where its result is, where it does another step than the problem says, or where
    it does not begin with the result of the line before.

    Raises:
        DataError: where a line is no step, or there are not as many as the problem has.
    """
    start, steps = read(text)
    lines = [line for line in trace.splitlines() if line.strip()]
    if len(lines) != len(steps):
        raise DataError(f"the problem has {len(steps)} steps, and {len(lines)} are worked")
    found, before = [], start
    for line, (sign, by) in zip(lines, steps, strict=True):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DataError(f"{line!r} is no step such as '7 + 5 = 12'")
        value, written, other, result = int(match[1]), match[2], int(match[3]), int(match[4])
        is_right = (value, written, other) == (before, sign, by)
        found.append(not is_right or SIGNS[written](value, other) != result)
        before = result
    return tuple(found)


def answer(text: str) -> str:
    """Whether all steps that follow "Steps:" are right: "Yes" or "No"."""
    sums, mark, trace = text.partition("\nSteps:\n")
    if not mark:
        raise DataError(f"there are no steps in {text!r}")
    return "No" if any(mistakes(sums, trace)) else "Yes"


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    steps: int = 4,
    largest: int = 20,
    wrong: float = 0.25,
) -> list[Example]:
    """Generates n distinct problems with steps, half of them right, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the verdict observes.
        exclude: examples whose texts must not come up.
        steps: at most; at least there are two.
        largest: of the numbers that are given.
        wrong: the share of wrong steps where there are any, rounded up.

    Raises:
        DataError: where no further problem is found.
    """
    task = TASK.configured(steps=steps, largest=largest, wrong=wrong)

    def draw(rng: Random, label: str) -> str:
        text, _ = problem(rng, rng.randint(2, steps), largest)
        trace = worked(text) if label == "Yes" else corrupted(text, wrong, rng)
        return f"{text}\nSteps:\n{trace}"

    return balanced(
        n,
        name=task.spec,
        input_name=task.input,
        labels=task.labels,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _mistaken(rng: Random, value: int, sign: str, by: int, result: int) -> int:
    """A wrong result of a kind that people come to: off by a little, or of another operation."""
    others = [SIGNS[other](value, by) for other in SIGNS if other != sign]
    near = [result + off for off in (-10, -2, -1, 1, 2, 10)]
    return rng.choice([found for found in (*near, *others) if found != result])


TASK = Task(
    "arithmetic_check",
    "Check the steps one by one, and say whether all of them are right. Answer Yes or No.",
    "text",
    ("Yes", "No"),
    summary="Are all steps of a sum right? Data for verifiers.",
    prompts={"verifier": "Let's verify step by step."},
    settings={
        "steps": STEPS,
        "largest": LARGEST,
        "wrong": Setting(0.25, "share of wrong steps, rounded up", least=0.01, most=1),
    },
    answer=answer,
    make=generate,
)
"""The task."""
