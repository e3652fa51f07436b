"""Which layer each part of a graph stands in, and in which order, with few crossings."""

from __future__ import annotations

import bisect
import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from langnet.drawing.words import Plate
from langnet.graph import Graph

__all__ = ["Bend", "Item", "chains_of", "layers_of", "ordered"]

_SWEEPS = 24


class Bend(NamedTuple):
    """Where the edges of one parent pass through a layer together, each plate by itself."""

    parent: str
    plate: Plate
    layer: int


Item = str | Bend
"""What takes up room in a layer: a part, or a bend of an edge that passes."""


def layers_of(graph: Graph) -> dict[str, int]:
    """One below the last parent; a part without parents stands just above its first child."""
    layers: dict[str, int] = {}
    structure = graph.structure
    for name in graph.order:
        layers[name] = 1 + max((layers[parent] for parent in structure.parents[name]), default=-1)
    for name in graph.order:
        if not structure.parents[name] and structure.children[name]:
            layers[name] = min(layers[child] for child in structure.children[name]) - 1
    return layers


def chains_of(
    graph: Graph,
    layer_of: Mapping[str, int],
    spans: Mapping[Plate, tuple[int, int]],
    plate_of: dict[Item, Plate],
) -> dict[tuple[str, str], tuple[Item, ...]]:
    """The items that each edge passes; its bends are entered in `plate_of`.

    A bend lies in the innermost plate of either end that reaches its layer.
    """
    chains: dict[tuple[str, str], tuple[Item, ...]] = {}
    for child in graph.order:
        for parent in graph.structure.parents[child]:
            outer = [
                axes[:depth]
                for axes in (graph.structure.axes[child], graph.structure.axes[parent])
                for depth in range(1, len(axes) + 1)
            ]
            bends = []
            for layer in range(layer_of[parent] + 1, layer_of[child]):
                reaching = [plate for plate in outer if spans[plate][0] <= layer <= spans[plate][1]]
                bends.append(Bend(parent, max(reaching, key=len, default=()), layer))
                plate_of[bends[-1]] = bends[-1].plate
            chains[parent, child] = (parent, *bends, child)
    return chains


def ordered(
    rows: list[list[Item]],
    neighbours: Mapping[Item, Sequence[Item]],
    plate_of: Mapping[Item, Plate],
    chains: Mapping[tuple[str, str], tuple[Item, ...]],
) -> list[list[Item]]:
    """The rows with few crossings: items repeatedly sorted by the mean place of their neighbours.

    Plates are sorted as wholes, by one number for all rows, so that they stay in one piece.
    """
    best, fewest = rows, -1
    for sweep in range(_SWEEPS):
        place = {item: index - (len(row) - 1) / 2 for row in rows for index, item in enumerate(row)}
        score = place
        if sweep:
            score = {
                item: statistics.fmean([place[item], *(place[other] for other in others)])
                for item, others in neighbours.items()
            }
        inside: dict[Plate, list[float]] = {}
        for item, plate in plate_of.items():
            for depth in range(len(plate)):
                inside.setdefault(plate[: depth + 1], []).append(score[item])
        plates = {plate: statistics.fmean(scores) for plate, scores in inside.items()}

        def key(
            item: Item,
            plates: Mapping[Plate, float] = plates,
            score: Mapping[Item, float] = score,
            place: Mapping[Item, float] = place,
        ) -> list[tuple[float, str, Plate, float]]:
            axes = plate_of[item]
            outer = [axes[: depth + 1] for depth in range(len(axes))]
            return [
                *((plates[plate], "plate", plate, 0.0) for plate in outer),
                (score[item], "item", (), place[item]),
            ]

        rows = [sorted(row, key=key) for row in rows]
        crossings = _crossings(rows, chains)
        if fewest < 0 or crossings < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: list[list[Item]], chains: Mapping[tuple[str, str], tuple[Item, ...]]) -> int:
    place = {
        item: (number, index) for number, row in enumerate(rows) for index, item in enumerate(row)
    }
    steps = sorted(
        {
            (place[upper], place[lower][1])
            for chain in chains.values()
            for upper, lower in itertools.pairwise(chain)
        }
    )
    count = 0
    row, ends = -1, list[int]()
    for (number, _), end in steps:
        if number != row:
            row, ends = number, []
        count += len(ends) - bisect.bisect_right(ends, end)
        bisect.insort(ends, end)
    return count
