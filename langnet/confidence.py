"""How sure a network is: the probability of a label beside its answer."""

from __future__ import annotations

from langnet.errors import GraphError
from langnet.functions import same
from langnet.graph import Graph
from langnet.node import Function

__all__ = ["PROBABILITY", "with_probability"]

PROBABILITY = "probability"
"""The part that `with_probability` adds."""


def with_probability(graph: Graph, label: str, *, node: str | None = None) -> Graph:
    """The graph with one more output, `PROBABILITY`: p(label) of a node with choices.

    It is the score of a generative verifier, p(Yes | question, solution) (GenRM, Zhang et al. 2024,
    arXiv 2408.15240, eq. 5): a number, or nested tuples of them where the node stands in plates.

    Args:
        graph: the network, which has no part of that name.
        label: one of the node's choices.
        node: the node; by default the graph's target.

    Raises:
        GraphError: the node has no choices, or none of that name.
    """
    node = node or graph.target
    found = graph.nodes.get(node)
    if found is None or found.choices is None:
        raise GraphError(
            f"{node!r} of {graph.name} is no node with choices, so no label has a probability there"
        )
    part = Function(PROBABILITY, same(node), probability_of={node: label})
    return graph.add(part, outputs=(*graph.outputs, PROBABILITY))
