"""What drawings say about the parts of a graph: the same words in every format."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from typing import Any

from langnet.graph import Graph
from langnet.node import Function, Input, Node, Prompt

__all__ = [
    "details",
    "escaped",
    "kind_of",
    "members_by_plate",
    "plate_label",
    "printable",
    "prompt_state",
    "shortened",
    "subtitle",
    "title",
    "visible",
]

Plate = tuple[str, ...]
"""The axes of a plate, outermost first; `()` is the ground that all plates stand on."""


def printable(text: str) -> str:
    """One line of visible characters: white space run together, control characters escaped."""
    return visible(" ".join(text.split()))


def escaped(text: str) -> str:
    """Text for HTML and SVG: markup and control characters escaped, lines kept."""
    return html.escape(visible(text))


def visible(text: str) -> str:
    """Text whose control characters are escaped, so that none moves a cursor; lines are kept."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def shortened(text: str, length: int) -> str:
    """The beginning of a text, with an ellipsis where it goes on."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def kind_of(graph: Graph, name: str) -> str:
    """How a part is drawn: "input", "function", "trainable" or "frozen"."""
    part = graph[name]
    if isinstance(part, Node):
        return "trainable" if part.trainable else "frozen"
    return "input" if isinstance(part, Input) else "function"


def title(graph: Graph, name: str) -> str:
    """A part's name, with what it runs over and how many texts it draws."""
    part = graph[name]
    words = [name]
    if isinstance(part, Node) and part.draws is not None:
        words.append(f"\N{MULTIPLICATION SIGN}{part.draws}")
    if not isinstance(part, Input) and part.over is not None:
        words.append(f"over {part.over}")
    return " ".join(words)


def subtitle(graph: Graph, name: str) -> str:
    """The kind of a part and what sets it apart, in a few words."""
    return ", ".join(details(graph, name))


def details(graph: Graph, name: str) -> list[str]:
    """What sets a part apart."""
    part = graph[name]
    if isinstance(part, Input):
        return ["input, plural" if part.plural else "input"]
    words = []
    if isinstance(part, Function):
        words.append(function_name(part.function) + (", plural" if part.plural else ""))
    else:
        if part.choices is not None:
            labels = [printable(label) for label in part.choices.labels]
            shown = " | ".join(labels[:4]) + (" | …" if len(labels) > 4 else "")  # noqa: PLR2004
            words.append(shortened(shown, 40))
        words.append(prompt_state(graph, part))
        if part.model != "default":
            words.append(f"model {printable(part.model)}")
    if name in graph.outputs:
        words.append("output")
    if name == graph.target and name != graph.outputs[0]:
        words.append("target")
    return words


def prompt_state(graph: Graph, node: Node) -> str:
    """Whether the node's prompt is trainable, frozen or shared, or not there at all."""
    if not graph.structure.templates[node.name].has_prompt:
        return "no prompt"
    state = "trainable" if node.trainable else "frozen"
    return f"{state} {printable(node.prompt.name)}" if isinstance(node.prompt, Prompt) else state


def function_name(function: Any) -> str:
    """A function's name, or how it was made."""
    if dataclasses.is_dataclass(function):
        settings = (
            repr(getattr(function, field.name))
            if field.default is dataclasses.MISSING
            else f"{field.name}={getattr(function, field.name)!r}"
            for field in dataclasses.fields(function)
            if field.init and field.repr and getattr(function, field.name) != field.default
        )
        made = f"{type(function).__qualname__.lstrip('_')}({', '.join(settings)})"
        return shortened(printable(made), 40)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return shortened(printable(name.rpartition("<locals>.")[2]), 40)


def plate_label(graph: Graph, axis: str) -> str:
    """How often a plate is repeated: a count, or the part whose elements it runs over."""
    part = graph[axis]
    if isinstance(part, Node):
        return f"\N{MULTIPLICATION SIGN}{part.draws}"
    return f"each of {axis}"


def members_by_plate(graph: Graph) -> Mapping[Plate, list[str]]:
    """The parts of each plate by its axes, every outer plate before those within it."""
    plates: dict[Plate, list[str]] = {(): []}
    for name in graph.order:
        axes = graph.structure.axes[name]
        for depth in range(len(axes)):
            plates.setdefault(axes[: depth + 1], [])
        plates[axes].append(name)
    return dict(sorted(plates.items(), key=lambda item: len(item[0])))
