"""The structure of a graph: its edges, order and plates, with every fault found at once.

A node's *axes* are the plates that its value runs over, outermost first. A node with `draws` adds
an axis of its own name, a plural input or function too; a node `over` another takes on the axes of
that one. A parent is indexed by the axes that it has in common with its child, and the rest of it
arrives as nested tuples.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from langnet.errors import GraphError
from langnet.node import Function, Input, Node, Part
from langnet.template import PROMPT_FIELD, Template, TemplateFault

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
    faults = _name_faults(parts)
    templates, parents = _edges(parts, faults)
    by_name = {part.name: part for part in parts}
    for name, wanted in parents.items():
        faults += [
            f"{_kind(by_name[name])} {name!r} refers to {parent!r}, which is not declared; "
            + _suggest(parent, by_name)
            for parent in wanted
            if parent not in by_name
        ]
    faults += _prompt_faults([part for part in parts if isinstance(part, Node)], templates)
    for role, names in (("output", outputs or ()), ("target", (target,) if target else ())):
        faults += [
            f"the {role} {name!r} is not declared; {_suggest(name, by_name)}"
            for name in names
            if name not in by_name
        ]

    known = {
        name: tuple(parent for parent in wanted if parent in by_name)
        for name, wanted in parents.items()
    }
    network = nx.DiGraph()
    network.add_nodes_from(by_name)
    network.add_edges_from((parent, name) for name, wanted in known.items() for parent in wanted)
    cycles = list(itertools.islice(nx.simple_cycles(network), 5))
    faults += [
        f"{' → '.join((*cycle, cycle[0]))} is a cycle; take one of its edges out, or unroll it "
        "into separate nodes"
        for cycle in cycles
    ]
    sinks = tuple(
        name
        for name, part in by_name.items()
        if not isinstance(part, Input) and not network.out_degree(name)
    )
    chosen = sinks if outputs is None else tuple(name for name in outputs if name in by_name)
    if cycles:
        raise GraphError(*faults)
    faults += _unreachable_faults(network, by_name, chosen, target)

    position = {name: index for index, name in enumerate(by_name)}
    order = tuple(nx.lexicographical_topological_sort(network, key=lambda name: position[name]))
    domain, axes = _plates(order, by_name, faults)
    shared = _alignment(order, by_name, known, domain, axes, faults)
    if faults:
        raise GraphError(*faults)
    rank = {name: index for index, name in enumerate(order)}
    children = {
        name: tuple(sorted(network.successors(name), key=lambda child: rank[child]))
        for name in order
    }
    return Structure(order, known, children, templates, domain, axes, shared, chosen)


def _kind(part: Part) -> str:
    return {Input: "input", Node: "node", Function: "function"}[type(part)]


def _suggest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, (*known, PROMPT_FIELD), n=1)
    if near and near[0] != name:
        return f"did you mean {near[0]!r}?"
    return "declare it, for instance with Input, or take the reference out"


def _name_faults(parts: Sequence[Part]) -> list[str]:
    faults = []
    if not any(isinstance(part, Node | Function) for part in parts):
        faults.append("the graph has no node; declare at least one Node or Function")
    for name, count in Counter(part.name for part in parts).items():
        if count > 1:
            faults.append(f"the name {name!r} is used {count} times; give each part its own")
        if not name.isidentifier():
            faults.append(
                f"{name!r} is no name for a part, since templates could not refer to it; "
                "use letters, digits and underscores"
            )
        if name == PROMPT_FIELD:
            faults.append(
                f"a part may not be named {PROMPT_FIELD!r}: in a template that field stands for "
                "the node's own prompt; rename it"
            )
    return faults


def _edges(
    parts: Sequence[Part], faults: list[str]
) -> tuple[dict[str, Template], dict[str, tuple[str, ...]]]:
    templates: dict[str, Template] = {}
    parents: dict[str, tuple[str, ...]] = {}
    for part in parts:
        parents[part.name] = ()
        if isinstance(part, Node):
            try:
                templates[part.name] = Template.parse(part.template)
            except TemplateFault as fault:
                faults.append(f"node {part.name!r}: {fault}")
            else:
                parents[part.name] = templates[part.name].parents
        elif isinstance(part, Function):
            try:
                parents[part.name] = part.parents
            except (TypeError, ValueError) as error:
                faults.append(
                    f"function {part.name!r}: its parameters cannot be read ({error}); "
                    "wrap it in a function with named parameters"
                )
    return templates, parents


def _prompt_faults(nodes: Sequence[Node], templates: Mapping[str, Template]) -> list[str]:
    faults = []
    for node in nodes:
        template = templates.get(node.name)
        if template and node.trainable and not template.has_prompt:
            faults.append(
                f"node {node.name!r} is trainable but its template shows no {{prompt}}; "
                "put {prompt} into the template or say trainable=False"
            )
        if template and node.prompt_text and not template.has_prompt:
            faults.append(
                f"node {node.name!r} has a prompt that its template does not show; "
                "put {prompt} into the template or leave the prompt out"
            )
        if node.draws is not None and node.draws < 1:
            faults.append(f"node {node.name!r} has draws={node.draws}; draw at least 1")
        if node.choices is not None:
            labels = node.choices.labels
            if len(set(labels)) < 2:  # noqa: PLR2004 - one label is no choice
                faults.append(f"node {node.name!r} needs at least two different choices")
            elif len(set(labels)) < len(labels):
                faults.append(f"node {node.name!r} has the same choice twice; leave one out")
    owners = {node.name for node in nodes}
    by_prompt: dict[str, list[Node]] = {}
    for node in nodes:
        by_prompt.setdefault(node.prompt_name, []).append(node)
    for prompt, holders in by_prompt.items():
        names = ", ".join(repr(node.name) for node in holders)
        if len({node.prompt_text for node in holders}) > 1:
            faults.append(
                f"the prompt {prompt!r} has different texts in nodes {names}; "
                "give all of them the same Prompt"
            )
        if len({node.trainable for node in holders}) > 1:
            faults.append(
                f"the prompt {prompt!r} is trainable in some of the nodes {names} and frozen in "
                "others; let all agree, or give the frozen ones a prompt of their own"
            )
        if len(holders) > 1 and prompt in owners and any(n.prompt_name == n.name for n in holders):
            faults.append(f"the shared prompt {prompt!r} has a node's name; rename the prompt")
    return faults


def _unreachable_faults(
    network: nx.DiGraph[str],
    by_name: Mapping[str, Part],
    outputs: tuple[str, ...],
    target: str | None,
) -> list[str]:
    useful = set(outputs) | ({target} if target in by_name else set())
    useful |= {name for goal in tuple(useful) for name in nx.ancestors(network, goal)}
    return [
        f"input {name!r} is read by no node on the way to an output; refer to it in a template, "
        "or leave it out"
        if isinstance(part, Input)
        else f"{_kind(part)} {name!r} leads to no output; add it to outputs, or leave it out"
        for name, part in by_name.items()
        if name not in useful
    ]


def _plates(
    order: tuple[str, ...], by_name: Mapping[str, Part], faults: list[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    domain: dict[str, tuple[str, ...]] = {}
    axes: dict[str, tuple[str, ...]] = {}
    for name in order:
        part = by_name[name]
        over = None if isinstance(part, Input) else part.over
        if over is None:
            domain[name] = ()
        elif over not in axes:
            domain[name] = ()
            faults.append(
                f"{_kind(part)} {name!r} runs over {over!r}, which is not among its parents; "
                "refer to it in the template or the parameters"
            )
        else:
            domain[name] = axes[over]
            if not axes[over]:
                faults.append(
                    f"{_kind(part)} {name!r} runs over {over!r}, which is not plural; give {over!r} "
                    "draws=N (a node) or plural=True (a function or an input), or leave over out"
                )
        own = part.draws is not None if isinstance(part, Node) else part.plural
        axes[name] = (*domain[name], name) if own else domain[name]
    return domain, axes


def _alignment(
    order: tuple[str, ...],
    by_name: Mapping[str, Part],
    parents: Mapping[str, tuple[str, ...]],
    domain: Mapping[str, tuple[str, ...]],
    axes: Mapping[str, tuple[str, ...]],
    faults: list[str],
) -> dict[str, dict[str, int]]:
    shared: dict[str, dict[str, int]] = {}
    for name in order:
        part = by_name[name]
        shared[name] = {}
        over = None if isinstance(part, Input) else part.over
        if over is not None and over in by_name and over not in parents[name]:
            faults.append(
                f"{_kind(part)} {name!r} runs over {over!r} without using it; "
                "refer to it in the template or the parameters"
            )
        for parent in parents[name]:
            common = 0
            for mine, theirs in zip(domain[name], axes[parent], strict=False):
                if mine != theirs:
                    break
                common += 1
            shared[name][parent] = common
            if isinstance(part, Node) and common < len(axes[parent]):
                faults.append(
                    f"node {name!r} shows {parent!r}, which is plural; run over it with "
                    f"over={parent!r}, or join it into one text in a function node"
                )
    return shared
