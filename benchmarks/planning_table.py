"""What `planning.py` found, its sums and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from published import Cost

from langnet.lm.local import Work
from langnet.vi.calls import Account
from langnet.vi.ledger import Phase
from langnet.vi.plan import Plan

GOAL = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step.

    Attributes:
        variant: as `planning.py` names it.
        plan: what was planned.
        account: the plan against what was sent, in calls.
        repeated: calls that were answered from earlier ones of the step, by phase.
        grouped: calls that would have been sent besides if every text took one of its own.
        labels: calls that would have been sent besides if every label took one of its own.
        candidates: by prompt, how many were compared, the current one included.
        work: what the engine computed, by phase.
        published: what the published code would ask for the same step, by part.
        seconds: of the wall.
    """

    variant: str
    plan: Plan
    account: Account
    repeated: Mapping[Phase, int]
    grouped: int
    labels: int
    candidates: Mapping[str, int]
    work: Mapping[Phase, Work]
    published: Mapping[str, Cost]
    seconds: float

    def figures(self) -> dict[str, Any]:
        """The sums and their ratios."""
        work, asked = sum(self.work.values(), Work()), sum(self.published.values(), Cost())
        return {
            "planned_calls": self.plan.total.calls,
            "planned_tokens": self.plan.total.tokens,
            "sent": sum(self.account.sent.values()),
            "repeated": sum(self.repeated.values()),
            "raced": self.account.raced,
            "unneeded": sum(self.account.unneeded.values()),
            "saved_by_grouping_texts": self.grouped,
            "saved_by_one_call_labels": self.labels,
            "published_requests": asked.requests,
            "published_requests_label_by_label": asked.label_requests,
            "published_tokens": asked.tokens,
            "published_tokens_label_by_label": asked.label_tokens,
            "requested_tokens": work.requested_tokens,
            "prefilled_tokens": work.prefilled_tokens,
            "filler_tokens": work.filler_tokens,
            "drawn_tokens": work.drawn_tokens,
            "sent_over_published": sum(self.account.sent.values()) / asked.requests,
            "prefilled_over_requested": work.prefilled_share,
            "prefilled_over_published": work.prefilled_tokens / asked.tokens,
            "prefilled_over_label_by_label": work.prefilled_tokens / asked.label_tokens,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "variant": self.variant,
            "figures": self.figures(),
            "plan": self.plan.to_json(),
            "account": asdict(self.account),
            "repeated": dict(self.repeated),
            "candidates": dict(self.candidates),
            "work": {phase: asdict(work) for phase, work in self.work.items()},
            "published": {part: asdict(cost) for part, cost in self.published.items()},
            "seconds": round(self.seconds, 1),
        }


def show(outcomes: Sequence[Outcome], published: Mapping[str, int]) -> None:
    """Prints the tables as Markdown."""
    parts = " + ".join(f"{count:,} {part}" for part, count in published.items())
    print(f"published, by the formula: {sum(published.values()):,} requests = {parts}")
    for outcome in outcomes:
        print(f"\n{outcome.variant}; candidates: {outcome.candidates}\n")
        print(
            "| phase | planned calls | planned tokens | sent | repeated | raced | unneeded |",
            end="",
        )
        print(" requested tokens | prefilled |\n|---|---|---|---|---|---|---|---|---|")
        account = outcome.account
        for phase, count in outcome.plan.phases.items():
            raced = account.raced if phase == "score" else 0
            work = outcome.work[phase]
            cells = (
                *(count.calls, count.tokens, account.sent[phase], outcome.repeated[phase]),
                *(raced, account.unneeded[phase], work.requested_tokens, work.prefilled_tokens),
            )
            print(f"| {phase} | {' | '.join(f'{cell:,}' for cell in cells)} |")
        print("\n| the published way | requests | tokens | label by label | tokens |")
        print("|---|---|---|---|---|")
        for part, cost in outcome.published.items():
            print(
                f"| {part} | {cost.requests:,} | {cost.tokens:,} "
                f"| {cost.label_requests:,} | {cost.label_tokens:,} |"
            )
        print()
        figures = outcome.figures()
        for name, value in figures.items():
            print(f"  {name:36}{value:>12,.3f}" if value % 1 else f"  {name:36}{value:>12,.0f}")
        ratio = figures["prefilled_over_published"]
        verdict = "within" if ratio <= GOAL else "ABOVE"
        print(f"Prefilled over published: {ratio:.3f}, {verdict} {GOAL}.")
