"""Lessons: examples made of what a network wrote, for the stages of a procedure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from langnet.collect import Collected, Solution
from langnet.data import Example
from langnet.errors import DataError
from langnet.functions import either
from langnet.graph import Graph
from langnet.key import Key
from langnet.node import Function
from langnet.procedure import Examples, Round
from langnet.program import Models, Program
from langnet.run import stream
from langnet.trace import Failure

__all__ = [
    "chances",
    "given",
    "goal_states",
    "judged_solutions",
    "least_likely",
    "observing",
    "right_solutions",
]


async def given(now: Round) -> Sequence[Example]:
    """The examples as they are."""
    return now.examples


def observing(node: str, text: str) -> Examples:
    """The examples with one text observed at a node, in the place of their targets."""

    async def make(now: Round) -> Sequence[Example]:
        return [Example(one.id, one.inputs, {node: text}) for one in now.examples]

    return make


def right_solutions(node: str) -> Examples:
    """The right solutions of all rounds, observed at the node that writes them (STaR, 2203.14465).

    What was made of each, which was judged right, is observed at the target of the stage's network.

    Args:
        node: that writes them.
    """

    async def make(now: Round) -> Sequence[Example]:
        return [
            Example(
                f"{one.example}#{one.draw}",
                one.inputs,
                {now.graph.target: one.answer, node: one.text},
            )
            for one in _once(now.pool)
            if one.is_correct
        ]

    return make


def judged_solutions(
    node: str, *, solution: str = "solution", labels: tuple[str, str] = ("Yes", "No")
) -> Examples:
    """Every solution of all rounds with whether it is right, for a verifier (V-STaR, 2402.06457).

    Args:
        node: the verifier's, which says so.
        solution: the input that holds the solution's text.
        labels: of a right solution, and of another one.
    """

    async def make(now: Round) -> Sequence[Example]:
        pool = Collected(tuple(_once(now.pool)))
        return pool.verification(node, solution=solution, labels=labels)

    return make


def goal_states(
    node: str, *, state: str, labels: tuple[str, str] = ("Yes", "No"), keep: float = 0.25
) -> Examples:
    """Goal states and a policy's own states, for a discriminator (AGILE, arXiv 1806.01946, §3).

    The examples' targets are goal states. What the policy wrote in this round stands against them,
    except what the discriminator finds likely to be a goal as it is: a good policy reaches goals,
    and would be marked down for it (the guard against false negatives).

    Args:
        node: the discriminator's.
        state: the input that holds a state, called as the policy's node, where goals are observed.
        labels: of a goal state, and of another one.
        keep: the share of the policy's states that is kept, those least like goals.

    Raises:
        DataError: when called, where an example has no goal.
        ModelError: when called, where the discriminator's model failed.
    """

    async def make(now: Round) -> Sequence[Example]:
        goals = [
            Example(f"{one.id}#goal", {**one.inputs, state: _goal(one, state)}, {node: labels[0]})
            for one in now.examples
        ]
        reached = [
            Example(f"{one.example}#{one.draw}", {**one.inputs, state: one.text}, {node: labels[1]})
            for one in _once(now.pools[-1])
        ]
        found = await chances(now.graph, reached, node, labels[0], models=now.models, key=now.key)
        return [*goals, *least_likely(reached, found, keep)]

    return make


def least_likely(examples: Sequence[Example], found: Sequence[float], keep: float) -> list[Example]:
    """The share of the examples whose probabilities are lowest, in their order.

    Args:
        examples: of which the most probable are left out.
        found: the probability of each.
        keep: the share that stays, in (0, 1]; rounded up, so that one stays where there is one.

    Raises:
        ValueError: the share is out of range.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep must lie in (0, 1], not {keep}")
    order = sorted(range(len(examples)), key=lambda place: found[place])
    return [examples[place] for place in sorted(order[: math.ceil(keep * len(examples))])]


async def chances(
    graph: Graph, examples: Sequence[Example], node: str, label: str, *, models: Models, key: Key
) -> list[float]:
    """p(label) of a node with choices on each example.

    Raises:
        ModelError: a model's call failed.
    """
    reader = Function("chance", either(node), probability_of={node: label})
    program = Program(graph.add(reader, outputs="chance"), models)
    found = []
    async with stream(program, examples, key=key, greedy=True) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Failure):
                raise outcome.error
            found.append(float(outcome.output))
    return found


def _goal(example: Example, state: str) -> str:
    goal = example.targets.get(state)
    if goal is None:
        raise DataError(
            f"example {example.id!r} has no target at {state!r}, so there is no goal; give the "
            "discriminator's input the name of the policy's node, and each example a target there"
        )
    return goal


def _once(pool: Collected) -> list[Solution]:
    """Each text of an example once, numbered anew where pools are joined."""
    found: dict[tuple[str, str], Solution] = {}
    for one in pool.solutions:
        found.setdefault((one.example, one.text), one)
    return [replace(one, draw=place) for place, one in enumerate(found.values())]
