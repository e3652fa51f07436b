"""Directions: what people said of a fit, as a step needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from langnet.data import Example
from langnet.graph import Graph
from langnet.guidance import Entry
from langnet.vi.cleaning import canonical
from langnet.vi.memory import Remembered
from langnet.vi.proposal import Observation

__all__ = ["Directions", "Rating", "Standing", "directions_of", "standing"]

_UNKNOWN = "…"
"""Stands where nobody said what a rated text's parent was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds until somebody takes it back.

    Attributes:
        pinned: the text of each prompt that is left as it is.
        banned: the texts that a prompt is not to be, as `canonical` has them.
    """

    pinned: Mapping[str, str] = field(default_factory=dict)
    banned: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def allows(self, prompt: str, text: str) -> bool:
        """Whether a text may be that prompt, as far as bans go."""
        return canonical(text) not in self.banned.get(prompt, ())

    def keeps(self, prompts: Mapping[str, str]) -> bool:
        """Whether a set of prompts keeps to every pin and every ban."""
        return all(prompts.get(name) == text for name, text in self.pinned.items()) and all(
            self.allows(name, text) for name, text in prompts.items()
        )


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's word on a node's text for an example.

    Attributes:
        example: its id.
        node: the node.
        observation: what proposers are shown.
        is_whole: whether it is known what all of the node's parents said.
    """

    example: str
    node: str
    observation: Observation
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Directions:
    """What people said of a fit, as a step needs it.

    Attributes:
        standing: pins and bans.
        feedback: by prompt, what was said of its answers.
        ratings: of texts, the latest first.
        candidates: by prompt, those that have not been entered yet, each with its origin.
        proposals: by prompt, how many more are asked for.
        told: prompts of which something new was said: their next proposals are made from that.
    """

    standing: Standing = field(default_factory=Standing)
    feedback: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ratings: tuple[Rating, ...] = ()
    candidates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    proposals: Mapping[str, int] = field(default_factory=dict)
    told: frozenset[str] = frozenset()

    def is_wanted(self, prompt: str) -> bool:
        """Whether somebody expects the prompt to be proposed for."""
        return bool(
            prompt in self.told or self.candidates.get(prompt) or self.proposals.get(prompt)
        )

    def rating(self, example: str, node: str, output: str) -> Rating | None:
        """What a person has said of a text."""
        return next(
            (
                rating
                for rating in self.ratings
                if (rating.example, rating.node, rating.observation.output)
                == (example, node, output)
            ),
            None,
        )

    def allowed(self, prompt: str, memory: Iterable[Remembered]) -> tuple[Remembered, ...]:
        """Remembered sets under whose text a prompt may be."""
        return tuple(item for item in memory if self.standing.allows(prompt, item.prompts[prompt]))


def standing(entries: Iterable[Entry]) -> Standing:
    """The pins and bans that hold after some entries, in their order."""
    pinned: dict[str, str] = {}
    banned: dict[str, frozenset[str]] = {}
    for entry in entries:
        name = entry.prompt
        if name is None:
            continue
        texts = banned.get(name, frozenset())
        match entry.kind:
            case "pin":
                pinned[name] = entry.text
            case "unpin":
                pinned.pop(name, None)
            case "ban":
                banned[name] = texts | {canonical(entry.text)}
            case "unban":
                banned[name] = texts - {canonical(entry.text)}
            case _:
                pass
    return Standing(pinned, {name: texts for name, texts in banned.items() if texts})


def directions_of(
    entries: Sequence[Entry],
    graph: Graph,
    examples: Iterable[Example],
    turns: Mapping[str, int] = MappingProxyType({}),
) -> Directions:
    """The directions that entries give, each of which says at which step it was taken.

    Args:
        entries: what was taken, in its order.
        graph: the network.
        examples: those that may be rated; a rating of another one plays no part.
        turns: by prompt, the last step in which it was proposed for. What was taken later is new.
    """
    prompts = graph.trainable
    by_id = {example.id: example for example in examples} if _any(entries, "rating") else {}
    feedback: dict[str, list[str]] = {}
    candidates: dict[str, dict[str, str]] = {}
    proposals: dict[str, int] = {}
    told: set[str] = set()
    ratings: dict[tuple[str, str, str], Rating] = {}
    for entry in entries:
        new = {name for name in prompts if turns.get(name, -1) < (entry.step or 0)}
        about = set(prompts) if entry.prompt is None else {entry.prompt}
        match entry.kind:
            case "feedback":
                for name in about:
                    feedback.setdefault(name, []).append(entry.text)
                told |= about & new
            case "rating":
                if (found := _rating(entry, graph, by_id)) is not None:
                    key = (found.example, found.node, found.observation.output)
                    ratings.pop(key, None)
                    ratings[key] = found
                    told |= {graph.nodes[found.node].prompt_name} & new
            case "candidate":
                for name in about & new:
                    entered = candidates.setdefault(name, {})
                    entered.setdefault(entry.text.strip(), entry.origin)
            case "proposals":
                for name in about & new:
                    proposals[name] = proposals.get(name, 0) + entry.count
            case _:
                pass
    return Directions(
        standing(entries),
        {name: tuple(texts) for name, texts in feedback.items()},
        tuple(reversed(ratings.values())),
        candidates,
        proposals,
        frozenset(told),
    )


def _any(entries: Iterable[Entry], kind: str) -> bool:
    return any(entry.kind == kind for entry in entries)


def _rating(entry: Entry, graph: Graph, examples: Mapping[str, Example]) -> Rating | None:
    """A rating as proposers see it, in the context in which the node said it."""
    example = examples.get(entry.example or "")
    node, output = entry.node or "", entry.output or ""
    if example is None or node not in graph.nodes:
        return None
    values = {**example.targets, **example.inputs, **entry.texts}
    context = (
        graph.structure.templates[node]
        .bind("")
        .render({name: values.get(name, _UNKNOWN) for name in graph.structure.parents[node]})
    )
    whole = all(name in values for name in graph.structure.parents[node])
    word = "A person says that this is " + ("right" if entry.good else "wrong")
    remark = entry.text.strip()
    seen = Observation(
        context,
        output,
        output if entry.good else example.targets.get(node),
        f"{word}: {remark}" if remark else f"{word}.",
        bool(entry.good),
        by_person=True,
    )
    # What a person says is wrong is not what should have been said.
    wrong = not entry.good and seen.target == output
    return Rating(example.id, node, replace(seen, target=None) if wrong else seen, whole)
