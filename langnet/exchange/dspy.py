"""Prompts as the state of a DSPy program, as `dspy.Module.save("program.json")` writes it.

A trainable node becomes a `dspy.Predict` of the same name, whose instructions are the node's prompt
and whose signature has the node's parents as inputs and the node as output. What DSPy makes of a
signature is DSPy's own: the node's template stays behind, and solved examples that a prompt shows
stay in the instructions. Written for, and tried with, DSPy 3.4.1, whose `load` takes the file as
it is; the state has been the same since 2.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from langnet.errors import DataError
from langnet.exchange.prompts import Prompts
from langnet.node import Node

__all__ = ["dspy_module", "dspy_state", "from_dspy", "is_dspy", "left_out"]

_METADATA = "metadata"
_SHOWN = "{prompt}"


def dspy_state(prompts: Prompts) -> dict[str, Any]:
    """The state, one entry for each trainable node that shows a prompt.

    Raises:
        DataError: there is no such node, or one whose name DSPy needs for itself.
    """
    nodes = _predictors(prompts)
    if not nodes:
        raise DataError(
            f"{prompts.name} has no trainable node whose template shows {_SHOWN}, so DSPy has "
            "nothing to load"
        )
    return {
        **{node.name: _predictor(node, prompts.texts[node.prompt_name]) for node in nodes},
        # DSPy compares the versions that stand here with its own; none were used.
        _METADATA: {"dependency_versions": {}},
    }


def left_out(prompts: Prompts) -> tuple[str, ...]:
    """The names of the nodes that have no place in the state."""
    inside = {node.name for node in _predictors(prompts)}
    others = (node.name for node in prompts.nodes if node.name not in inside)
    return (*others, *prompts.functions)


def dspy_module(prompts: Prompts) -> str:
    """The Python source of a module that the state loads into; its `forward` is yours to write."""
    lines = []
    for node in _predictors(prompts):
        kind = f": Literal{list(node.choices.labels)!r}" if node.choices else ""
        signature = f"{', '.join(node.parents)} -> {node.name}{kind}"
        lines.append(f"        self.{node.name} = dspy.Predict({signature!r})")
    name = "".join(re.findall(r"[A-Za-z0-9]+", prompts.name.title())) or "Program"
    name = name if name[0].isalpha() else f"Program{name}"
    head = ["import dspy", "", "", f"class {name}(dspy.Module):", "    def __init__(self):"]
    return "\n".join([*head, "        super().__init__()", *lines, ""])


def is_dspy(data: Any) -> bool:
    """Whether data is the state of a DSPy program, or of a single predictor."""
    if not isinstance(data, Mapping):
        return False
    if _is_predictor(data):
        return True
    rest = [value for name, value in data.items() if name != _METADATA]
    return bool(rest) and any(map(_is_predictor, rest))


def from_dspy(
    data: Mapping[str, Any], nodes: Iterable[Node] = ()
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The instructions of a state as prompts by name.

    Args:
        data: the state.
        nodes: of the network that the prompts are for. A predictor belongs to the node of its name;
            a `predict` within it, as `dspy.ChainOfThought` has, belongs to the same. Without nodes
            every predictor is a prompt of its own name.

    Returns:
        The prompts, and what was left out of the state, in words.

    Raises:
        DataError: predictors of nodes that share a prompt differ, or several have no name.
    """
    by_name = {node.name: node for node in nodes}
    if _is_predictor(data):
        if len(by_name) != 1:
            raise DataError(
                "the state of a single predictor names no node; save a module that has one "
                "predictor for each"
            )
        data = {next(iter(by_name)): data}
    found: dict[str, str] = {}
    without: list[str] = []
    for place, state in data.items():
        if place == _METADATA:
            continue
        name = place.removesuffix(".predict")
        if not _is_predictor(state) or (by_name and name not in by_name):
            without.append(f"{place}, which is no node of the network")
            continue
        prompt = by_name[name].prompt_name if by_name else name
        text = state["signature"]["instructions"]
        if found.setdefault(prompt, text) != text:
            raise DataError(f"predictors that share the prompt {prompt!r} have other instructions")
        if demos := state.get("demos"):
            without.append(f"{len(demos)} demonstrations of {place}, since prompts are texts here")
    return found, tuple(without)


def _predictors(prompts: Prompts) -> tuple[Node, ...]:
    found = tuple(node for node in prompts.nodes if node.trainable and _SHOWN in node.template)
    if any(node.name == _METADATA for node in found):
        raise DataError(f"DSPy keeps the name {_METADATA!r} for itself; rename that node")
    return found


def _predictor(node: Node, text: str) -> dict[str, Any]:
    fields = [(name, f"${{{name}}}") for name in node.parents]
    labels = node.choices and f"one of: {', '.join(node.choices.labels)}"
    fields.append((node.name, labels or f"${{{node.name}}}"))
    return {
        "traces": [],
        "train": [],
        "demos": [],
        "signature": {
            "instructions": text,
            "fields": [
                {"prefix": f"{name.replace('_', ' ').title()}:", "description": described}
                for name, described in fields
            ],
        },
        "lm": None,
    }


def _is_predictor(state: Any) -> bool:
    signature = state.get("signature") if isinstance(state, Mapping) else None
    return isinstance(signature, Mapping) and isinstance(signature.get("instructions"), str)
