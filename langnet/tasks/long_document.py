"""Does the one review in a long document praise or blame?

What decides the label: the verdict of a review of the task `sentiment`, which stands on one line.
All other lines are notices of times, places and numbers that say nothing good or bad, and where
the review stands says nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from langnet.data import Example
from langnet.tasks import sentiment
from langnet.tasks.draw import Rules, balanced, sentences
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "generate"]

_NOTICES: Rules = {
    "notice": (
        "The {place} opens at {hour} on {day}.",
        "The {place} is closed from {hour} to {hour} every {day}.",
        "The bus to the {place} leaves at {hour} from stop {number}.",
        "A letter for room {number} was handed in at {hour} on {day}.",
        "The {place} has {number} seats and two doors.",
        "The meeting on {day} was moved from {hour} to {hour}.",
        "Parcel {number} was sent from the {place} on {day}.",
        "The key to room {number} is kept at the {place}.",
        "On {day} the lift stops at floor {number}.",
        "The {place} stands {number} metres from the {place}.",
    ),
    "place": ("library", "station", "town hall", "post office", "museum", "school", "harbour"),
    "hour": ("seven", "eight", "nine", "ten", "noon", "two", "four", "five", "half past six"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "number": ("12", "17", "23", "31", "36", "44", "58", "60", "75", "82"),
}


def generate(
    n: int, *, seed: int, node: str = "answer", exclude: Iterable[Example] = (), lines: int = 12
) -> list[Example]:
    """Generates n distinct documents, half of them with each label, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the label observes.
        exclude: examples whose texts must not come up.
        lines: of a document, one of which is the review.

    Raises:
        DataError: where the setting is out of range.
    """
    task = TASK.configured(lines=lines)

    def draw(rng: Random, label: str) -> str:
        document = [sentences(_NOTICES, "notice", rng) for _ in range(lines - 1)]
        document.insert(rng.randrange(lines), sentiment.review(rng, label))
        return "\n".join(document)

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
    "long_document",
    "Is the verdict of the review in this document positive or negative?",
    "text",
    sentiment.LABELS,
    summary="Is the one review among the lines of a document positive or negative?",
    settings={"lines": Setting(12, "lines of a document", least=1, most=200)},
    make=generate,
)
"""The task."""
