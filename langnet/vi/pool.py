"""Solved examples beyond the batch, for demonstrations that a prompt is not scored on."""

from __future__ import annotations

from collections.abc import Sequence

from langnet.data import Example
from langnet.graph import Graph
from langnet.vi.proposal import Observation

__all__ = ["solved"]


def solved(graph: Graph, node: str, examples: Sequence[Example]) -> tuple[Observation, ...]:
    """What a node should say on examples, as far as the data alone tell it.

    That is where its target is observed, and each of its parents is an input or observed too. No
    model is called, and nothing is found for a node on a plate.

    Args:
        graph: the network.
        node: the language node.
        examples: such as the training examples outside the batch.

    Returns:
        Observations whose output is the target.
    """
    structure = graph.structure
    if structure.axes[node]:
        return ()
    template = structure.templates[node].bind("")
    found = []
    for example in examples:
        values = {**example.targets, **example.inputs}
        target = example.targets.get(node)
        if target is not None and all(parent in values for parent in structure.parents[node]):
            found.append(Observation(template.render(values), target, target))
    return tuple(found)
