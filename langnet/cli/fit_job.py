"""What `langnet fit` is asked to do, made of its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from langnet.cli.connection import ModelOptions
from langnet.cli.fit_again import graph_again, network_again
from langnet.cli.group import note
from langnet.cli.network import load_network
from langnet.cli.paper import method_defaults
from langnet.cli.prompts import named_texts, prompted
from langnet.cli.settings import budget_of, method_of
from langnet.cli.task import DataOptions, Measure, Splits, adapted, load_data, measure, taken
from langnet.cli.watch import WatchOptions
from langnet.errors import GraphError
from langnet.exchange import listed_entries, read_list
from langnet.graph import Graph
from langnet.guidance import Entry
from langnet.lm.budget import Budget
from langnet.vi.method import Method

__all__ = ["Job", "job_of"]


@dataclass(frozen=True, slots=True)
class Job:
    """What the command line asks for.

    Attributes:
        arguments: of the command, as far as they decide the result; manifests record them.
        recorded: the manifest of the fit that is run again, if it is one.
        copy: a second place for the manifest.
        track: the services that the fit is tracked with.
        candidates: for the first step, from a file; a fit that is run again has its manifest's.
    """

    graph: Graph
    splits: Splits
    metric: Measure
    models: ModelOptions
    watch: WatchOptions
    method: Method
    budget: Budget | None
    seed: int
    baselines: bool
    shots: int
    directory: Path
    is_default_place: bool
    resume: bool
    traces: bool
    arguments: tuple[str, ...]
    recorded: Mapping[str, Any] | None
    copy: Path | None
    track: tuple[str, ...]
    candidates: tuple[Entry, ...]


def job_of(
    context: click.Context,
    options: dict[str, Any],
    *,
    arguments: tuple[str, ...],
    recorded: Mapping[str, Any] | None = None,
) -> Job:
    """The job that options ask for.

    Args:
        context: what the options were parsed in.
        options: by name; what is used of them is taken out.
        arguments: as they were typed.
        recorded: the manifest of the fit that is run again, if it is one.
    """
    source, preset = options.pop("network"), options["preset"]
    try:
        network = load_network(
            source, settings=options["settings"], preset=preset, trust=options["trust"]
        )
    except (click.UsageError, GraphError) as error:
        network = network_again(source, recorded, error, trust=options["trust"])
    options["recorded"] = network.models
    data = load_data(taken(DataOptions, options), network.task)
    graph = prompted(network.graph(data.task), options)
    if options["freeze"]:
        graph = graph.frozen(*options["freeze"])
    if recorded is not None:
        graph = graph_again(graph, recorded, trust=options["trust"])
    method_defaults(context, preset, graph, options)
    splits = replace(
        data,
        train=adapted(data.train, graph),
        dev=adapted(data.dev, graph),
        test=adapted(data.test, graph),
    )
    task = re.sub(r"[^\w.-]+", "-", data.task.spec)  # what stands in a directory's name
    name = f"{graph.name}-{task}-seed{options['seed']}"
    if recorded is not None:
        name += "-again"
    return Job(
        graph,
        splits,
        measure(options["metric"], data.task),
        taken(ModelOptions, options),
        taken(WatchOptions, options),
        replace(method_of(options), feedback=_feedback(options, graph)),
        budget_of(options),
        options["seed"],
        options["with_baselines"],
        options["shots"],
        Path(options["out"] or Path("runs", name)),
        options["out"] is None,
        options["resume"],
        options["traces"],
        arguments,
        recorded,
        None if options["manifest"] is None else Path(options["manifest"]),
        options["track"],
        () if recorded is not None else _candidates(options["candidates_from"], graph),
    )


def _candidates(path: str | None, graph: Graph) -> tuple[Entry, ...]:
    """The prompts in a file, as guidance for the first step."""
    if path is None:
        return ()
    found = read_list(path, graph.trainable)
    said = ", ".join(f"{len(texts)} for {name}" for name, texts in found.items())
    note(f"Candidates of {path}: {said}. The calls that scoring them takes are not in the plan.")
    return listed_entries(found, by=path)


def _feedback(options: dict[str, Any], graph: Graph) -> dict[str, tuple[str, ...]]:
    """What a person says, by prompt."""
    found: dict[str, tuple[str, ...]] = {}
    for item in options.pop("feedback"):
        for name, text in named_texts([item], "--feedback").items():
            if name not in graph.prompts:
                raise click.UsageError(
                    f"--feedback {name}=… names no prompt; the prompts are "
                    + ", ".join(graph.prompts)
                )
            found[name] = (*found.get(name, ()), text)
    return found
