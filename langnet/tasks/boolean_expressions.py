"""Is a Boolean expression true? After boolean expressions of BIG-Bench-Hard.

Source: Suzgun et al. 2022, arXiv 2210.09261.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from langnet.data import Example
from langnet.tasks import formula
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task
from langnet.tasks.tree import Tree

__all__ = ["TASK", "answer", "generate", "parse"]

_CHANCE = 0.3
"""Of a bracket, and of each "not"."""


def parse(text: str) -> Tree:
    """The expression as a tree, without the "is" that ends the question."""
    return formula.parse(text.strip().removesuffix(" is"))


def answer(text: str) -> str:
    """What the expression is.

    >>> answer("not ( True ) and ( True ) is")
    'False'
    """
    return str(formula.truth(parse(text), {}))


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    values: int = 5,
) -> list[Example]:
    """Generates n distinct expressions, half of them true, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose expressions must not come up.
        values: how often "True" or "False" stands in an expression.

    Raises:
        DataError: where no further expression is found.
    """
    task = TASK.configured(values=values)

    def draw(rng: Random, label: str) -> str:
        while True:
            text, found = _drawn(rng, values)
            if found == (label == "True"):
                return f"{text} is"

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


def _drawn(rng: Random, values: int) -> tuple[str, bool]:
    """An expression and its value: alternatives of conjunctions of values or bracketed parts."""
    terms: list[tuple[str, bool]] = []
    while values:
        inside = rng.randint(1, values) if rng.random() < _CHANCE else 0
        if inside and not (inside == values and not terms and values > 1):
            text, found = _drawn(rng, inside)
            text = f"( {text} )"
        else:
            inside, found = 1, rng.random() < 0.5  # noqa: PLR2004
            text = str(found)
        while rng.random() < _CHANCE:
            text, found = f"not {text}", not found
        terms.append((text, found))
        values -= inside
    text, value = terms[0]
    alternative, is_true = value, False
    for term, found in terms[1:]:
        if rng.random() < 0.5:  # noqa: PLR2004
            text, alternative = f"{text} and {term}", alternative and found
        else:
            text, is_true, alternative = f"{text} or {term}", is_true or alternative, found
    return text, is_true or alternative


TASK = Task(
    "boolean_expressions",
    "Evaluate the Boolean expression. Answer True or False.",
    "text",
    ("True", "False"),
    summary="Is a Boolean expression true?",
    settings={"values": Setting(5, "values in an expression", least=1, most=100)},
    parse=parse,
    answer=answer,
    make=generate,
)
"""The task."""
