"""What a step asked of its models, and how that compares with what was planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langnet.lm.once import Tally
from langnet.vi.ledger import Ledger, Phase
from langnet.vi.objective import Evidence, Objective
from langnet.vi.score import Scorer

__all__ = ["Account", "Calls", "spared"]


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one step.

    Attributes:
        sent: calls that went out, by phase. Some of them may have been answered by a cache below.
        repeated: calls that had been asked before in the same step, by phase: answered from memory.
        raced: calls of the phase "score" that full scoring would have sent besides.
    """

    sent: Mapping[Phase, int]
    repeated: Mapping[Phase, int]
    raced: int

    @classmethod
    def of(cls, ledger: Ledger, raced: int) -> Calls:
        """What a ledger shows."""
        return cls(
            {phase: tally.sent for phase, tally in ledger.tallies.items()},
            {phase: tally.repeated for phase, tally in ledger.tallies.items()},
            raced,
        )

    @property
    def total(self) -> int:
        """All calls that went out."""
        return sum(self.sent.values())


@dataclass(frozen=True, slots=True)
class Account:
    """A plan against what came of it, in calls.

    planned = sent + raced + unneeded

    Attributes:
        planned: by phase, what the plan said.
        sent: by phase, what went out.
        raced: what racing spared.
        unneeded: by phase, what fell away: texts that came out the same, alternatives without
            weight, proposals that were dropped, a memory that is not full, examples that failed.
    """

    planned: Mapping[Phase, int]
    sent: Mapping[Phase, int]
    raced: int
    unneeded: Mapping[Phase, int]


async def spared(
    scorer: Scorer,
    tally: Tally,
    evidence: Sequence[Evidence],
    terms: Sequence[Objective],
    missing: Sequence[int],
) -> int:
    """The calls that were spared by not scoring some candidates on some examples.

    Args:
        scorer: of one candidate, on dry models.
        tally: counts what those are asked.
        evidence: of each example.
        terms: the objectives.
        missing: on each example, how many candidates were not scored.
    """
    total = 0
    for item, left_out in zip(evidence, missing, strict=True):
        if left_out:
            before = tally.sent
            for term in terms:
                await term(item, scorer)
            total += left_out * (tally.sent - before)
    return total
