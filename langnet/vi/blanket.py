"""Which nodes an observation bears on, and what a guide is told about a latent text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from langnet.data import Example
from langnet.graph import Graph
from langnet.plate import at, reaches
from langnet.trace import Index, Trace
from langnet.vi.guide import Guide, Hint
from langnet.visit import Guide as SiteGuide

__all__ = [
    "Place",
    "bearers",
    "context_at",
    "hint",
    "informative",
    "language_children",
    "latents",
    "parents_at",
    "readers",
    "site_guide",
]


class Place(NamedTuple):
    """Where a text stands: its node, and the position in that node's plates."""

    node: str
    position: Index


def descendants(graph: Graph, name: str) -> frozenset[str]:
    """Every part that depends on one, directly or not."""
    found: set[str] = set()
    pending = [name]
    while pending:
        fresh = [child for child in graph.structure.children[pending.pop()] if child not in found]
        found.update(fresh)
        pending += fresh
    return frozenset(found)


def informative(graph: Graph, observed: Mapping[str, str]) -> tuple[str, ...]:
    """The language nodes that are observed or have an observed descendant, parents first.

    The others say nothing about the targets: summed over, they drop out of the posterior.
    """
    seen = frozenset(observed)
    return tuple(
        name
        for name in graph.nodes
        if name in seen or not seen.isdisjoint(descendants(graph, name))
    )


def latents(graph: Graph, observed: Mapping[str, str]) -> tuple[str, ...]:
    """The informative language nodes that are not observed, parents first."""
    return tuple(name for name in informative(graph, observed) if name not in observed)


def language_children(graph: Graph, name: str) -> tuple[str, ...]:
    """The language nodes that read a node, directly or through function nodes."""
    found: dict[str, None] = {}
    pending = list(graph.structure.children[name])
    while pending:
        child = pending.pop(0)
        if child in graph.nodes:
            found[child] = None
        else:
            pending.extend(graph.structure.children[child])
    return tuple(found)


def bearers(graph: Graph, name: str, observed: Collection[str]) -> frozenset[str]:
    """The parts whose value tells of a node's text: itself, and functions of it.

    An observed function shows its target instead.
    """
    found = {name}
    pending = [name]
    while pending:
        for child in graph.structure.children[pending.pop()]:
            if child in graph.functions and child not in observed and child not in found:
                found.add(child)
                pending.append(child)
    return frozenset(found)


def parents_at(graph: Graph, values: Mapping[str, Any], node: str, index: Index) -> dict[str, Any]:
    """What each field of a node's template shows at one place of its plates."""
    return {
        parent: at(values[parent], index[:shared])
        for parent, shared in graph.structure.shared[node].items()
    }


def context_at(trace: Trace, place: Place) -> str:
    """What the node saw or would have seen at one place."""
    node, position = place
    return next(
        site.context for site in trace.sites if site.node == node and site.index == position
    )


def readers(
    place: Place, replays: Sequence[Trace], here: Trace, nodes: Collection[str]
) -> frozenset[Place]:
    """The texts whose context depends on which alternative is taken at a place.

    Args:
        place: where the alternatives stand.
        replays: the trace with each of them.
        here: the trace as it is.
        nodes: the nodes whose texts count.
    """
    found = set()
    for trace in replays:
        for before, after in zip(here.sites, trace.sites, strict=True):
            other = Place(after.node, after.index)
            if before.context != after.context and after.node in nodes and other != place:
                found.add(other)
    return frozenset(found)


def hint(
    graph: Graph, example: Example, forward: Trace, node: str, index: Index, context: str
) -> Hint:
    """What a guide is told about one latent text."""
    below = descendants(graph, node)
    seen = dict.fromkeys(str(text) for name, text in example.targets.items() if name in below)
    nodes = graph.nodes
    said = forward.values[node]
    return Hint(
        node=node,
        index=index,
        context=context,
        target=", ".join(seen),
        forward=str(at(said, index)) if reaches(said, index) else "",
        child_prompts={child: nodes[child].prompt_text for child in language_children(graph, node)},
    )


def site_guide(graph: Graph, example: Example, forward: Trace, guide: Guide) -> SiteGuide:
    """A guide for the executor, bound to one example."""

    def contexts(node: Any, index: Index, context: str, _: Mapping[str, Any]) -> tuple[str, ...]:
        return guide(hint(graph, example, forward, node.name, index, context))

    return contexts
