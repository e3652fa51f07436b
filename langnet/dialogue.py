"""Dialogues as graphs: a player of language nodes and an environment, unrolled over the turns.

    puzzle ─► state_0 ─► dialogue_1 ─► move_1 ─► state_1 ─► dialogue_2 ─► … ─► score
                 └──────────────────────────────────▲

What the player sees in a turn is a plate of one element, or of none once the dialogue is over. So
a turn that is not taken calls no model, and the state is handed on as it is.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Protocol

from langnet.errors import GraphError
from langnet.functions import reads
from langnet.graph import Graph
from langnet.node import Function, Input, Node, Prompt
from langnet.template import Template

__all__ = ["DIALOGUE", "Environment", "success", "unrolled"]

DIALOGUE = "dialogue"
"""The field of a player's template that shows what was said so far."""

_LEAST = 0.01


class Environment(Protocol):
    """What a dialogue is held with: pure functions of states that never change.

    The puzzles of `langnet.tasks.puzzles` are environments.
    """

    def load(self, text: str, /) -> Any:
        """The state at the start, from an example's input; it has an attribute `done`."""
        ...

    def view(self, state: Any, /) -> str:
        """All that the player may see."""
        ...

    def reply(self, state: Any, move: str, /) -> tuple[Any, str, bool]:
        """The next state, what is said to a move, and whether that was the end."""
        ...

    def score(self, state: Any, /) -> float:
        """How well the player did, from 0 to 1."""
        ...


def unrolled(
    *player: Node,
    environment: Environment,
    turns: int,
    source: str = "puzzle",
    name: str = "dialogue",
) -> Graph:
    """The graph of a dialogue of at most so many turns, whose output is its score.

    Args:
        *player: the nodes that make a move, the last of which writes it. They show what was said
            in the field `{dialogue}`, and each other in their own names. All turns share their
            prompts, which keep their names.
        environment: what the player talks with.
        turns: how often the player moves at most.
        source: the input that holds the state at the start.
        name: of the graph.

    Raises:
        GraphError: a node of the player reads something else or is plural, or there is no turn.

    >>> from langnet.tasks import puzzles
    >>> game = puzzles.get("word_guessing")
    >>> move = Node("move", "{prompt}\\n\\n{dialogue}\\n\\nMove:", "Reason, then guess.")
    >>> graph = unrolled(move, environment=game, turns=game.turns)
    >>> graph.prompts, graph.outputs
    ({'move': 'Reason, then guess.'}, ('score',))
    """
    own = {DIALOGUE, *(node.name for node in player)}
    if not player or turns < 1:
        raise GraphError("a dialogue needs at least one node that moves, and one turn")
    for node in player:
        plural = node.draws is not None or node.over is not None
        if plural or not node.parents or not own.issuperset(node.parents):
            raise GraphError(
                f"node {node.name!r} of the player must read of {', '.join(sorted(own))} and "
                "nothing else, and have neither draws nor over"
            )
    parts: list[Input | Node | Function] = [
        Input(source),
        Function("state_0", _Start(environment, (source,))),
    ]
    for turn in range(1, turns + 1):
        seen, before = f"{DIALOGUE}_{turn}", f"state_{turn - 1}"
        parts.append(Function(seen, _View(environment, (before,)), plural=True))
        parts += [_in_turn(node, own, turn) for node in player]
        reply = _Reply(environment, (before, f"{player[-1].name}_{turn}"))
        parts.append(Function(f"state_{turn}", reply))
    score = _Score(environment, (f"state_{turns}",))
    parts.append(Function("score", score, likelihood=success))
    return Graph(*parts, outputs="score", name=name)


def success(target: str, value: Any) -> float:
    """log p(target | value) in nats, where a score is the chance of success.

    t log s + (1 − t) log(1 − s) for a target t from 0 to 1, with s kept between 0.01 and 0.99, so
    that a lost game is unlikely evidence of success and not impossible.
    """
    wanted, chance = float(target), min(1 - _LEAST, max(_LEAST, float(value)))
    return wanted * math.log(chance) + (1 - wanted) * math.log(1 - chance)


def _in_turn(node: Node, own: set[str], turn: int) -> Node:
    """A node of the player as it stands in one turn."""
    names = {name: f"{name}_{turn}" for name in own}
    return dataclasses.replace(
        node,
        name=names[node.name],
        template=Template.parse(node.template).renamed(names),
        prompt=Prompt(node.prompt_name, node.prompt_text),
        over=names[node.parents[0]],  # each has the plate of the turn
    )


@dataclass(frozen=True)
class _Part:
    """A function of named parents: what an environment does in a graph."""

    environment: Environment
    parents: tuple[str, ...] = field(repr=False)  # they are its edges

    def __post_init__(self) -> None:
        object.__setattr__(self, "__signature__", reads(self, *self.parents))


class _Start(_Part):
    def __call__(self, **values: Any) -> Any:
        return self.environment.load(values[self.parents[0]])


class _View(_Part):
    def __call__(self, **values: Any) -> tuple[str, ...]:
        state = values[self.parents[0]]
        return () if state.done else (self.environment.view(state),)


class _Reply(_Part):
    def __call__(self, **values: Any) -> Any:
        state, moves = (values[name] for name in self.parents)
        for move in moves:
            state, _, _ = self.environment.reply(state, move)
        return state


class _Score(_Part):
    def __call__(self, **values: Any) -> float:
        return self.environment.score(values[self.parents[0]])
