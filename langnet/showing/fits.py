"""Views of fits and of their plans."""

from __future__ import annotations

from collections.abc import Iterator

from langnet.fit import Fitted
from langnet.report.words import amount, counted, duration, quantity
from langnet.showing.blocks import Block, Cell, Curve, Line, Long, Table, Title
from langnet.showing.difference import changed
from langnet.vi.plan import FitPlan, Plan

__all__ = ["fit_plan_view", "fitted_view", "plan_view"]


def fitted_view(fitted: Fitted) -> Iterator[Block]:
    """Why a fit ended, how the validations went, what it took, and how the prompts changed."""
    state, reading, plan = fitted.state, fitted.reading, fitted.plan
    yield Title(f"{fitted.graph.name}: a fit of {counted(state.step, 'step')}")
    facts = [("ended because", fitted.reason), ("objective", fitted.objective)]
    if state.validations:
        first, best = state.validations[0], state.best_metric
        at = next(each.step for each in state.validations if each.metric == best)
        told = f"{amount(first.metric)} at the start, best {amount(best)}"
        facts.append(("validation", f"{told} after step {at}" if at else told))
    if reading is not None:
        drawn, given = reading.completion_tokens, reading.prompt_tokens
        tokens = f"{quantity(given)} prompt tokens, {quantity(drawn)} drawn"
        facts.append(("took", f"{counted(reading.calls, 'call')}, {tokens}"))
    if plan is not None:
        most = plan.total
        facts.append(("planned, at most", f"{most.calls:,} calls, {quantity(most.tokens)} tokens"))
    facts.append(("time", duration(fitted.seconds)))
    yield Table(("", ""), tuple(facts))
    if len(state.validations) > 1:
        points = sorted((each.step, each.metric) for each in state.validations)
        yield Curve("validation", tuple(points))
    rows: list[tuple[Cell, ...]] = []
    for name, before in fitted.initial.prompts.items():
        after = fitted.graph.prompts[name]
        if before == after:
            rows.append((name, Long(before), "(unchanged)"))
        else:
            rows.append((name, *changed(before, after)))
    yield Table(("prompt", "before", "after"), tuple(rows))


def fit_plan_view(plan: FitPlan) -> Iterator[Block]:
    """What a fit will ask at most."""
    total = plan.total
    yield Title(f"plan of a fit: at most {total.calls:,} calls and {quantity(total.tokens)} tokens")
    each = plan.validation
    yield Line(
        f"{counted(plan.steps, 'step')} of at most {plan.step.total.calls:,} calls, and "
        f"{counted(plan.validations, 'validation')} of {each.calls:,}."
    )
    yield _phases(plan.step)


def plan_view(plan: Plan) -> Iterator[Block]:
    """What a step will ask at most, phase by phase."""
    total = plan.total
    yield Title(
        f"plan of a step: at most {total.calls:,} calls and {quantity(total.tokens)} tokens"
    )
    if not plan.exact:
        yield Line("Some numbers depend on texts that are yet to be drawn.")
    yield _phases(plan)


def _phases(plan: Plan) -> Table:
    columns = ("of a step", "calls", "texts", "prompt tokens", "drawn")
    rows = [
        (
            phase,
            f"{count.calls:,}",
            f"{count.texts:,}",
            quantity(count.prompt_tokens),
            quantity(count.completion_tokens),
        )
        for phase, count in plan.phases.items()
        if count.calls
    ]
    return Table(columns, tuple(rows), frozenset({1, 2, 3, 4}))
