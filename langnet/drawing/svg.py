"""Graphs as SVG pictures that need nothing else, readable on light and on dark ground."""

from __future__ import annotations

from rich.cells import cell_len

from langnet.drawing.layout import Box, Layout, lay_out
from langnet.drawing.words import (
    escaped,
    kind_of,
    members_by_plate,
    plate_label,
    shortened,
    subtitle,
    title,
)
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
_CORNERS = {"input": 23, "function": 3, "trainable": 10, "frozen": 10}
_LONGEST = 34


def as_svg(graph: Graph) -> str:
    """The graph as an SVG picture; plates are boxes, and templates show on pointing at a node."""
    words = {name: (title(graph, name), _shown_subtitle(graph, name)) for name in graph.order}
    labels = {plate: plate_label(graph, plate[-1]) for plate in members_by_plate(graph) if plate}
    layout = lay_out(
        graph,
        {
            name: max(8.0 * cell_len(above), 6.0 * cell_len(below)) + 30
            for name, (above, below) in words.items()
        },
        {plate: 7.0 * cell_len(label) for plate, label in labels.items()},
    )
    width, height = _number(layout.width), _number(layout.height)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="langnet" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escaped("graph " + graph.name)}">'
        ),
        f"<style>{_STYLE}</style>",
    ]
    for plate, box in layout.plates.items():
        lines.append(
            f'<g class="plate">{_rectangle(box, 8)}'
            f'<text x="{_number(box.x + 10)}" y="{_number(box.y + 15)}">'
            f"{escaped(labels[plate])}</text></g>"
        )
    lines += _edges(graph, layout)
    for name, box in layout.parts.items():
        lines += _part(graph, name, box, *words[name])
    return "\n".join([*lines, "</svg>"])


def _shown_subtitle(graph: Graph, name: str) -> str:
    return shortened(subtitle(graph, name), _LONGEST)


def _part(graph: Graph, name: str, box: Box, above: str, below: str) -> list[str]:
    kind = kind_of(graph, name)
    classes = f"part {kind}" + (" output" if name in graph.outputs else "")
    return [
        f'<g class="{classes}">',
        f"<title>{escaped(_hint(graph, name))}</title>",
        _rectangle(box, _CORNERS[kind]),
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


def _edges(graph: Graph, layout: Layout) -> list[str]:
    lines = []
    for child in graph.order:
        box = layout.parts[child]
        arrivals = []
        for parent in graph.structure.parents[child]:
            above = layout.parts[parent]
            path = layout.edges[parent, child]
            start = (above.middle, above.y + above.height)
            arrivals.append((path[-1][0] if path else above.middle, start, path))
        arrivals.sort()
        step = min(16.0, (box.width - 2 * 20) / max(len(arrivals), 1))
        for number, (_, start, path) in enumerate(arrivals):
            end = box.middle + (number - (len(arrivals) - 1) / 2) * step
            lines.append(_edge(start, path, (end, box.y)))
    return lines


def _edge(
    start: tuple[float, float],
    path: tuple[tuple[float, float, float], ...],
    end: tuple[float, float],
) -> str:
    """A curve that leaves and arrives upright, with a tip."""
    x, y = start
    tip_x, tip_y = end
    commands = [f"M{_number(x)} {_number(y)}"]
    for next_x, top, bottom in (*path, (tip_x, tip_y - 6, tip_y - 6)):
        half = (y + top) / 2
        commands.append(
            f"C{_number(x)} {_number(half)} {_number(next_x)} {_number(half)} "
            f"{_number(next_x)} {_number(top)}"
        )
        if bottom != top:
            commands.append(f"V{_number(bottom)}")
        x, y = next_x, bottom
    corners = ((tip_x - 4, tip_y - 8), (tip_x + 4, tip_y - 8), (tip_x, tip_y - 1))
    points = " ".join(f"{_number(a)},{_number(b)}" for a, b in corners)
    return f'<path class="edge" d="{" ".join(commands)}"/><polygon class="tip" points="{points}"/>'


def _rectangle(box: Box, corner: float) -> str:
    return (
        f'<rect x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
        f'height="{_number(box.height)}" rx="{_number(corner)}"/>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
