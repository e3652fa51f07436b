"""`langnet collect`: many answers to each example, judged, for trainers and for verifiers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, common, note, output, print_json, run_async
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    metric_option,
    model_options,
    network_options,
    prompt_options,
    size_option,
)
from langnet.cli.prompts import prompted
from langnet.cli.settings import failures_option
from langnet.cli.task import DataOptions, adapted, load_data, measure, taken
from langnet.cli.view import shown, view_options
from langnet.collect import Collected, collect, write_solutions
from langnet.data import Example
from langnet.errors import DataError
from langnet.events import PhaseAdvanced
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.report.words import counted

__all__ = ["collect_command"]


@click.command("collect", cls=Command)
@click.argument("network")
@data_options
@size_option("train", 100, "to collect on")
@metric_option
@model_options
@prompt_options
@click.option(
    "--draws", type=click.IntRange(min=1), default=8, show_default=True, help="Runs per example."
)
@click.option("--node", metavar="NODE", help="The node whose texts are collected.")
@click.option("--judge", metavar="PART", help="The part whose value is judged, not the target.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    required=True,
    help="A file for the solutions, as JSON lines.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@failures_option
@network_options
@view_options
@common
def collect_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Run NETWORK several times on each example, and keep each solution with its judgement.

    Examples:
        langnet collect graphs/dln2.py --node thoughts --draws 8 --out pool.jsonl
        langnet collect best.yaml --data train.jsonl --draws 16 --out pool.jsonl --json
    """
    made = load_network(
        network, settings=options["settings"], preset=options["preset"], trust=options["trust"]
    )
    options["recorded"] = made.models
    data = load_data(taken(DataOptions, options), made.task)
    graph = prompted(made.graph(data.task), options)
    if not data.train:
        raise DataError("there are no examples to collect on; give --train-size a larger number")
    options["measure"] = measure(options["metric"], data.task)
    meter = Meter()
    found = run_async(partial(_collect, graph, adapted(data.train, graph), options, meter))
    out = Path(options["out"])
    write_solutions(out, found.solutions)
    correct = sum(one.is_correct for one in found.solutions)
    solved = sum(right > 0 for _, right in found.counts())
    if as_json:
        reading = meter.snapshot()
        print_json(
            {
                "network": graph.name,
                "task": data.task.spec,
                "metric": options["measure"].name,
                "examples": len(data.train),
                "solutions": len(found.solutions),
                "correct": correct,
                "solved": solved,
                "failures": [
                    {"run": one.example, "error": str(one.error)} for one in found.failures
                ],
                "file": str(out),
                "cost": {"calls": reading.calls, **reading.to_json()},
            }
        )
        return
    output().print(
        f"{counted(len(found.solutions), 'solution')} of {counted(len(data.train), 'example')}: "
        f"{correct} are correct, and {counted(solved, 'example')} have one that is.",
        soft_wrap=True,
    )
    for failure in found.failures[:5]:
        note(f"{failure.example} failed: {failure.error}")
    note(f"Written to {out}.")


async def _collect(
    graph: Graph, examples: list[Example], options: dict[str, Any], meter: Meter
) -> Collected:
    total = len(examples) * options["draws"]
    done = 0
    async with shown(meter=meter, graph=graph, later=total) as observer:

        def advance() -> None:
            nonlocal done
            done += 1
            observer(PhaseAdvanced("collect", done, total))

        models = taken(ModelOptions, options)
        async with connected(graph, models, meter=meter, observer=observer) as opened:
            return await collect(
                graph,
                examples,
                models=opened.models,
                draws=options["draws"],
                node=options["node"],
                judged=options["judge"],
                metric=options["measure"].metric,
                seed=options["seed"],
                concurrency=options["concurrency"],
                max_failures=options["max_failures"],
                on_run=advance,
            )
