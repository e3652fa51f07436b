"""Weighted joint choices among the alternatives of several latent texts."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping

from langnet.vi.blanket import Place
from langnet.vi.posterior import Alternatives

__all__ = ["combinations"]


def combinations(
    sources: Mapping[Place, Alternatives],
    floor: Callable[[int], float],
    most: int,
    rng: random.Random,
) -> list[tuple[float, dict[Place, str]]]:
    """Weighted joint choices of alternatives: their product, or draws from it if it is large.

    With several latent parents the product treats their posteriors as independent.

    Args:
        sources: the alternatives of each place; none give one empty choice.
        floor: gives the weight below which one of so many alternatives is left out.
        most: how many choices to give.
        rng: draws from the product where it is larger than that.
    """
    kept = [_pruned(alternatives, floor) for alternatives in sources.values()]
    if math.prod(map(len, kept)) <= most:
        return [
            (
                math.prod(weight for _, weight in options),
                {source: text for source, (text, _) in zip(sources, options, strict=True)},
            )
            for options in itertools.product(*kept)
        ]
    offset = rng.random()
    return [
        (1.0 / most, dict(zip(sources, _located(kept, (number + offset) / most), strict=True)))
        for number in range(most)
    ]


def _located(kept: list[list[tuple[str, float]]], point: float) -> list[str]:
    """The joint choice at a point of the product's cumulative weights, in [0, 1).

    Evenly spaced points (systematic sampling) repeat a choice only where its weight calls for it.
    """
    chosen = []
    for options in kept:
        place = 0
        # Rounding must not lead past the last option.
        while point >= options[place][1] and place < len(options) - 1:
            point -= options[place][1]
            place += 1
        text, weight = options[place]
        chosen.append(text)
        point = min(point / weight, math.nextafter(1.0, 0.0))
    return chosen


def _pruned(alternatives: Alternatives, floor: Callable[[int], float]) -> list[tuple[str, float]]:
    """The different texts that carry weight, with weights that sum to 1."""
    merged: dict[str, float] = {}
    for text, weight in zip(alternatives.texts, alternatives.weights, strict=True):
        merged[text] = merged.get(text, 0.0) + weight
    least = floor(len(alternatives.texts))
    kept = [(text, weight) for text, weight in merged.items() if weight >= least and weight > 0]
    norm = math.fsum(weight for _, weight in kept)
    if norm == 1.0:
        return kept
    return [(text, weight / norm) for text, weight in kept]
