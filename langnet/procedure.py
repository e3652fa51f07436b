"""Procedures that take more than one fit: what is collected, and what learns from it.

V-STaR (arXiv 2402.06457) solves, judges, and fits a solver and a verifier to the pool; AGILE (arXiv
1806.01946) fits a discriminator against what a policy does, and the policy to the discriminator, in
turn. A round is always the same: collect what a network writes under the prompts as they stand,
make examples of it, fit. A `Procedure` says which networks; prompts of the same name are one prompt
in all of them. `langnet.lessons` makes the examples, `langnet.rounds` does the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from langnet.collect import Collected
from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Metric
from langnet.program import Models

__all__ = ["Examples", "Procedure", "Round", "Stage", "under"]


@dataclass(frozen=True, slots=True)
class Round:
    """What the examples of a stage are made of.

    Attributes:
        number: of the round, from 1.
        examples: what was collected on: those to train on, or those to validate on.
        pools: what was written, judged, one pool for each round so far.
        graph: the stage's network with the prompts as they stand.
        models: what its nodes call.
        key: what every draw's seed is derived from.
    """

    number: int
    examples: Sequence[Example]
    pools: Sequence[Collected]
    graph: Graph
    models: Models
    key: Key

    @property
    def pool(self) -> Collected:
        """All pools in one."""
        first, *more = self.pools
        return sum(more, first)


Examples = Callable[[Round], Awaitable[Sequence[Example]]]
"""Makes the examples of a stage; see `langnet.lessons`."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One fit of every round.

    Attributes:
        name: of the stage.
        graph: the network that is fitted.
        train: makes the examples to train on.
        dev: makes those to validate on.
        metric: what validates; by default that of the rounds.
        frozen: names of prompts that this stage leaves as they are.
        last_only: whether it waits for the last round.
    """

    name: str
    graph: Graph
    train: Examples
    dev: Examples
    metric: Metric | None = None
    frozen: tuple[str, ...] = ()
    last_only: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """What a round does.

    Attributes:
        graph: the network whose texts are collected; the targets judge them.
        stages: the fits, one after the other.
        node: the node whose texts are collected; see `collect`.
        judged: the part that is judged; see `collect`.
    """

    graph: Graph
    stages: tuple[Stage, ...]
    node: str | None = None
    judged: str | None = None

    @property
    def prompts(self) -> dict[str, str]:
        """The prompts of all networks at the start.

        Raises:
            GraphError: one name stands for two texts.
        """
        found: dict[str, str] = {}
        for graph in (self.graph, *(stage.graph for stage in self.stages)):
            for name, text in graph.prompts.items():
                if found.setdefault(name, text) != text:
                    raise GraphError(
                        f"the prompt {name!r} of {graph.name} begins otherwise than in another "
                        "network of the rounds; one name is one prompt, so give it one text"
                    )
        return found

    def beginning(self, prompts: Mapping[str, str]) -> Procedure:
        """The procedure with other prompts at the start."""
        stages = tuple(replace(one, graph=under(one.graph, prompts)) for one in self.stages)
        return replace(self, graph=under(self.graph, prompts), stages=stages)


def under(graph: Graph, prompts: Mapping[str, str]) -> Graph:
    """The graph with those of the prompts that it has."""
    return graph.with_prompts({name: prompts[name] for name in graph.prompts if name in prompts})
