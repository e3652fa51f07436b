"""The structure of a graph: its edges, order and plates, with every fault found at once.

A node's *axes* are the plates that its value runs over, outermost first. A node with `draws` adds
an axis of its own name, a plural input or function too; a node `over` another takes on the axes of
that one. A parent is indexed by the axes that it has in common with its child, and the rest of it
arrives as nested tuples.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from langnet.errors import GraphError
from langnet.faults import (
    function_faults,
    kind,
    name_faults,
    node_faults,
    part_faults,
    reach_faults,
    reference_faults,
    role_faults,
    sharing_faults,
)
from langnet.node import Input, Node, Part
from langnet.template import Template, TemplateFault

__all__ = ["Structure", "examine"]


@dataclass(frozen=True, slots=True)
class Structure:
    """What is worked out about a graph when it is declared.

    Attributes:
        order: every part's name, parents before children, otherwise as declared.
        parents: the parents of each part.
        children: the children of each part, in the order of `order`.
        templates: the template of each language node, taken apart.
        domain: the axes that each part maps over (those of its `over`).
        axes: the axes of each part's value: its domain and, where it is plural, its own.
        shared: for each part, by parent, how many leading axes the parent has in common with the
            part's domain.
        outputs: the names of the outputs.
    """

    order: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, tuple[str, ...]]
    templates: Mapping[str, Template]
    domain: Mapping[str, tuple[str, ...]]
    axes: Mapping[str, tuple[str, ...]]
    shared: Mapping[str, Mapping[str, int]]
    outputs: tuple[str, ...]


def examine(
    parts: Sequence[Part], outputs: tuple[str, ...] | None, target: str | None
) -> Structure:
    """Works out the structure of a graph.

    Raises:
        GraphError: with every fault found, each with its mend.
    """
    if strangers := part_faults(parts):
        raise GraphError(*strangers)
    faults = name_faults(parts)
    by_name = {part.name: part for part in parts}
    templates, parents, unread = _edges(parts)
    unresolved = unread + reference_faults(by_name, parents)
    if outputs is not None:
        if not outputs:
            unresolved.append("the graph has no output; name one, or leave outputs out")
        unresolved += role_faults("output", outputs, by_name)
    if target:
        unresolved += role_faults("target", (target,), by_name)
    faults += unresolved
    nodes = [part for part in parts if isinstance(part, Node)]
    for node in nodes:
        faults += node_faults(node, templates.get(node.name))
    faults += function_faults(by_name, parents)
    faults += sharing_faults([part for part in by_name.values() if isinstance(part, Node)])

    known = {
        name: tuple(parent for parent in parents.get(name, ()) if parent in by_name)
        for name in by_name
    }
    network: nx.DiGraph[str] = nx.DiGraph()
    network.add_nodes_from(by_name)
    network.add_edges_from((parent, name) for name, wanted in known.items() for parent in wanted)
    if cycles := list(itertools.islice(nx.simple_cycles(network), 5)):
        faults += [
            f"{' → '.join((*cycle, cycle[0]))} is a cycle; take one of its edges out, or unroll "
            "it into separate nodes"
            for cycle in cycles
        ]
        raise GraphError(*faults)
    sinks = (name for name, part in by_name.items() if not isinstance(part, Input))
    chosen = tuple(name for name in sinks if not network.out_degree(name))
    chosen = chosen if outputs is None else outputs
    goals = {*chosen, *((target,) if target else ())}
    if goals and not unresolved:  # else what a misspelt name refers to would seem of no use
        ancestors = (nx.ancestors(network, goal) for goal in goals)
        faults += reach_faults(by_name, goals.union(*ancestors))

    position = {name: index for index, name in enumerate(by_name)}
    order = tuple(nx.lexicographical_topological_sort(network, key=lambda name: position[name]))
    domain, axes = _plates(order, by_name, known, faults)
    shared = {
        name: {parent: _common(domain[name], axes[parent]) for parent in known[name]}
        for name in order
    }
    faults += _depth_faults(by_name, known, axes, shared)
    if faults:
        raise GraphError(*faults)
    rank = {name: index for index, name in enumerate(order)}
    children = {
        name: tuple(sorted(network.successors(name), key=lambda child: rank[child]))
        for name in order
    }
    return Structure(order, known, children, templates, domain, axes, shared, chosen)


def _edges(
    parts: Sequence[Part],
) -> tuple[dict[str, Template], dict[str, tuple[str, ...]], list[str]]:
    """The templates, the parents of each part where they can be read, and the faults."""
    templates: dict[str, Template] = {}
    parents: dict[str, tuple[str, ...]] = {}
    faults = []
    for part in parts:
        if isinstance(part, Input):
            parents[part.name] = ()
        elif isinstance(part, Node):
            try:
                templates[part.name] = Template.parse(part.template)
            except TemplateFault as fault:
                faults.append(f"node {part.name!r}: {fault}")
            else:
                parents[part.name] = templates[part.name].parents
        else:
            try:
                parents[part.name] = part.parents
            except (TypeError, ValueError) as error:
                faults.append(
                    f"function {part.name!r}: its parameters cannot be read ({error}); "
                    "wrap it in a function with named parameters"
                )
    return templates, parents, faults


def _plates(
    order: tuple[str, ...],
    by_name: Mapping[str, Part],
    parents: Mapping[str, tuple[str, ...]],
    faults: list[str],
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    domain: dict[str, tuple[str, ...]] = {}
    axes: dict[str, tuple[str, ...]] = {}
    for name in order:
        part = by_name[name]
        over = None if isinstance(part, Input) else part.over
        domain[name] = ()
        if over in parents[name]:
            domain[name] = axes[over]
            if not axes[over]:
                faults.append(
                    f"{kind(part)} {name!r} runs over {over!r}, which is not plural; give "
                    f"{over!r} draws=N (a node) or plural=True (a function or an input), "
                    "or leave over out"
                )
        own = part.draws is not None if isinstance(part, Node) else part.plural
        axes[name] = (*domain[name], name) if own else domain[name]
    return domain, axes


def _common(mine: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    pairs = zip(mine, theirs, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _depth_faults(
    by_name: Mapping[str, Part],
    parents: Mapping[str, tuple[str, ...]],
    axes: Mapping[str, tuple[str, ...]],
    shared: Mapping[str, Mapping[str, int]],
) -> list[str]:
    """Language nodes that show a parent which is still plural where they stand."""
    return [
        f"node {name!r} shows {parent!r}, which is plural; run over it with "
        f"over={parent!r}, or join it into one text in a function node"
        for name, part in by_name.items()
        if isinstance(part, Node) and (part.over is None or part.over in parents[name])
        for parent, common in shared[name].items()
        if common < len(axes[parent])
    ]
