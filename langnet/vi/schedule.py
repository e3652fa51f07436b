"""Schedules: which prompts a step may change, and which of them at once.

A schedule is a function of the graph, the step's number and the steps in all. It gives groups of
prompt names. The prompts of one group are chosen at once, given the same posterior; each further
group sees the prompts that the ones before it chose, and a posterior of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from langnet.errors import GraphError
from langnet.graph import Graph

__all__ = [
    "SCHEDULES",
    "Schedule",
    "hidden_only",
    "layer_by_layer",
    "levels",
    "one_at_a_time",
    "reverse",
    "together",
]

Groups = tuple[tuple[str, ...], ...]
"""Prompt names: those of one group are chosen at once, the groups one after the other."""

Schedule = Callable[[Graph, int, int], Groups]
"""Gives the groups of a step: `schedule(graph, step, steps)`."""


def together(graph: Graph, step: int, steps: int) -> Groups:  # noqa: ARG001 - a schedule
    """All prompts at once: the end-to-end fit of the paper (Sordoni et al. 2023, Algorithm 2)."""
    return (graph.trainable,)


def reverse(graph: Graph, step: int, steps: int) -> Groups:  # noqa: ARG001 - a schedule
    """Level by level from the outputs up: each level sees what those below it have become.

    Coordinate ascent on the bound. Each level takes a forward pass and an inference of its own, of
    which what has not changed is not asked again.
    """
    return levels(graph)


def one_at_a_time(graph: Graph, step: int, steps: int) -> Groups:  # noqa: ARG001 - a schedule
    """One prompt a step, in turn, from the outputs up."""
    names = [name for level in levels(graph) for name in level]
    return ((names[step % len(names)],),)


def hidden_only(graph: Graph, step: int, steps: int) -> Groups:  # noqa: ARG001 - a schedule
    """All prompts but those of the last level: the paper's fix-second.

    With an output prompt that was fitted before (`Graph.with_prompts`), `together` is its
    fine-tune-second.

    Raises:
        GraphError: the graph has one level only.
    """
    names = tuple(name for level in levels(graph)[1:] for name in level)
    if not names:
        raise GraphError(
            "the schedule hidden_only leaves nothing to fit: every trainable prompt belongs to the "
            "last level; use together"
        )
    return (tuple(name for name in graph.trainable if name in names),)


def layer_by_layer(graph: Graph, step: int, steps: int) -> Groups:
    """Grows: the outputs' prompts alone at first, then one more level at a time, then all."""
    found = levels(graph)
    grown = min(len(found), 1 + step * len(found) // max(steps, 1))
    names = {name for level in found[:grown] for name in level}
    return (tuple(name for name in graph.trainable if name in names),)


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {
        function.__name__: function
        for function in (together, reverse, one_at_a_time, hidden_only, layer_by_layer)
    }
)
"""The schedules by name."""


def levels(graph: Graph) -> Groups:
    """The trainable prompts by how many language nodes lie below them, the outputs' first.

    A prompt that several nodes share belongs to the level of the lowest of them.
    """
    height: dict[str, int] = {}
    for name in reversed(graph.order):
        below = graph.structure.children[name]
        own = name in graph.nodes
        height[name] = max((height[child] for child in below), default=-1) + own
    of_prompt: dict[str, int] = {}
    for name, node in graph.nodes.items():
        if node.prompt_name in graph.trainable:
            known = of_prompt.get(node.prompt_name, height[name])
            of_prompt[node.prompt_name] = min(known, height[name])
    return tuple(
        tuple(name for name in graph.trainable if of_prompt[name] == level)
        for level in sorted(set(of_prompt.values()))
    )
