"""What people say enters the state of a fit: what is taken, what is refused, and what follows.

Everything here depends on the state and the entries alone, so that the same entries at the same
steps lead to the same fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from langnet.data import Example
from langnet.graph import Graph
from langnet.guidance import CONTROLS, Entry
from langnet.state import State
from langnet.vi.cleaning import canonical
from langnet.vi.directions import Directions, Standing, directions_of, standing

__all__ = [
    "Refusing",
    "accepted",
    "directions_at",
    "is_paused",
    "parts_of",
    "refusal",
    "set_anew",
    "taken",
    "waiting",
]

_SETTING = ("pin", "unpin", "ban", "unban")
"""Kinds that say what the prompts may be."""


def waiting(state: State, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that are to be taken before the next step."""
    known = {entry.id for entry in state.guidance}
    return tuple(
        entry
        for entry in entries
        if entry.id not in known and (entry.step is None or entry.step <= state.step)
    )


def is_paused(entries: Iterable[Entry]) -> bool:
    """Whether entries say to wait, the last of them deciding."""
    kinds = [entry.kind for entry in entries if entry.kind in CONTROLS]
    return bool(kinds) and kinds[-1] == "pause"


def parts_of(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Entries as they are taken together: those that were taken before as they were then."""
    ordered = sorted(entries, key=lambda entry: math.inf if entry.part is None else entry.part)
    return [tuple(group) for _, group in groupby(ordered, key=lambda entry: entry.part)]


@dataclass(frozen=True, slots=True)
class Refusing:
    """What decides whether an entry can be taken.

    Attributes:
        graph: the network with its first prompts.
        examples: the ids of the examples that may be rated.
        fits: whether a candidate for a prompt is short enough.
    """

    graph: Graph
    examples: frozenset[str]
    fits: Callable[[str, str], bool]

    def unknown(self, entry: Entry) -> str:
        """What of an entry this fit does not know, with the mend; empty where it knows all."""
        trainable = self.graph.trainable
        name = entry.prompt
        if name is not None and name not in self.graph.prompts:
            return f"there is no prompt {name!r}; the fitted prompts are {', '.join(trainable)}"
        if name is not None and name not in trainable:
            return f"the prompt {name!r} is frozen; the fitted prompts are {', '.join(trainable)}"
        if entry.kind == "rating":
            return self._unknown_rating(entry)
        if entry.kind == "candidate" and not self.fits(name or "", entry.text.strip()):
            return (
                "the candidate is longer than max_prompt_tokens allows; shorten it, or allow more"
            )
        return ""

    def _unknown_rating(self, entry: Entry) -> str:
        nodes = self.graph.nodes
        learning = [name for name, node in nodes.items() if node.trainable]
        if entry.example not in self.examples:
            return (
                f"there is no example {entry.example!r}; examples.jsonl in the run directory holds "
                "the ids of all that the fit trains and validates on"
            )
        if entry.node not in learning:
            state = "is not fitted" if entry.node in nodes else "is no language node"
            return f"the node {entry.node!r} {state}; rate one of {', '.join(learning)}"
        return ""


def refusal(entry: Entry, state: State, held: Standing, refusing: Refusing) -> str:
    """Why an entry cannot be taken as things stand; empty where it can.

    Args:
        entry: what somebody said.
        state: where the fit stands.
        held: the pins and bans so far.
        refusing: what decides.
    """
    if reason := refusing.unknown(entry):
        return reason
    name = entry.prompt or ""
    text = entry.text.strip()
    banned = not held.allows(name, text)
    reasons: Mapping[str, tuple[bool, str]] = {
        "pin": (banned, "the text is banned; unban it first"),
        "candidate": (banned, "the text is banned; unban it first"),
        "unpin": (name not in held.pinned, f"the prompt {name!r} is not pinned"),
        "unban": (not banned, "the text is not banned"),
        "ban": (
            canonical(held.pinned.get(name, "")) == canonical(text) and name in held.pinned,
            "the prompt is pinned to that text; unpin it first",
        ),
    }
    applies, reason = reasons.get(entry.kind, (False, ""))
    if applies:
        return reason
    if entry.kind == "ban" and _instead(state, name, text, held, refusing.graph) is None:
        return "nothing else is known that the prompt could be; enter a candidate first"
    return ""


def taken(state: State, entries: Sequence[Entry], refusing: Refusing) -> State:
    """The state after the fit has taken some entries together.

    A prompt that is pinned is set, and one that is banned gives way, at once. The best is then the
    best that is known of those that keep to all that holds; where there is none, the present
    prompts take its place, which are yet to be validated.

    Args:
        state: where the fit stands.
        entries: what is taken, in its order.
        refusing: decides what cannot be.
    """
    part = 1 + max(
        (entry.part or 0 for entry in state.guidance if entry.step == state.step), default=-1
    )
    for entry in entries:
        held = standing(accepted(state))
        reason = refusal(entry, state, held, refusing)
        refused = {**state.refused, entry.id: reason} if reason else state.refused
        prompts = state.prompts
        if not reason and entry.kind == "pin" and entry.prompt is not None:
            prompts = {**prompts, entry.prompt: entry.text}
        if not reason and entry.kind == "ban" and entry.prompt is not None:
            name, text = entry.prompt, entry.text
            if canonical(prompts[name]) == canonical(text):
                other = _instead(state, name, text, held, refusing.graph)
                prompts = {**prompts, name: prompts[name] if other is None else other}
        state = replace(
            state,
            prompts=prompts,
            guidance=(*state.guidance, replace(entry, step=state.step, part=part)),
            refused=refused,
        )
    return _with_best(state) if any(entry.kind in _SETTING for entry in entries) else state


def set_anew(state: State) -> bool:
    """Whether the best prompts are what people made of them before this step, not validated yet."""
    return state.best_metric == -math.inf and any(
        entry.step == state.step and entry.kind in _SETTING for entry in accepted(state)
    )


def accepted(state: State) -> tuple[Entry, ...]:
    """What was taken and not refused."""
    return tuple(entry for entry in state.guidance if entry.id not in state.refused)


def directions_at(state: State, graph: Graph, examples: Iterable[Example]) -> Directions:
    """What people said, as the next step needs it.

    Args:
        state: where the fit stands.
        graph: the network.
        examples: those that may be rated.
    """
    return directions_of(accepted(state), graph, examples, state.turns)


def _instead(state: State, name: str, text: str, held: Standing, graph: Graph) -> str | None:
    """What a prompt may be instead of a text: the best that is known, or what it was at first."""
    known = (
        state.prompts,
        state.best,
        *(item.prompts for item in state.memory),
        graph.prompts,
    )
    return next(
        (
            prompts[name]
            for prompts in known
            if canonical(prompts[name]) != canonical(text) and held.allows(name, prompts[name])
        ),
        None,
    )


def _with_best(state: State) -> State:
    """The state with the best of those that keep to pins and bans."""
    held = standing(accepted(state))
    validated = [(state.best_metric, state.best)] if state.best_metric > -math.inf else []
    validated += [(item.metric, item.prompts) for item in state.memory]
    keeping = [pair for pair in validated if held.keeps(pair[1])]
    metric, best = max(keeping, key=lambda pair: pair[0], default=(-math.inf, state.prompts))
    if dict(best) == dict(state.best) and metric == state.best_metric:
        return state
    # Gains are counted anew from what is the best now.
    return replace(state, best=best, best_metric=metric, stale=0)
