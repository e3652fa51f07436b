"""`langnet fit --from-manifest`: a fit that was recorded, run again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from langnet import graph_file
from langnet.checkpoint import described_graph
from langnet.cli.group import note
from langnet.cli.network import Network
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.guidance import CONTROLS, Entry
from langnet.listening import STOPPED
from langnet.manifest import compared, differing

__all__ = [
    "again",
    "anew",
    "deciding",
    "graph_again",
    "guidance_again",
    "network_again",
    "refuse",
    "reproduced",
]

_ELSEWHERE = ("out", "manifest", "from-manifest", "track", "view")
"""Options that say where a fit is written, read or shown, and take a value; they decide nothing."""
_HOW = ("--resume", "--json", "--debug", "--quiet", "-q")
"""Flags that decide nothing."""
_INSTEAD = ("cache", "model", "models", "proposer")
"""Options that may be given anew when a fit is run again."""
_BESIDE = {
    *_INSTEAD,
    "out",
    "resume",
    "as_json",
    "manifest",
    "pull",
    "trust",
    "from_manifest",
    "track",
}


def deciding(arguments: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The arguments of `langnet fit` that decide its result, as they were typed.

    Names and passwords in addresses are taken out: a manifest may be shown to anyone.

    Args:
        arguments: all of them.
        without: further options to leave out, each of which takes a value.
    """
    valued = {f"--{name}" for name in (*_ELSEWHERE, *without)}
    kept: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument in valued:
            next(waiting, None)
        elif argument not in _HOW and argument.partition("=")[0] not in valued:
            kept.append(re.sub(r"(?<=://)[^/@\s]+@", "", argument))
    return tuple(kept)


def again(
    context: click.Context, recorded: Mapping[str, Any]
) -> tuple[click.Context, dict[str, Any]]:
    """The options of a recorded fit, parsed as they were typed, with those that may be given anew.

    Args:
        context: of the command line that names the manifest.
        recorded: the manifest.

    Returns:
        The context in which the recorded arguments were parsed, and the options by name.

    Raises:
        click.UsageError: something else was given beside the manifest.
    """
    given = _given(context)
    if strange := [parameter for parameter in given if parameter.name not in _BESIDE]:
        names = ", ".join(
            parameter.opts[0] if isinstance(parameter, click.Option) else "NETWORK"
            for parameter in strange
        )
        raise click.UsageError(
            f"--from-manifest runs a fit with the arguments that it had; leave {names} out"
        )
    # Without a parent: what is parsed here must not set --debug anew for the whole program.
    inner = context.command.make_context(context.info_name, list(recorded["arguments"]))
    options = {**inner.params, **{p.name: context.params[p.name] for p in given if p.name}}
    return inner, options


def anew(context: click.Context) -> tuple[str, ...]:
    """The options of the command line that take the place of recorded ones, by their names."""
    given = {parameter.name for parameter in _given(context)}
    return tuple(name for name in _INSTEAD if name in given)


def _given(context: click.Context) -> list[click.Parameter]:
    return [
        parameter
        for parameter in context.command.params
        if parameter.name is not None
        and parameter.expose_value  # --debug is seen to already
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


def network_again(
    source: str, recorded: Mapping[str, Any] | None, error: Exception, *, trust: bool
) -> Network:
    """The network of a manifest in the place of one that cannot be loaded.

    Raises:
        Exception: the error itself, where there is no manifest or it holds no network.
    """
    if recorded is None or recorded.get("network") is None:
        raise error
    note(f"The network is taken from the manifest, for it cannot be loaded: {error}")
    graph = graph_file.from_dict(recorded["network"], trust=trust)
    return Network(source, graph, recorded["result"].get("task"))


def graph_again(graph: Graph, recorded: Mapping[str, Any], *, trust: bool) -> Graph:
    """The graph, or that of the manifest where it is not what it was."""
    now = json.loads(json.dumps(described_graph(graph)))
    if now == recorded["run"].get("graph") or recorded.get("network") is None:
        return graph
    note("The network is taken from the manifest, for it is not what it was.")
    return graph_file.from_dict(recorded["network"], trust=trust)


def guidance_again(recorded: Mapping[str, Any] | None) -> tuple[Entry, ...] | None:
    """What people said of a fit that is run again, at the steps at which it was taken.

    Nobody waits again where somebody paused, and the fit is stopped again only where that is how
    it ended.

    Args:
        recorded: the manifest; `None` for a fit that is not run again.
    """
    if recorded is None:
        return None
    entries = [Entry.from_json(entry) for entry in recorded.get("guidance", ())]
    stops = [entry for entry in entries if entry.kind == "stop"]
    kept = stops[-1:] if recorded["result"].get("reason") == STOPPED else []
    return tuple(entry for entry in entries if entry.kind not in CONTROLS or entry in kept)


def refuse(recorded: Mapping[str, Any], run: Mapping[str, Any], path: Path) -> None:
    """Says how a run that is about to begin differs from the manifest.

    Args:
        recorded: the manifest.
        run: what is about to be run; see `langnet.checkpoint.describe`.
        path: where it would be written.

    Raises:
        GraphError: it is another fit.
    """
    found = compared(recorded, run)
    for line in found.notable:
        note(f"Unlike the manifest: {line}")
    if found.fatal:
        raise GraphError(
            f"this is not the fit of the manifest, so {path} is not begun: "
            + "; ".join(found.fatal)
        )


def reproduced(recorded: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a result differs from that of a manifest; nothing where it is the same."""
    before = {name: value for name, value in recorded["result"].items() if name != "digest"}
    return differing(before, result)
