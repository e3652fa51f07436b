"""Graphs in files: YAML or JSON that people can read, edit and compare.

    format: langnet-graph/1
    name: navigate
    parts:
    - input: question
    - node: thoughts
      template: |-
        {question}

        {prompt}
      prompt: Let's think step by step.
      draws: 5
    - node: answers
      template: |-
        {question}
        {thoughts}
        {prompt}
      over: thoughts
      choices: ['Yes', 'No']
    - function: vote
      call: langnet.functions:majority
      arguments: {parent: answers}
    outputs: [vote]
    target: answers

    models: {default: "local:smollm2"}

Fields that are left out take the values that they have in code. `models` says what the network was
fitted with: lines that `langnet.connect` takes. A prompt that several nodes share
stands once, under `prompts`, and its nodes say `prompt: {shared: name}`. Functions are named by
import path; a file holds no code, and none but langnet's own is imported without the caller's
trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langnet.errors import GraphError
from langnet.fields import Fields
from langnet.graph import Graph
from langnet.node import Node, Prompt
from langnet.part_data import part_data, part_from
from langnet.text_file import read_data, write_data

__all__ = [
    "from_dict",
    "load",
    "load_models",
    "load_prompts",
    "prompts_data",
    "prompts_from",
    "save",
    "save_prompts",
    "to_dict",
]

_GRAPH_FORMAT = "langnet-graph/1"
_PROMPTS_FORMAT = "langnet-prompts/1"


def save(graph: Graph, path: str | Path, *, models: Mapping[str, str] | None = None) -> None:
    """Writes a graph to a .yaml, .yml or .json file, all or nothing.

    Args:
        graph: the graph.
        path: where to.
        models: lines that name models, by the names that nodes call; in them no secret may stand.

    Raises:
        GraphError: a function that no import path leads to, or another extension.
    """
    write_data(Path(path), {**to_dict(graph), **({"models": dict(models)} if models else {})})


def load(path: str | Path, *, trust: bool = False) -> Graph:
    """Reads a graph from a file.

    Args:
        path: a .yaml, .yml or .json file.
        trust: whether functions other than langnet's own may be imported, which runs their code.

    Raises:
        GraphError: with every fault of the file and its place there, or every fault of the graph.
    """
    data = read_data(Path(path))
    try:
        return from_dict(data, trust=trust)
    except GraphError as error:
        raise _of_file(path, error) from None


def load_models(path: str | Path) -> dict[str, str]:
    """The lines that name models in a graph file, by the names that nodes call.

    Raises:
        GraphError: the file cannot be read, or holds something else there.
    """
    data = read_data(Path(path))
    try:
        return _models_from(data)
    except GraphError as error:
        raise _of_file(path, error) from None


def save_prompts(graph: Graph, path: str | Path) -> None:
    """Writes the prompts of a graph by name to a .yaml, .yml or .json file, all or nothing.

    Raises:
        GraphError: another extension.
    """
    templates = graph.structure.templates
    prompts = {
        node.prompt_name: node.prompt_text
        for name, node in graph.nodes.items()
        if templates[name].has_prompt
    }
    write_data(Path(path), prompts_data(prompts))


def prompts_data(prompts: Mapping[str, str]) -> dict[str, Any]:
    """Prompts by name as plain data, which `prompts_from` takes."""
    return {"format": _PROMPTS_FORMAT, "prompts": dict(prompts)}


def load_prompts(path: str | Path) -> dict[str, str]:
    """Reads prompts by name, for `Graph.with_prompts`.

    Raises:
        GraphError: with every fault of the file.
    """
    data = read_data(Path(path))
    try:
        return prompts_from(data)
    except GraphError as error:
        raise _of_file(path, error) from None


def to_dict(graph: Graph) -> dict[str, Any]:
    """A graph as plain data, which `from_dict` takes.

    Raises:
        GraphError: with every function that no import path leads to.
    """
    faults: list[str] = []
    parts: list[dict[str, Any]] = []
    shared: dict[str, str] = {}
    for part in graph.parts.values():
        if isinstance(part, Node) and isinstance(part.prompt, Prompt):
            shared[part.prompt.name] = part.prompt.text
        try:
            parts.append(part_data(part))
        except GraphError as error:
            faults.append(f"function {part.name!r} cannot be saved: {error}")
    if faults:
        raise GraphError(*faults)
    return {
        "format": _GRAPH_FORMAT,
        "name": graph.name,
        **({"prompts": shared} if shared else {}),
        "parts": parts,
        "outputs": [*graph.outputs],
        "target": graph.target,
    }


def from_dict(data: Mapping[str, Any], *, trust: bool = False) -> Graph:
    """A graph from plain data; see `load`.

    Raises:
        GraphError: with every fault of the data and its place there, or every fault of the graph.
    """
    faults: list[str] = []
    fields = Fields(data, "", faults)
    _check_format(fields, _GRAPH_FORMAT)
    name = fields.take("name", str, default="graph")
    shared = fields.texts_by_name("prompts")
    values = fields.take("parts", list, default=[], required=True)
    outputs = fields.texts("outputs")
    target = fields.take("target", str)
    fields.texts_by_name("models")  # what is run, but no part of the graph
    fields.end()
    read = (
        part_from(value, f"parts[{position}]", shared, faults, trust=trust)
        for position, value in enumerate(values)
    )
    parts = [part for part in read if part is not None]
    used = {part.prompt_name for part in parts if isinstance(part, Node)}
    if not faults:
        faults += [
            f"prompts.{name} is used by no node; take it out" for name in shared.keys() - used
        ]
    if faults:
        raise GraphError(*faults)
    return Graph(*parts, outputs=outputs, target=target, name=name)


def prompts_from(data: Any) -> dict[str, str]:
    """Prompts by name from plain data.

    Raises:
        GraphError: with every fault of the data.
    """
    faults: list[str] = []
    fields = Fields(data, "", faults)
    _check_format(fields, _PROMPTS_FORMAT)
    prompts = fields.texts_by_name("prompts", required=True)
    fields.end()
    if faults:
        raise GraphError(*faults)
    return prompts


def _models_from(data: Any) -> dict[str, str]:
    faults: list[str] = []
    fields = Fields(data, "", faults)
    _check_format(fields, _GRAPH_FORMAT)
    models = fields.texts_by_name("models")
    if faults:
        raise GraphError(*faults)
    return models


def _of_file(path: str | Path, error: GraphError) -> GraphError:
    return GraphError(*(f"{path}: {fault}" for fault in error.faults))


def _check_format(fields: Fields, wanted: str) -> None:
    if fields.faults:
        raise GraphError(*fields.faults)
    found = fields.take("format", str, required=True)
    if found is not None and found != wanted:
        fields.fault("format", f"is {found!r}; this version of langnet reads {wanted!r} here")
    if fields.faults:  # then nothing is known of what the other fields mean
        raise GraphError(*fields.faults)
