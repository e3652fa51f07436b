"""How a run stands, as the list of runs shows it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langnet.report.live import read_live
from langnet.report.page.document import json_number
from langnet.ui.files import read_data

__all__ = ["live_of", "run_row", "status_of"]

_QUIET = 120.0
"""Seconds after its last step for which a fit that keeps no live.json counts as running."""


def live_of(directory: Path) -> dict[str, Any] | None:
    """What a fit says of itself in live.json, "interrupted" where it is gone."""
    found = read_live(directory)
    return None if found is None else found.to_json()


def status_of(live: Mapping[str, Any] | None, result: object, changed: float) -> str:
    """Whether a run is running, paused, finished, interrupted or failed.

    Args:
        live: what its fit says of itself; see `live_of`.
        result: what came of it; `None` where nothing has yet.
        changed: when its state was written, in seconds since 1970.
    """
    if live is not None:
        return str(live["status"])
    if result is not None:
        return "finished"
    return "running" if time.time() - changed < _QUIET else "interrupted"


def run_row(name: str, directory: Path) -> dict[str, Any]:
    """What the list of runs shows of one; little more than its name where it cannot be read."""
    try:
        return _row(name, directory)
    except (LookupError, TypeError, AttributeError, ValueError):
        unknown = dict.fromkeys(("steps", "left", "last", "best", "gain"))
        unknown |= dict.fromkeys(("network", "task", "phase"), "")
        empty = {"step": 0, "validations": [], "changed": _changed(directory / "run.json")}
        return {"name": name, "status": "unreadable", **unknown, **empty}


def _row(name: str, directory: Path) -> dict[str, Any]:
    state = _mapping(read_data(directory / "state.json"))
    result = read_data(directory / "result.json")
    live = live_of(directory)
    about = _mapping(result)
    now = live or {}
    changed = max(map(_changed, (directory / "state.json", directory / "run.json")))
    validations = [[item["step"], json_number(item["metric"])] for item in _validations(state)]
    values = [value for _, value in validations if isinstance(value, int | float)]
    return {
        "name": name,
        "status": status_of(live, result, changed),
        "network": _text(about.get("network") or now.get("name")),
        "task": _text(about.get("task")),
        "step": state.get("step", 0),
        "steps": now.get("steps") or about.get("steps"),
        "phase": _text(now.get("phase")),
        "left": now.get("left"),
        "validations": validations,
        "last": values[-1] if values else None,
        "best": max(values) if values else None,
        "gain": _gain(about.get("test")),
        "changed": changed,
    }


def _gain(test: Any) -> dict[str, Any] | None:
    gain = test.get("gain") if isinstance(test, Mapping) else None
    if not isinstance(gain, Mapping):
        return None
    return {name: gain.get(name) for name in ("mean", "low", "high")}


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _mapping(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _validations(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = state.get("validations", [])
    return [item for item in found if isinstance(item, Mapping) and {"step", "metric"} <= {*item}]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
