"""Prompts given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from langnet.cli.group import note
from langnet.exchange import read_prompts
from langnet.graph import Graph
from langnet.report.baselines import calibrated

__all__ = ["named_texts", "of_file", "prompted", "text_of"]


def text_of(value: str) -> str:
    """A text from the command line; `@FILE` is the text in that file.

    Raises:
        click.UsageError: there is no such file.
    """
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{value[1:]} cannot be read: {error}") from error


def named_texts(items: Sequence[str], option: str) -> dict[str, str]:
    """Texts by name, from NAME=TEXT or NAME=@FILE.

    Raises:
        click.UsageError: an item has no name.
    """
    pairs = [item.partition("=") for item in items]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise click.UsageError(f"{option} needs NAME=TEXT, not {name!r}")
    return {name: text_of(text) for name, _, text in pairs}


def prompted(graph: Graph, options: dict[str, Any]) -> Graph:
    """The graph with what --calibrate, --prompts and --prompt ask for, taken out of the options.

    Raises:
        GraphError: a name that is no prompt of the graph.
    """
    if options.pop("calibrate"):
        graph = calibrated(graph)
    file = options.pop("prompts")
    if file is not None:
        graph = graph.with_prompts(of_file(file, graph))
    return graph.with_prompts(named_texts(options.pop("prompt"), "--prompt"))


def of_file(path: str, graph: Graph) -> dict[str, str]:
    """The prompts in a file for a graph, in any format; what is left out of it is told.

    Raises:
        GraphError: it holds no prompts.
    """
    found = read_prompts(path, graph.nodes.values())
    for what in found.left_out:
        note(f"{path}: left out {what}")
    return dict(found.texts)
