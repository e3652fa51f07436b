"""Accuracy at every number of solutions and verdicts, from one pool that holds the most of both."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from langnet.errors import DataError
from langnet.estimators.draws import verifier_at_k
from langnet.estimators.subsets import weighted_vote_at_k
from langnet.key import Key

__all__ = ["Judged", "accuracy_at"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's solutions, and what verifiers say of each.

    Attributes:
        answers: one for each solution; "" and `None` have no vote.
        correct: whether each is right.
        verdicts: p(Yes), or 1 and 0 for Yes and No, as (solution, verdict); exchangeable draws.
    """

    answers: Sequence[Hashable]
    correct: Sequence[bool]
    verdicts: Sequence[Sequence[float]]


def accuracy_at(
    judged: Sequence[Judged],
    solutions: int,
    verdicts: int,
    *,
    key: Key,
    choice: Literal["weighted", "best"] = "weighted",
    subsets: int = 100,
    top: int | None = None,
) -> tuple[float, ...]:
    """How often the choice among some of the solutions, by some of the verdicts, is right.

    A solution's score is the mean of its verdicts. Solutions are taken in all ways (best) or in
    seeded subsets (weighted vote); of the verdicts, each disjoint block of that size is taken once,
    and the blocks averaged. Both leave the expectation of fresh draws. Without verdicts the answers
    vote, whatever the choice.

    Args:
        judged: the questions.
        solutions: S, at most as many as every question has.
        verdicts: V of each solution, at most as many as each has.
        key: where the subsets come from.
        choice: the answer with the largest sum of scores, or that of the best-scored solution.
        subsets: of the solutions, per question and block.
        top: how many of an answer's scores count in a weighted vote; all unless given.

    Returns:
        One number for each question, in their order, for an interval over questions.

    Raises:
        DataError: there are not so many, or the numbers of verdicts differ within a question.
    """
    found: list[float] = []
    for number, one in enumerate(judged):
        if len({len(row) for row in one.verdicts}) > 1 or len(one.verdicts) != len(one.answers):
            raise DataError(f"question {number}: give each solution equally many verdicts")
        most = len(one.verdicts[0]) if one.verdicts else 0
        if not 0 <= verdicts <= most:
            raise DataError(f"question {number} has {most} verdicts a solution, not {verdicts}")
        here = key / number
        blocks: list[list[float]] = [[1.0] * len(one.answers)]
        if verdicts:
            table = np.asarray(one.verdicts, dtype=np.float64)
            starts = range(0, most - verdicts + 1, verdicts)
            blocks = [table[:, at : at + verdicts].mean(axis=1).tolist() for at in starts]
        if choice == "best" and verdicts:
            values = [verifier_at_k(scores, one.correct, solutions) for scores in blocks]
        else:
            values = [
                weighted_vote_at_k(
                    one.answers, scores, one.correct, solutions, key=here, subsets=subsets, top=top
                ).mean
                for scores in blocks
            ]
        found.append(float(np.mean(values)))
    return tuple(found)
