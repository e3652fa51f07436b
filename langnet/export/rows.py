"""The rows that are made of the solutions of one question."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Protocol

from langnet.collect import Solution
from langnet.lm.base import joined

__all__ = [
    "Demonstrations",
    "Export",
    "Judgements",
    "Preferences",
    "Row",
    "Verifications",
    "parted",
]

Row = dict[str, Any]


class Export(Protocol):
    """Makes rows of the solutions of one question, none of which is there twice."""

    @property
    def type(self) -> str:
        """TRL's name for the type of data set."""
        ...

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterable[Row]:
        """The rows, in TRL's standard format."""
        ...


@dataclass(frozen=True)
class Preferences:
    """Every pair of a right and a wrong solution of a question (V-STaR, arXiv 2402.06457, §3.2).

    Solutions that were written under different contexts are not paired with each other.

    Attributes:
        cap: how many pairs of a question are kept, drawn without replacement; all unless given.
    """

    cap: int | None = None
    type: str = field(default="preference", init=False)

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterator[Row]:
        """The pairs, in the order of the right and then of the wrong ones."""
        by_context: dict[str, list[Solution]] = {}
        for solution in solutions:
            by_context.setdefault(solution.context, []).append(solution)
        sides = [parted(several) for several in by_context.values()]
        ends = [*accumulate(len(right) * len(wrong) for right, wrong in sides)]
        for number in _kept(range(ends[-1] if ends else 0), self.cap, rng):
            block = bisect_right(ends, number)
            right, wrong = sides[block]
            place = number - (ends[block - 1] if block else 0)
            chosen, rejected = right[place // len(wrong)], wrong[place % len(wrong)]
            yield {
                "prompt": chosen.context,
                "chosen": joined(chosen.context, chosen.text),
                "rejected": joined(chosen.context, rejected.text),
            }


@dataclass(frozen=True)
class Demonstrations:
    """The right solutions (rejection sampling: STaR, arXiv 2203.14465; RFT, arXiv 2308.01825).

    Attributes:
        cap: how many of a question are kept, drawn without replacement; all unless given.
    """

    cap: int | None = None
    type: str = field(default="prompt-completion", init=False)

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterator[Row]:
        """The solutions, in their order."""
        for solution in _kept(parted(solutions)[0], self.cap, rng):
            yield _completion(solution)


@dataclass(frozen=True)
class Judgements:
    """Every solution with whether it is right.

    Attributes:
        balanced: whether a question gives as many right as wrong ones, by leaving some out.
    """

    balanced: bool = False
    type: str = field(default="unpaired-preference", init=False)

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterator[Row]:
        """The solutions, in their order."""
        for solution in _balanced(solutions, rng) if self.balanced else solutions:
            yield {**_completion(solution), "label": solution.is_correct}


@dataclass(frozen=True)
class Verifications:
    """Every solution as a question to a generative verifier (GenRM, arXiv 2408.15240, §3.1).

    Attributes:
        context: what the verifier sees of a solution; it ends where its verdict begins.
        yes: the verdict on a right one.
        no: the verdict on a wrong one.
        balanced: whether a question gives as many right as wrong ones, as in the paper.
    """

    context: Callable[[Solution], str]
    yes: str = "Yes"
    no: str = "No"
    balanced: bool = True
    type: str = field(default="prompt-completion", init=False)

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterator[Row]:
        """The verdicts, in the order of the solutions."""
        for solution in _balanced(solutions, rng) if self.balanced else solutions:
            context = self.context(solution)
            verdict = self.yes if solution.is_correct else self.no
            yield {"prompt": context, "completion": joined(context, verdict)}


def parted(solutions: Sequence[Solution]) -> tuple[list[Solution], list[Solution]]:
    """The right and the wrong ones, in their order."""
    right = [solution for solution in solutions if solution.is_correct]
    return right, [solution for solution in solutions if not solution.is_correct]


def _balanced(solutions: Sequence[Solution], rng: Random) -> list[Solution]:
    sides = parted(solutions)
    size = min(map(len, sides))
    kept = {id(solution) for side in sides for solution in _kept(side, size, rng)}
    return [solution for solution in solutions if id(solution) in kept]


def _kept(items: Sequence[Any], cap: int | None, rng: Random) -> Iterator[Any]:
    if cap is None or len(items) <= cap:
        return iter(items)
    return (items[place] for place in sorted(rng.sample(range(len(items)), cap)))


def _completion(solution: Solution) -> Row:
    return {
        "prompt": solution.context,
        "completion": joined(solution.context, solution.text),
    }
