"""`langnet serve`: a network as a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

import anyio
import click

from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, common, note, print_json, run_async
from langnet.cli.network import default_task, load_network
from langnet.cli.options import model_options, network_options, prompt_options, task_options
from langnet.cli.prompts import prompted
from langnet.cli.task import taken
from langnet.cli.view import shown, view_options
from langnet.cli.watch import WatchOptions, meter_of, watch_options
from langnet.events import Observer
from langnet.graph import Graph
from langnet.network import Network
from langnet.report.telemetry import Telemetry

__all__ = ["serve_command"]


@click.command("serve", cls=Command)
@click.argument("network")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8321,
    show_default=True,
    help="Where to listen; 0 takes any that is free.",
)
@click.option("--name", help="What clients call the model; by default the network's own name.")
@click.option("--input", "main", metavar="INPUT", help="The input that takes the conversation.")
@click.option(
    "--api-key-env",
    metavar="VARIABLE",
    help="Clients must show the API key that this variable holds.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Requests that are answered at the same time.",
)
@click.option(
    "--waiting",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Requests that may wait for that; further ones are told to come back.",
)
@click.option(
    "--max-body",
    type=click.IntRange(min=1),
    default=2**20,
    show_default=True,
    help="The longest request, in bytes.",
)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds per answer.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds that open requests have to come to their end when the server is stopped.",
)
@click.option("--sample", is_flag=True, help="Draw, by the request's seed, not the most probable.")
@model_options
@prompt_options
@task_options
@network_options
@watch_options
@view_options
@common
def serve_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Serve NETWORK as a model that any client of OpenAI's chat completions can call.

    Ctrl-C and SIGTERM end it in order: nothing new is taken, and what is being answered is waited
    for. GET /health says how busy it is, GET /metrics counts for Prometheus. It listens on
    loopback unless told otherwise; on any other address, ask for a key.

    Examples:
        langnet serve runs/dln2-subjectivity-seed0/best.yaml
        langnet serve best.yaml --port 8000 --name critic --api-key-env CRITIC_KEY
        curl http://127.0.0.1:8321/v1/chat/completions -d '{"inputs": {"text": "Hello"}}'
    """
    found = load_network(network, settings=options["settings"], trust=options["trust"])
    options["recorded"] = found.models
    graph = prompted(found.graph(default_task(found, options["task"])), options)
    if options["main"] is not None and options["main"] not in graph.inputs:
        raise click.UsageError(
            f"--input {options['main']}: the network reads {', '.join(graph.inputs)}"
        )
    try:
        run_async(partial(_serve, graph, options, as_json=as_json))
    except KeyboardInterrupt:  # this is how a server ends
        note("The server has ended.")


async def _serve(graph: Graph, options: dict[str, Any], *, as_json: bool) -> None:
    from langnet.serve import ServeSettings, application, serving  # noqa: PLC0415 - others need none

    settings = ServeSettings(
        name=options["name"],
        main=options["main"],
        api_key=_key(options["api_key_env"]),
        longest_body=options["max_body"],
        most_waiting=options["waiting"],
    )
    models, watch = taken(ModelOptions, options), taken(WatchOptions, options)
    meter = meter_of(watch)
    async with (
        shown(meter=meter, graph=graph) as observer,
        connected(graph, models, meter=meter, observer=observer, watch=watch) as opened,
        Network(
            graph,
            opened.models,
            greedy=not options["sample"],
            concurrency=options["concurrency"],
            timeout=options["timeout"] or math.inf,
        ) as network,
        serving(
            application(network, settings, telemetry=_spans(opened.observers)),
            host=options["host"],
            port=options["port"],
            patience=options["patience"],
        ) as address,
    ):
        name = settings.name or graph.name
        if as_json:
            print_json({"url": f"{address}/v1", "model": name})
            sys.stdout.flush()
        else:
            note(f"{name} is served at {address}/v1; Ctrl-C ends it.")
        await anyio.sleep_forever()


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise click.UsageError(f"the variable {variable} is not set; put the API key there")
    return key


def _spans(observers: Iterable[Observer]) -> Telemetry | None:
    return next((one for one in observers if isinstance(one, Telemetry)), None)
