"""`langnet prompts`: the prompts of a network or of a run, for people and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from langnet.cli.group import Command, common, note, print_json
from langnet.cli.network import default_task, load_network
from langnet.cli.options import network_options, task_options
from langnet.cli.prompts import of_file
from langnet.errors import GraphError
from langnet.exchange import Prompts, dspy_module, of_graph, of_run
from langnet.exchange.dspy import left_out
from langnet.exchange.files import FORMATS, format_of, rendered
from langnet.text_file import write_text

__all__ = ["prompts_command"]


@click.command("prompts", cls=Command)
@click.argument("source", metavar="NETWORK|RUN")
@click.option(
    "--step",
    type=click.IntRange(min=0),
    help="Of a run: the prompts that this step ended with, 0 those at the start; by default the "
    "best.",
)
@click.option(
    "--prompts",
    "file",
    type=click.Path(exists=True, dir_okay=False),
    help="Of a network: the texts of this file, in any format that is read.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    help="By default what the ending of --output says, else text.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file to write to.")
@task_options
@network_options
@common
def prompts_command(source: str, *, as_json: bool, **options: Any) -> None:
    """Write the prompts of NETWORK, or of the run in the directory RUN.

    Every format is read again by --prompts FILE of fit, eval, run and serve, without loss. dspy is
    the state of a program with one dspy.Predict for each trainable node, which DSPy loads; nodes
    that have no place there are named.

    Examples:
        langnet prompts runs/dln2-subjectivity-seed0
        langnet prompts runs/dln2-subjectivity-seed0 --step 0 -o before.txt
        langnet prompts graphs/dln2.py --format json
        langnet prompts runs/dln2-subjectivity-seed0 --format dspy -o program.json
        langnet prompts graphs/dln2.py --prompts program.json -o prompts.yaml
    """
    output: str | None = options["output"]
    form = options["form"] or ("json" if as_json and not output else format_of(output or ""))
    prompts = _prompts(source, options)
    if not prompts.texts:
        raise GraphError(f"{source} shows no prompt: no template of it has the field {{prompt}}")
    text = rendered(prompts, form)
    without = left_out(prompts) if form == "dspy" else ()
    if output is not None:
        write_text(Path(output), text)
    if output is None:
        click.echo(text, nl=False)
    elif as_json:
        print_json(
            {
                "file": output,
                "format": form,
                "prompts": dict(prompts.texts),
                "left_out": list(without),
            }
        )
    else:
        note(f"Written to {output}.")
    if without:
        note(f"Left out, since they have no prompt to fit: {', '.join(without)}.")
    if form == "dspy":
        where = output or "program.json"
        note(f"It loads into this module, by .load({where!r}):\n\n{dspy_module(prompts)}")


def _prompts(source: str, options: dict[str, Any]) -> Prompts:
    if Path(source).is_dir():
        if options["file"] is not None:
            raise click.UsageError("--prompts goes with a network; a run has its own")
        return of_run(source, options["step"])
    if options["step"] is not None:
        raise click.UsageError("--step goes with the directory of a run")
    found = load_network(source, settings=options["settings"], trust=options["trust"])
    graph = found.graph(default_task(found, options["task"]))
    if options["file"] is not None:
        graph = graph.with_prompts(of_file(options["file"], graph))
    return of_graph(graph)
