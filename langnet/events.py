"""Events: what observers are told while langnet works.

An observer is any function of an event. One that raises is logged and left out from then on, and
the work goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from langnet.guidance import Entry
from langnet.lm.meter import MeterReading
from langnet.lm.observe import CallFinished

__all__ = [
    "CallFinished",
    "Event",
    "FitFinished",
    "FitStarted",
    "GuidanceTaken",
    "Notifier",
    "Observer",
    "Paused",
    "PhaseAdvanced",
    "Planned",
    "Resumed",
    "StepFinished",
    "StepStarted",
    "Validated",
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FitStarted:
    """A fit begins, or goes on where it was interrupted.

    Attributes:
        step: steps that are done already.
        steps: steps in all.
        objective: "likelihood" or "rollout".
        prompts: the prompts at this point.
        validate_every: steps between validations.
        best_prompts: the prompts of the best validation so far, or those at the start.
        validations: by steps done, the validations so far.
    """

    step: int
    steps: int
    objective: str
    prompts: Mapping[str, str]
    validate_every: int = 1
    best_prompts: Mapping[str, str] = field(default_factory=dict)
    validations: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What the fit will ask at most, if every candidate is scored in full.

    Attributes:
        step_calls: calls of one step.
        step_tokens: tokens of one step, an estimate from above.
        calls: calls of the whole fit, validations included.
        tokens: its tokens.
    """

    step_calls: int
    step_tokens: int
    calls: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PhaseAdvanced:
    """A part of the work has come further.

    Attributes:
        phase: such as "validate" or "test before".
        done: items done.
        total: items in all.
    """

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins.

    Attributes:
        step: its number, from 1.
        steps: steps in all.
    """

    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step is done.

    Attributes:
        step: its number, from 1.
        steps: steps in all.
        score: what the objective gave the prompts that were taken (see `StepResult.score`).
        log_evidence: mean bound per example in nats, where there is one.
        metric: the mean of the metric over the batch, before the step.
        changed: the names of the prompts that changed.
        seconds: how long the step took.
        reading: calls and tokens since the fit began, where a meter was given.
        calls: calls that the step sent, those that a cache answered included.
        raced: calls that racing spared.
        prompts: the prompts after the step.
    """

    step: int
    steps: int
    score: float
    log_evidence: float | None
    metric: float
    changed: tuple[str, ...]
    seconds: float
    reading: MeterReading | None
    calls: int = 0
    raced: int = 0
    prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Validated:
    """The prompts were validated.

    Attributes:
        step: after how many steps.
        metric: the mean of the metric over the validation examples.
        best: the best so far, this one included.
        is_best: whether this one is the best.
        best_prompts: the prompts of the best.
    """

    step: int
    metric: float
    best: float
    is_best: bool
    best_prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuidanceTaken:
    """What a person said was taken, or refused.

    Attributes:
        step: the number of the step, from 1, before which it was.
        kind: what it is; see `langnet.guidance.Kind`. Empty for a line that is none.
        prompt: the prompt that it is about; `None` is every prompt.
        refused: why it was refused; empty where it was taken.
        content: the entry itself; `None` for a line that is none.
    """

    step: int
    kind: str
    prompt: str | None = None
    refused: str = ""
    content: Entry | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """A person lets the fit wait.

    Attributes:
        step: the number of the step, from 1, before which it waits.
    """

    step: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A fit that was paused goes on.

    Attributes:
        step: the number of the step, from 1, with which it does.
    """

    step: int


@dataclass(frozen=True, slots=True)
class FitFinished:
    """A fit is over.

    Attributes:
        step: steps done.
        best: the best validation metric.
        reason: why it ended.
        prompts: the best prompts.
    """

    step: int
    best: float
    reason: str
    prompts: Mapping[str, str] = field(default_factory=dict)


Event = (
    FitStarted
    | Planned
    | PhaseAdvanced
    | StepStarted
    | StepFinished
    | Validated
    | GuidanceTaken
    | Paused
    | Resumed
    | FitFinished
    | CallFinished
)
"""Anything that an observer may be told; of calls it is told where `connect(observe=…)` says so."""

Observer = Callable[[Event], None]
"""Is told of events."""


class Notifier:
    """Tells observers of events and keeps their failures from the work."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = list(observers)

    def __call__(self, event: Event) -> None:
        """Tells every observer."""
        for observer in tuple(self._observers):
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - watching must not stop the work
                _log.exception("an observer raised on %s and is left out", type(event).__name__)
                self._observers.remove(observer)
