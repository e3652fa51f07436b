"""Sums in several steps, with worked steps that are right, or wrong by a known share.

`arithmetic` asks for the result; its setting `trace` names a node that the right steps observe,
so that a hidden text is supervised. `arithmetic_check` shows steps and asks whether all are right:
data for verifiers. A wrong step has a wrong result, and the steps after it go on from there, as in
a person's mistake.

Uses: verifiers, Zhang et al. 2024, arXiv 2408.15240; right and wrong traces, arXiv 2512.22255.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.metrics import number
from langnet.tasks.draw import balanced, distinct
from langnet.tasks.task import PART, SPLIT_BY_LENGTH, Setting, Task

__all__ = [
    "CHECK",
    "TASK",
    "answer",
    "check",
    "corrupted",
    "generate",
    "generate_checks",
    "mistakes",
    "worked",
]

_SIGNS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul}
)
_TOLD: Mapping[str, str] = MappingProxyType(
    {"+": "Add {}.", "-": "Subtract {}.", "*": "Multiply by {}."}
)
_STEP = re.compile(r"(?P<add>Add|Subtract|Multiply by) (?P<by>\d+)\.")
_WORDS: Mapping[str, str] = MappingProxyType({"Add": "+", "Subtract": "-", "Multiply by": "*"})
_LINE = re.compile(r"(-?\d+) ([-+*]) (\d+) = (-?\d+)")
_LARGEST_FACTOR = 5
_PRODUCT_FROM = 100
"""A value from which on nothing is multiplied, so that numbers stay such as people work with."""


def answer(text: str) -> str:
    """The result of following the instructions one by one.

    >>> answer("Start with 7. Add 5. Multiply by 3. What is the result?")
    '36'
    """
    start, steps = _read(text)
    value = start
    for sign, by in steps:
        value = _SIGNS[sign](value, by)
    return str(value)


def worked(text: str) -> str:
    """The right steps, a line each.

    >>> worked("Start with 7. Add 5. Multiply by 3. What is the result?")
    '7 + 5 = 12\\n12 * 3 = 36'
    """
    start, steps = _read(text)
    lines, value = [], start
    for sign, by in steps:
        result = _SIGNS[sign](value, by)
        lines.append(f"{value} {sign} {by} = {result}")
        value = result
    return "\n".join(lines)


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
    start, steps = _read(text)
    # A share such as 0.3 of ten is three, whatever the last binary digit of the product says.
    wrong = set(rng.sample(range(len(steps)), math.ceil(round(fraction * len(steps), 9))))
    lines, value = [], start
    for index, (sign, by) in enumerate(steps):
        result = _SIGNS[sign](value, by)
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
    start, steps = _read(text)
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
        found.append(not is_right or _SIGNS[written](value, other) != result)
        before = result
    return tuple(found)


def check(text: str) -> str:
    """Whether all steps that follow "Steps:" are right: "Yes" or "No"."""
    problem, mark, trace = text.partition("\nSteps:\n")
    if not mark:
        raise DataError(f"there are no steps in {text!r}")
    return "No" if any(mistakes(problem, trace)) else "Yes"


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    steps: int = 4,
    largest: int = 20,
    trace: str = "",
    split: str = "simple",
    part: str = "train",
) -> list[Example]:
    """Generates n distinct problems.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the result observes.
        exclude: examples whose problems must not come up.
        steps: at most; at least there are two.
        largest: of the numbers that are given.
        trace: a node that the right steps observe; empty for none.
        split: simple, or length: the test part has up to twice as many steps.
        part: train, dev or test.

    Raises:
        DataError: where no further problem is found.
    """
    task = TASK.configured(steps=steps, largest=largest, trace=trace, split=split, part=part)
    longer = split == "length" and part == "test"
    least, most = (steps + 1, 2 * steps) if longer else (2, steps)

    def draw(rng: Random) -> tuple[str, str]:
        text, result = _problem(rng, rng.randint(least, most), largest)
        return text, str(result)

    examples = distinct(
        n,
        name=task.spec,
        input_name=task.input,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )
    if not trace:
        return examples
    return [
        Example(
            example.id,
            example.inputs,
            {trace: worked(example.inputs[task.input]), **example.targets},
        )
        for example in examples
    ]


def generate_checks(
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
    task = CHECK.configured(steps=steps, largest=largest, wrong=wrong)

    def draw(rng: Random, label: str) -> str:
        text, _ = _problem(rng, rng.randint(2, steps), largest)
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


def _problem(rng: Random, steps: int, largest: int) -> tuple[str, int]:
    value = rng.randint(1, largest)
    told = [f"Start with {value}."]
    for _ in range(steps):
        sign = rng.choice([sign for sign in _SIGNS if sign != "*" or abs(value) < _PRODUCT_FROM])
        by = rng.randint(2, _LARGEST_FACTOR) if sign == "*" else rng.randint(1, largest)
        value = _SIGNS[sign](value, by)
        told.append(_TOLD[sign].format(by))
    return " ".join((*told, "What is the result?")), value


def _read(text: str) -> tuple[int, list[tuple[str, int]]]:
    start = re.search(r"Start with (\d+)\.", text)
    if start is None:
        raise DataError(f"{text!r} does not say what to start with")
    steps = [(_WORDS[match["add"]], int(match["by"])) for match in _STEP.finditer(text)]
    return int(start[1]), steps


def _mistaken(rng: Random, value: int, sign: str, by: int, result: int) -> int:
    """A wrong result of a kind that people come to: off by a little, or of another operation."""
    others = [_SIGNS[other](value, by) for other in _SIGNS if other != sign]
    near = [result + off for off in (-10, -2, -1, 1, 2, 10)]
    return rng.choice([found for found in (*near, *others) if found != result])


_STEPS = Setting(4, "steps of a problem, at most", least=2, most=50)
_LARGEST = Setting(20, "the largest number that is given", least=2, most=10_000)

TASK = Task(
    "arithmetic",
    "Follow the instructions one after the other and say what the result is. Answer with the "
    "number alone.",
    "text",
    (),
    summary="Sums in several steps, whose right steps are known.",
    metric=number,
    settings={
        "steps": _STEPS,
        "largest": _LARGEST,
        "trace": Setting("", "a node that the right steps observe"),
        "split": SPLIT_BY_LENGTH,
        "part": PART,
    },
    answer=answer,
    make=generate,
)
"""The task of results."""

CHECK = Task(
    "arithmetic_check",
    "Check the steps one by one, and say whether all of them are right. Answer Yes or No.",
    "text",
    ("Yes", "No"),
    summary="Are all steps of a sum right? Data for verifiers.",
    prompts={"verifier": "Let's verify step by step."},
    settings={
        "steps": _STEPS,
        "largest": _LARGEST,
        "wrong": Setting(0.25, "share of wrong steps, rounded up", least=0.01, most=1),
    },
    answer=check,
    make=generate_checks,
)
"""The task of checking steps."""
