"""Nested lists of digits under MIN, MAX, MED and SM: ListOps.

MED is the median, without its fraction; SM is the sum modulo 10. With `split=depth` the test part
is nested deeper than anything to learn from, with `split=length` its texts have more operators and
digits.

Source: Nangia and Bowman 2018, arXiv 1804.06028.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from statistics import median
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import balanced
from langnet.tasks.setting import PART, Setting
from langnet.tasks.task import Task
from langnet.tasks.tree import Tree

__all__ = ["TASK", "answer", "generate", "parse"]

_DIGITS = tuple("0123456789")
_OPERATORS: Mapping[str, Callable[[Sequence[int]], int]] = MappingProxyType(
    {
        "MIN": min,
        "MAX": max,
        "MED": lambda values: int(median(values)),
        "SM": lambda values: sum(values) % 10,
    }
)
_TOKEN = re.compile(r"\[(?:MIN|MAX|MED|SM)|\d|\]")
_NESTED = 0.4
_ATTEMPTS = 20_000


def parse(text: str) -> Tree:
    """The expression as a tree, whose leaves are digits.

    Raises:
        DataError: where it is no expression.

    >>> str(parse("[MAX 2 [MIN 7 4 ] ]"))
    '(MAX 2 (MIN 7 4))'
    """
    open_lists: list[tuple[str, list[Tree]]] = [("", [])]
    for word in text.replace("]", " ] ").split():
        if not _TOKEN.fullmatch(word):
            raise DataError(f"{word!r} stands in no expression of ListOps")
        if word.startswith("["):
            open_lists.append((word[1:], []))
        elif word == "]":
            symbol, children = open_lists.pop()
            if not symbol or not children:
                raise DataError(f"a bracket closes nothing in {text!r}")
            open_lists[-1][1].append(Tree(symbol, tuple(children)))
        else:
            open_lists[-1][1].append(Tree(word))
    if len(open_lists) != 1 or len(open_lists[0][1]) != 1:
        raise DataError(f"{text!r} is not one whole expression of ListOps")
    return open_lists[0][1][0]


def answer(text: str) -> str:
    """The digit that the expression comes to.

    >>> answer("[MED 3 8 [SM 9 4 ] 5 ]")
    '4'
    """
    return str(_value(parse(text)))


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    depth: int = 3,
    arguments: int = 4,
    length: int = 20,
    split: str = "simple",
    part: str = "train",
) -> list[Example]:
    """Generates n distinct expressions, with each digit as often the answer, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose expressions must not come up.
        depth: of the nesting, at most.
        arguments: of an operator, at most; at least there are two.
        length: operators and digits, at most.
        split: simple; or depth or length: the test part has more, up to twice as many.
        part: train, dev or test.

    Raises:
        DataError: where no further expression is found, or the settings leave none.
    """
    task = TASK.configured(depth=depth, arguments=arguments, length=length, split=split, part=part)
    depths, lengths = range(1, depth + 1), range(length + 1)
    if part == "test" and split == "depth":
        # Deeper expressions are longer: only the depth is held to.
        depths, lengths = range(depth + 1, 2 * depth + 1), range(length * arguments + 1)
    if part == "test" and split == "length":
        depths, lengths = range(1, depth + 1), range(length + 1, 2 * length + 1)

    def draw(rng: Random, label: str) -> str:
        for _ in range(_ATTEMPTS):
            tree = _drawn(rng, rng.choice(depths), arguments)
            size = sum(1 for _ in tree.nodes())
            if tree.depth in depths and size in lengths and str(_value(tree)) == label:
                return _written(tree)
        raise DataError(
            f"{task.spec}: no expression of the depths {depths.start} to {depths.stop - 1} and of "
            f"at least {lengths.start} operators and digits was found; change depth, arguments or "
            "length"
        )

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


def _drawn(rng: Random, depth: int, arguments: int) -> Tree:
    """An expression that is nested as deep as that in one place, and less in others."""
    if depth == 0:
        return Tree(rng.choice(_DIGITS))
    count = rng.randint(2, arguments)
    deepest = rng.randrange(count)
    return Tree(
        rng.choice(list(_OPERATORS)),
        tuple(
            _drawn(
                rng,
                depth - 1
                if index == deepest
                else (rng.randint(0, depth - 1) if rng.random() < _NESTED else 0),
                arguments,
            )
            for index in range(count)
        ),
    )


def _written(tree: Tree) -> str:
    if not tree.children:
        return tree.symbol
    return f"[{tree.symbol} {' '.join(map(_written, tree.children))} ]"


def _value(tree: Tree) -> int:
    if not tree.children:
        return int(tree.symbol)
    return _OPERATORS[tree.symbol]([_value(child) for child in tree.children])


TASK = Task(
    "listops",
    "Evaluate the nested list. MIN is the smallest value, MAX the largest, MED the median without "
    "its fraction, and SM the sum modulo 10. Answer with one digit.",
    "text",
    _DIGITS,
    summary="Evaluate nested lists of digits (ListOps).",
    settings={
        "depth": Setting(3, "nesting, at most", least=1, most=20),
        "arguments": Setting(4, "arguments of an operator, at most", least=2, most=15),
        "length": Setting(20, "operators and digits, at most", least=3, most=500),
        "split": Setting("simple", "what the test part has more of", ("simple", "depth", "length")),
        "part": PART,
    },
    parse=parse,
    answer=answer,
    make=generate,
)
"""The task."""
