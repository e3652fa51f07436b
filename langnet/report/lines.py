"""Progress as lines: one for each step and validation, and in long phases one per tenth."""

from __future__ import annotations

import time
from collections.abc import Callable

from langnet.events import (
    CallFinished,
    Event,
    FitFinished,
    FitStarted,
    GuidanceTaken,
    Paused,
    PhaseAdvanced,
    Planned,
    Resumed,
    StepFinished,
    StepStarted,
    Validated,
)
from langnet.lm.meter import Meter, MeterReading
from langnet.report.timeline import Timeline
from langnet.report.words import amount, counted, duration, quantity

__all__ = ["Lines"]

_PAUSE = 10.0
"""Seconds between two lines about one phase, at least."""


class Lines:
    """An observer that writes a line where something is worth one.

    Args:
        write: takes a line.
        timeline: is told of every event first.
        meter: counts the calls.
        tenths: whether long phases get a line per tenth.
        costs: whether lines say what was taken so far, and how long the rest may take.
        clock: gives seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        timeline: Timeline,
        *,
        meter: Meter | None = None,
        tenths: bool = True,
        costs: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._timeline = timeline
        self._meter = meter
        self._tenths = tenths
        self._costs = costs
        self._clock = clock
        self._wrote = clock()
        self._tenth = 0

    def __call__(self, event: Event) -> None:
        """Writes the event's line, if it has one."""
        self._timeline(event)
        line = self._line(event)
        if line:
            self._wrote = self._clock()
            self._write(line)

    def _line(self, event: Event) -> str:  # noqa: PLR0911 - one for each kind of event
        match event:
            case FitStarted():
                begins = f"goes on after step {event.step} of" if event.step else "begins,"
                return f"fit {begins} {counted(event.steps, 'step')}, objective {event.objective}"
            case Planned():
                return (
                    f"plan: at most {quantity(event.step_calls)} calls a step, "
                    f"{quantity(event.calls)} calls and {quantity(event.tokens)} tokens in all"
                )
            case PhaseAdvanced():
                return self._phase(event)
            case StepFinished():
                changed = ", ".join(event.changed) or "nothing"
                raced = f"  racing spared {quantity(event.raced)} calls" if event.raced else ""
                return self._with_cost(
                    f"step {event.step}/{event.steps}  {_score(event)}"
                    f"  batch {amount(event.metric)}  changed {changed}"
                    f"  {duration(event.seconds)}{raced}"
                )
            case Validated():
                best = "best so far" if event.is_best else f"best {amount(event.best)}"
                at = f"step {event.step}/{self._timeline.steps}" if event.step else "at the start"
                return f"{at}  validation {amount(event.metric)}, {best}"
            case GuidanceTaken() | Paused() | Resumed():
                return _guidance(event)
            case StepStarted() | CallFinished():
                return ""
            case FitFinished():
                return (
                    f"fit ends after {counted(event.step, 'step')}: {event.reason}; "
                    f"best validation {amount(event.best)}"
                )

    def _phase(self, event: PhaseAdvanced) -> str:
        tenth = 10 * event.done // max(event.total, 1)
        if event.done <= 1:
            self._tenth = 0
        is_due = self._clock() - self._wrote >= _PAUSE and tenth > self._tenth
        if not self._tenths or not is_due:
            return ""
        self._tenth = tenth
        return self._with_cost(f"{event.phase} {event.done}/{event.total}")

    def _with_cost(self, line: str) -> str:
        if not self._costs:
            return line
        if self._meter is not None:
            line += f"  {_cost(self._meter.snapshot())}"
        left = self._timeline.left
        return line if left is None else f"{line}  {duration(left)} left"


def _guidance(event: GuidanceTaken | Paused | Resumed) -> str:
    if isinstance(event, Paused):
        return f"paused before step {event.step}, until a person lets it go on"
    if isinstance(event, Resumed):
        return f"goes on with step {event.step}"
    about = f" for {event.prompt}" if event.prompt else ""
    said = f"guidance before step {event.step}: {event.kind or 'a line'}{about}"
    return f"{said} is refused: {event.refused}" if event.refused else said


def _score(event: StepFinished) -> str:
    if event.log_evidence is not None:
        return f"evidence {amount(event.log_evidence)} nats"
    return f"score {amount(event.score)}"


def _cost(reading: MeterReading) -> str:
    tokens = reading.prompt_tokens + reading.completion_tokens
    shown = f"{quantity(reading.calls)} calls  {quantity(tokens)} tokens"
    return f"{shown}  {quantity(reading.hits)} from cache" if reading.hits else shown
