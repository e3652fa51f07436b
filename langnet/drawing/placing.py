"""How far to the right everything stands: edges upright as far as the distances allow."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import networkx as nx

from langnet.drawing.layers import Bend, Item
from langnet.drawing.words import Plate

__all__ = ["PADDING", "Side", "Spot", "abscissas"]

PADDING = 14.0
"""Pixels between the border of a plate and what it holds."""

_GAP = 26.0
_ROUNDS = 120
_STRAIGHT = 3.0


class Side(NamedTuple):
    """The left or right border of a plate."""

    plate: Plate
    right: bool


Spot = Item | Side
"""What has an x: the middle of an item, or a border of a plate."""


def abscissas(
    rows: list[list[Item]],
    neighbours: Mapping[Item, Sequence[Item]],
    plate_of: Mapping[Item, Plate],
    sizes: Mapping[Item, float],
    labels: Mapping[Plate, float],
) -> dict[Spot, float]:
    """The x of every item's middle and of every plate's borders.

    Items are drawn to the mean of their neighbours, again and again, under the distances that
    must be kept. Pushing all that is too near to the right keeps them, so does pushing it to the
    left, and so does the mean of the two, which treats both sides alike.
    """
    apart = _distances(rows, plate_of, sizes, labels)
    order: list[Spot] = list(nx.topological_sort(apart))
    left_of: dict[Spot, list[tuple[Spot, float]]] = {spot: [] for spot in order}
    right_of: dict[Spot, list[tuple[Spot, float]]] = {spot: [] for spot in order}
    for left, right, data in apart.edges(data=True):
        left_of[right].append((left, data["distance"]))
        right_of[left].append((right, data["distance"]))
    x: dict[Spot, float] = dict.fromkeys(order, 0.0)
    for _ in range(_ROUNDS):
        wish: dict[Spot, float] = {
            item: _pulled(item, others, x) for item, others in neighbours.items()
        }
        for plate in sorted(labels, key=len, reverse=True):
            _wrap(plate, plate_of, sizes, wish)
        x = _kept_apart(order, left_of, right_of, wish)
    for plate in sorted(labels, key=len, reverse=True):
        _wrap(plate, plate_of, sizes, x, labels)
    return x


def _pulled(item: Item, others: Sequence[Item], x: Mapping[Spot, float]) -> float:
    """The mean place of an item's neighbours; bends follow each other, to keep edges straight."""
    if not others:
        return x[item]
    weights = [
        1.0 + (_STRAIGHT if isinstance(item, Bend) and isinstance(other, Bend) else 0.0)
        for other in others
    ]
    return statistics.fmean([x[other] for other in others], weights)


def _distances(
    rows: list[list[Item]],
    plate_of: Mapping[Item, Plate],
    sizes: Mapping[Item, float],
    labels: Mapping[Plate, float],
) -> nx.DiGraph[Spot]:
    """How far to the right of one spot another must at least be, as a graph of such pairs."""
    apart: nx.DiGraph[Spot] = nx.DiGraph()
    apart.add_nodes_from(plate_of)
    for item, plate in plate_of.items():
        if plate:
            _keep(apart, Side(plate, right=False), item, sizes[item] / 2 + PADDING)
            _keep(apart, item, Side(plate, right=True), sizes[item] / 2 + PADDING)
    for plate, label in labels.items():
        _keep(apart, Side(plate, right=False), Side(plate, right=True), label + 2 * PADDING)
        if outer := plate[:-1]:
            _keep(apart, Side(outer, right=False), Side(plate, right=False), PADDING)
            _keep(apart, Side(plate, right=True), Side(outer, right=True), PADDING)
    for row in rows:
        for left, right in itertools.pairwise(row):
            mine, theirs = plate_of[left], plate_of[right]
            pairs = zip(mine, theirs, strict=False)
            depth = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            before: Spot = Side(mine[: depth + 1], right=True) if len(mine) > depth else left
            after: Spot = Side(theirs[: depth + 1], right=False) if len(theirs) > depth else right
            distance = sum(
                sizes[spot] / 2 for spot in (before, after) if not isinstance(spot, Side)
            )
            _keep(apart, before, after, distance + _GAP)
    return apart


def _keep(apart: nx.DiGraph[Spot], left: Spot, right: Spot, distance: float) -> None:
    known = apart.get_edge_data(left, right, default={"distance": 0.0})["distance"]
    apart.add_edge(left, right, distance=max(distance, known))


def _kept_apart(
    order: Sequence[Spot],
    left_of: Mapping[Spot, Sequence[tuple[Spot, float]]],
    right_of: Mapping[Spot, Sequence[tuple[Spot, float]]],
    wish: Mapping[Spot, float],
) -> dict[Spot, float]:
    pushed_right: dict[Spot, float] = {}
    for spot in order:
        least = [pushed_right[left] + distance for left, distance in left_of[spot]]
        pushed_right[spot] = max([wish[spot], *least])
    pushed_left: dict[Spot, float] = {}
    for spot in reversed(order):
        most = [pushed_left[right] - distance for right, distance in right_of[spot]]
        pushed_left[spot] = min([wish[spot], *most])
    return {spot: (pushed_right[spot] + pushed_left[spot]) / 2 for spot in order}


def _wrap(
    plate: Plate,
    plate_of: Mapping[Item, Plate],
    sizes: Mapping[Item, float],
    x: dict[Spot, float],
    labels: Mapping[Plate, float] | None = None,
) -> None:
    """Sets a plate's borders tightly around what it holds."""
    held = [item for item, axes in plate_of.items() if axes[: len(plate)] == plate]
    inner = {plate_of[item][: len(plate) + 1] for item in held} - {plate}
    lefts = [x[item] - sizes[item] / 2 for item in held if plate_of[item] == plate]
    rights = [x[item] + sizes[item] / 2 for item in held if plate_of[item] == plate]
    lefts += [x[Side(other, right=False)] for other in inner]
    rights += [x[Side(other, right=True)] for other in inner]
    left, right = min(lefts) - PADDING, max(rights) + PADDING
    if labels is not None:
        slack = max(labels[plate] + 2 * PADDING - (right - left), 0.0) / 2
        left, right = left - slack, right + slack
    x[Side(plate, right=False)] = left
    x[Side(plate, right=True)] = right
