"""Sums in several steps, whose right steps are known.

The setting `trace` names a node that the right steps observe, so that a hidden text is supervised.
With `shots`, each problem brings other problems along with their steps and results.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.key import Key
from langnet.metrics import number
from langnet.tasks.draw import distinct
from langnet.tasks.exemplars import SHOTS, bringing, inputs_of
from langnet.tasks.setting import PART, SPLIT_BY_LENGTH, Setting
from langnet.tasks.task import Task

__all__ = ["LARGEST", "SIGNS", "STEPS", "TASK", "answer", "generate", "problem", "read", "worked"]

SIGNS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul}
)
"""The operations by their signs."""
_TOLD: Mapping[str, str] = MappingProxyType(
    {"+": "Add {}.", "-": "Subtract {}.", "*": "Multiply by {}."}
)
_STEP = re.compile(r"(?P<add>Add|Subtract|Multiply by) (?P<by>\d+)\.")
_WORDS: Mapping[str, str] = MappingProxyType({"Add": "+", "Subtract": "-", "Multiply by": "*"})
_LARGEST_FACTOR = 5
_ATTEMPTS = 1_000
_PRODUCT_FROM = 100
"""A value from which on nothing is multiplied, so that numbers stay such as people work with."""


def answer(text: str) -> str:
    """The result of following the instructions one by one.

    >>> answer("Start with 7. Add 5. Multiply by 3. What is the result?")
    '36'
    """
    start, steps = read(text)
    value = start
    for sign, by in steps:
        value = SIGNS[sign](value, by)
    return str(value)


def worked(text: str) -> str:
    """The right steps, a line each.

    >>> worked("Start with 7. Add 5. Multiply by 3. What is the result?")
    '7 + 5 = 12\\n12 * 3 = 36'
    """
    start, steps = read(text)
    lines, value = [], start
    for sign, by in steps:
        result = SIGNS[sign](value, by)
        lines.append(f"{value} {sign} {by} = {result}")
        value = result
    return "\n".join(lines)


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
    shots: int = 0,
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
        shots: problems with their right steps that each example brings along: as "text", "trace"
            and "answer".

    Raises:
        DataError: where no further problem is found.
    """
    excluded = list(exclude)
    task = TASK.configured(steps=steps, largest=largest, trace=trace, split=split, part=part)
    longer = split == "length" and part == "test"
    least, most = (steps + 1, 2 * steps) if longer else (2, steps)

    def draw(rng: Random) -> tuple[str, str]:
        text, result = problem(rng, rng.randint(least, most), largest)
        return text, str(result)

    examples = distinct(
        n,
        name=task.spec,
        input_name=task.input,
        draw=draw,
        seed=seed,
        node=node,
        exclude=excluded,
    )
    if shots:
        held_out = {example.inputs.get(task.input) for example in excluded}

        def choose(example: Example) -> tuple[Mapping[str, str], ...]:
            text = example.inputs[task.input]
            rng = Key(("exemplars", steps, largest, seed, text)).rng()
            return _exemplars(rng, shots, steps, largest, {*held_out, text})

        examples = bringing(examples, choose)
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


def _exemplars(
    rng: Random, shots: int, steps: int, largest: int, without: Collection[object]
) -> tuple[Mapping[str, str], ...]:
    """Problems with their right steps and results, none twice."""
    found: dict[str, Mapping[str, str]] = {}
    for _ in range(_ATTEMPTS):
        if len(found) == shots:
            return tuple(found.values())
        text, result = problem(rng, rng.randint(2, steps), largest)
        if text not in without:
            found[text] = {"text": text, "trace": worked(text), "answer": str(result)}
    raise DataError(
        f"arithmetic: found only {len(found)} exemplars of {shots}; ask for fewer shots, or let "
        "numbers be larger"
    )


def problem(rng: Random, steps: int, largest: int) -> tuple[str, int]:
    """A problem with that many steps, and its result."""
    value = rng.randint(1, largest)
    told = [f"Start with {value}."]
    for _ in range(steps):
        sign = rng.choice([sign for sign in SIGNS if sign != "*" or abs(value) < _PRODUCT_FROM])
        by = rng.randint(2, _LARGEST_FACTOR) if sign == "*" else rng.randint(1, largest)
        value = SIGNS[sign](value, by)
        told.append(_TOLD[sign].format(by))
    return " ".join((*told, "What is the result?")), value


def read(text: str) -> tuple[int, list[tuple[str, int]]]:
    """What a problem starts with, and its steps: an operation and a number each.

    Raises:
        DataError: where the text is no such problem.
    """
    start = re.search(r"Start with (\d+)\.", text)
    if start is None:
        raise DataError(f"{text!r} does not say what to start with")
    steps = [(_WORDS[match["add"]], int(match["by"])) for match in _STEP.finditer(text)]
    return int(start[1]), steps


STEPS = Setting(4, "steps of a problem, at most", least=2, most=50)
"""The setting of how long a problem is."""

LARGEST = Setting(20, "the largest number that is given", least=2, most=10_000)
"""The setting of the largest number."""

TASK = Task(
    "arithmetic",
    "Follow the instructions one after the other and say what the result is. Answer with the "
    "number alone.",
    "text",
    (),
    summary="Sums in several steps, whose right steps are known.",
    prompts={
        "chain-of-thought": "Write the steps. For example: Start with 4. Add 3. Multiply by 2. "
        "What is the result? Steps: 4 + 3 = 7, 7 * 2 = 14."
    },
    metric=number,
    settings={
        "steps": STEPS,
        "largest": LARGEST,
        "trace": Setting("", "a node that the right steps observe"),
        "split": SPLIT_BY_LENGTH,
        "part": PART,
        "shots": SHOTS,
    },
    inputs_of=inputs_of("text"),
    answer=answer,
    make=generate,
)
"""The task."""
