"""Which object is where in a row? After logical deduction of BIG-bench, with 3, 5 or 7 objects.

The statements leave one order only, which is checked by trying all of them, and the options say the
same of every object.

Source: Srivastava et al. 2022, arXiv 2206.04615; in BIG-Bench-Hard, Suzgun et al. 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import permutations
from random import Random
from string import ascii_uppercase

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.arrangement import NUMBERS, SCENES, Scene, condition, orders
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "answer", "generate"]

_INTRO = (
    "The following paragraphs each describe a set of {number} objects arranged in a fixed order. "
    "The statements are logically consistent within each paragraph."
)
_OPTION = re.compile(r"^\(([A-Z])\) (.+)$", re.MULTILINE)
_LISTED = re.compile(r"(?:^|\. )(?:On|In|A) [^.:]*: ([^.]*)\. (.*)$", re.DOTALL)
_ARTICLE = re.compile(r"^(?:and )?(?:an? )?")
_COMPARED = 0.7


def answer(question: str) -> str:
    """The option that holds in the only order that the statements leave, such as "(A)".

    All orders of the objects are tried.

    Raises:
        DataError: where the statements are not understood, or leave not just one option.
    """
    told, _, options = question.partition("\nOptions:\n")
    match = _LISTED.search(told.strip())
    if match is None:
        raise DataError(f"no objects are listed in {question!r}")
    objects = [_ARTICLE.sub("", name.strip()) for name in match[1].split(",")]
    statements = [condition(text, objects) for text in match[2].strip().rstrip(".").split(". ")]
    left = orders(objects, statements)
    right = [
        letter
        for letter, text in _OPTION.findall(options)
        if left and all(condition(text, objects)(order) for order in left)
    ]
    if len(left) != 1 or len(right) != 1:
        raise DataError(f"{len(left)} orders and {len(right)} options are left by {question!r}")
    return f"({right[0]})"


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    objects: int = 3,
) -> list[Example]:
    """Generates n distinct questions, with each option right equally often, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose questions must not come up.
        objects: in the row: 3, 5 or 7.

    Raises:
        DataError: where no further question is found.
    """
    task = TASK.configured(objects=objects)

    def draw(rng: Random, label: str) -> str:
        scene = rng.choice(SCENES)
        row = rng.sample(scene.objects, objects)
        asked = rng.randrange(len(row))
        listed = rng.sample([name for name in row if name != row[asked]], len(row) - 1)
        listed.insert(task.labels.index(label), row[asked])
        says = scene.says(asked, len(row))
        options = [
            f"{letter} {scene.told(name, capital=True)} {says}"
            for letter, name in zip(task.labels, listed, strict=True)
        ]
        number = NUMBERS[len(row)]
        names = [
            f"{'an' if name[0] in 'aeiou' else 'a'} {name}" if scene.article else name
            for name in listed
        ]
        intro = f"{scene.intro.format(number=number)}: {', '.join(names[:-1])}, and {names[-1]}"
        story = ". ".join((intro, *_statements(rng, scene, row)))
        return "\n".join((f"{_INTRO.format(number=number)} {story}.", "Options:", *options))

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


def _statements(rng: Random, scene: Scene, row: list[str]) -> list[str]:
    """True statements, each of which rules something out, until one order is left."""
    left = list(permutations(range(len(row))))  # the place of each object of the row
    told: list[str] = []
    while len(left) > 1:
        one, other = rng.sample(range(len(row)), 2)
        if rng.random() < _COMPARED:
            low, high = min(one, other), max(one, other)
            kept = [places for places in left if places[low] < places[high]]
            first, relation, second = (
                (low, scene.before, high) if one == low else (high, scene.after, low)
            )
            text = f"{scene.told(row[first], capital=True)} {relation} {scene.told(row[second])}"
        else:
            kept = [places for places in left if places[one] == one]
            text = f"{scene.told(row[one], capital=True)} {scene.says(one, len(row))}"
        if len(kept) < len(left):
            left = kept
            told.append(text[0].upper() + text[1:])
    return rng.sample(told, len(told))


def _labels(chosen: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"({letter})" for letter in ascii_uppercase[: int(str(chosen["objects"]))])


TASK = Task(
    "logical_deduction",
    "Find the order of the objects from the statements, and say which option is right. Answer with "
    "the letter of the option, such as (A).",
    "text",
    (),
    summary="Which object is where in a row?",
    prompts={"paper": _INTRO.format(number="seven")},
    settings={"objects": Setting(3, "objects in the row", (3, 5, 7))},
    answer=answer,
    make=generate,
    labels_of=_labels,
)
"""The task."""
