"""How much of its progress a command shows."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import get_args

import click

from langnet.cli.options import F, applied, option
from langnet.events import Observer
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.report.progress import View, progress, showing

__all__ = ["shown", "shown_at_once", "view_options"]

_VIEW = "langnet.view"


def view_options(function: F) -> F:
    """`--view` and `--quiet`."""

    def set_view(context: click.Context, parameter: click.Parameter, value: str | bool) -> None:
        source = context.get_parameter_source(parameter.name or "")
        if source is click.core.ParameterSource.DEFAULT or value is False:
            return
        view = "quiet" if value is True else value
        if context.meta.setdefault(_VIEW, view) != view:
            raise click.UsageError("give either --view or --quiet, not both")

    return applied(
        function,
        [
            option(
                "Options",
                "--view",
                type=click.Choice(get_args(View)),
                default="live",
                expose_value=False,
                callback=set_view,
                help="How progress is shown: live (on a terminal, by default), plain lines, quiet.",
            ),
            option(
                "Options",
                "-q",
                "--quiet",
                is_flag=True,
                expose_value=False,
                callback=set_view,
                help="Show no progress: --view quiet.",
            ),
        ],
    )


@asynccontextmanager
async def shown(
    *,
    meter: Meter | None = None,
    graph: Graph | None = None,
    later: int = 0,
    directory: Path | None = None,
) -> AsyncIterator[Observer]:
    """Shows on the standard error how the command gets on, as its options say.

    Args:
        meter: counts the calls.
        graph: the network.
        later: examples that will be evaluated outside a fit, for the time left.
        directory: where `live.json` is kept.
    """
    async with showing(
        sys.stderr, view=_view(), meter=meter, graph=graph, later=later, directory=directory
    ) as observer:
        yield observer


@contextmanager
def shown_at_once() -> Iterator[Observer]:
    """The same for a command without an event loop."""
    with progress(sys.stderr, view=_view()) as observer:
        yield observer


def _view() -> View:
    view: View = click.get_current_context().meta.get(_VIEW, "live")
    return view
