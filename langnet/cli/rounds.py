"""`langnet rounds`: collecting and fitting in turn, for what takes more than one fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from langnet import graph_file
from langnet.checkpoint import write_json
from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import (
    Command,
    command_line,
    common,
    note,
    on_interrupt,
    output,
    print_json,
    run_async,
)
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    files_option,
    metric_option,
    model_options,
    network_options,
    prompt_options,
    proposer_option,
    size_option,
)
from langnet.cli.prompts import prompted
from langnet.cli.settings import method_of, method_options
from langnet.cli.task import DataOptions, Measure, adapted, load_data, measure, taken
from langnet.cli.view import shown, view_options
from langnet.data import Example
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.procedure import Procedure
from langnet.report.baselines import HeldOut, held_out
from langnet.report.result import held_out_data
from langnet.report.table import held_out_table, prompts_table
from langnet.report.words import counted
from langnet.rounds import Rounds, run_rounds
from langnet.vi.method import Method

__all__ = ["rounds_command"]


@dataclass(frozen=True, slots=True)
class _Job:
    """What the command line asks for."""

    procedure: Procedure
    graph: Graph
    train: list[Example]
    dev: list[Example]
    test: list[Example]
    metric: Measure
    method: Method
    models: ModelOptions
    directory: Path


@click.command("rounds", cls=Command)
@click.argument("network")
@data_options
@files_option("dev", "A file to validate on, instead of a part of --data.")
@files_option("test", "A file of held-out examples, instead of a part of --data.")
@size_option("train", 100, "to learn from")
@size_option("dev", 50, "to validate on")
@size_option("test", 200, "held out for the comparison at the end")
@metric_option
@model_options
@proposer_option
@prompt_options
@method_options
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How many."
)
@click.option(
    "--collect",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Runs of each example in a round, whose texts are collected.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@click.option(
    "--out", type=click.Path(file_okay=False), help="The directory; by default runs/NETWORK-rounds."
)
@click.option("--resume", is_flag=True, help="Go on with the rounds in the directory.")
@network_options
@view_options
@common
def rounds_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Collect what NETWORK writes and fit its prompts to that, several times.

    NETWORK is a Python file that has rounds(task) beside network(task). The directory holds a
    folder for each round, with what was collected (train.jsonl, for langnet export) and the fits,
    and prompts.yaml.

    Examples:
        langnet rounds graphs/vstar.py --rounds 3 --collect 16
        langnet rounds graphs/agile.py --rounds 2 --collect 4 --out runs/agile --resume
    """
    job = _job(network, options)
    meter = Meter()
    on_interrupt(f"Go on with: {command_line('--resume')}")
    found, test = run_async(partial(_rounds, job, options, meter))
    after = found.onto(job.graph)
    prompts = job.directory / "prompts.yaml"
    graph_file.save_prompts(after, prompts)
    told: dict[str, Any] = {
        "network": job.graph.name,
        "rounds": [
            {
                "solutions": len(pool.solutions),
                "correct": sum(one.is_correct for one in pool.solutions),
                "fits": [
                    {
                        "stage": fit.stage,
                        "examples": fit.examples,
                        "validations": []
                        if fit.fitted is None
                        else [validation.metric for validation in fit.fitted.state.validations],
                    }
                    for fit in found.fits
                    if fit.number == number
                ],
            }
            for number, pool in enumerate(found.pools, 1)
        ],
        "prompts": {"initial": job.graph.prompts, "fitted": after.prompts},
        "test": None if test is None else held_out_data(test),
    }
    write_json(job.directory / "result.json", told)
    if as_json:
        print_json({**told, "cost": meter.snapshot().to_json(), "file": str(prompts)})
        return
    console = output()
    for number, about in enumerate(told["rounds"], 1):
        console.print(
            f"Round {number}: {about['correct']} of {counted(about['solutions'], 'solution')} "
            "are correct.",
            soft_wrap=True,
        )
    for fit in found.fits:
        if fit.fitted is None:
            note(f"Round {fit.number}: {fit.stage} had nothing to learn from, and was left out.")
    console.print(prompts_table(job.graph.prompts, after.prompts))
    if test is not None:
        console.print(held_out_table(test, job.metric.name))
    console.print(f"Written to {job.directory}.", soft_wrap=True)


def _job(source: str, options: dict[str, Any]) -> _Job:
    network = load_network(source, settings=options["settings"], trust=options["trust"])
    data = load_data(taken(DataOptions, options), network.task)
    procedure = network.procedure(data.task)
    graph = prompted(network.graph(data.task), options)
    return _Job(
        procedure.beginning(graph.prompts),
        graph,
        adapted(data.train, procedure.graph),
        adapted(data.dev, procedure.graph),
        adapted(data.test, graph),
        measure(options["metric"], data.task),
        method_of(options),
        taken(ModelOptions, options),
        Path(options["out"] or Path("runs", f"{graph.name}-rounds")),
    )


async def _rounds(
    job: _Job, options: dict[str, Any], meter: Meter
) -> tuple[Rounds, HeldOut | None]:
    async with (
        shown(meter=meter, later=2 * len(job.test)) as observer,
        connected(job.graph, job.models, meter=meter, observer=observer) as opened,
    ):
        found = await run_rounds(
            job.procedure,
            job.train,
            job.dev,
            models=opened.models,
            proposer=opened.proposer,
            metric=job.metric.metric,
            method=job.method,
            count=options["rounds"],
            draws=options["collect"],
            seed=options["seed"],
            directory=job.directory,
            resume=options["resume"],
            observers=[observer],
            meter=meter,
        )
        if not job.test:
            return found, None
        test = await held_out(
            job.graph,
            found.onto(job.graph),
            job.test,
            models=opened.models,
            metric=job.metric.metric,
            seed=options["seed"],
            concurrency=job.method.concurrency,
            max_failures=job.method.max_failures,
        )
        return found, test
