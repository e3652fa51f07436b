"""How a run stands, as the list of runs shows it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langnet.report.page.document import json_number
from langnet.ui.files import read_data

__all__ = ["run_row", "status_of"]

_QUIET = 120.0
"""Seconds of silence after which a fit counts as interrupted: of its live.json, which is written
every second, or of its steps where it keeps none."""


def status_of(live: Any, result: Any, changed: float) -> str:
    """Whether a run is running, paused, finished, interrupted or failed.

    Args:
        live: what its fit says of itself, in live.json; `None` where it says nothing.
        result: what came of it; `None` where nothing has yet.
        changed: when its state was written, in seconds since 1970.
    """
    if isinstance(live, Mapping):
        said = str(live.get("status"))
        if said in ("running", "paused"):
            return said if _is_alive(live) else "interrupted"
        return said
    if result is not None:
        return "finished"
    return "running" if time.time() - changed < _QUIET else "interrupted"


def run_row(name: str, directory: Path) -> dict[str, Any]:
    """What the list of runs shows of one."""
    state = _mapping(read_data(directory / "state.json"))
    result = read_data(directory / "result.json")
    live = read_data(directory / "live.json")
    about = _mapping(result)
    now = _mapping(live)
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
    return {name: gain.get(name) for name in ("mean", "low", "high", "confidence")}


def _is_alive(live: Mapping[str, Any]) -> bool:
    """Whether who writes live.json is still there, as far as that can be seen from here."""
    at, pid = live.get("at"), live.get("pid")
    if isinstance(at, int | float) and time.time() - at > _QUIET:
        return False
    is_here = live.get("host") in (None, platform.node())
    # On Windows the same call would end the process.
    if not is_here or os.name != "posix" or not isinstance(pid, int) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


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
