"""Data named on the command line by files: read, and shared out between the parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from langnet.cli.paper import reader_of
from langnet.cli.prompts import text_of
from langnet.data import (
    AIRLINE_LABELS,
    DISASTER_LABELS,
    MPQA_LABELS,
    PRESETS,
    SUBJ_LABELS,
    TREC_LABELS,
    VERDICTS,
    Example,
    read,
    split,
)
from langnet.metrics import Metric, exact, number
from langnet.tasks import Task

__all__ = ["TARGET", "DataOptions", "Splits", "from_files"]

TARGET = "answer"
"""The node that targets are read for, before they take the graph's own name."""
_MOST_LABELS = 32
"""Different targets beyond which data are taken to be answered freely."""
_PRESET_LABELS = {
    "airline": AIRLINE_LABELS,
    "disaster": DISASTER_LABELS,
    "gsm8k-solutions": VERDICTS,
    "mpqa": MPQA_LABELS,
    "subj": SUBJ_LABELS,
    "trec": TREC_LABELS,
}
_PRESET_METRICS: dict[str, Metric] = {"gsm8k": number}
_PRESET_GROUPS = {"gsm8k-solutions": "question"}
"""Inputs whose examples belong together: no part may know another's question."""


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


def from_files(options: DataOptions, data: str) -> Splits:
    """Reads the examples, and splits off the parts that have no file of their own.

    Raises:
        click.UsageError: the options do not go together.
        DataError: a file does not hold what is asked for.
    """
    options = replace(options, preset=reader_of(options.preset))
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
    group = _PRESET_GROUPS.get(options.preset or "")
    labelled = all(example.targets for example in examples)
    parts = split(
        examples,
        sizes=[int(size * scale) for size in wanted],
        seed=options.data_seed,
        stratify=TARGET if labelled and group is None else None,
        group=group,
    )
    place = {example.id: number for number, example in enumerate(examples)}
    return tuple(sorted(part, key=lambda example: place[example.id]) for part in parts)


def _read(path: str, options: DataOptions) -> list[Example]:
    if options.preset is not None:
        if options.input or options.target or options.labels:
            raise click.UsageError("--preset says already what the columns and labels are")
        return PRESETS[options.preset](path, node=TARGET)
    inputs: str | dict[str, str] | None = None
    if len(options.input) == 1 and "=" not in options.input[0]:
        inputs = options.input[0]
    elif options.input:
        pairs = [item.partition("=") for item in options.input]
        inputs = {name: column or name for name, _, column in pairs}
    examples = read(
        path, inputs=inputs, target=options.target, labels=_labels(options), node=TARGET
    )
    if not examples[0].targets:
        raise click.UsageError("--input needs --target: the column that holds the right answers")
    return examples


def _labels(options: DataOptions) -> dict[str, str] | None:
    """The labels by the values that stand for them in the file."""
    if options.preset is not None:
        preset = _PRESET_LABELS.get(options.preset)
        return None if preset is None else {str(value): text for value, text in preset.items()}
    if options.labels is None:
        return None
    pairs = [item.partition("=") for item in options.labels.split(",")]
    return {value.strip(): (text if equals else value).strip() for value, equals, text in pairs}


def _task_of(examples: Sequence[Example], path: str, options: DataOptions) -> Task:
    named = _labels(options)
    if named is not None:
        labels = tuple(dict.fromkeys(named.values()))
    else:
        labels = tuple(sorted({example.targets[TARGET] for example in examples}))
        labels = labels if len(labels) <= _MOST_LABELS else ()
    if options.instruction is not None:
        description = text_of(options.instruction)
    else:
        description = f"Answer with one of: {', '.join(labels)}." if labels else "Answer."
    name = Path(path).name.partition(".")[0] or Path(path).name
    inputs = tuple(examples[0].inputs)
    metric = _PRESET_METRICS.get(options.preset or "", exact)
    return Task(name, description, inputs[0], labels, inputs=inputs, metric=metric)
