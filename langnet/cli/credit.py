"""`langnet credit`: after a fit, which prompt brought the gain?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from langnet import tasks
from langnet.checkpoint import write_json
from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, common, note, print_json, print_report, run_async
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    files_option,
    metric_option,
    model_options,
    network_options,
    size_option,
)
from langnet.cli.settings import failures_option
from langnet.cli.task import DataOptions, Measure, adapted, load_data, measure, taken
from langnet.cli.view import shown, view_options
from langnet.cli.watch import WatchOptions, meter_of, watch_options
from langnet.credit import Credit, credit, subsets
from langnet.data import Example, data_hash
from langnet.errors import DataError, GraphError
from langnet.events import PhaseAdvanced
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.report.cost import parts_of, spending_data
from langnet.report.diagnosis import credit_report

__all__ = ["credit_command"]


@dataclass(frozen=True, slots=True)
class _Job:
    """What the command line asks for."""

    initial: Graph
    fitted: Graph
    examples: list[Example]
    metric: Measure
    models: ModelOptions
    watch: WatchOptions
    seed: int
    concurrency: int
    max_failures: float


@click.command("credit", cls=Command)
@click.argument("run", type=click.Path(exists=True, file_okay=False))
@click.option("--network", help="The network that was fitted; by default best.yaml of the run.")
@data_options
@files_option("dev", "The file that was validated on, if it was not a part of --data.")
@files_option("test", "The file of held-out examples, if they were not a part of --data.")
@size_option("train", 200, "that the fit trained on")
@size_option("dev", 100, "that the fit validated on")
@size_option("test", 200, "held out, on which the prompts are compared")
@metric_option
@model_options
@watch_options
@failures_option
@network_options
@view_options
@common
def credit_command(run: str, *, as_json: bool, **options: Any) -> None:
    """Say which prompt brought the gain of the fit in the directory RUN.

    Each prompt that changed is put back alone, and is put alone into the network at the start, on
    the held-out examples and with the same draws. A run on a generated task finds its examples
    again; else give the data options that the fit was given. So with --model. What is found is left
    in the run directory as credit.json.

    Examples:
        langnet credit runs/dln2-subjectivity-seed0
        langnet credit runs/dln2-reviews-seed0 --data reviews.csv --labels 0=bad,1=good
        langnet credit runs/net-subjectivity-seed0 --network net.py --json
    """
    job = _job(Path(run), options)
    meter = meter_of(job.watch)
    found = run_async(partial(_credit, job, meter))
    write_json(Path(run) / "credit.json", found.to_json())  # for reports
    if as_json:
        cost = spending_data(meter.snapshot(), parts_of(meter), currency=meter.prices.currency)
        print_json({**found.to_json(), "cost": cost})
    else:
        print_report(credit_report(found, job.metric.name))


def _job(run: Path, options: dict[str, Any]) -> _Job:
    result = _result(run)
    source = options["network"] or str(run / "best.yaml")
    if options["network"] is None and not Path(source).is_file():
        raise GraphError(
            f"{run} holds no best.yaml, since its network cannot be saved; name the network that "
            "was fitted: --network FILE"
        )
    network = load_network(
        source, settings=options["settings"], preset=options["preset"], trust=options["trust"]
    )
    options["recorded"] = network.models
    fits_task = result["task"] if tasks.known(result["task"]) else network.task
    data = load_data(taken(DataOptions, options), fits_task)
    graph = network.graph(data.task)
    examples = adapted(data.test, graph)
    if not examples:
        raise DataError("there are no held-out examples; give --test-size a larger number")
    if data_hash(examples) != result["data"].get("test", {}).get("digest"):
        note(
            "These are not the examples that the fit held out, so it may have seen them; give the "
            "data options of the fit, --data-seed and the sizes included."
        )
    return _Job(
        graph.with_prompts(result["prompts"]["initial"]),
        graph.with_prompts(result["prompts"]["fitted"]),
        examples,
        measure(options["metric"] or result.get("metric"), data.task),
        taken(ModelOptions, options),
        taken(WatchOptions, options),
        result["seed"],
        options["concurrency"],
        options["max_failures"],
    )


def _result(run: Path) -> Mapping[str, Any]:
    file = run / "result.json"
    if not file.is_file():
        raise GraphError(
            f"{run} holds no result.json, so no fit has ended there; go on with it by "
            "langnet fit … --resume"
        )
    try:
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for name in ("task", "data", "prompts", "seed"):
            result[name]
    except (ValueError, LookupError, TypeError) as error:
        raise GraphError(f"{file} is not the result of a fit ({error!r})") from error
    return result


async def _credit(job: _Job, meter: Meter) -> Credit:
    old, new = job.initial.prompts, job.fitted.prompts
    total = len(job.examples)
    later = total * len(subsets([name for name in old if old[name] != new[name]]))
    done: Counter[str] = Counter()
    async with shown(meter=meter, graph=job.initial, later=later) as observer:

        def advance(name: str) -> None:
            done[name] += 1
            observer(PhaseAdvanced(name, done[name], total))

        async with connected(
            job.initial, job.models, meter=meter, observer=observer, watch=job.watch
        ) as opened:
            return await credit(
                job.initial,
                job.fitted,
                job.examples,
                models=opened.models,
                metric=job.metric.metric,
                seed=job.seed,
                concurrency=job.concurrency,
                max_failures=job.max_failures,
                on_example=advance,
            )
