"""Progress on a terminal, and as plain lines elsewhere.

async with showing(sys.stderr, meter=meter, graph=graph) as observer:
    fitted = await fit(graph, train, dev, models=model, observers=[observer], meter=meter)
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal, TextIO

import anyio
from rich.console import Console

from langnet.concurrency import task_group
from langnet.drawing.words import visible
from langnet.events import Event, Observer
from langnet.graph import Graph
from langnet.lm.meter import Meter
from langnet.report.lines import Lines
from langnet.report.live.display import EVERY, Display, can_show
from langnet.report.live.file import LiveFile
from langnet.report.live.snapshot import Status
from langnet.report.live.watch import Watch

__all__ = ["View", "progress", "showing"]

View = Literal["live", "plain", "quiet"]
"""How progress is shown: as a view that is kept up to date, as lines alone, or not at all."""
_log = logging.getLogger(__name__)


@asynccontextmanager
async def showing(
    stream: TextIO,
    *,
    view: View = "live",
    meter: Meter | None = None,
    graph: Graph | None = None,
    later: int = 0,
    directory: str | Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Observer]:
    """Gives an observer that shows how the work gets on, for as long as the block lasts.

    A terminal gets lines and below them a view that is kept up to date by a task; anything else
    gets lines alone: one per step and per validation, and in long phases one per tenth.

    Args:
        stream: where to show it; usually the standard error.
        view: see `View`; "live" is lines alone where the stream is no terminal.
        meter: counts the calls, which are shown where it is given.
        graph: the network, which the view draws.
        later: examples that will be evaluated outside the fit, for the time left.
        directory: where `live.json` is kept up to date; see `langnet.report.live`.
        clock: gives seconds.
    """
    watch = Watch(meter=meter, graph=graph, later=later, clock=clock)
    file = None if directory is None else LiveFile(Path(directory), watch, clock=clock)
    status: Status = "failed"
    with _shown(stream, view, watch, clock) as (observer, display):
        try:
            async with task_group() as tasks:
                tasks.start_soon(_kept_up, display, file)
                yield observer
                tasks.cancel_scope.cancel()
            status = "finished"
        except (anyio.get_cancelled_exc_class(), KeyboardInterrupt):
            status = "interrupted"
            raise
        finally:
            if file is not None:
                file.close(status)


@contextmanager
def progress(
    stream: TextIO,
    *,
    view: View = "live",
    meter: Meter | None = None,
    later: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Observer]:
    """What `showing` does, for work without an event loop: the view moves on with the events.

    Args:
        stream: where to show it; usually the standard error.
        view: see `showing`.
        meter: counts the calls, which are shown where it is given.
        later: examples that will be evaluated outside the fit, for the time left.
        clock: gives seconds.
    """
    watch = Watch(meter=meter, later=later, clock=clock)
    with _shown(stream, view, watch, clock) as (observer, display):

        def observe(event: Event) -> None:
            observer(event)
            if display is not None:
                display.refresh()

        yield observe


@contextmanager
def _shown(
    stream: TextIO, view: View, watch: Watch, clock: Callable[[], float]
) -> Iterator[tuple[Observer, Display | None]]:
    """An observer, and the view where there is one."""
    console = _console(stream)
    if view == "quiet":
        yield watch, None
        return
    display = None
    if view == "live" and can_show(console):
        display = Display(console, watch.snapshot, clock=clock)

    def write(line: str) -> None:
        # Paths and prompts are no markup, and a line in a log is not cut to a terminal's width.
        shown = visible(line).replace("\n", " ")
        if display is None:
            console.print(shown, markup=False, soft_wrap=True)
        else:
            display.print(shown)

    lines = Lines(
        write,
        watch.timeline,
        meter=watch.meter,
        tenths=not console.is_terminal,
        costs=display is None,  # the view shows them
        clock=clock,
    )
    with ExitStack() as stack:
        if display is not None:
            stack.enter_context(display)
        yield lines, display


async def _kept_up(display: Display | None, file: LiveFile | None) -> None:
    """Keeps the view and the file up to date, until it is cancelled."""
    try:
        while display is not None or file is not None:
            await anyio.sleep(EVERY)
            if display is not None:
                display.refresh()
            if file is not None:
                await file.keep_up()
    except Exception:  # noqa: BLE001 - watching must not stop the work
        _log.exception("the live view raised, and stands still")


def _console(stream: TextIO) -> Console:
    """A notebook's stream says that it is a terminal, and rich would make HTML of each line."""
    notebook = Console(file=stream).is_jupyter
    return Console(
        file=stream,
        highlight=False,
        force_jupyter=False,
        force_terminal=False if notebook else None,
    )
