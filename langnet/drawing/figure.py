"""What a picture of a graph consists of, whoever paints it: boxes, words and curves, in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len

from langnet.drawing.layout import Layout, lay_out
from langnet.drawing.words import (
    Plate,
    kind_of,
    members_by_plate,
    plate_label,
    shortened,
    subtitle,
    title,
)
from langnet.graph import Graph

__all__ = ["CORNERS", "PLATE_CORNER", "Curve", "Figure", "Point", "figure_of"]

CORNERS: Mapping[str, float] = MappingProxyType(
    {"input": 23.0, "function": 3.0, "trainable": 10.0, "frozen": 10.0}
)
"""How round the corners of each kind of part are."""
PLATE_CORNER = 8.0
_LONGEST = 34


class Point(NamedTuple):
    """A place; y grows downwards."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge, from the lower border of a part to the upper border of another.

    Attributes:
        start: where it leaves.
        bends: where it comes by, each a vertical stretch (from, to) of no length or more; the last
            is where the tip begins.
        tip: where it arrives.
    """

    start: Point
    bends: tuple[tuple[Point, Point], ...]
    tip: Point

    def segments(self) -> Iterator[tuple[Point, Point, Point, Point]]:
        """For each bend the two controls of the cubic curve to it, and its stretch's two ends."""
        x, y = self.start
        for upper, lower in self.bends:
            half = (y + upper.y) / 2
            yield Point(x, half), Point(upper.x, half), upper, lower
            x, y = lower

    @property
    def arrow(self) -> tuple[Point, Point, Point]:
        """The corners of the tip."""
        x, y = self.tip
        return Point(x - 4, y - 8), Point(x + 4, y - 8), Point(x, y - 1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture that is yet to be painted.

    Attributes:
        layout: the boxes of parts and plates.
        words: for each part its title and what stands below it.
        kinds: how each part is drawn; see `langnet.drawing.words.kind_of`.
        labels: of the plates.
        curves: the edges.
    """

    layout: Layout
    words: Mapping[str, tuple[str, str]]
    kinds: Mapping[str, str]
    labels: Mapping[Plate, str]
    curves: tuple[Curve, ...]


def figure_of(graph: Graph) -> Figure:
    """Lays out a graph with its words."""
    words = {
        name: (title(graph, name), shortened(subtitle(graph, name), _LONGEST))
        for name in graph.order
    }
    labels = {plate: plate_label(graph, plate[-1]) for plate in members_by_plate(graph) if plate}
    layout = lay_out(
        graph,
        {
            name: max(8.0 * cell_len(above), 6.0 * cell_len(below)) + 30
            for name, (above, below) in words.items()
        },
        {plate: 7.0 * cell_len(label) for plate, label in labels.items()},
    )
    kinds = {name: kind_of(graph, name) for name in graph.order}
    return Figure(layout, words, kinds, labels, tuple(_curves(graph, layout)))


def _curves(graph: Graph, layout: Layout) -> Iterator[Curve]:
    """The edges; those that arrive at one part stand side by side, by where they come from."""
    for child in graph.order:
        box = layout.parts[child]
        arrivals = []
        for parent in graph.structure.parents[child]:
            above = layout.parts[parent]
            path = layout.edges[parent, child]
            start = Point(above.middle, above.y + above.height)
            arrivals.append((path[-1][0] if path else above.middle, start, path))
        arrivals.sort()
        step = min(16.0, (box.width - 2 * 20) / max(len(arrivals), 1))
        for number, (_, start, path) in enumerate(arrivals):
            x = box.middle + (number - (len(arrivals) - 1) / 2) * step
            bends = [(Point(at, top), Point(at, bottom)) for at, top, bottom in path]
            end = Point(x, box.y - 6)
            yield Curve(start, (*bends, (end, end)), Point(x, box.y))
