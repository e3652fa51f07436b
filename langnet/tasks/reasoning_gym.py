"""The data sets of Reasoning Gym as tasks, marked by their own scorers.

Many of them accept any right answer, and their scorers must know the puzzle to judge one. A target
is therefore a text that carries the entry that it answers.

Source: Stojanovski et al. 2025, arXiv 2505.24760; the package is an extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import partial
from typing import Any

from langnet.data import Example
from langnet.errors import DataError
from langnet.key import Key
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["PREFIX", "Answer", "generate", "score", "task"]

PREFIX = "reasoning-gym/"
"""What the names of these tasks begin with."""

_SIZE = 10_000
"""Entries of a data set: they are made when they are asked for."""
_SEEDS = 2**31
_OWN = ("seed", "size")
_INPUT = "text"


class Answer(str):
    """A right answer that carries the puzzle that it belongs to.

    Attributes:
        data_set: of Reasoning Gym, with its settings.
        entry: question, answer and what else the scorer needs.
    """

    __slots__ = ("data_set", "entry")
    data_set: Any
    entry: Mapping[str, Any]

    @classmethod
    def of(cls, data_set: Any, entry: Mapping[str, Any]) -> Answer:
        """The answer of an entry."""
        answer = cls(entry["answer"])
        answer.data_set, answer.entry = data_set, entry
        return answer

    def __str__(self) -> str:
        # What asks for the text passes the entry on as well.
        return self


def task(name: str) -> Task:
    """The task of a data set, such as "reasoning-gym/leg_counting".

    The settings are those of the data set's configuration that are single values.

    Raises:
        DataError: where the package is not installed, or has no such data set.
    """
    data_sets = _data_sets()
    key = name.removeprefix(PREFIX)
    if key not in data_sets:
        near = get_close_matches(key, data_sets, cutoff=0.4) or sorted(data_sets)
        raise DataError(f"Reasoning Gym has no data set {key!r}; it has {', '.join(near)}")
    _, configuration = data_sets[key]
    try:
        defaults = configuration()
    except (TypeError, ValueError, AssertionError) as error:
        raise DataError(f"{name} cannot be made by its name alone: {error}") from error
    settings = {
        field.name: Setting(getattr(defaults, field.name), "of the data set")
        for field in fields(defaults)
        if field.name not in _OWN
        and isinstance(getattr(defaults, field.name), (bool, int, float, str))
    }
    return Task(
        name,
        "Answer the question. Give the final answer alone, in the form that is asked for.",
        _INPUT,
        (),
        summary=f"{key.replace('_', ' ')}, of Reasoning Gym.",
        metric=score,
        settings=settings,
        make=partial(generate, name),
    )


def generate(
    name: str,
    n: int,
    /,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    **settings: Any,
) -> list[Example]:
    """Takes n distinct entries of a data set.

    Args:
        name: of the task.
        n: how many.
        seed: of the data set; the same seed gives the same entries.
        node: the node that the answer observes.
        exclude: examples whose questions must not come up.
        **settings: of the data set's configuration.

    Raises:
        DataError: where there are not so many, an entry has no answer, or a setting is wrong.
    """
    if n < 0:
        raise DataError(f"n must be at least 0, not {n}")
    spec = task(name).configured(**settings).spec
    data_set, configuration = _data_sets()[name.removeprefix(PREFIX)]
    # The entries of neighbouring seeds overlap there, so seeds are spread.
    start = Key(("task", spec, seed)).seed % _SEEDS
    try:
        made = data_set(configuration(**settings, seed=start, size=_SIZE))
    except (TypeError, ValueError, AssertionError) as error:
        raise DataError(f"{spec}: {error or 'the settings do not go together'}") from error
    seen = {example.inputs.get(_INPUT) for example in exclude}
    examples: list[Example] = []
    for index in range(_SIZE):
        if len(examples) == n:
            return examples
        entry = made[index]
        if not isinstance(entry["answer"], str) or not entry["answer"]:
            raise DataError(f"{name} gives no answers to observe, only puzzles")
        if entry["question"] not in seen:
            seen.add(entry["question"])
            examples.append(
                Example(
                    f"{spec}-{seed}:{len(examples) + 1}",
                    {_INPUT: entry["question"]},
                    {node: Answer.of(made, entry)},
                )
            )
    raise DataError(f"{spec}: found only {len(examples)} new questions of {n}; ask for fewer")


def score(prediction: str, target: str) -> float:
    """What the data set's scorer gives the prediction, between 0 and 1.

    Raises:
        DataError: where the target is a text that carries no puzzle.
    """
    if not isinstance(target, Answer):
        raise DataError(
            "the scorers of Reasoning Gym mark targets that were generated, not other texts; use "
            "task.generate or task.splits"
        )
    return float(target.data_set.score_answer(prediction.strip(), target.entry))


def _data_sets() -> Mapping[str, tuple[Any, Any]]:
    """The registered data sets: class and configuration by name."""
    try:
        # A large package, and an extra.
        import reasoning_gym  # noqa: F401, PLC0415
        from reasoning_gym.factory import DATASETS  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DataError(
            f"{PREFIX}NAME needs a package that is not installed ({error.name}); install it by: "
            "pip install 'langnet[reasoning-gym]'"
        ) from error
    found: Mapping[str, tuple[Any, Any]] = DATASETS
    return found
