"""Solutions, and the rows that are made of those of one question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from langnet.errors import DataError
from langnet.lm.base import joined
from langnet.trace import Trace

__all__ = [
    "Demonstrations",
    "Export",
    "Judgements",
    "Preferences",
    "Row",
    "Solution",
    "Verifications",
    "parted",
    "solutions_of",
]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution that is known to be right or wrong.

    Attributes:
        question: names what it solves; the same for all solutions of a question.
        prompt: what the model saw.
        text: what it wrote.
        correct: whether it is right.
    """

    question: str
    prompt: str
    text: str
    correct: bool


def solutions_of(trace: Trace, node: str, correct: Callable[[str], object]) -> tuple[Solution, ...]:
    """The texts of one node of a run as solutions of its example, in their order.

    Args:
        trace: the run.
        node: the language node that solves.
        correct: true of a text that is right, such as a metric that is 1 or 0.
    """
    return tuple(
        Solution(trace.example, site.context, site.text, bool(correct(site.text)))
        for site in trace.at(node)
    )


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

    Attributes:
        cap: how many pairs of a question are kept, drawn without replacement; all unless given.
    """

    cap: int | None = None
    type: str = field(default="preference", init=False)

    def __call__(self, solutions: Sequence[Solution], rng: Random, /) -> Iterator[Row]:
        """The pairs, in the order of the right and then of the wrong ones."""
        right, wrong = parted(solutions)
        for number in _kept(range(len(right) * len(wrong)), self.cap, rng):
            chosen, rejected = right[number // len(wrong)], wrong[number % len(wrong)]
            if chosen.prompt != rejected.prompt:
                raise DataError(
                    f"question {chosen.question!r} has solutions under different prompts, which "
                    "cannot be paired; name questions apart by their prompts"
                )
            yield {
                "prompt": chosen.prompt,
                "chosen": joined(chosen.prompt, chosen.text),
                "rejected": joined(chosen.prompt, rejected.text),
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
            yield {**_completion(solution), "label": solution.correct}


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
            verdict = self.yes if solution.correct else self.no
            yield {"prompt": context, "completion": joined(context, verdict)}


def parted(solutions: Sequence[Solution]) -> tuple[list[Solution], list[Solution]]:
    """The right and the wrong ones, in their order."""
    right = [solution for solution in solutions if solution.correct]
    return right, [solution for solution in solutions if not solution.correct]


def _balanced(solutions: Sequence[Solution], rng: Random) -> list[Solution]:
    sides = parted(solutions)
    size = min(map(len, sides))
    kept = {solution for side in sides for solution in _kept(side, size, rng)}
    return [solution for solution in solutions if solution in kept]


def _kept(items: Sequence[Any], cap: int | None, rng: Random) -> Iterator[Any]:
    if cap is None or len(items) <= cap:
        return iter(items)
    return (items[place] for place in sorted(rng.sample(range(len(items)), cap)))


def _completion(solution: Solution) -> Row:
    return {
        "prompt": solution.prompt,
        "completion": joined(solution.prompt, solution.text),
    }
