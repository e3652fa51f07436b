r"""Votes over draws: answers out of texts, scores out of verdicts, and which answer wins.

Pure functions for function nodes, made for the parents that they read, as in `langnet.functions`.
After a plate of solutions and, for each, a plate of verdicts:

    Node("solution", "{question}\n\n{prompt}", draws=16),
    Node("verdict", "{question}\n\n{solution}\n\n{prompt}", choices=["Yes", "No"],
         over="solution", draws=8),
    Function("answer", last_number("solution")),
    Function("score", mean_verdict("verdict")),
    Function("vote", weighted("answer", "score", top=6)),

A function that reads an answer gives "" where there is none. "" and `None` have no vote anywhere,
and of several answers that do equally well the first to appear wins; none at all gives "".

>>> weighted("answer", "score", top=1)(answer=("4", "5", "4"), score=(0.4, 0.6, 0.4))
'5'
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langnet import metrics
from langnet.errors import GraphError
from langnet.functions import _UNREAD, _Reader, majority
from langnet.metrics import normalise, starts_with

__all__ = [
    "after",
    "best",
    "boxed",
    "last_number",
    "majority",
    "mean_verdict",
    "tally",
    "weighted",
]


def tally(
    answers: Sequence[Hashable], scores: Sequence[float] | None = None, *, top: int | None = None
) -> Mapping[Any, float]:
    """The weight of each answer, in the order in which they appear.

    Without scores, how often it appears (self-consistency, Wang et al. 2023, arXiv 2203.11171).
    With scores, their sum over the answer's solutions; with `top`, over its so many best ones only
    (GenRM, Zhang et al. 2024, arXiv 2408.15240).

    Args:
        answers: one for each solution; "" and `None` have no vote.
        scores: one for each solution.
        top: how many of an answer's scores count, the largest first; all unless given.

    Raises:
        GraphError: the lengths differ, or a score is no finite number.
    """
    by_answer: dict[Any, list[float]] = {}
    known = [1.0] * len(answers) if scores is None else _checked(answers, scores)
    for answer, score in zip(answers, known, strict=True):
        if answer not in _UNREAD:
            by_answer.setdefault(answer, []).append(score)
    return {
        answer: math.fsum(sorted(found, reverse=True)[:top]) for answer, found in by_answer.items()
    }


@dataclass(frozen=True)
class weighted(_Reader):  # noqa: N801 - made and used like a function
    """The answer whose solutions have the largest sum of scores: weighted self-consistency.

    Attributes:
        parent: the plural parent that holds the answers.
        scores: the plural parent that holds a number for each.
        top: how many of an answer's scores count, the largest first (6 for GSM8K and 4 for MATH in
            GenRM, arXiv 2408.15240); all unless given.
    """

    scores: str
    top: int | None = None

    def __post_init__(self) -> None:
        """Checks the settings."""
        super().__post_init__()
        if self.top is not None and self.top < 1:
            raise GraphError(f"top of weighted must be at least 1, not {self.top}")

    def _read(self) -> tuple[str, ...]:
        return self.parent, self.scores

    def __call__(self, **values: Any) -> Any:
        """The answer that wins."""
        answers, scores = self._elements(values), self._elements(values, self.scores)
        weights = tally(answers, scores, top=self.top)
        return max(weights, key=weights.__getitem__) if weights else ""


@dataclass(frozen=True)
class best(_Reader):  # noqa: N801 - made and used like a function
    """The answer of the solution with the highest score: best of N.

    Attributes:
        parent: the plural parent that holds the answers.
        scores: the plural parent that holds a number for each.
    """

    scores: str

    def _read(self) -> tuple[str, ...]:
        return self.parent, self.scores

    def __call__(self, **values: Any) -> Any:
        """The answer that wins."""
        answers = self._elements(values)
        scores = _checked(answers, self._elements(values, self.scores))
        pairs = [pair for pair in zip(answers, scores, strict=True) if pair[0] not in _UNREAD]
        return max(pairs, key=lambda pair: pair[1])[0] if pairs else ""


@dataclass(frozen=True)
class mean_verdict(_Reader):  # noqa: N801 - made and used like a function
    """The share of approving verdicts among those that can be read, for each solution.

    An estimate of p(yes) by draws: r_MajV@K of GenRM (arXiv 2408.15240) with 0 or 1 for each draw,
    or with p(Yes) itself where the function reads probabilities (`Function.probability_of`).
    Verdicts that begin with neither word are dropped; where none is left the score is 0, as in
    Singhi et al. 2025 (arXiv 2504.01005).

    Attributes:
        parent: the parent that holds the verdicts, in one plate or several; the innermost is
            averaged over. Of one plate the value is a number, of two a tuple of numbers.
        yes: what an approving verdict begins with, in whatever case.
        no: what a disapproving one begins with.
    """

    yes: str = "Yes"
    no: str = "No"

    def __call__(self, **values: Any) -> Any:
        """The score of each solution, between 0 and 1."""
        self._elements(values)  # raises for what is not plural
        return self._mean(values[self.parent])

    def _mean(self, value: tuple[Any, ...]) -> Any:
        if value and isinstance(value[0], tuple):
            return tuple(map(self._mean, value))
        marks = [mark for verdict in value if (mark := self._mark(verdict)) is not None]
        return math.fsum(marks) / len(marks) if marks else 0.0

    def _mark(self, verdict: Any) -> float | None:
        if isinstance(verdict, float):
            return verdict
        if starts_with(str(verdict), self.yes):
            return 1.0
        return 0.0 if starts_with(str(verdict), self.no) else None


@dataclass(frozen=True)
class last_number(_Reader):  # noqa: N801 - made and used like a function
    """The last number of a text in one form, so that "1,250.00" and "1250" are one answer.

    Attributes:
        parent: the parent; where it is plural, each of its texts is read, and the value is plural
            in the same way.
    """

    def __call__(self, **values: Any) -> Any:
        """The number as text, without needless zeros; "" where there is none."""
        return _each(_number, values[self.parent])


@dataclass(frozen=True)
class boxed(_Reader):  # noqa: N801 - made and used like a function
    r"""What stands in the last \boxed{…} of a text, whose braces may be nested.

    Attributes:
        parent: the parent; where it is plural, each of its texts is read.
    """

    def __call__(self, **values: Any) -> Any:
        """What stands there; "" where there is none or it is not closed."""
        return _each(_boxed, values[self.parent])


@dataclass(frozen=True)
class after(_Reader):  # noqa: N801 - made and used like a function
    """What follows the last marker of a text on its line, normalised as `metrics.exact` does.

    Attributes:
        parent: the parent; where it is plural, each of its texts is read.
        marker: found in whatever case.
    """

    marker: str = "Answer:"

    def __call__(self, **values: Any) -> Any:
        """What follows the marker; "" where there is no marker or nothing follows."""
        return _each(self._after, values[self.parent])

    def _after(self, text: str) -> str:
        found = [*re.finditer(re.escape(self.marker), text, re.IGNORECASE)]
        rest = text[found[-1].end() :].strip().splitlines() if found else []
        return normalise(rest[0]) if rest else ""


def _each(read: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_each(read, element) for element in value)
    return read(str(value))


def _number(text: str) -> str:
    found = metrics.last_number(text)
    if found is None:
        return ""
    written = format(found, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in {"-0", ""} else written


def _boxed(text: str) -> str:
    opening = "\\boxed{"
    start = text.rfind(opening)
    depth = 1
    for end in range(start + len(opening), len(text) if start >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if not depth:
            return text[start + len(opening) : end].strip()
    return ""


def _checked(answers: Sequence[object], scores: Sequence[Any]) -> list[float]:
    if len(answers) != len(scores):
        raise GraphError(
            f"{len(scores)} scores do not pair with {len(answers)} answers; give each solution one "
            "score, such as mean_verdict of its verdicts"
        )
    for score in scores:
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise GraphError(
                f"a score is {score!r} where a finite number belongs; turn verdicts into numbers "
                "with mean_verdict"
            )
    return [float(score) for score in scores]
