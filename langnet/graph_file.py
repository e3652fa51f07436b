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

Fields that are left out take the values that they have in code. A prompt that several nodes share
stands once, under `prompts`, and its nodes say `prompt: {shared: name}`. Functions are named by
import path; a file holds no code, and none but langnet's own is imported without the caller's
trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langnet.declared import parts_from
from langnet.errors import GraphError
from langnet.fields import Fields
from langnet.function_path import path_of
from langnet.graph import Graph
from langnet.lm.base import Decoding
from langnet.node import Choices, Function, Input, Node, Part, Prompt
from langnet.text_file import read_data, write_data

__all__ = ["from_dict", "load", "load_prompts", "save", "save_prompts", "to_dict"]

GRAPH_FORMAT = "langnet-graph/1"
PROMPTS_FORMAT = "langnet-prompts/1"


def save(graph: Graph, path: str | Path) -> None:
    """Writes a graph to a .yaml, .yml or .json file, all or nothing.

    Raises:
        GraphError: a function that no import path leads to, or another extension.
    """
    write_data(Path(path), to_dict(graph))


def load(path: str | Path, *, trust: bool = False) -> Graph:
    """Reads a graph from a file.

    Args:
        path: a .yaml, .yml or .json file.
        trust: whether functions other than langnet's own may be imported, which runs their code.

    Raises:
        GraphError: with every fault of the file and its place there, or every fault of the graph.
    """
    try:
        return from_dict(read_data(Path(path)), trust=trust)
    except _FileFaults as error:
        raise GraphError(*(f"{path}: {fault}" for fault in error.faults)) from error.__cause__


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
    write_data(Path(path), {"format": PROMPTS_FORMAT, "prompts": prompts})


def load_prompts(path: str | Path) -> dict[str, str]:
    """Reads prompts by name, for `Graph.with_prompts`.

    Raises:
        GraphError: with every fault of the file.
    """
    faults: list[str] = []
    fields = Fields(read_data(Path(path)), "", faults)
    _check_format(fields, PROMPTS_FORMAT)
    prompts = fields.texts_by_name("prompts")
    fields.end()
    if faults:
        raise GraphError(*(f"{path}: {fault}" for fault in faults))
    return prompts


def to_dict(graph: Graph) -> dict[str, Any]:
    """A graph as plain data, which `from_dict` takes.

    Raises:
        GraphError: with every function that no import path leads to.
    """
    faults: list[str] = []
    shared: dict[str, str] = {}
    parts = [_part_data(part, shared, faults) for part in graph.parts.values()]
    if faults:
        raise GraphError(*faults)
    data: dict[str, Any] = {"format": GRAPH_FORMAT, "name": graph.name}
    if shared:
        data["prompts"] = shared
    data["parts"] = parts
    data["outputs"] = list(graph.outputs)
    data["target"] = graph.target
    return data


def from_dict(data: Mapping[str, Any], *, trust: bool = False) -> Graph:
    """A graph from plain data; see `load`.

    Raises:
        GraphError: with every fault of the data and its place there, or every fault of the graph.
    """
    faults: list[str] = []
    fields = Fields(data, "", faults)
    _check_format(fields, GRAPH_FORMAT)
    name = fields.text("name", "graph")
    shared = fields.texts_by_name("prompts", optional=True)
    parts = parts_from(fields.list_of("parts"), shared, faults, trust=trust)
    outputs = fields.texts("outputs", None)
    target = fields.text("target", None)
    fields.end()
    if faults:
        raise _FileFaults(*faults)
    try:
        return Graph(*parts, outputs=outputs, target=target, name=name)
    except GraphError as error:
        raise _FileFaults(*error.faults) from error
