"""The options that ask for bounds on log p(target | input)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from langnet.cli.options import F, applied, option
from langnet.vi.guide import GUIDES

__all__ = ["Bounding", "bound_options", "bounding_of"]

_BOUNDS = "Bounds"
_GUIDE = "mixture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounding:
    """What the command line says about bounds; see `langnet.vi.bound`.

    Attributes:
        draws: particles of each example.
        guide: where they are drawn from.
        resample: the share below which they are resampled; `None` for never.
    """

    draws: int
    guide: str
    resample: float | None


def bound_options(function: F) -> F:
    """Whether bounds are wanted, and how they are estimated."""
    return applied(
        function,
        [
            option(
                _BOUNDS,
                "--bound",
                type=click.IntRange(min=1),
                metavar="K",
                help="Bound log p(target | input) as well, with K particles per example.",
            ),
            option(
                _BOUNDS,
                "--guide",
                type=click.Choice(sorted(GUIDES)),
                help=f"Where the particles' hidden texts are drawn from; {_GUIDE} by default.",
            ),
            option(
                _BOUNDS,
                "--resample",
                type=click.FloatRange(min=0, max=1, min_open=True),
                metavar="SHARE",
                help="Resample particles where their effective sample size falls below this share.",
            ),
        ],
    )


def bounding_of(options: dict[str, Any]) -> Bounding | None:
    """What is asked for, its options taken out of all; `None` where no bound is.

    Raises:
        click.UsageError: how is said, but not that.
    """
    draws, guide, resample = (options.pop(name) for name in ("bound", "guide", "resample"))
    if draws is not None:
        return Bounding(draws=draws, guide=guide or _GUIDE, resample=resample)
    if guide is not None or resample is not None:
        raise click.UsageError("--guide and --resample belong to --bound K, which is missing")
    return None
