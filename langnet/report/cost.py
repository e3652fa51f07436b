"""What the calls took, as a document, a line and a table: by node, by model and by purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from langnet.lm.meter import Meter, MeterReading
from langnet.lm.reading import total
from langnet.report.words import counted, duration, money, quantity

__all__ = ["Parts", "cost_data", "cost_line", "cost_table", "parts_of", "spending_data"]

Parts = Mapping[str, Mapping[str, MeterReading]]
"""Readings by name: "by_node", "by_model" and "by_purpose"."""

_PARTS = ("by_node", "by_model", "by_purpose")
_NAMELESS = "(none)"


def parts_of(meter: Meter) -> Parts:
    """What a meter counted, taken apart."""
    return {
        "by_node": meter.by_node(),
        "by_model": meter.by_model(),
        "by_purpose": meter.by_purpose(),
    }


def spending_data(
    reading: MeterReading, parts: Parts | None = None, *, currency: str = "USD"
) -> dict[str, Any]:
    """What calls took as plain data.

    "cost" is `None` where the price of a model is unknown; "known_cost" is then what the others
    cost, and "unpriced_models" names those whose price is missing.

    Args:
        reading: all of it.
        parts: the same, taken apart.
        currency: of the costs.
    """
    parts = parts or {}
    return {
        **_reading_data(reading),
        "currency": currency,
        "unpriced_models": sorted(
            name for name, part in parts.get("by_model", {}).items() if part.unpriced_tokens
        ),
        **{
            kind: {name: _reading_data(part) for name, part in sorted(parts[kind].items())}
            for kind in _PARTS
            if kind in parts
        },
    }


def cost_data(
    reading: MeterReading,
    seconds: float,
    earlier: Sequence[Mapping[str, Any]] = (),
    *,
    parts: Parts | None = None,
    currency: str = "USD",
) -> dict[str, Any]:
    """What a fit cost: calls, tokens, money and time, over all the sessions that it took.

    Args:
        reading: what was counted in this session.
        seconds: how long this session took.
        earlier: the sessions before this one, as in the last document's "sessions".
        parts: what was counted in this session, taken apart.
        currency: of the costs.
    """
    now = {"seconds": round(seconds, 3), **spending_data(reading, parts, currency=currency)}
    sessions = [*earlier, now]
    summed = total(map(MeterReading.from_json, sessions))
    return {
        "seconds": sum(session["seconds"] for session in sessions),
        **spending_data(summed, _merged(sessions), currency=currency),
        "sessions": sessions,
    }


def cost_line(cost: Mapping[str, Any]) -> str:
    """Calls, tokens, hits, money and time in one line; see `cost_data`."""
    line = (
        f"{counted(cost['calls'], 'call')} ({cost['sample_calls']:,} sample, "
        f"{cost['score_calls']:,} score, {cost['choose_calls']:,} choose), "
        f"{counted(cost['prompt_tokens'], 'prompt token')}, "
        f"{counted(cost['completion_tokens'], 'completion token')}, "
        f"{counted(cost['hits'], 'answer')} from the cache, {_money(cost)}, "
        f"{duration(cost['seconds'])}"
    )
    sessions = len(cost["sessions"])
    return line if sessions == 1 else f"{line} in {sessions} sessions"


def cost_table(cost: Mapping[str, Any]) -> RenderableType:
    """What each node, each model and each purpose took; see `spending_data`."""
    table = Table(title="calls")
    table.add_column("")
    for heading in (
        "calls",
        "tokens given",
        "drawn",
        "cached",
        "hits",
        "retries",
        "queued",
        "cost",
    ):
        table.add_column(heading, justify="right")
    for kind in _PARTS:
        rows: Mapping[str, Mapping[str, Any]] = cost.get(kind, {})
        if kind == "by_purpose" and len(rows) <= 1:
            continue
        table.add_section()
        table.add_row(Text(kind.removeprefix("by_"), style="bold"))
        for name, row in rows.items():
            currency = cost["currency"]
            table.add_row(Text(f"  {name or _NAMELESS}"), *_cells(row, currency))
    return table


def _cells(row: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    estimated = "≈" if row["estimated_tokens"] else ""
    if row["cost"] is not None:
        shown = money(row["cost"], currency)
    elif row["known_cost"]:
        shown = f"≥ {money(row['known_cost'], currency)}"
    else:
        shown = "unknown"
    return (
        quantity(row["calls"]),
        estimated + quantity(row["prompt_tokens"]),
        estimated + quantity(row["completion_tokens"]),
        quantity(row["cached_tokens"]),
        quantity(row["hits"]),
        quantity(row["retries"]),
        duration(row["queued"]),
        shown,
    )


def _money(cost: Mapping[str, Any]) -> str:
    if cost["cost"] is not None:
        return money(cost["cost"], cost["currency"])
    of = ", ".join(cost["unpriced_models"]) or "some tokens"
    if not cost["known_cost"]:
        return f"at a cost that is unknown (no price of {of})"
    return f"at least {money(cost['known_cost'], cost['currency'])} (no price of {of})"


def _reading_data(reading: MeterReading) -> dict[str, Any]:
    return {"calls": reading.calls, **reading.to_json(), "cost": reading.cost}


def _merged(sessions: Sequence[Mapping[str, Any]]) -> Parts:
    """The parts of several sessions, added up by name."""
    merged: dict[str, dict[str, MeterReading]] = {}
    for session in sessions:
        for kind in _PARTS:
            for name, data in session.get(kind, {}).items():
                rows = merged.setdefault(kind, {})
                rows[name] = rows.get(name, MeterReading()) + MeterReading.from_json(data)
    return merged
