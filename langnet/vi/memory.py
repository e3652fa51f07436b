"""Memory: sets of prompts that did well, which are proposed again and proposed from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langnet.key import Key

__all__ = ["Remembered", "known_prompts", "parent_of", "remember"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A set of prompts with its validation.

    Attributes:
        prompts: every prompt by its name.
        metric: the mean of the metric over the validation examples.
        values: the metric on each of them, as (example,).
    """

    prompts: Mapping[str, str]
    metric: float
    values: tuple[float, ...]


def remember(
    memory: Sequence[Remembered],
    new: Remembered,
    *,
    size: int,
    which: Literal["best", "pareto"] = "best",
) -> tuple[Remembered, ...]:
    """The memory after one more validation, the best first.

    Args:
        memory: what was remembered before.
        new: takes the place of the same prompts, if they are there.
        size: how many sets are kept.
        which: "best" keeps those with the best mean (the paper's memory); "pareto" those that no
            other set beats on one validation example without losing on another, by the number
            of examples on which they are among the best (GEPA, Agrawal et al. 2025,
            arXiv 2507.19457, §3.3).
    """
    others = [item for item in memory if dict(item.prompts) != dict(new.prompts)]
    kept = sorted([*others, new], key=lambda item: -item.metric)
    if which == "pareto":
        front = [item for item in kept if not any(_beats(other, item) for other in kept)]
        wins = _wins(front)
        order = sorted(range(len(front)), key=lambda number: (-wins[number], -front[number].metric))
        kept = sorted((front[number] for number in order[:size]), key=lambda item: -item.metric)
    return tuple(kept[:size])


def parent_of(memory: Sequence[Remembered], key: Key) -> Remembered | None:
    """A set to start from, as often as it is among the best on a validation example (GEPA)."""
    wins = _wins(memory)
    if not any(wins):
        return None
    return key.rng().choices(list(memory), wins)[0]


def known_prompts(
    name: str, current: str, memory: Sequence[Remembered]
) -> tuple[tuple[str, float], ...]:
    """The prompts that are known under a name with their validation, the best first."""
    known = {item.prompts[name]: item.metric for item in reversed(memory)}
    known.setdefault(current, min(known.values(), default=0.0))
    return tuple(sorted(known.items(), key=lambda pair: -pair[1]))


def _beats(one: Remembered, other: Remembered) -> bool:
    """Whether one set is nowhere worse and somewhere better."""
    pairs = list(zip(one.values, other.values, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _wins(memory: Sequence[Remembered]) -> list[int]:
    """On how many validation examples each set is among the best."""
    tops = [max(column) for column in zip(*(item.values for item in memory), strict=True)]
    return [
        sum(math.isclose(value, top) for value, top in zip(item.values, tops, strict=True))
        for item in memory
    ]
