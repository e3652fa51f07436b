"""The parts of the live view: where it stands, curves, prompts, totals, limits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from langnet.drawing.words import printable
from langnet.report.live.cells import APART, COLOURS, DOT, GAP, WIDE, bar, cut
from langnet.report.live.snapshot import RateNow, Snapshot
from langnet.report.live.sparkline import sparkline
from langnet.report.words import amount, duration, money, quantity

__all__ = ["curves", "heading", "limits", "prompts", "times", "title", "totals"]

_LABEL = 10
"""Cells of what stands before a bar or a curve."""
_LONGEST = 80
_LONGEST_CURVE = 30
_SHORT = 8
"""Cells of a curve that are worth more than what stands after it."""
_NEAR = 0.9
"""Of a limit: what is worth a colour."""
_STATES = {
    "running": "cyan",
    "paused": "yellow",
    "finished": "green",
    "failed": "red",
    "interrupted": "yellow",
}


def title(snapshot: Snapshot) -> Text:
    """The network's name, what is maximised, and how it stands."""
    found = Text.assemble((printable(snapshot.name) or "langnet", "bold"))
    if snapshot.objective:
        found.append(f"{DOT}{printable(snapshot.objective)}")
    if snapshot.status != "running":
        found.append(f"{DOT}{snapshot.status}", style=_STATES[snapshot.status])
    return found


def times(snapshot: Snapshot) -> Text:
    """How long it has taken, and how long it may take yet."""
    found = Text(duration(snapshot.elapsed))
    if snapshot.left is not None and snapshot.status in {"running", "paused"}:
        found.append(f", about {duration(snapshot.left)} left", style="dim")
    return found


def heading(snapshot: Snapshot, width: int) -> list[Text]:
    """Steps, and what counts its items now, or what is called for."""
    rows = []
    if snapshot.steps:
        rows.append(_progress("steps", snapshot.step, snapshot.steps, width))
    if snapshot.phase and snapshot.done < snapshot.total:
        rows.append(_progress(printable(snapshot.phase), snapshot.done, snapshot.total, width))
    elif snapshot.steps and not snapshot.reason:
        rows.append(_busy(snapshot))
    return rows or [times(snapshot)]


def _progress(name: str, done: int, total: int, width: int) -> Text:
    label = cut(name, _LABEL) if cell_len(name) <= _LABEL else cut(name, width // 4).rstrip()
    row = Text.assemble((label + GAP, "dim"))
    count = f"{done:,}/{total:,}"
    room = width - row.cell_len - max(len(count), 7) - len(GAP)
    row.append_text(bar(done / max(total, 1), min(room, _LONGEST)))
    return row.append(GAP + count, style="bold")


def _busy(snapshot: Snapshot) -> Text:
    """What is called for now, by all nodes."""
    row = Text.assemble((cut("now", _LABEL) + GAP, "dim"))
    purposes = {node.purpose for node in snapshot.nodes.values() if node.purpose}
    known = [purpose for purpose in COLOURS if purpose in purposes]
    shown = [*known, *sorted(purposes.difference(known))] or ["–"]
    for place, purpose in enumerate(["paused"] if snapshot.status == "paused" else shown):
        row.append(DOT if place else "", style="dim")
        row.append(printable(purpose), style=COLOURS.get(purpose, ""))
    return row


def curves(snapshot: Snapshot, width: int) -> list[Text]:
    """Evidence, or the score, and validation over the steps; side by side where there is room."""
    found: list[tuple[str, Sequence[tuple[int, float | None]], str]] = []
    if snapshot.evidence:
        found.append(("evidence", snapshot.evidence, " nats"))
    elif snapshot.scores:
        found.append(("score", snapshot.scores, ""))
    if snapshot.validation:
        best = f", best {amount(snapshot.best)}"
        if snapshot.best_step is not None:
            best += f" (step {snapshot.best_step})" if snapshot.best_step else " (at the start)"
        found.append(("validation", snapshot.validation, best))
    beside = width >= WIDE and len(found) > 1
    taken = [_LABEL + 2 * len(GAP) + len(amount(points[-1][1])) for _, points, _ in found]
    room = width - (sum(taken) + len(APART) if beside else max(taken, default=0))
    rooms = sum(len(after) for *_, after in found)
    if not beside:
        rooms = max((len(after) for *_, after in found), default=0)
    size = (room - rooms) // (2 if beside else 1)
    if size < _SHORT:  # the curve says more than what is after it
        found = [(name, points, "") for name, points, _ in found]
        size = room // (2 if beside else 1)
    rows = [_curve(name, points, min(size, _LONGEST_CURVE), after) for name, points, after in found]
    if beside:
        first, second = rows
        return [Text.assemble(first, APART, second)]
    return rows


def _curve(name: str, points: Sequence[tuple[int, float | None]], size: int, after: str) -> Text:
    return Text.assemble(
        (cut(name, _LABEL) + GAP, "dim"),
        (sparkline([value for _, value in points], size), "cyan"),
        (GAP + amount(points[-1][1]), "bold"),
        (after, "dim"),
    )


def prompts(snapshot: Snapshot, width: int, most: int) -> list[Text]:
    """The best prompts, a line for each; those that have changed first where there is no room."""
    names = list(snapshot.prompts)
    if not names or most < 2:  # noqa: PLR2004 - a heading alone says nothing
        return []
    if len(names) + 1 > most:
        names.sort(key=lambda name: name not in snapshot.changed)
        names = names[: most - 1]
    size = min(max(cell_len(printable(name)) for name in names), max(width // 3, 1))
    changed = "• changed since the start"
    head = Text("best prompts so far", style="dim")
    if snapshot.changed and head.cell_len + len(DOT) + len(changed) <= width:
        head.append(f"{DOT}{changed}")
    rows = [head]
    for name in names:
        has_changed = name in snapshot.changed
        label = cut(printable(name), size)
        row = Text.assemble(
            ("• " if has_changed else "  ", "green"), (label, "bold" if has_changed else "dim")
        )
        text = printable(snapshot.prompts[name]) or "(empty)"
        row.append(GAP + cut(text, max(width - row.cell_len - len(GAP), 1)).rstrip())
        rows.append(row)
    return rows


def totals(snapshot: Snapshot, width: int) -> list[Text]:
    """Calls, tokens, money, answers of the cache, failures."""
    reading = snapshot.reading
    rate = f" at {snapshot.calls_per_second:.1f}/s" if snapshot.calls_per_second else ""
    tokens = f" at {quantity(round(snapshot.tokens_per_second))}/s" if rate else ""
    estimated = "≈" if reading.estimated_tokens else ""
    facts = [
        ("calls", f"{quantity(reading.calls)}{rate}", ""),
        ("tokens", f"{estimated}{quantity(reading.tokens)}{tokens}", ""),
        ("cost", _cost(snapshot), ""),
        ("cached", quantity(reading.hits), ""),
        ("retries", quantity(reading.retries), "yellow" if reading.retries else ""),
        ("failed", quantity(reading.errors), "yellow" if reading.errors else ""),
    ]
    if len(snapshot.limits) == 1:
        facts += [_open(rate) for rate in snapshot.limits.values() if _is_free(rate)]
    return _flow(facts, width)


def _cost(snapshot: Snapshot) -> str:
    reading = snapshot.reading
    if reading.cost is not None:
        return money(reading.cost, snapshot.currency)
    if reading.known_cost:
        return f"≥ {money(reading.known_cost, snapshot.currency)}"
    return "unknown"


def limits(snapshot: Snapshot, width: int) -> list[Text]:
    """How near each model is to its limits; nothing of models that nothing holds back."""
    found = []
    for name, rate in snapshot.limits.items():
        if _is_free(rate):
            continue
        facts = [
            (
                printable(resource).replace("_", " "),
                f"{quantity(rate.used.get(resource, 0))} of {quantity(round(limit))} a minute",
                "yellow" if rate.used.get(resource, 0) >= _NEAR * limit else "",
            )
            for resource, limit in rate.limits.items()
        ]
        facts += _queue(rate)
        if len(snapshot.limits) > 1:
            label = cut(printable(name), min(24, width // 3)).rstrip()
            facts = [("", label, "dim"), *facts]
        found += _flow(facts, width)
    return found


def _is_free(rate: RateNow) -> bool:
    return not (rate.limits or rate.waiting or rate.refused or rate.closed_for)


def _open(rate: RateNow) -> tuple[str, str, str]:
    return "open", f"{rate.open} of {rate.concurrency}", ""


def _queue(rate: RateNow) -> list[tuple[str, str, str]]:
    waiting = ("waiting", quantity(rate.waiting), "yellow" if rate.waiting else "")
    facts = [_open(rate), waiting]
    if rate.refused:
        facts.append(("refused", quantity(rate.refused), "yellow"))
    if rate.closed_for:
        facts.append(("closed for", duration(rate.closed_for), "red"))
    return facts


def _flow(facts: Sequence[tuple[str, str, str]], width: int) -> list[Text]:
    """Names and values, as many in a line as it holds."""
    rows: list[Text] = []
    for name, value, style in facts:
        fact = Text.assemble((f"{name} " if name else "", "dim"), (value, style))
        if rows and rows[-1].cell_len + len(DOT) + fact.cell_len <= width:
            rows[-1].append(DOT, style="dim").append_text(fact)
        else:
            rows.append(fact)
    return rows
