"""The network of a run, for its picture: from its file, or from what the run says of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langnet import graph_file
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.node import Function, Input, Node, Part, Prompt

__all__ = ["network_of"]


class _Named:
    """Stands for a function of which only the name and the parents are known; never called."""

    def __init__(self, name: str, parents: list[str]) -> None:
        self.__qualname__ = name
        kind = inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(parent, kind) for parent in parents]
        )

    def __call__(self, **_parents: Any) -> Any:
        raise GraphError("this graph is for drawing only")


def network_of(directory: Path, about: Mapping[str, Any], name: str | None) -> Graph | None:
    """The network; `None` where too little is known of it.

    No code of the run's is imported: a report may be made of somebody else's run.

    Args:
        directory: the run directory.
        about: what run.json says.
        name: what the network is called.
    """
    try:
        return graph_file.load(directory / "best.yaml")
    except GraphError:
        pass
    graph = about["graph"]
    mapped = {node["over"] for node in graph["nodes"].values()}
    parts: list[Part] = []
    for part in graph["order"]:
        parents = graph["parents"].get(part, [])
        if part in graph["nodes"]:
            parts.append(_node(graph["nodes"][part]))
        elif parents:
            parts.append(Function(part, _Named("function", parents), plural=part in mapped))
        else:
            parts.append(Input(part, plural=part in mapped))
    try:
        return Graph(*parts, outputs=graph["outputs"], target=graph["target"], name=name or "graph")
    except GraphError:
        return None


def _node(data: Mapping[str, Any]) -> Node:
    prompt = data["prompt"]
    choices = data["choices"]
    return Node(
        data["name"],
        data["template"],
        Prompt(prompt["name"], prompt["text"]) if isinstance(prompt, Mapping) else prompt,
        trainable=data["trainable"],
        choices=None if choices is None else [choice["label"] for choice in choices["choices"]],
        draws=data["draws"],
        over=data["over"],
        model=data["model"],
    )
