"""Tasks whose data are generated: labels that hold by construction, and no licence to mind.

>>> from langnet import tasks
>>> task = tasks.get("navigate")
>>> train = task.generate(40, seed=1)
>>> test = task.generate(100, seed=2, exclude=train)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks import navigate, questions, sentiment, subjectivity

__all__ = ["Generate", "Task", "get", "names"]


class Generate(Protocol):
    """Makes examples: distinct, balanced over the labels, the same for the same seed."""

    def __call__(
        self, n: int, /, *, seed: int, node: str = "answer", exclude: Iterable[Example] = ()
    ) -> list[Example]:
        """N examples with a target of the node, whose texts are none of the excluded ones'."""
        ...


def _none_generated(*_positional: object, **_named: object) -> list[Example]:
    raise DataError("this task's examples come from files; none can be generated")


@dataclass(frozen=True, slots=True)
class Task:
    """A task and its data.

    Attributes:
        name: what `get` knows it by, or what its data are called.
        description: says what to do; an initial prompt.
        input: name of the examples' only input.
        labels: the texts that a target may be; empty where it may be any.
        generate: makes examples; raises `DataError` where the data are given and none are made.
    """

    name: str
    description: str
    input: str
    labels: tuple[str, ...]
    generate: Generate = _none_generated


def get(name: str) -> Task:
    """The task of that name.

    Raises:
        DataError: where there is none.
    """
    try:
        return _TASKS[name]
    except KeyError:
        raise DataError(f"there is no task {name!r}; there is {', '.join(_TASKS)}") from None


def names() -> tuple[str, ...]:
    """The names of all tasks."""
    return tuple(_TASKS)


_TASKS: Mapping[str, Task] = MappingProxyType(
    {
        module.NAME: Task(
            module.NAME, module.DESCRIPTION, module.INPUT, module.LABELS, module.generate
        )
        for module in (navigate, questions, sentiment, subjectivity)
    }
)
