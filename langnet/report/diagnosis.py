"""Tables of a diagnosis and of credit."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from langnet.credit import Credit
from langnet.diagnose import Diagnosis, Headroom
from langnet.report.table import measured
from langnet.report.words import amount, counted, quantity

__all__ = ["credit_report", "diagnosis_report"]


def diagnosis_report(found: Diagnosis, metric: str) -> list[RenderableType]:
    """The tables and sentences of a diagnosis, the verdict with its reasons last."""
    parts: list[RenderableType] = []
    for room in found.headroom:
        parts += [_headroom_table(room, metric), _headroom_line(room)]
    if found.coupling:
        parts.append(_coupling_table(found))
    parts += [_abilities_table(found), _sample_line(found), _cost_line(found)]
    return [*parts, found.verdict.upper(), *(f"- {reason}" for reason in found.reasons)]


def credit_report(found: Credit, metric: str) -> list[RenderableType]:
    """What each prompt brought, and what they bring together, as a table and sentences."""
    table = Table(title=f"{metric}: credit on {counted(found.gain.n, 'example')}")
    shapley = any(share.shapley is not None for share in found.shares)
    table.add_column("prompt")
    table.add_column("lost when it is put back")
    table.add_column("gained by it alone")
    if shapley:
        table.add_column("Shapley value")
    for share in found.shares:
        cells = [measured(share.swap_back), measured(share.leave_in)]
        if share.shapley is not None:
            cells.append(measured(share.shapley))
        table.add_row(Text(share.prompt), *cells)
    for name in found.unchanged:
        table.add_row(Text(name), "(unchanged)", "", style="dim")
    ends = f"from {measured(found.before)} to {measured(found.after)}"
    lines = [f"The gain is {measured(found.gain)}, {ends}."]
    if len(found.shares) > 1:
        lines.append(
            f"Together they bring {measured(found.interaction)} more than the sum of each alone."
        )
    if not found.shares:
        lines = ["No prompt changed, so there is no gain to divide."]
    return [table, *lines]


def _headroom_table(room: Headroom, metric: str) -> RenderableType:
    table = Table(title=f"variants of {room.prompt}")
    table.add_column("from")
    table.add_column("prompt", overflow="ellipsis", no_wrap=True, max_width=34)
    table.add_column(metric, justify="right")
    table.add_column("nats", justify="right")
    table.add_column("gain (all hold at once)", no_wrap=True)
    best = room.tried[room.best]
    for tried in (room.tried[0], *sorted(room.tried[1:], key=lambda t: -t.metric)):
        table.add_row(
            tried.variant.origin,
            Text(" ".join(tried.variant.text.split())),
            amount(tried.metric),
            amount(tried.logprob),
            "" if tried.gain is None else measured(tried.gain),
            style="bold" if tried is best else "",
        )
    return table


def _headroom_line(room: Headroom) -> str:
    spread, found = room.spread, room.judgement
    high = "?" if spread.high is None else amount(spread.high)
    line = (
        f"Spread over variants {amount(spread.sd)} ({amount(spread.low)} to {high}) without noise; "
        f"chosen on one half, the best gains {amount(room.realisable)} on the other."
    )
    if found.fresh:
        gain = f"{measured(found.gain)}, {round(100 * found.gain.confidence, 2):g}% interval"
        line += (
            f" On {counted(found.gain.n, 'fresh example')}: {amount(found.current)} becomes "
            f"{amount(found.metric)}, a gain of {gain}."
        )
    return line


def _coupling_table(found: Diagnosis) -> RenderableType:
    table = Table(title="coupling")
    for column in ("prompts", "first changed alone", "with the second changed", "interaction"):
        table.add_column(column)
    table.add_column("fit them")
    for pair in found.coupling:
        table.add_row(
            Text(" × ".join(pair.prompts)),
            measured(pair.alone),
            measured(pair.together),
            measured(pair.interaction),
            pair.verdict,
        )
    return table


def _abilities_table(found: Diagnosis) -> RenderableType:
    table = Table(title=f"models; objective: {found.objective}")
    table.add_column("node")
    for column in ("draws", "scores", "chooses"):
        table.add_column(column)
    table.add_column("model", overflow="ellipsis", no_wrap=True, max_width=44)
    for able in found.abilities:
        can = ("yes" if flag else "no" for flag in (able.sample, able.score, able.choose))
        table.add_row(Text(able.node), *can, Text(able.model))
    return table


def _sample_line(found: Diagnosis) -> str:
    sample = found.starting_sample
    if sample is None:
        return "Effective sample size at the start: not applicable."
    return (
        f"Effective sample size at the start: {sample.effective:.1f} of {sample.draws} draws, on "
        f"{counted(sample.examples, 'example')}."
    )


def _cost_line(found: Diagnosis) -> str:
    total = found.plan.total
    money = "" if found.money is None else f", {found.money:.2f} at the given price"
    steps = counted(found.plan.steps, "step")
    return (
        f"A fit of {steps} takes at most {quantity(total.calls)} calls, "
        f"{quantity(total.prompt_tokens)} prompt tokens and {quantity(total.completion_tokens)} "
        f"drawn ones{money}."
    )
