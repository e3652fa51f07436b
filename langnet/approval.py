"""Verdicts on solutions: which answers are approved, and how sure a vote among them may be.

Pure functions for function nodes, as in `langnet.votes`. Observing the approved answers makes a
solver and its verifier one model of the right answer: that which of the verdicts were right follows
from the answer alone, by inference.

    Node("solution", "{question}\n\n{prompt}", draws=4),
    Node("verdict", "{question}\n\n{solution}\n\n{prompt}", choices=["Yes", "No"], over="solution"),
    Function("answer", last_number("solution")),
    Function("approved", approved("answer", "verdict"), likelihood=vote_share()),
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from langnet.errors import GraphError
from langnet.functions import _UNREAD, _Reader
from langnet.metrics import METRICS
from langnet.votes import tally

__all__ = ["approved", "is_sure", "vote_share"]


@dataclass(frozen=True)
class approved(_Reader):  # noqa: N801 - made and used like a function
    """The answers whose verdict is for them, in their order.

    Attributes:
        parent: the plural parent that holds the answers; "" and `None` are left out.
        verdicts: the plural parent that holds a verdict for each.
        yes: the verdict that approves.
    """

    verdicts: str
    yes: str = "Yes"

    def _read(self) -> tuple[str, ...]:
        return self.parent, self.verdicts

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """The answers that remain."""
        answers, verdicts = self._elements(values), self._elements(values, self.verdicts)
        if len(answers) != len(verdicts):
            raise GraphError(
                f"{len(verdicts)} verdicts do not pair with {len(answers)} answers; give each "
                "solution one verdict"
            )
        pairs = zip(answers, verdicts, strict=True)
        return tuple(
            answer for answer, verdict in pairs if verdict == self.yes and answer not in _UNREAD
        )


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
class vote_share:  # noqa: N801 - made and used like a function
    """The likelihood of a right answer under votes: log((r + ½) / (n + 1)), in nats.

    Of n votes r are right. The half and the one (Krichevsky and Trofimov 1981) stand for what
    further votes may say, so that an example without a right vote is improbable, not impossible.

    Attributes:
        metric: a name in `metrics.METRICS`; a vote is right where it gives 1.
    """

    metric: str = "exact"

    def __post_init__(self) -> None:
        """Checks the setting."""
        if self.metric not in METRICS:
            raise GraphError(
                f"there is no metric {self.metric!r}; there are {', '.join(sorted(METRICS))}"
            )

    def __call__(self, target: str, value: Any) -> float:
        """The logarithm of the share of right votes.

        Raises:
            GraphError: what is observed is not plural.
        """
        if not isinstance(value, tuple):
            raise GraphError(f"vote_share needs a plural value, not {value!r}")
        right = sum(float(METRICS[self.metric](str(vote), target)) >= 1 for vote in value)
        return math.log((right + 0.5) / (len(value) + 1))
