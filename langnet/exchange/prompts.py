"""The prompts of a network, or of a run at any of its steps, with the nodes that show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.node import Node, Prompt

__all__ = ["Prompts", "of_graph", "of_run"]

_SHOWN = "{prompt}"
_STEP = "steps/{:04d}.json"


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts by name, and where they stand.

    Attributes:
        name: what they belong to.
        texts: the prompts by name.
        nodes: the language nodes of the network in its order; none where only texts are known.
        functions: the names of its function nodes.
    """

    name: str
    texts: Mapping[str, str]
    nodes: tuple[Node, ...] = ()
    functions: tuple[str, ...] = ()


def of_graph(graph: Graph) -> Prompts:
    """The prompts that the nodes of a graph show."""
    nodes = tuple(graph.nodes.values())
    inputs = {*graph.inputs, *graph.nodes}
    functions = tuple(name for name in graph.order if name not in inputs)
    return Prompts(graph.name, _texts(nodes), nodes, functions)


def of_run(directory: str | Path, step: int | None = None) -> Prompts:
    """The prompts of a run of `langnet.fit`, be it finished, interrupted or still going.

    The network is read from what the run is described by, so that no code of it is imported.

    Args:
        directory: the run's.
        step: which step's: those that it ended with, 0 being the beginning; by default the best.

    Raises:
        GraphError: it holds no run, or the run has not taken that step.
    """
    directory = Path(directory)
    about = _read(directory / "run.json")
    try:
        described = about["graph"]
        nodes = tuple(
            _node(name, described["nodes"][name])
            for name in described["order"]
            if name in described["nodes"]
        )
        functions = tuple(
            name
            for name in described["order"]
            if name not in described["nodes"] and described["parents"].get(name)
        )
        texts = _at(directory, step)
    except (LookupError, TypeError, AttributeError) as error:
        raise GraphError(f"{directory} cannot be read as a run: {error!r}") from error
    found = _texts(nodes)
    return Prompts(
        directory.resolve().name,
        {name: texts.get(name, text) for name, text in found.items()},
        nodes,
        functions,
    )


def _at(directory: Path, step: int | None) -> Mapping[str, str]:
    if step == 0:
        return {}
    file = directory / "state.json"
    state: Any = _read(file) if file.exists() else {"step": 0, "best": {}}
    if step is not None and not 0 < step <= state["step"]:
        raise GraphError(f"{directory} has taken {state['step']} steps, so it has no step {step}")
    taken = state["best"] if step is None else _read(directory / _STEP.format(step))["prompts"]
    return dict(taken)


def _texts(nodes: tuple[Node, ...]) -> dict[str, str]:
    return {node.prompt_name: node.prompt_text for node in nodes if _SHOWN in node.template}


def _node(name: str, data: Mapping[str, Any]) -> Node:
    prompt, choices = data["prompt"], data["choices"]
    return Node(
        name,
        data["template"],
        Prompt(**prompt) if isinstance(prompt, Mapping) else prompt,
        trainable=data["trainable"],
        choices=choices and [choice["label"] for choice in choices["choices"]],
    )


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GraphError(f"there is no {file}, so its directory is no run of a fit") from None
    except (OSError, ValueError) as error:
        raise GraphError(f"{file} cannot be read as JSON: {error}") from error
