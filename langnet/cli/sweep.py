"""`langnet sweep`: a network with several settings, what each brings and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from langnet.checkpoint import write_json
from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, common, note, output, print_json, run_async
from langnet.cli.network import Network, load_network
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
from langnet.data import Example
from langnet.errors import DataError
from langnet.events import PhaseAdvanced
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.report.plot import plot_points
from langnet.report.table import measured
from langnet.sweep import Point, grid, sweep

__all__ = ["sweep_command"]


@click.command("sweep", cls=Command)
@click.argument("network")
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="NAME=VALUE,…",
    help="A setting of the network, and the values to try. Repeatable: all combinations are tried.",
)
@data_options
@size_option("test", 100, "to evaluate on")
@metric_option
@model_options
@prompt_options
@click.option(
    "--out", type=click.Path(dir_okay=False), help="A file for all that was found, as JSON."
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    help="A file for a plot of the metric against tokens: .svg, .png or .pdf.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@failures_option
@network_options
@view_options
@common
def sweep_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Evaluate NETWORK with each choice of some settings, on the same examples.

    Tokens are those of an example, whether or not the cache answered.

    Examples:
        langnet sweep graphs/ensemble.py --vary draws=1,3,5
        langnet sweep graphs/verify.py --vary solutions=1,2,4,8 --vary verdicts=0,1,2 --plot s.svg
    """
    made = load_network(
        network, settings=options["settings"], preset=options["preset"], trust=options["trust"]
    )
    options["recorded"] = made.models
    points = grid(_values(options["vary"]))
    data = load_data(taken(DataOptions, options), made.task)
    if not data.test:
        raise DataError("there are no examples to evaluate on; give --test-size a larger number")
    if options["plot"] is not None:
        plot_points([], options["plot"], metric="")  # what is missing is told before the work
    prompts = {name: options.pop(name) for name in ("calibrate", "prompts", "prompt")}

    def make(**settings: str) -> Graph:
        return prompted(made.graph(data.task, **settings), {**prompts})

    options["measure"] = measure(options["metric"], data.task)
    meter = Meter()
    examples = adapted(data.test, make(**points[0]))
    found = run_async(partial(_sweep, made, make, points, examples, options, meter))
    document = {
        "network": made.source,
        "task": data.task.spec,
        "metric": options["measure"].name,
        "examples": [example.id for example in examples],
        "points": [point.to_json() for point in found],
        "cost": {"calls": meter.snapshot().calls, **meter.snapshot().to_json()},
    }
    if options["out"] is not None:
        write_json(Path(options["out"]), document)
        note(f"Written to {options['out']}.")
    if options["plot"] is not None:
        plot_points(found, options["plot"], metric=options["measure"].name)
        note(f"Drawn in {options['plot']}.")
    if as_json:
        print_json(document)
    else:
        output().print(_table(found, options["measure"].name))


def _values(items: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        name, _, values = item.partition("=")
        if not name or not values:
            raise click.UsageError(f"--vary needs NAME=VALUE,VALUE, not {item!r}")
        found[name] = values.split(",")
    return found


async def _sweep(
    made: Network,
    make: Any,
    points: Sequence[Mapping[str, str]],
    examples: list[Example],
    options: dict[str, Any],
    meter: Meter,
) -> list[Point]:
    total = len(points) * len(examples)
    done = 0
    async with shown(meter=meter, later=total) as observer:

        def advance() -> None:
            nonlocal done
            done += 1
            observer(PhaseAdvanced(f"sweep of {made.source}", done, total))

        models = taken(ModelOptions, options)
        async with connected(make(**points[0]), models, meter=meter, observer=observer) as opened:
            return await sweep(
                make,
                points,
                examples,
                models=opened.models,
                metric=options["measure"].metric,
                seed=options["seed"],
                concurrency=options["concurrency"],
                max_failures=options["max_failures"],
                on_example=advance,
            )


def _table(points: Sequence[Point], metric: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in points[0].settings:
        table.add_column(name, justify="right")
    for heading in (metric, "prompt tokens", "drawn tokens"):
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(
            *map(str, point.settings.values()),
            measured(point.metric),
            f"{point.prompt_tokens:,.0f}",
            f"{point.completion_tokens:,.0f}",
        )
    return table
