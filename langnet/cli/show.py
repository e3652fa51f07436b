"""`langnet show`: a drawing of a network, or its file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from langnet import graph_file
from langnet.cli.group import Command, common, note
from langnet.cli.network import default_task, load_network
from langnet.cli.options import network_options, task_options
from langnet.drawing import as_dot, as_html, as_mermaid, as_png, as_svg, as_text
from langnet.graph import Graph
from langnet.text_file import replacing, write_text

__all__ = ["show_command"]


_DRAWINGS: Mapping[str, Callable[[Graph], str]] = MappingProxyType(
    {
        "text": as_text,
        "mermaid": as_mermaid,
        "dot": as_dot,
        "svg": as_svg,
        "html": as_html,
    }
)
_PNG = "png"
_FORMATS = (*_DRAWINGS, _PNG, "yaml", "json")


@click.command("show", cls=Command)
@click.argument("network")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="By default what the ending of --output says, else text.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file to write to.")
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True, max=100),
    help="Of a PNG: its pixels for each pixel of the SVG; 2 by default.",
)
@task_options
@network_options
@common
def show_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Draw NETWORK, or write it as a graph file.

    Examples:
        langnet show graphs/dln2.py
        langnet show graphs/diamond.py --task navigate --format mermaid
        langnet show graphs/ensemble.py -o ensemble.svg
        langnet show graphs/agile.py -o agile.png --scale 3
        langnet show graphs/dln2.py --format yaml > dln2.yaml
    """
    output: str | None = options["output"]
    form = "json" if as_json else options["form"] or _by_ending(output)
    if options["scale"] is not None and form != _PNG:
        raise click.UsageError(f"--scale is for --format png; {form} has no pixels")
    if form == _PNG and output is None and _is_terminal():
        raise click.UsageError("a PNG is nothing for a terminal; give --output FILE")
    found = load_network(network, settings=options["settings"], trust=options["trust"])
    graph = found.graph(default_task(found, options["task"]))
    if form == _PNG:
        _put(_png(graph, options["scale"]), output)
        return
    text = _DRAWINGS[form](graph) if form in _DRAWINGS else _file(graph, form, found.models)
    _put((text if text.endswith("\n") else text + "\n"), output)


def _file(graph: Graph, form: str, models: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"graph.{form}")
        graph_file.save(graph, file, models=models)
        return file.read_text(encoding="utf-8")


def _png(graph: Graph, scale: float | None) -> bytes:
    try:
        return as_png(graph) if scale is None else as_png(graph, scale=scale)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _put(content: str | bytes, output: str | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    if isinstance(content, str):
        write_text(Path(output), content)
    else:
        with replacing(Path(output)) as file:
            file.write(content)
    note(f"Written to {output}.")


def _by_ending(output: str | None) -> str:
    ending = Path(output or "").suffix.lower().removeprefix(".")
    ending = {"mmd": "mermaid", "gv": "dot", "yml": "yaml", "htm": "html"}.get(ending, ending)
    return ending if ending in _FORMATS else "text"


def _is_terminal() -> bool:
    return sys.stdout.isatty()
