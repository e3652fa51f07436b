"""Graphs as SVG pictures that need nothing else, readable on light and on dark ground."""

from __future__ import annotations

from langnet.drawing.figure import CORNERS, PLATE_CORNER, Curve, figure_of
from langnet.drawing.layout import Box
from langnet.drawing.words import escaped, subtitle
from langnet.graph import Graph
from langnet.node import Node

__all__ = ["as_svg"]

_STYLE = """\
.langnet text { font: 11px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #4a5163; }
.langnet .title { font: 600 13px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.langnet .title { fill: #1d2129; }
.langnet .plate rect { fill: #8892a8; fill-opacity: 0.10; stroke: #8892a8; }
.langnet .plate text { fill: #7a8194; font-weight: 600; }
.langnet .edge { fill: none; stroke: #8892a8; stroke-width: 1.4; }
.langnet .tip { fill: #8892a8; }
.langnet .part rect { stroke-width: 1.4; }
.langnet .input rect { fill: #f4f5f7; stroke: #8892a8; }
.langnet .trainable rect { fill: #e4e7ff; stroke: #5661d6; }
.langnet .frozen rect { fill: #eceef2; stroke: #7a8194; stroke-dasharray: 4 3; }
.langnet .function rect { fill: #fff0d6; stroke: #b97a10; }
.langnet .output rect { stroke-width: 2.6; }
@media (prefers-color-scheme: dark) {
.langnet text { fill: #b9c0cf; }
.langnet .title { fill: #f2f4f8; }
.langnet .input rect { fill: #262a33; }
.langnet .trainable rect { fill: #2c3170; stroke: #8b95ff; }
.langnet .frozen rect { fill: #2b2f38; }
.langnet .function rect { fill: #4a3610; stroke: #e0a53c; }
}"""


def as_svg(graph: Graph) -> str:
    """The graph as an SVG picture; plates are boxes, and templates show on pointing at a node."""
    figure = figure_of(graph)
    width, height = _number(figure.layout.width), _number(figure.layout.height)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="langnet" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escaped("graph " + graph.name)}">'
        ),
        f"<style>{_STYLE}</style>",
    ]
    for plate, box in figure.layout.plates.items():
        lines.append(
            f'<g class="plate">{_rectangle(box, PLATE_CORNER)}'
            f'<text x="{_number(box.x + 10)}" y="{_number(box.y + 15)}">'
            f"{escaped(figure.labels[plate])}</text></g>"
        )
    lines += map(_edge, figure.curves)
    for name, box in figure.layout.parts.items():
        lines += _part(graph, name, figure.kinds[name], box, *figure.words[name])
    return "\n".join([*lines, "</svg>"])


def _part(graph: Graph, name: str, kind: str, box: Box, above: str, below: str) -> list[str]:
    classes = f"part {kind}" + (" output" if name in graph.outputs else "")
    return [
        f'<g class="{classes}">',
        f"<title>{escaped(_hint(graph, name))}</title>",
        _rectangle(box, CORNERS[kind]),
        (
            f'<text class="title" text-anchor="middle" x="{_number(box.middle)}" '
            f'y="{_number(box.y + 20)}">{escaped(above)}</text>'
        ),
        (
            f'<text text-anchor="middle" x="{_number(box.middle)}" '
            f'y="{_number(box.y + 36)}">{escaped(below)}</text>'
        ),
        "</g>",
    ]


def _hint(graph: Graph, name: str) -> str:
    part = graph[name]
    if not isinstance(part, Node):
        return f"{name}: {subtitle(graph, name)}"
    prompt = f"\n\nprompt: {part.prompt_text}" if part.prompt_text else ""
    return f"{name}: {subtitle(graph, name)}\n\n{part.template}{prompt}"


def _edge(curve: Curve) -> str:
    """A curve that leaves and arrives upright, with a tip."""
    commands = [f"M{_number(curve.start.x)} {_number(curve.start.y)}"]
    for one, other, upper, lower in curve.segments():
        points = " ".join(f"{_number(x)} {_number(y)}" for x, y in (one, other, upper))
        commands.append(f"C{points}")
        if lower != upper:
            commands.append(f"V{_number(lower.y)}")
    corners = " ".join(f"{_number(x)},{_number(y)}" for x, y in curve.arrow)
    path = " ".join(commands)
    return f'<path class="edge" d="{path}"/><polygon class="tip" points="{corners}"/>'


def _rectangle(box: Box, corner: float) -> str:
    return (
        f'<rect x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
        f'height="{_number(box.height)}" rx="{_number(corner)}"/>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
