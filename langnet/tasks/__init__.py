"""Tasks whose data are generated: labels that hold by construction, and no licence to mind.

>>> from langnet import tasks
>>> task = tasks.get("navigate")
>>> data = task.splits(train=40, dev=20, test=100, seed=1)
>>> len(data.train), data.test[0].targets["answer"] in task.labels
(40, True)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from langnet.errors import DataError
from langnet.tasks import (
    arithmetic,
    arithmetic_check,
    boolean_expressions,
    countdown,
    hyperbaton,
    listing,
    listops,
    logical_deduction,
    long_document,
    navigate,
    negation,
    propositional_logic,
    puzzles,
    questions,
    reasoning_gym,
    scan,
    sentiment,
    subjectivity,
)
from langnet.tasks.setting import Setting, Value
from langnet.tasks.task import Generate, Splits, Task
from langnet.tasks.tree import Tree

__all__ = ["Generate", "Setting", "Splits", "Task", "Tree", "Value", "get", "known", "names"]


def get(spec: str, /, **settings: Value) -> Task:
    """The task of that name, with settings where it should not have its defaults.

    Args:
        spec: a name, perhaps with settings: "scan" or "scan:split=length". The data sets of
            Reasoning Gym are "reasoning-gym/NAME", where that package is installed.
        **settings: further settings: `get("scan", split="length")` is the same task.

    Raises:
        DataError: where there is no such task or setting, or a setting may not be that.
    """
    name, _, told = spec.partition(":")
    if name.startswith(reasoning_gym.PREFIX):
        task = reasoning_gym.task(name)
    elif name in _TASKS:
        task = _TASKS[name]
    else:
        raise DataError(
            f"there is no task {name!r}; there is {', '.join(_TASKS)}, and "
            f"{reasoning_gym.PREFIX}NAME"
        )
    chosen: dict[str, object] = {}
    for item in told.split(",") if told else ():
        setting, equals, value = item.partition("=")
        if not equals:
            raise DataError(
                f"{item!r} in {spec!r} is no setting; write NAME:SETTING=VALUE, with a comma "
                "between settings"
            )
        chosen[setting.strip()] = value.strip()
    return task.configured(**chosen, **settings)


def known(spec: str) -> bool:
    """Whether `get` knows a task of that name, whatever its settings."""
    name = spec.partition(":")[0]
    return name in _TASKS or name.startswith(reasoning_gym.PREFIX)


def names() -> tuple[str, ...]:
    """The names of all tasks of langnet's own."""
    return tuple(_TASKS)


_TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            navigate.TASK,
            questions.TASK,
            sentiment.TASK,
            subjectivity.TASK,
            hyperbaton.TASK,
            logical_deduction.TASK,
            long_document.TASK,
            boolean_expressions.TASK,
            listing.WORD_SORTING,
            listing.LAST_LETTERS,
            scan.TASK,
            listops.TASK,
            propositional_logic.RELATION,
            propositional_logic.EVALUATION,
            countdown.TASK,
            arithmetic.TASK,
            arithmetic_check.TASK,
            negation.TASK,
            *puzzles.TASKS,
        )
    }
)
