"""Places for the parts of a graph on a plane: layers from top to bottom, plates as boxes.

A layered drawing after Sugiyama, Tagawa and Toda (1981): every part is one layer below the last
of its parents, a long edge takes up a bend in each layer that it passes, and the members of a
plate stand together in every layer. Coordinates are pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from langnet.drawing.layers import Bend, Item, chains_of, layers_of, ordered
from langnet.drawing.placing import PADDING, Side, Spot, abscissas
from langnet.drawing.words import Plate, members_by_plate
from langnet.graph import Graph

__all__ = ["Box", "Layout", "lay_out"]

HEIGHT = 46.0
_LAYER_GAP = 42.0
_BEND = 10.0
_LABEL = 20.0
_MARGIN = 12.0


class Box(NamedTuple):
    """A rectangle, by its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The x of the centre."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes:
        width: of the whole drawing.
        height: of the whole drawing.
        parts: the box of each part.
        plates: the box of each plate, outer ones before those within them.
        edges: for each edge, the vertical stretches (x, top, bottom) that it passes on its way.
    """

    width: float
    height: float
    parts: Mapping[str, Box]
    plates: Mapping[Plate, Box]
    edges: Mapping[tuple[str, str], tuple[tuple[float, float, float], ...]]


def lay_out(graph: Graph, widths: Mapping[str, float], labels: Mapping[Plate, float]) -> Layout:
    """Finds the places of all parts, plates and edges.

    Args:
        graph: the graph.
        widths: how wide each part is.
        labels: how wide the label of each plate is.
    """
    layer_of = layers_of(graph)
    spans = {
        plate: (
            min(layer_of[name] for name in graph.order if _within(graph, name, plate)),
            max(layer_of[name] for name in graph.order if _within(graph, name, plate)),
        )
        for plate in members_by_plate(graph)
        if plate
    }
    plate_of: dict[Item, Plate] = {name: graph.structure.axes[name] for name in graph.order}
    chains = chains_of(graph, layer_of, spans, plate_of)
    neighbours: dict[Item, list[Item]] = {item: [] for item in plate_of}
    steps = (itertools.pairwise(chain) for chain in chains.values())
    for upper, lower in dict.fromkeys(itertools.chain.from_iterable(steps)):
        neighbours[upper].append(lower)
        neighbours[lower].append(upper)
    rows: list[list[Item]] = [[] for _ in range(max(layer_of.values()) + 1)]
    for item in plate_of:
        rows[item.layer if isinstance(item, Bend) else layer_of[item]].append(item)
    rows = ordered(rows, neighbours, plate_of, chains)
    sizes = {item: _BEND if isinstance(item, Bend) else widths[item] for item in plate_of}
    x = abscissas(rows, neighbours, plate_of, sizes, labels)
    tops = _ordinates(spans, len(rows))
    return _assembled(layer_of, chains, spans, sizes, x, tops)


def _within(graph: Graph, name: str, plate: Plate) -> bool:
    return graph.structure.axes[name][: len(plate)] == plate


def _nested(spans: Mapping[Plate, tuple[int, int]], plate: Plate, end: int) -> int:
    """How many plates, with this one, begin (0) or end (1) one within the other at its layer."""
    return 1 + max(
        (
            _nested(spans, inner, end)
            for inner in spans
            if inner[:-1] == plate and spans[inner][end] == spans[plate][end]
        ),
        default=0,
    )


def _ordinates(spans: Mapping[Plate, tuple[int, int]], rows: int) -> list[float]:
    """The y of each layer's top, with room for the borders of plates."""
    tops = []
    y = _MARGIN
    for layer in range(rows):
        y += _LABEL * max(
            (_nested(spans, plate, 0) for plate in spans if spans[plate][0] == layer), default=0
        )
        tops.append(y)
        y += HEIGHT + PADDING * max(
            (_nested(spans, plate, 1) for plate in spans if spans[plate][1] == layer), default=0
        )
        y += _LAYER_GAP
    return [*tops, y - _LAYER_GAP + _MARGIN]


def _assembled(
    layer_of: Mapping[str, int],
    chains: Mapping[tuple[str, str], tuple[Item, ...]],
    spans: Mapping[Plate, tuple[int, int]],
    sizes: Mapping[Item, float],
    x: Mapping[Spot, float],
    tops: Sequence[float],
) -> Layout:
    ends = [x[item] - sizes[item] / 2 for item in sizes] + [
        x[spot] for spot in x if isinstance(spot, Side)
    ]
    shift = _MARGIN - min(ends)
    reach = [x[item] + sizes[item] / 2 for item in sizes]
    reach += [x[spot] for spot in x if isinstance(spot, Side)]
    parts = {
        name: Box(x[name] + shift - sizes[name] / 2, tops[layer], sizes[name], HEIGHT)
        for name, layer in layer_of.items()
    }
    plates = {}
    for plate, (first, last) in spans.items():
        left = x[Side(plate, right=False)] + shift
        top = tops[first] - _LABEL * _nested(spans, plate, 0)
        bottom = tops[last] + HEIGHT + PADDING * _nested(spans, plate, 1)
        plates[plate] = Box(left, top, x[Side(plate, right=True)] + shift - left, bottom - top)
    edges = {
        ends: tuple(
            (x[bend] + shift, tops[bend.layer], tops[bend.layer] + HEIGHT)
            for bend in chain
            if isinstance(bend, Bend)
        )
        for ends, chain in chains.items()
    }
    return Layout(max(reach) + shift + _MARGIN, tops[-1], parts, plates, edges)
