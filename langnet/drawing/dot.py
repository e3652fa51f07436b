"""Graphs in the DOT language of Graphviz."""

from __future__ import annotations

from langnet.drawing.words import kind_of, members_by_plate, plate_label, printable, subtitle, title
from langnet.graph import Graph

__all__ = ["as_dot"]

_STYLES = {
    "input": 'shape=box, style="rounded,filled", fillcolor="#f4f5f7", color="#7a8194"',
    "function": 'shape=component, style=filled, fillcolor="#fff0d6", color="#b97a10"',
    "trainable": 'shape=box, style="rounded,filled", fillcolor="#e4e7ff", color="#5661d6"',
    "frozen": 'shape=box, style="filled,dashed", fillcolor="#eceef2", color="#7a8194"',
}


def as_dot(graph: Graph) -> str:
    """The graph in DOT; plates are clusters."""
    ids = {name: f"n{number}" for number, name in enumerate(graph.order)}
    plates = members_by_plate(graph)
    lines = [
        f"digraph {_quoted(printable(graph.name))} {{",
        '  node [fontname="Helvetica", fontsize=11];',
        '  edge [color="#7a8194", arrowsize=0.7];',
    ]

    def draw(plate: tuple[str, ...]) -> None:
        indent = "  " * (len(plate) + 1)
        for name in plates[plate]:
            kind = kind_of(graph, name)
            label = [title(graph, name)] + ([] if kind == "input" else [subtitle(graph, name)])
            lines.append(f"{indent}{ids[name]} [label={_quoted(*label)}, {_STYLES[kind]}];")
        for inner in plates:
            if inner[:-1] == plate and inner:
                label = [plate_label(graph, inner[-1])]
                lines.append(f"{indent}subgraph cluster_{ids[inner[-1]]} {{")
                lines.append(f'{indent}  label={_quoted(*label)}; color="#9aa1b2";')
                draw(inner)
                lines.append(f"{indent}}}")

    draw(())
    lines += [
        f"  {ids[parent]} -> {ids[name]};"
        for name in graph.order
        for parent in graph.structure.parents[name]
    ]
    return "\n".join([*lines, "}", ""])


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
