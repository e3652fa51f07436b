"""What is written down of calls while a command works: a log, spans, and what calls cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import click

from langnet.cli.options import F, applied, option
from langnet.events import Observer
from langnet.lm.meter import Meter
from langnet.lm.prices import Prices
from langnet.report.json_lines import JsonLines
from langnet.report.telemetry import Telemetry

__all__ = ["WatchOptions", "meter_of", "watch_options", "watching"]

_WATCH = "Log and prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What the command line says about logs and prices."""

    log: str | None = None
    log_content: bool = False
    otel: bool = False
    prices: str | None = None


def watch_options(function: F) -> F:
    """What is written down of calls, and what they cost."""
    return applied(
        function,
        [
            option(
                _WATCH,
                "--log",
                type=click.Path(dir_okay=False),
                help="A file that every call and step is added to, as JSON lines.",
            ),
            option(
                _WATCH,
                "--log-content",
                is_flag=True,
                help="Let --log and --otel show prompts, contexts and answers, too.",
            ),
            option(
                _WATCH,
                "--otel",
                is_flag=True,
                help="Make OpenTelemetry spans; run under opentelemetry-instrument to send them.",
            ),
            option(
                _WATCH,
                "--prices",
                type=click.Path(exists=True, dir_okay=False),
                help="A file of prices per model; by default $LANGNET_PRICES, over known ones.",
            ),
        ],
    )


def meter_of(options: WatchOptions) -> Meter:
    """A meter with the prices that the command line names.

    Raises:
        PriceError: the file of prices cannot be read.
    """
    return Meter(prices=Prices.usual(options.prices))


@contextmanager
def watching(options: WatchOptions) -> Iterator[list[Observer]]:
    """Those who are told of every call and event, for as long as the command works.

    Raises:
        OSError: the log cannot be written.
        LangnetError: OpenTelemetry is not installed.
    """
    with ExitStack() as stack:
        observers: list[Observer] = []
        if options.log is not None:
            observers.append(
                stack.enter_context(JsonLines(options.log, content=options.log_content))
            )
        if options.otel:
            command = click.get_current_context().command_path
            observers.append(stack.enter_context(Telemetry(name=command)))
        yield observers
