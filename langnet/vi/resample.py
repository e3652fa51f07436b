"""Resampling: at which depths particles are compared, and which of them go on.

Sequential Monte Carlo (Del Moral, Doucet and Jasra 2006, doi 10.1111/j.1467-9868.2006.00553.x) on
the depths of a graph: a draw that the targets already speak against is dropped before calls are
spent on what hangs below it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence

from langnet.graph import Graph
from langnet.node import Input

__all__ = ["depths", "families", "relative_variance", "systematic"]


def depths(graph: Graph, observed: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """What an observation bears on, by how many latent texts lie one behind the other up to there.

    The first holds what depends on no latent text, and may be empty. A function or an observed node
    belongs to the depth of the last latent text that it reads: a target is scored as soon as its
    parents are there. Parts that no observation bears on are left out.
    """
    structure = graph.structure
    needed = set(observed)
    for name in reversed(graph.order):
        if name in needed:
            needed.update(structure.parents[name])
    depth: dict[str, int] = {}
    found: list[list[str]] = [[]]
    for name in graph.order:
        if name not in needed:
            continue
        latent = name in graph.nodes and name not in observed
        depth[name] = latent + max((depth[parent] for parent in structure.parents[name]), default=0)
        while len(found) <= depth[name]:
            found.append([])
        if not isinstance(graph[name], Input):
            found[depth[name]].append(name)
    return tuple(map(tuple, found))


def systematic(weights: Sequence[float], offset: float) -> tuple[int, ...]:
    """Systematic resampling: the particle that each of as many new ones descends from, as (draw,).

    One uniform offset for evenly spaced points on the cumulative weights, so that a particle of
    weight w gets K·w descendants in expectation and never one more or less than that (Douc and
    Cappé 2005, arXiv cs/0507025, §2.4).

    Args:
        weights: weights that sum to 1, as (draw,).
        offset: drawn uniformly from [0, 1).
    """
    count = len(weights)
    bounds = list(itertools.accumulate(weights))
    last = max(draw for draw, weight in enumerate(weights) if weight > 0)
    chosen = []
    draw = 0
    for position in range(count):
        point = (position + offset) / count * bounds[-1]
        # Rounding must not lead past the last particle that has any weight.
        while bounds[draw] <= point and draw < last:
            draw += 1
        chosen.append(draw)
    return tuple(chosen)


def families(weights: Sequence[float], ancestors: Sequence[int]) -> tuple[float, ...]:
    """The weights of particles, added up by the first draw that they descend from."""
    sums: Mapping[int, list[float]] = {ancestor: [] for ancestor in dict.fromkeys(ancestors)}
    for weight, ancestor in zip(weights, ancestors, strict=True):
        sums[ancestor].append(weight)
    return tuple(math.fsum(members) for members in sums.values())


def relative_variance(shares: Sequence[float], draws: int) -> float | None:
    """Var(Ẑ) / Z² of the evidence estimate, from one run; `None` for a single draw.

    (K · Σ s² − 1) / (K − 1) with the families' shares s. Without resampling it is the sample
    variance of the mean weight, and unbiased. With it, it follows the genealogical estimator of Lee
    and Whiteley (2018, arXiv 1509.00394), but does not take off what multinomial resampling would
    lose anyway: systematic resampling does not lose it, and where it loses less than multinomial
    the figure is too large rather than too small. It is at most 1: where one draw carries all,
    nothing is known but that the estimate is poor.

    Args:
        shares: normalised weights of the families, which sum to 1.
        draws: K, the number of particles.
    """
    if draws < 2:  # noqa: PLR2004 - one draw says nothing of its own spread
        return None
    return max(0.0, draws * math.fsum(share * share for share in shares) - 1.0) / (draws - 1)
