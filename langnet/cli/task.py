"""Data named on the command line: a generated task, or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from langnet import tasks
from langnet.cli.prompts import text_of
from langnet.data import PRESETS, SUBJ_LABELS, TREC_LABELS, Example, read, split
from langnet.errors import DataError
from langnet.graph import Graph
from langnet.metrics import METRICS, Metric
from langnet.tasks import Task

__all__ = ["DataOptions", "Measure", "Splits", "adapted", "load_data", "measure", "taken"]

_TARGET = "answer"
_MOST_LABELS = 32
"""Different targets beyond which data are taken to be answered freely."""
_PRESET_LABELS = {"subj": SUBJ_LABELS, "trec": TREC_LABELS}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """What the command line says about data.

    Attributes:
        task: name of a generated task.
        data: a file of examples.
        dev: a file of examples to validate on.
        test: a file of held-out examples.
        preset: name of a published format.
        input: columns of the inputs: COLUMN, or NAME=COLUMN.
        target: column of the target.
        labels: values in the file and the texts that they stand for.
        instruction: says what to do.
        train_size: examples to train on, at most; `None` for all.
        dev_size: examples to validate on, at most.
        test_size: held-out examples, at most.
        data_seed: decides which examples there are and what they are for.
    """

    task: str | None = None
    data: str | None = None
    dev: str | None = None
    test: str | None = None
    preset: str | None = None
    input: tuple[str, ...] = ()
    target: str | None = None
    labels: str | None = None
    instruction: str | None = None
    train_size: int | None = 0
    dev_size: int | None = 0
    test_size: int | None = 0
    data_seed: int = 0


@dataclass(frozen=True, slots=True)
class Splits:
    """A task with its examples."""

    task: Task
    train: list[Example]
    dev: list[Example]
    test: list[Example]


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
        return _from_files(options, options.data)
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

    Raises:
        DataError: the examples' inputs are not the graph's, or a target is none of its choices.
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
    target = example.targets.get(_TARGET)
    if target is not None and labels is not None and target not in labels:
        raise DataError(
            f"example {example.id!r} has the target {target!r}, which is none of the choices of "
            f"node {graph.target!r} ({', '.join(labels)}); say what the values in the file stand "
            f"for, as in --labels {target}={labels[0]},…"
        )
    return Example(example.id, inputs, {} if target is None else {graph.target: target})


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
    parts = task.splits(**whole, seed=options.data_seed, node=_TARGET)
    return Splits(task, list(parts.train), list(parts.dev), list(parts.test))


def _from_files(options: DataOptions, data: str) -> Splits:
    found = _read(data, options)
    dev = None if options.dev is None else _read(options.dev, options)
    test = None if options.test is None else _read(options.test, options)
    task = _task_of([*found, *(dev or ()), *(test or ())], data, options)
    given = {"test": (test, options.test_size), "dev": (dev, options.dev_size)}
    wanted = {name: size for name, (examples, size) in given.items() if examples is None}
    wanted["train"] = options.train_size
    parts = dict(zip(wanted, _shared_out(found, list(wanted.values()), options), strict=True))
    for name, (examples, size) in given.items():
        if examples is not None:
            (parts[name],) = _shared_out(examples, [size], options)
    return Splits(task, parts["train"], parts["dev"], parts["test"])


def _shared_out(
    examples: list[Example], sizes: Sequence[int | None], options: DataOptions
) -> tuple[list[Example], ...]:
    """Parts of these sizes; smaller ones in proportion where there are too few examples.

    What has no size gets what the others leave, shared equally. Each part keeps the file's order.
    """
    fixed = sum(size or 0 for size in sizes)
    open_ended = sum(size is None for size in sizes)
    rest = max(len(examples) - fixed, len(examples) // 2 if open_ended else 0)
    wanted = [rest / open_ended if size is None else float(size) for size in sizes]
    scale = min(1.0, len(examples) / max(sum(wanted), 1.0))
    parts = split(
        examples,
        sizes=[int(size * scale) for size in wanted],
        seed=options.data_seed,
        stratify=_TARGET if all(example.targets for example in examples) else None,
    )
    place = {example.id: number for number, example in enumerate(examples)}
    return tuple(sorted(part, key=lambda example: place[example.id]) for part in parts)


def _read(path: str, options: DataOptions) -> list[Example]:
    if options.preset is not None:
        if options.input or options.target or options.labels:
            raise click.UsageError("--preset says already what the columns and labels are")
        return PRESETS[options.preset](path, node=_TARGET)
    inputs: str | dict[str, str] | None = None
    if len(options.input) == 1 and "=" not in options.input[0]:
        inputs = options.input[0]
    elif options.input:
        pairs = [item.partition("=") for item in options.input]
        inputs = {name: column or name for name, _, column in pairs}
    examples = read(
        path, inputs=inputs, target=options.target, labels=_labels(options), node=_TARGET
    )
    if not examples[0].targets:
        raise click.UsageError("--input needs --target: the column that holds the right answers")
    return examples


def _labels(options: DataOptions) -> dict[str, str] | None:
    """The labels by the values that stand for them in the file."""
    if options.preset is not None:
        preset = _PRESET_LABELS.get(options.preset)
        return None if preset is None else dict(preset)
    if options.labels is None:
        return None
    pairs = [item.partition("=") for item in options.labels.split(",")]
    return {value.strip(): (text if equals else value).strip() for value, equals, text in pairs}


def _task_of(examples: Sequence[Example], path: str, options: DataOptions) -> Task:
    named = _labels(options)
    if named is not None:
        labels = tuple(dict.fromkeys(named.values()))
    else:
        labels = tuple(sorted({example.targets[_TARGET] for example in examples}))
        labels = labels if len(labels) <= _MOST_LABELS else ()
    if options.instruction is not None:
        description = text_of(options.instruction)
    else:
        description = f"Answer with one of: {', '.join(labels)}." if labels else "Answer."
    name = Path(path).name.partition(".")[0] or Path(path).name
    inputs = tuple(examples[0].inputs)
    return Task(name, description, inputs[0], labels, inputs=inputs)
