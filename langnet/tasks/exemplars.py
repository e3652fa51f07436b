"""Exemplars: solved examples that an example brings along, for networks to show to a model.

They are an input, so that a network stays a function of what it is given. How they are chosen is
said by the task: the choice may look at the answer, which no network could.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random

from langnet.data import Example
from langnet.tasks.draw import shuffled
from langnet.tasks.setting import Setting

__all__ = ["CHOSEN", "EXEMPLARS", "SHOTS", "Pool", "bringing", "covering", "inputs_of"]

EXEMPLARS = "exemplars"
"""The input: a sequence of mappings from a field's name to its text."""

SHOTS = Setting(0, "solved examples that each example brings along", least=0, most=100)
"""The setting of how many there are; with none, the input is left out."""

CHOSEN = Setting(
    "oracle",
    "how exemplars are chosen: to cover the primitives of the text and of its right answer, which "
    "only an oracle knows, or at random",
    ("oracle", "random"),
)
"""The setting of how they are chosen."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Solved examples to choose from.

    Attributes:
        exemplars: each maps names to texts; its first text tells it apart from the others.
        primitives: the parts that each is made of, in the same order.
        texts: the first text of each.
        holding: by primitive, the positions of the exemplars that hold it.
    """

    exemplars: tuple[Mapping[str, str], ...]
    primitives: tuple[AbstractSet[str], ...]
    texts: tuple[str, ...] = field(init=False)
    holding: Mapping[str, Sequence[int]] = field(init=False)

    def __post_init__(self) -> None:
        holding: dict[str, list[int]] = {}
        for position, found in enumerate(self.primitives):
            for primitive in found:
                holding.setdefault(primitive, []).append(position)
        texts = tuple(next(iter(exemplar.values())) for exemplar in self.exemplars)
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "holding", holding)


def covering(
    pool: Pool,
    wanted: Collection[str],
    shots: int,
    rng: Random,
    *,
    without: Collection[object] = (),
) -> tuple[Mapping[str, str], ...]:
    """Exemplars that cover the wanted primitives, the rarest first, and then random ones.

    Each step takes a random exemplar with the uncovered primitive that is rarest in the pool
    (Hosseini et al. 2022, arXiv 2211.08473, §4). A shorter choice is the beginning of a longer one.

    Args:
        pool: what to choose from.
        wanted: the primitives to cover; none for a random choice.
        shots: how many; fewer come where the pool has no more.
        rng: the choice.
        without: texts that must not be chosen.
    """
    barred = set(without)
    taken: list[int] = []

    def free(places: Sequence[int]) -> Iterator[int]:
        return (place for place in shuffled(places, rng) if pool.texts[place] not in barred)

    def take(place: int) -> None:
        taken.append(place)
        barred.add(pool.texts[place])

    uncovered = {primitive for primitive in wanted if primitive in pool.holding}
    while len(taken) < shots and uncovered:
        rarest = min(uncovered, key=lambda primitive: (len(pool.holding[primitive]), primitive))
        able = next(free(pool.holding[rarest]), None)
        if able is None:
            uncovered.discard(rarest)
        else:
            take(able)
            uncovered -= pool.primitives[able]
    for place in islice(free(range(len(pool.texts))), shots - len(taken)):
        take(place)
    return tuple(pool.exemplars[place] for place in taken)


def bringing(
    examples: Sequence[Example],
    choose: Callable[[Example], tuple[Mapping[str, str], ...]],
) -> list[Example]:
    """The examples with what is chosen for each as one more input."""
    return [
        replace(example, inputs={**example.inputs, EXEMPLARS: choose(example)})
        for example in examples
    ]


def inputs_of(text: str) -> Callable[[Mapping[str, object]], tuple[str, ...]]:
    """The inputs of a task with that text, by its settings: exemplars come along with `shots`."""

    def inputs(chosen: Mapping[str, object]) -> tuple[str, ...]:
        return (text, EXEMPLARS) if chosen["shots"] else (text,)

    return inputs
