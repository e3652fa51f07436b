"""`langnet diagnose`: is a fit worth its cost? Asked before one begins."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import click

from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, Option, common, note, print_json, print_report, run_async
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    files_option,
    freeze_option,
    metric_option,
    model_options,
    network_options,
    prompt_options,
    proposer_option,
    size_option,
)
from langnet.cli.prompts import named_texts, prompted
from langnet.cli.settings import method_of, method_options
from langnet.cli.task import DataOptions, adapted, load_data, measure, taken
from langnet.cli.view import shown, view_options
from langnet.cli.watch import WatchOptions, meter_of, watch_options
from langnet.data import Example
from langnet.diagnose import Bars, Diagnosis, Effort, diagnose
from langnet.graph import Graph
from langnet.lm.budget import Price
from langnet.report.diagnosis import diagnosis_report
from langnet.report.words import counted, duration, quantity

__all__ = ["diagnose_command"]

_NOT_GO = 1
_EFFORT = Effort()
_BARS = Bars()
_LOOK = partial(click.option, cls=Option, group="Diagnosis", show_default=True)


@click.command("diagnose", cls=Command)
@click.argument("network")
@data_options
@files_option("dev", "A file that a fit would validate on, instead of a part of --data.")
@files_option("test", "A file that is held out, instead of a part of --data.")
@size_option("train", 200, "that a fit would train on")
@size_option("dev", 100, "that a fit would validate on")
@size_option("test", 200, "held out, which the diagnosis leaves alone")
@metric_option
@model_options
@watch_options
@proposer_option
@prompt_options
@freeze_option
@_LOOK("--tries", type=click.IntRange(min=3), default=_EFFORT.tries, help="Variants per prompt.")
@_LOOK(
    "--screen",
    type=click.IntRange(min=2),
    default=_EFFORT.screen,
    help="Examples that every variant is tried on.",
)
@_LOOK(
    "--confirm",
    type=click.IntRange(min=0),
    default=_EFFORT.confirm,
    help="Fresh examples for the best variant, where the first do not decide.",
)
@_LOOK(
    "--try",
    "extra",
    multiple=True,
    metavar="NAME=TEXT",
    help="A variant of your own to try as well; NAME=@FILE takes it from a file.",
)
@_LOOK(
    "--at-least",
    type=float,
    default=_BARS.at_least,
    help="The gain in the metric that must be surpassed.",
)
@_LOOK(
    "--worthwhile",
    type=float,
    default=_BARS.worthwhile,
    help="The smallest gain that would be of interest.",
)
@_LOOK("--price-in", type=click.FloatRange(min=0), help="What a million prompt tokens cost.")
@_LOOK("--price-out", type=click.FloatRange(min=0), help="What a million drawn tokens cost.")
@_LOOK("--strict", is_flag=True, help="Exit with 1 unless the answer is go.")
@method_options
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every choice.")
@network_options
@view_options
@common
def diagnose_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Say whether fitting NETWORK is worth its cost: go, no-go or unclear, and why.

    Every prompt is varied by means that need no model to write them, on examples that a fit would
    train or validate on. The settings of the method are those of the fit that is in question: they
    decide its predicted cost.

    Examples:
        langnet diagnose graphs/dln1.py --task subjectivity
        langnet diagnose graphs/dln2.py --steps 10 --candidates 20 --price-in 0.15 --price-out 0.6
        langnet diagnose graphs/dln1.py --try answer="Fact or opinion?" --at-least 0.05
        langnet diagnose graphs/dln1.py --task navigate --strict --json
    """
    strict = options["strict"]
    began = time.monotonic()
    work, metric = _work(network, options)
    found = run_async(work)
    if as_json:
        print_json(found.to_json())
    else:
        print_report(diagnosis_report(found, metric))
    reading = found.reading
    note(
        f"The diagnosis took {counted(reading.calls, 'call')}, "
        f"{quantity(reading.prompt_tokens + reading.completion_tokens)} tokens and "
        f"{duration(time.monotonic() - began)}."
    )
    if strict and not found.go:
        click.get_current_context().exit(_NOT_GO)


def _work(source: str, options: dict[str, Any]) -> tuple[partial[Any], str]:
    """What is to be done, and the metric's name; what is wrong in the options is found first."""
    network = load_network(
        source, settings=options["settings"], preset=options["preset"], trust=options["trust"]
    )
    options["recorded"] = network.models
    data = load_data(taken(DataOptions, options), network.task)
    graph = prompted(network.graph(data.task), options)
    if options["freeze"]:
        graph = graph.frozen(*options["freeze"])
    extra: dict[str, list[str]] = {}
    for item in options["extra"]:
        for name, text in named_texts([item], "--try").items():
            extra.setdefault(name, []).append(text)
    metric = measure(options["metric"], data.task)
    settings = {
        "metric": metric.metric,
        "method": method_of(options),
        "effort": Effort(
            tries=options["tries"], screen=options["screen"], confirm=options["confirm"]
        ),
        "bars": Bars(options["at_least"], options["worthwhile"]),
        "price": Price(options["price_in"], options["price_out"]),
        "extra": extra,
        "seed": options["seed"],
    }
    train, dev = adapted(data.train, graph), adapted(data.dev, graph)
    at_hand = counted(len(train) + len(dev), "example")
    note(f"{graph.name} on {data.task.spec}: {at_hand} at hand")
    watch = taken(WatchOptions, options)
    models = taken(ModelOptions, options)
    return partial(_diagnose, graph, train, dev, models, watch, settings), metric.name


async def _diagnose(
    graph: Graph,
    train: list[Example],
    dev: list[Example],
    models: ModelOptions,
    watch: WatchOptions,
    settings: dict[str, Any],
) -> Diagnosis:
    meter = meter_of(watch)
    effort: Effort = settings["effort"]
    later = len(graph.trainable) * (effort.tries * effort.screen + 3 * effort.confirm)
    async with (
        shown(meter=meter, graph=graph, later=later) as observer,
        connected(graph, models, meter=meter, observer=observer, watch=watch) as opened,
    ):
        return await diagnose(
            graph,
            train,
            dev,
            models=opened.models,
            proposer=opened.proposer,
            observers=[observer, *opened.observers],
            **settings,
        )
