"""What the events of a fit add up to: where it stands, and how long it may take yet."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from operator import itemgetter

from langnet.events import (
    Event,
    FitFinished,
    FitStarted,
    Paused,
    PhaseAdvanced,
    Resumed,
    StepFinished,
    Validated,
)

__all__ = ["Timeline"]

_RECENT = 5
"""How many of the last steps and validations say how long the next ones take."""


class Timeline:
    """An observer that remembers the latest of everything.

    Attributes:
        step: steps that are done.
        steps: steps in all; 0 outside a fit.
        score: what the objective gave the last step's prompts, or its mean evidence in nats.
        metric: the last validation, as a mean of the metric.
        best: the best validation.
        phase: the part of the work that counts its items now, or "".
        done: items of it that are done.
        total: items of it in all.
        seconds: how long the last step took.
        planned: steps in all of the fit that goes on, or of the last one.
        objective: what the fit maximises, or "" before one.
        reason: why the fit ended, or "" where it did not.
        is_paused: whether a person lets it wait.
        initial: the prompts when the fit began, or went on.
        best_prompts: those of the best validation so far.
        best_step: after how many steps that was; `None` before the first.
        validations: the metric of each validation, by steps done.
        evidence: the mean evidence per example in nats after each step, where there is one.
        scores: what the objective gave the prompts that each step took.
    """

    def __init__(self, *, later: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins at once.

        Args:
            later: examples that will be evaluated outside the fit, such as held-out ones.
            clock: gives seconds.
        """
        self.step = 0
        self.steps = 0
        self.score: float | None = None
        self.metric: float | None = None
        self.best: float | None = None
        self.phase = ""
        self.done = 0
        self.total = 0
        self.seconds: float | None = None
        self.planned = 0
        self.objective = ""
        self.reason = ""
        self.is_paused = False
        self.initial: Mapping[str, str] = {}
        self.best_prompts: Mapping[str, str] = {}
        self.best_step: int | None = None
        self.validations: list[tuple[int, float]] = []
        self.evidence: list[tuple[int, float]] = []
        self.scores: list[tuple[int, float]] = []
        self._clock = clock
        self._began = self._mark = clock()
        self._later = later
        self._behind = 0  # examples evaluated outside the fit, in phases that are over
        self._later_began = self._began
        self._validate_every = 1
        self._validating = False
        self._validated_size = 0
        self._step_seconds: deque[float] = deque(maxlen=_RECENT)
        self._validation_seconds: deque[float] = deque(maxlen=_RECENT)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    @property
    def since_step(self) -> float:
        """Seconds since the last step, validation or beginning."""
        return self._clock() - self._mark

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take, going by the last steps; `None` before the first."""
        if not self.steps:
            return self._left_later()
        step, validation = _mean(self._step_seconds), self._validation()
        ahead = self._validations_ahead()
        if (step is None and self.step < self.steps) or (validation is None and ahead):
            return None
        running = validation if self._validating else step
        rest = (self.steps - self.step) * (step or 0.0) + ahead * (validation or 0.0)
        # A step that takes longer than expected leaves the later ones as they are.
        rest -= min(self.since_step, running or 0.0)
        each = (validation or 0.0) / max(self._validated_size, 1)
        return max(rest, 0.0) + self._later * each

    def __call__(self, event: Event) -> None:
        """Takes an event in."""
        match event:
            case FitStarted():
                self._begin(event)
            case PhaseAdvanced():
                self._advance(event)
            case StepFinished():
                self.step, self.steps, self.seconds = event.step, event.steps, event.seconds
                self.score = event.score if event.log_evidence is None else event.log_evidence
                self.scores.append((event.step, event.score))
                if event.log_evidence is not None:
                    self.evidence.append((event.step, event.log_evidence))
                self._step_seconds.append(event.seconds)
                self._validating = self._is_validated(event.step)
                self._mark = self._clock()
            case Validated():
                self.metric, self.best = event.metric, event.best
                self.validations.append((event.step, event.metric))
                if event.is_best:
                    self.best_step = event.step
                self.best_prompts = event.best_prompts or self.best_prompts
                self._validation_seconds.append(self.since_step)
                self._validating = False
                self.phase = ""
                self._mark = self._clock()
            case Paused():
                self.is_paused = True
            case Resumed():
                self.is_paused = False
                self._mark = self._clock()
            case FitFinished():
                self.is_paused = False
                self.steps = 0
                self.phase, self.reason = "", event.reason
                self._mark = self._later_began = self._clock()

    def _begin(self, event: FitStarted) -> None:
        self.step, self.steps = event.step, event.steps
        self.planned, self.objective, self.reason = event.steps, event.objective, ""
        self.initial, self.best_prompts = event.prompts, event.best_prompts or event.prompts
        self.validations = [*event.validations]
        self.evidence, self.scores = [], []
        # The earliest among equals, as a fit has it.
        best = max(event.validations, key=itemgetter(1), default=None)
        self.best_step, self.best = best or (None, None)
        self._validate_every = event.validate_every
        self._mark = self._clock()

    def _advance(self, event: PhaseAdvanced) -> None:
        if event.phase != self.phase and not self.steps:
            self._behind += self.done if self.phase else 0
        self.phase, self.done, self.total = event.phase, event.done, event.total
        if self.steps:
            self._validating = True
            self._validated_size = event.total

    def _left_later(self) -> float | None:
        finished = self._behind + (self.done if self.phase else 0)
        if not finished:
            return None
        ahead = max(self._later - finished, self.total - self.done)
        return ahead * (self._clock() - self._later_began) / finished

    def _validation(self) -> float | None:
        """How long a validation takes, in seconds."""
        known = _mean(self._validation_seconds)
        if known is None and self._validating and self.done:
            return self.since_step * self.total / self.done
        return known

    def _validations_ahead(self) -> int:
        ahead = sum(self._is_validated(step) for step in range(self.step + 1, self.steps + 1))
        return ahead + self._validating

    def _is_validated(self, step: int) -> bool:
        return step % self._validate_every == 0 or step == self.steps


def _mean(values: deque[float]) -> float | None:
    return sum(values) / len(values) if values else None
