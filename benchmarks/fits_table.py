"""The tables of `fits.py`: every fit beside its start, and repaired prompts beside good ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langnet import Key
from langnet.metrics import Interval, paired_interval
from langnet.report.result import interval_data

CLOSE = 0.05
"""How far below the fit from the good start a repaired prompt may end."""

Found = Mapping[str, Any]
"""What `fits.py` writes of one fit."""


def show(found: Sequence[Found], total: int, *, as_json: bool) -> None:
    """Prints what was found, as Markdown or as JSON.

    Args:
        found: the fits that are done.
        total: how many were asked for.
        as_json: whether to print one JSON document.
    """
    repairs = [repaired(pair) for pair in pairs(found)]
    if as_json:
        document = {
            "asked for": total,
            "fits": found,
            "never below": never_below(found),
            "repairs": repairs,
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return
    print(f"{len(found)} of {total} fits are done.\n")
    print("\n".join(fits_table(found)))
    above, known = never_below(found)
    print(f"\nNever below the start beyond the interval: {above} of {known}.")
    if repairs:
        print("\n" + "\n".join(repairs_table(repairs)))
        close = sum(pair["within"] for pair in repairs)
        print(f"\nRepaired to within {CLOSE * 100:.0f} points: {close} of {len(repairs)}.")


def never_below(found: Sequence[Found]) -> tuple[int, int]:
    """How many fits are not below their start beyond the interval, and of how many."""
    ends = [fit["test"]["gain"]["high"] for fit in found]
    known = [high for high in ends if high is not None]
    return sum(high >= 0 for high in known), len(known)


def pairs(found: Sequence[Found]) -> list[tuple[Found, Found]]:
    """Fits from the good start and from the defective one that are alike in all else."""
    by_asked = {_alike(fit, fit["asked"]["start"]): fit for fit in found}
    return [
        (good, fit)
        for fit in found
        if fit["asked"]["start"] == "defective"
        and (good := by_asked.get(_alike(fit, "description"))) is not None
    ]


def repaired(pair: tuple[Found, Found]) -> dict[str, Any]:
    """How a fit from a defective start ended, beside the one from the good start."""
    good, fit = pair
    asked, values = fit["asked"], [one["test"]["fitted"]["values"] for one in pair]
    difference = paired_interval(*values, key=Key(("repair", asked["seed"])))
    return {
        **{name: asked[name] for name in ("network", "task", "seed")},
        "good": {name: _interval(good["test"][name]) for name in ("initial", "fitted")},
        "defective": {name: _interval(fit["test"][name]) for name in ("initial", "fitted")},
        "difference": interval_data(difference),
        "within": difference.mean >= -CLOSE - 1e-9,  # rounding
    }


def fits_table(found: Sequence[Found]) -> list[str]:
    """A line per fit: accuracies with intervals, the paired gain, and what it cost."""
    lines = [
        (
            "| network | task | seed | start | initial | fitted | gain | calls | from the cache "
            "| saved by racing | prompt tokens | drawn tokens | time |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for fit in found:
        asked, test, cost = fit["asked"], fit["test"], fit["cost"]
        saved = cost["saved by racing"]
        cells = [
            *(str(asked[name]) for name in ("network", "task", "seed", "start")),
            _shown(test["initial"]),
            _shown(test["fitted"]),
            _shown(test["gain"], signed=True),
            *(f"{cost[name]:,}" for name in ("calls", "hits")),
            "–" if saved is None else f"{saved:,}",
            *(f"{cost[name]:,}" for name in ("prompt_tokens", "completion_tokens")),
            f"{cost['seconds'] / 60:.1f} min",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def repairs_table(repairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line per pair of fits: where either ended, and whether they are close."""
    lines = [
        (
            "| network | task | seed | good start, fitted | defective start | defective, fitted "
            f"| difference | within {CLOSE * 100:.0f} points |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in repairs:
        cells = [
            *(str(pair[name]) for name in ("network", "task", "seed")),
            _shown(pair["good"]["fitted"]),
            _shown(pair["defective"]["initial"]),
            _shown(pair["defective"]["fitted"]),
            _shown(pair["difference"], signed=True),
            "yes" if pair["within"] else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _alike(fit: Found, start: str) -> str:
    return json.dumps({**fit["asked"], "start": start}, sort_keys=True)


def _interval(found: Mapping[str, Any]) -> dict[str, Any]:
    """The interval without the values of every example."""
    return {name: value for name, value in found.items() if name in Interval.__slots__}


def _shown(found: Mapping[str, Any], *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if found["low"] is None:
        return f"{found['mean']:{sign}.3f}"
    return f"{found['mean']:{sign}.3f} ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})"
