"""The reasons of a diagnosis, in words."""

from __future__ import annotations

from collections.abc import Sequence

from langnet.diagnose.abilities import Ability, StartingSample
from langnet.diagnose.coupling import Coupling
from langnet.diagnose.headroom import Headroom

__all__ = ["reasons"]

_NEARLY = 0.75
"""The share of the best gain from which on an idle prompt is worth a word."""


def reasons(
    rooms: Sequence[Headroom],
    coupled: Sequence[Coupling],
    able: Sequence[Ability],
    at_start: StartingSample | None,
) -> tuple[str, ...]:
    """One for each prompt first, then what else should be known."""
    return (
        *(f"{room.prompt}: {room.reason}" for room in rooms),
        *(f"{room.prompt}: {caution}" for room in rooms if (caution := _caution(room))),
        *(f"{found.reason}." for found in coupled),
        *(f"{found.warning}." for found in able if found.warning),
        *([f"{at_start.warning}."] if at_start is not None and at_start.warning else []),
    )


def _caution(room: Headroom) -> str:
    """Says so where a prompt without an instruction gains nearly as much as the best one."""
    if room.verdict != "go":
        return ""
    start, best = room.tried[0].metric, room.tried[room.best].metric
    idle = [t for t in room.tried[1:] if t.variant.origin in {"empty", "irrelevant"}]
    other = max(idle, key=lambda tried: tried.metric, default=None)
    if other is None or other.metric - start < _NEARLY * (best - start):
        return ""
    found = f"the {other.variant.origin} prompt is the best variant"
    if other is not room.tried[room.best]:
        found = (
            f"the {other.variant.origin} prompt gains {other.metric - start:+.2f} where the best "
            f"one gains {best - start:+.2f} on the examples that all were tried on"
        )
    return (
        f"{found}: what a prompt moves here is the model's bias more than what it understands. "
        "Compare with --calibrate, and fit with --baselines."
    )
