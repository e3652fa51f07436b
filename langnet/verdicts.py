"""Solutions with their verdicts: what a right answer says of both, and how sure a vote is.

For function nodes, as in `langnet.votes`. Where the right answer is observed, a solver and its
verifier are fitted together from answers alone: which solutions and which verdicts were right is
inferred like any hidden text.

    Node("solution", "{question}\n\n{prompt}", draws=4),
    Node("verdict", "{question}\n\n{solution}\n\n{prompt}", choices=["Yes", "No"], over="solution"),
    Function("answer", last_number("solution")),
    Function("judged", with_verdicts("answer", "verdict"), likelihood=rightness()),
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from langnet.errors import GraphError
from langnet.functions import _Reader
from langnet.metrics import METRICS
from langnet.votes import tally

__all__ = ["is_sure", "rightness", "with_verdicts"]


@dataclass(frozen=True)
class with_verdicts(_Reader):  # noqa: N801 - made and used like a function
    """Answers with their verdicts, in pairs.

    Attributes:
        parent: the plural parent that holds the answers.
        verdicts: the plural parent that holds a verdict for each.
    """

    verdicts: str

    def _read(self) -> tuple[str, ...]:
        return self.parent, self.verdicts

    def __call__(self, **values: Any) -> tuple[tuple[Any, Any], ...]:
        """The pairs, in the order of the solutions.

        Raises:
            GraphError: there are not as many verdicts as answers.
        """
        answers, verdicts = self._elements(values), self._elements(values, self.verdicts)
        if len(answers) != len(verdicts):
            raise GraphError(
                f"{len(verdicts)} verdicts do not pair with {len(answers)} answers; give each "
                "solution one verdict"
            )
        return tuple(zip(answers, verdicts, strict=True))


@dataclass(frozen=True)
class is_sure(_Reader):  # noqa: N801 - made and used like a function
    """Whether a weighted vote is sure of its winner: "yes" or "no", for `only_if` to read.

    The confidence is the mean score of the winner's solutions. A network that goes on where it is
    not sure lengthens its answers as RL^V does (arXiv 2505.04842).

    Attributes:
        parent: the plural parent that holds the answers.
        scores: the plural parent that holds a number for each, between 0 and 1.
        threshold: the least confidence that is enough.
    """

    scores: str
    threshold: float = 0.5

    def _read(self) -> tuple[str, ...]:
        return self.parent, self.scores

    def __call__(self, **values: Any) -> str:
        """Whether the vote is sure; it is not where nothing has a vote."""
        answers = self._elements(values)
        weights = tally(answers, self._elements(values, self.scores))
        if not weights:
            return "no"
        winner = max(weights, key=weights.__getitem__)
        return "yes" if weights[winner] / answers.count(winner) >= self.threshold else "no"


@dataclass(frozen=True)
class rightness:  # noqa: N801 - made and used like a function
    """The likelihood of a right answer, given answers with their verdicts, in nats.

    Each solution speaks twice, and errs with the chance ε either time: its answer is the right one,
    and its verdict says whether it is. So a solver is drawn to right answers and a verifier to
    right verdicts, which is RL^V's J = J_RL + λ J_verify (arXiv 2505.04842), with the log-odds of ε
    for a reward.

    Attributes:
        metric: a name in `metrics.METRICS`; an answer is right where it gives 1.
        error: ε, between 0 and ½.
        verification: λ, from 0.
        yes: the verdict that approves.
    """

    metric: str = "exact"
    error: float = 0.1
    verification: float = 1.0
    yes: str = "Yes"

    def __post_init__(self) -> None:
        """Checks the settings."""
        if self.metric not in METRICS:
            raise GraphError(
                f"there is no metric {self.metric!r}; there are {', '.join(sorted(METRICS))}"
            )
        if not 0 < self.error < 1 / 2 or not 0 <= self.verification < math.inf:
            raise GraphError("error must lie between 0 and 1/2, and verification not below 0")

    def __call__(self, target: str, value: Any) -> float:
        """The sum over the solutions."""
        good, bad = math.log1p(-self.error), math.log(self.error)
        total = 0.0
        for answer, verdict in value:
            is_right = float(METRICS[self.metric](str(answer), target)) >= 1
            total += good if is_right else bad
            total += self.verification * (good if (verdict == self.yes) == is_right else bad)
        return total
