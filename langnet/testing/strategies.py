"""Hypothesis strategies: random small networks whose posteriors can be enumerated.

This module needs `hypothesis`, which langnet itself does not; import it by its own name.

>>> from hypothesis import given
>>> @given(small_networks())
... def test_a_law(network):
...     assert network.evidence() <= 0
>>> test_a_law()
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from langnet.data import Example
from langnet.graph import Graph
from langnet.node import Function, Input, Node, Part, Prompt
from langnet.testing.exact import Outcome, enumerate_traces, exact_evidence
from langnet.testing.models import Distribution, TableModel, hashed_distribution

__all__ = ["SmallNetwork", "small_networks"]

_WORDS = ("red", "green", "blue")
_PLATE = 2
"""Texts in a plate."""
_AGREES = 0.8
"""p(target | value) of an observed function node whose value is the target; else the rest."""

_distribution = cache(
    lambda words, seed: cache(hashed_distribution(_WORDS[:words], seed=seed, concentration=3.0))
)


@dataclass(frozen=True)
class SmallNetwork:
    """A graph over a few words, with something observed of it.

    Attributes:
        graph: two to five language nodes, functions between them, a plate, a shared prompt.
        words: how many words the model knows.
        seed: of the model's distributions.
        inputs: a value for every input.
        targets: what is observed, by node.
        latent_texts: how many texts are not observed, whether they bear on a target or not.
    """

    graph: Graph
    words: int
    seed: int
    inputs: Mapping[str, str]
    targets: Mapping[str, str]
    latent_texts: int

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that the model knows."""
        return _WORDS[: self.words]

    @property
    def example(self) -> Example:
        """The observation as an example."""
        return Example("e", self.inputs, self.targets)

    def model(self) -> TableModel:
        """The model, fresh, with its calls uncounted."""
        distribution: Distribution = _distribution(self.words, self.seed)
        return TableModel(distribution)

    def outcomes(self) -> list[Outcome]:
        """Every assignment that agrees with the targets; see `enumerate_traces`."""
        return enumerate_traces(self.graph, self.model(), self.inputs, self.targets)

    def evidence(self) -> float:
        """log p(targets | inputs), exactly, in nats."""
        return exact_evidence(self.graph, self.model(), self.inputs, self.targets)


@st.composite
def small_networks(draw: st.DrawFn, *, most_outcomes: int = 81) -> SmallNetwork:
    """Random small networks with random observations.

    Args:
        draw: given by hypothesis.
        most_outcomes: how many assignments of words to latent texts there may be; nodes are
            observed until there are no more.
    """
    parts = draw(_parts())
    words = draw(st.integers(2, len(_WORDS)))
    sizes = _texts(parts)
    observed: dict[str, str] = {}
    word = st.sampled_from(_WORDS[:words])
    # The last node is observed first: all that it hangs on is then worth inferring.
    *others, last = sizes
    order = [last, *draw(st.permutations(others))]
    wanted = draw(st.sampled_from([1, 1, 1, 2]))
    for number, name in enumerate(order):
        latent = sum(size for other, size in sizes.items() if other not in observed)
        if number < wanted or words**latent > most_outcomes:
            observed[name] = draw(word)
    functions = [part.name for part in parts if isinstance(part, Function)]
    if functions and draw(st.integers(0, 3)) == 0:
        observed[draw(st.sampled_from(functions))] = draw(word)
    return SmallNetwork(
        Graph(*parts),
        words,
        draw(st.integers(0, 3)),
        {"x": "one"},
        observed,
        sum(size for name, size in sizes.items() if name not in observed),
    )


@dataclass(frozen=True)
class _Joined:
    """A function whose parameters are the parts that it joins."""

    names: tuple[str, ...]

    @property
    def __signature__(self) -> inspect.Signature:
        """What `inspect.signature` finds."""
        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature([inspect.Parameter(name, keyword) for name in self.names])

    def __call__(self, **values: Any) -> str:
        return "+".join("-".join(v) if isinstance(v, tuple) else v for v in values.values())


def _agreement(target: str, value: object) -> float:
    return math.log(_AGREES if target == value else 1 - _AGREES)


@st.composite
def _parts(draw: st.DrawFn) -> list[Part]:
    """The parts of a graph, parents first."""
    parts: list[Part] = [Input("x")]
    single = ["x"]  # what a template may show
    plate: str | None = None
    count = draw(st.integers(2, 5))
    sharing = draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=2) | st.just(set()))
    for number in range(count):
        name = f"n{number}"
        kinds = ["plain", "plain", *(["plate"] if plate is None else ["over"])]
        kind = draw(st.sampled_from(kinds))
        recent = single[-3:]  # a network rather than a bush
        read = draw(st.lists(st.sampled_from(recent), min_size=1, max_size=2, unique=True))
        if kind == "over" and plate is not None:
            read.append(plate)
        fields = " ".join(f"{{{parent}}}" for parent in read)
        parts.append(
            Node(
                name,
                f"{{prompt}} {name} {fields}",
                Prompt("common", "incumbent") if number in sharing else "incumbent",
                draws=_PLATE if kind == "plate" else None,
                over=plate if kind == "over" else None,
            )
        )
        if kind == "plate":
            plate = name
        if kind != "plain":
            single.append(_add(parts, (name,)))
        elif draw(st.booleans()):
            single.append(_add(parts, (name, draw(st.sampled_from(single)))))
        else:
            single.append(name)
    return parts


def _add(parts: list[Part], names: Sequence[str]) -> str:
    """Adds a function of some parts and gives its name."""
    name = f"f{len(parts)}"
    parts.append(Function(name, _Joined(tuple(names)), likelihood=_agreement))
    return name


def _texts(parts: Sequence[Part]) -> dict[str, int]:
    """How many texts each language node writes."""
    return {
        part.name: _PLATE if part.draws is not None or part.over is not None else 1
        for part in parts
        if isinstance(part, Node)
    }
