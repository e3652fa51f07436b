"""Presets: the data sets of the DLN paper with its initial prompts and settings, as defaults.

`--preset paper/NAME` names the reader of the data and sets defaults of other options, which what is
given on the command line overrides. What they are stands in `paper.yaml`, with its sources.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any

import click
from click.core import ParameterSource

from langnet.graph import Graph
from langnet.vi.schedule import levels

__all__ = ["PAPER", "data_defaults", "method_defaults", "network_settings", "reader_of"]

PAPER = tuple(
    f"paper/{name}"
    for name in (
        *("airline", "date", "disaster", "hyperbaton", "logic7"),
        *("mpqa", "navigate", "subj", "trec"),
    )
)
"""The presets of the paper's nine data sets."""


def reader_of(preset: str | None) -> str | None:
    """The name of the published format that a preset reads."""
    return preset if preset not in PAPER else str(_recipe(preset)["format"])


def data_defaults(context: click.Context, _parameter: click.Parameter, preset: str | None) -> Any:
    """Makes the preset's instruction and sizes the defaults of the command's options."""
    if preset in PAPER:
        recipe = _recipe(preset)
        train, dev, test = recipe["sizes"]
        context.default_map = {
            **(context.default_map or {}),
            "instruction": recipe["instruction"],
            "train_size": train,
            "dev_size": dev,
            "test_size": test,
        }
    return preset


def network_settings(preset: str | None, known: Collection[str]) -> tuple[str, ...]:
    """The preset's settings of a network as NAME=VALUE, those that the network has."""
    if preset not in PAPER:
        return ()
    settings = {**_document()["network"], **_recipe(preset).get("network", {})}
    return tuple(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in settings.items()
        if name in known
    )


def method_defaults(
    context: click.Context, preset: str | None, graph: Graph, options: dict[str, Any]
) -> None:
    """Puts the preset's settings of the method where the command line gives none.

    Args:
        context: what the options were parsed in.
        preset: its name, if there is one.
        graph: the network; one with hidden texts has further settings.
        options: by name; they are changed in place.
    """
    if preset not in PAPER:
        return
    document, recipe = _document(), _recipe(preset)
    kind = "deeper" if len(levels(graph)) > 1 else "one_layer"
    chosen = {**document["method"], **document.get(kind, {}), **recipe.get(kind, {})}
    by_name = {parameter.name: parameter for parameter in context.command.params}
    for name, value in chosen.items():
        if context.get_parameter_source(name) is ParameterSource.DEFAULT:
            options[name] = by_name[name].type_cast_value(context, value)


def _recipe(preset: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _document()["data"][preset.removeprefix("paper/")]
    return found


def _document() -> Mapping[str, Any]:
    import yaml  # noqa: PLC0415 - only presets need it here

    text = files("langnet.cli").joinpath("paper.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found
