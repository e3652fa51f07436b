"""Ages and sizes on a command line: "30d", "1.5GB"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["Age", "Size"]

_AMOUNT = re.compile(r"(?P<number>\d+(\.\d*)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {
    "": 1,
    "b": 1,
    **{f"{unit}{end}": 1000**power for power, unit in enumerate("kmgt", 1) for end in ("", "b")},
    **{f"{unit}ib": 1024**power for power, unit in enumerate("kmgt", 1)},
}


class _Amount(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic in newer versions
    """A number with a unit."""

    units: Mapping[str, int]
    examples: str

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Reads the text; what is a number already stays."""
        if isinstance(value, int | float):
            return value
        found = _AMOUNT.fullmatch(str(value).strip())
        if found is None or found["unit"].lower() not in self.units:
            self.fail(f"{value!r} is no {self.name}; write it like {self.examples}", param, ctx)
        return float(found["number"]) * self.units[found["unit"].lower()]


class Age(_Amount):
    """Seconds."""

    name = "age"
    units = _SECONDS
    examples = "90s, 45m, 12h, 30d or 2w"


class Size(_Amount):
    """Bytes; GB are thousands, GiB are 1024s."""

    name = "size"
    units = _BYTES
    examples = "500MB, 1.5GB or 2GiB"
