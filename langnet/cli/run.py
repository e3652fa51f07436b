"""`langnet run`: what a network answers."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import anyio
import click

from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import Command, common, note, print_json, run_async
from langnet.cli.network import default_task, load_network
from langnet.cli.options import model_options, network_options, prompt_options, task_options
from langnet.cli.prompts import named_texts, prompted
from langnet.cli.task import taken
from langnet.cli.view import shown, view_options
from langnet.cli.watch import WatchOptions, meter_of, watch_options
from langnet.data import Example
from langnet.errors import DataError
from langnet.graph import Graph
from langnet.key import Key
from langnet.program import Program
from langnet.report.result import answer_data
from langnet.run import stream
from langnet.trace import Failure, Trace

__all__ = ["run_command"]


@click.command("run", cls=Command)
@click.argument("network")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="NAME=TEXT|-",
    help="An input, NAME=@FILE from a file; - reads JSON lines from the standard input.",
)
@click.option("--trace", is_flag=True, help="Show the text of every node.")
@click.option("--sample", is_flag=True, help="Draw texts instead of taking the most probable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Examples in flight.",
)
@task_options
@model_options
@watch_options
@prompt_options
@network_options
@view_options
@common
def run_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Run NETWORK on one input, or on a stream of them.

    With --input - each line of the standard input is an object with the network's inputs, and
    perhaps an "id". Each answer is a line of the standard output, in the same order: an object
    with "id" and "outputs", or "error" where a call failed (and the exit code is 1 then).

    Examples:
        langnet run graphs/dln2.py --input text="The film opens in a harbour."
        langnet run runs/dln2-subjectivity-seed0/best.yaml --input text=@review.txt --trace
        langnet run best.yaml --input - < questions.jsonl > answers.jsonl
    """
    graph = _graph(network, options)
    inputs: tuple[str, ...] = options.pop("inputs")
    examples: list[Example] | None = None
    if "-" not in inputs:
        examples = [_checked(Example("input", named_texts(inputs, "--input")), graph)]
    elif len(inputs) > 1:
        raise click.UsageError("--input - takes every input from the standard input")
    elif as_json:
        raise click.UsageError("--input - writes JSON lines; leave --json out")
    failed = run_async(partial(_run, graph, examples, options, as_json=as_json))
    if failed:
        note(f"Error: {failed} of the examples failed")
        click.get_current_context().exit(1)


def _graph(source: str, options: dict[str, Any]) -> Graph:
    network = load_network(source, settings=options["settings"], trust=options["trust"])
    options["recorded"] = network.models
    return prompted(network.graph(default_task(network, options["task"])), options)


async def _run(
    graph: Graph, examples: list[Example] | None, options: dict[str, Any], *, as_json: bool
) -> int:
    """Runs the examples, or those of the standard input, and gives how many failed."""
    models, watch = taken(ModelOptions, options), taken(WatchOptions, options)
    meter, failed = meter_of(watch), 0
    async with (
        shown(meter=meter, graph=graph) as observer,
        connected(graph, models, meter=meter, observer=observer, watch=watch) as opened,
        stream(
            Program(graph, opened.models),
            _from_stdin(graph) if examples is None else examples,
            key=Key(("run", options["seed"])),
            greedy=not options["sample"],
            concurrency=options["concurrency"],
            max_failures=0.0 if examples is not None else 1.0,
        ) as outcomes,
    ):
        async for outcome in outcomes:
            if isinstance(outcome, Failure):
                failed += 1
            _print(outcome, graph, options, lines=examples is None, as_json=as_json)
    return failed


def _print(
    outcome: Trace | Failure, graph: Graph, options: dict[str, Any], *, lines: bool, as_json: bool
) -> None:
    if lines:
        click.echo(json.dumps(_document(outcome, options), ensure_ascii=False))
    elif isinstance(outcome, Failure):
        raise outcome.error
    elif as_json:
        print_json(_document(outcome, options))
    elif options["trace"]:
        for name in graph.order:
            click.echo(f"{name}: {_shown(outcome[name])}")
    else:
        several = len(graph.outputs) > 1
        for name in graph.outputs:
            click.echo(f"{name}: {_shown(outcome[name])}" if several else _shown(outcome[name]))


def _document(outcome: Trace | Failure, options: dict[str, Any]) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"id": outcome.example, "error": str(outcome.error)}
    outputs = {name: answer_data(outcome[name]) for name in outcome.outputs}
    document: dict[str, Any] = {"id": outcome.example, "outputs": outputs}
    if options["trace"]:
        document["values"] = {name: answer_data(value) for name, value in outcome.values.items()}
        document["texts"] = [
            {"node": site.node, "index": site.index, "context": site.context, "text": site.text}
            for site in outcome.sites
        ]
    return document


def _shown(value: Any) -> str:
    plain = answer_data(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


async def _from_stdin(graph: Graph) -> AsyncIterator[Example]:
    number = 0
    async for line in anyio.wrap_file(sys.stdin):
        number += 1
        if not line.strip():
            continue
        where = f"standard input, line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where} is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise DataError(f'{where} is no object such as {{"{graph.inputs[0]}": "…"}}')
        name = str(record.get("id", number))
        wanted = {key: value for key, value in record.items() if key in graph.inputs}
        yield _checked(Example(name, wanted), graph, where)


def _checked(example: Example, graph: Graph, where: str = "--input") -> Example:
    if set(example.inputs) != set(graph.inputs):
        raise DataError(
            f"{where} gives {', '.join(example.inputs) or 'nothing'}, but the network reads "
            f"{', '.join(graph.inputs)}"
        )
    return example
