"""Which of two sentences has its adjectives in the right order? After hyperbaton of BIG-bench.

English puts adjectives before a noun in the order opinion, size, age, shape, colour, origin,
material, purpose. Both options have the same words; the right one keeps to the order.

Source: Srivastava et al. 2022, arXiv 2206.04615; in BIG-Bench-Hard, Suzgun et al. 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from random import Random

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task
from langnet.tasks.words import ADJECTIVES, THINGS

__all__ = ["TASK", "answer", "generate", "in_order"]

_QUESTION = "Which sentence has the correct adjective order:\nOptions:"
_OPTION = re.compile(r"^\(([A-Z])\) (.+)$", re.MULTILINE)
_FEWEST = 2


def in_order(phrase: str) -> bool:
    """Whether the adjectives before a phrase's last word stand in the right order.

    Raises:
        DataError: where an adjective is not known here.

    >>> in_order("lovely old red chair"), in_order("red old lovely chair")
    (True, False)
    """
    ranks = {word: rank for rank, words in enumerate(ADJECTIVES.values()) for word in words}
    adjectives = phrase.split()[:-1]
    if unknown := [word for word in adjectives if word not in ranks]:
        raise DataError(f"hyperbaton knows no adjective {unknown[0]!r}")
    return all(ranks[first] <= ranks[second] for first, second in pairwise(adjectives))


def answer(question: str) -> str:
    """The option whose adjectives stand in the right order, such as "(A)".

    Raises:
        DataError: where it is not just one.
    """
    right = [letter for letter, phrase in _OPTION.findall(question) if in_order(phrase)]
    if len(right) != 1:
        raise DataError(f"{len(right)} options have the right order: {question!r}")
    return f"({right[0]})"


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    adjectives: int = 5,
) -> list[Example]:
    """Generates n distinct questions, half of them with each answer, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose questions must not come up.
        adjectives: in a sentence, at most; at least there are two.

    Raises:
        DataError: where no further question is found.
    """

    def draw(rng: Random, label: str) -> str:
        classes = rng.sample(list(ADJECTIVES), rng.randint(_FEWEST, adjectives))
        ordered = [rng.choice(ADJECTIVES[kind]) for kind in ADJECTIVES if kind in classes]
        wrong = ordered
        while wrong == ordered:
            wrong = rng.sample(ordered, len(ordered))
        thing = rng.choice(THINGS)
        options = [" ".join((*words, thing)) for words in (ordered, wrong)]
        if label == "(B)":
            options.reverse()
        return "\n".join((_QUESTION, *(f"({x}) {y}" for x, y in zip("AB", options, strict=True))))

    task = TASK.configured(adjectives=adjectives)
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


TASK = Task(
    "hyperbaton",
    "Say which of the two sentences has its adjectives in the order that English wants. Answer "
    "(A) or (B).",
    "text",
    ("(A)", "(B)"),
    summary="Which sentence has its adjectives in the right order?",
    prompts={"paper": "Which sentence has the correct adjective order."},
    settings={
        "adjectives": Setting(
            5, "adjectives in a sentence, at most", least=_FEWEST, most=len(ADJECTIVES)
        )
    },
    answer=answer,
    make=generate,
)
"""The task."""
