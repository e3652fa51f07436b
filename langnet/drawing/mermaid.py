"""Graphs as Mermaid flowcharts, which many wikis and repositories draw in place."""

from __future__ import annotations

from langnet.drawing.words import kind_of, members_by_plate, plate_label, subtitle, title
from langnet.graph import Graph

__all__ = ["as_mermaid"]

_SHAPES = {
    "input": ("([", "])"),
    "function": ("[[", "]]"),
    "trainable": ("(", ")"),
    "frozen": ("[", "]"),
}
_STYLES = """\
    classDef input fill:#f4f5f7,stroke:#7a8194,color:#1d2129
    classDef trainable fill:#e4e7ff,stroke:#5661d6,color:#1d2129
    classDef frozen fill:#eceef2,stroke:#7a8194,color:#1d2129,stroke-dasharray:4 3
    classDef function fill:#fff0d6,stroke:#b97a10,color:#1d2129"""


def as_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart; plates are subgraphs."""
    ids = {name: f"n{number}" for number, name in enumerate(graph.order)}
    plates = members_by_plate(graph)
    lines = ["flowchart TD"]

    def draw(plate: tuple[str, ...]) -> None:
        indent = "    " * (len(plate) + 1)
        for name in plates[plate]:
            kind = kind_of(graph, name)
            left, right = _SHAPES[kind]
            label = _escaped(title(graph, name))
            if kind != "input":
                label += f"<br/>{_escaped(subtitle(graph, name))}"
            lines.append(f'{indent}{ids[name]}{left}"{label}"{right}:::{kind}')
        for inner in plates:
            if inner[:-1] == plate and inner:
                label = _escaped(plate_label(graph, inner[-1]))
                lines.append(f'{indent}subgraph plate_{ids[inner[-1]]} ["{label}"]')
                draw(inner)
                lines.append(f"{indent}end")

    draw(())
    lines += [
        f"    {ids[parent]} --> {ids[name]}"
        for name in graph.order
        for parent in graph.structure.parents[name]
    ]
    return "\n".join([*lines, _STYLES, ""])


def _escaped(text: str) -> str:
    """Text for a quoted label: entity codes for whatever Mermaid or HTML could read."""
    return "".join(
        char if char.isalnum() or char in " _-.,|…\N{MULTIPLICATION SIGN}" else f"#{ord(char)};"
        for char in text
    )
