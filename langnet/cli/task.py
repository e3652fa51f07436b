"""Data named on the command line: a generated task, or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import click

from langnet import tasks
from langnet.cli.data_files import TARGET, DataOptions, Splits, from_files
from langnet.cli.prompts import text_of
from langnet.data import Example
from langnet.errors import DataError
from langnet.graph import Graph
from langnet.metrics import METRICS, Metric
from langnet.tasks import Task

__all__ = ["DataOptions", "Measure", "Splits", "adapted", "load_data", "measure", "taken"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric, and what reports call it.

    Attributes:
        name: of a metric that langnet has, or of the task that has one of its own.
        metric: the function.
    """

    name: str
    metric: Metric


def measure(name: str | None, task: Task) -> Measure:
    """The metric of that name, or else the task's own."""
    if name is not None and name in METRICS:
        return Measure(name, METRICS[name])
    known = next((known for known, metric in METRICS.items() if metric is task.metric), task.name)
    return Measure(known, task.metric)


def taken(options_type: type[T], options: dict[str, Any]) -> T:
    """The options that belong to a dataclass, taken out of all."""
    names = [field.name for field in fields(options_type)]  # type: ignore[arg-type]
    return options_type(**{name: options.pop(name) for name in names if name in options})


def load_data(options: DataOptions, default_task: str | None) -> Splits:
    """Makes or reads the examples.

    Raises:
        click.UsageError: the options do not go together.
        DataError: a file does not hold what is asked for.
    """
    if options.data is not None:
        if options.task is not None:
            raise click.UsageError("give either --task or --data, not both")
        return from_files(options, options.data)
    given = [
        f"--{name}"
        for name in ("dev", "test", "input", "target", "labels", "preset")
        if getattr(options, name)
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)} belong to --data FILE, which is missing")
    name = options.task or default_task
    if name is None:
        raise click.UsageError(
            "the network names no task of its own; give --data FILE, or --task with one of "
            + ", ".join(tasks.names())
        )
    return _generated(options, tasks.get(name))


def adapted(examples: Sequence[Example], graph: Graph) -> list[Example]:
    """The examples under the graph's own names for its input and its target.

    What is observed of other nodes, such as worked steps, keeps its name.

    Raises:
        DataError: the examples' inputs are not the graph's, a target is none of its choices, or
            what is observed is no node.
    """
    node = graph.nodes.get(graph.target)
    labels = None if node is None or node.choices is None else node.choices.labels
    return [_adapted(example, graph, labels) for example in examples]


def _adapted(example: Example, graph: Graph, labels: tuple[str, ...] | None) -> Example:
    inputs = example.inputs
    if len(graph.inputs) == len(inputs) == 1:
        inputs = dict(zip(graph.inputs, inputs.values(), strict=True))
    elif set(inputs) != set(graph.inputs):
        raise DataError(
            f"the network reads {', '.join(graph.inputs)}, but example {example.id!r} has "
            f"{', '.join(inputs)}; name a column for each, as in "
            + " ".join(f"--input {name}=COLUMN" for name in graph.inputs)
        )
    target = example.targets.get(TARGET)
    if target is not None and labels is not None and target not in labels:
        raise DataError(
            f"example {example.id!r} has the target {target!r}, which is none of the choices of "
            f"node {graph.target!r} ({', '.join(labels)}); say what the values in the file stand "
            f"for, as in --labels {target}={labels[0]},…"
        )
    others = {node: text for node, text in example.targets.items() if node != TARGET}
    if strange := [node for node in others if node not in graph.nodes]:
        raise DataError(
            f"example {example.id!r} observes {strange[0]!r}, but the network's nodes are "
            f"{', '.join(graph.nodes)}; name one of them"
        )
    observed = {} if target is None else {graph.target: target}
    return Example(example.id, inputs, {**others, **observed})


def _generated(options: DataOptions, task: Task) -> Splits:
    if options.instruction is not None:
        task = replace(task, description=text_of(options.instruction))
    sizes = {"test": options.test_size, "dev": options.dev_size, "train": options.train_size}
    whole = {part: size for part, size in sizes.items() if size is not None}
    if len(whole) < len(sizes):
        raise click.UsageError(
            f'the generated task {task.name} has no end, so "all" of it cannot be made; '
            "give a number"
        )
    parts = task.splits(**whole, seed=options.data_seed, node=TARGET)
    return Splits(task, list(parts.train), list(parts.dev), list(parts.test))
