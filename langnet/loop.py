"""The loop of a fit: steps and validations, in turn or overlapping, and what observers are told."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import to_thread

from langnet.advance import batch_of, context_of, evaluation_of, step
from langnet.ahead import Ahead
from langnet.checkpoint import RunDirectory
from langnet.concurrency import concurrently, task_group
from langnet.data import Example
from langnet.errors import BudgetExceeded
from langnet.evaluate import Evaluation
from langnet.events import (
    FitFinished,
    FitStarted,
    Notifier,
    PhaseAdvanced,
    Planned,
    StepFinished,
    StepStarted,
    Validated,
)
from langnet.graph import Graph
from langnet.guided import directions_at, set_anew
from langnet.listening import Listening
from langnet.lm.base import LanguageModel
from langnet.lm.meter import Meter, MeterReading
from langnet.metrics import Metric
from langnet.program import Models
from langnet.record import batch_rows, examples_rows, validation_rows
from langnet.state import State, after_validation
from langnet.trace import Failure, Trace
from langnet.vi.context import resolved_objective
from langnet.vi.look import Look
from langnet.vi.method import Method
from langnet.vi.plan import FitPlan
from langnet.vi.step import StepResult, observe

__all__ = ["Loop"]


@dataclass(slots=True, kw_only=True)
class Loop:
    """A fit under way.

    Attributes:
        state: where it stands.
        graph: the network.
        train: examples that steps draw their batches from.
        dev: examples that decide which prompts are best.
        models: what the nodes call.
        proposer: the model that proposes prompts.
        metric: of a prediction and a target.
        method: the settings.
        run: where checkpoints go; nowhere if `None`.
        tell: is told of events.
        meter: counts the calls, where there is one.
        plan: what the fit is expected to ask, where that was wanted.
        listening: takes what people say; nobody says anything if `None`.
        traces: whether what the fit sees is written, too; see `langnet.record`.
    """

    state: State
    graph: Graph
    train: Sequence[Example]
    dev: Sequence[Example]
    models: Models
    proposer: LanguageModel
    metric: Metric
    method: Method
    run: RunDirectory | None
    tell: Notifier
    meter: Meter | None
    plan: FitPlan | None
    listening: Listening | None = None
    traces: bool = True

    async def to_the_end(self) -> str:
        """Takes all steps that are left; returns why no more are taken."""
        method, state = self.method, self.state
        objective = resolved_objective(self.graph, self.models, method)
        self.tell(
            FitStarted(
                state.step,
                method.steps,
                objective,
                state.prompts,
                method.validate_every,
                state.best,
                tuple((done.step, done.metric) for done in state.validations),
            )
        )
        if self.plan is not None:
            total, one = self.plan.total, self.plan.step.total
            self.tell(Planned(one.calls, one.tokens, total.calls, total.tokens))
        await self._record("examples.jsonl", partial(examples_rows, self.train, self.dev))
        try:
            async with task_group() as tasks:
                reason = await self._steps(Ahead(tasks, method.staleness, self._look))
                tasks.cancel_scope.cancel()
        except BudgetExceeded as error:
            reason = str(error)
        state = self.state
        self.tell(FitFinished(state.step, state.best_metric, reason, state.best))
        return reason

    async def _steps(self, ahead: Ahead) -> str:
        """Takes the steps; returns why no more are taken."""
        method = self.method
        while self.state.step < method.steps:
            if reason := await self._listen():
                return reason
            if not method.staleness:
                await self._validate()
            if method.stop_after is not None and self.state.stale >= method.stop_after:
                return f"{self.state.stale} validations without gain"
            await self._step(ahead)
        await self._listen(is_last=True)
        await self._validate()
        return "all steps are done"

    async def _listen(self, *, is_last: bool = False) -> str:
        """Takes what people said; returns why the fit ends, if it does."""
        if self.listening is None:
            return ""

        async def took(state: State) -> State:
            self.state = state
            self._save()
            if set_anew(state):
                self._validated(await self._evaluated())
                self._save()
            return self.state

        self.state, reason = await self.listening.take(self.state, took, is_last=is_last)
        return reason

    async def _step(self, ahead: Ahead) -> None:
        """Takes a step, and meanwhile validates what came before it where that is not done yet."""
        began, reading = time.monotonic(), self._reading()
        before = self.state
        self.tell(StepStarted(before.step + 1, self.method.steps))
        taken: list[tuple[State, StepResult]] = []
        evaluations: list[Evaluation] = []

        async def stepping() -> None:
            looked = await ahead.take(before, self.method.steps)
            looked = looked or await self._look(before.step, before.prompts)
            name = f"steps/{before.step + 1:04d}.traces.jsonl"

            async def improving() -> None:
                taken.append(
                    await step(
                        before,
                        self.graph,
                        self.train,
                        models=self.models,
                        proposer=self.proposer,
                        metric=self.metric,
                        method=self.method,
                        looked=looked,
                        directions=directions_at(before, self.graph, [*self.train, *self.dev]),
                    )
                )

            # Written in a thread while calls are out.
            rows = partial(batch_rows, self.graph, looked, self.method.inference.guide)
            calls: list[Callable[[], Awaitable[None]]]
            calls = [improving, partial(self._record, name, rows)]
            await concurrently(calls)

        async def validating() -> None:
            if before.awaits_validation(self.method):
                evaluations.append(await self._evaluated())

        await concurrently([stepping, validating])
        ((self.state, result),) = taken
        self._tell_step(before, result, time.monotonic() - began)
        for found in evaluations:
            self._validated(found, of=before)
        if self.run is not None:
            account = None if self.plan is None else self.plan.step.account(result.calls)
            self.run.save_step(self.state.step, result, account)
        if not self.method.staleness and self.state.awaits_validation(self.method):
            # So that a fit that ends here has validated what it ends with.
            self._validated(await self._evaluated())
        if self.run is not None and self.meter is not None and reading is not None:
            took = self.meter.snapshot() - reading
            self.run.save_cost(self.state.step, took, time.monotonic() - began)
        self._save()

    def _tell_step(self, before: State, result: StepResult, seconds: float) -> None:
        old, new = before.prompts, self.state.prompts
        self.tell(
            StepFinished(
                self.state.step,
                self.method.steps,
                result.score,
                None if result.bound is None else result.bound.iwae.mean,
                result.metric,
                tuple(name for name in old if old[name] != new[name]),
                seconds,
                self._reading(),
                result.calls.total,
                result.calls.raced,
                new,
            )
        )

    async def _look(self, number: int, prompts: Mapping[str, str]) -> Look:
        """The batch of one step, seen under some prompts."""
        state = self.state
        return await observe(
            self.graph.with_prompts(prompts),
            batch_of(state.seed, number, self.graph, self.train, self.method),
            context_of(
                state, self.train, self.models, self.proposer, self.metric, self.method, number
            ),
        )

    async def _validate(self) -> None:
        """Validates the current prompts, if they are due."""
        if self.state.awaits_validation(self.method):
            self._validated(await self._evaluated())
            self._save()

    async def _evaluated(self) -> Evaluation:
        """What the current prompts make of the validation examples."""
        done = itertools.count(1)
        total = len(self.dev)
        outcomes: list[Trace | Failure] = []
        before = self.state
        found = await evaluation_of(
            before,
            self.graph,
            self.dev,
            self.models,
            self.metric,
            self.method,
            lambda: self.tell(PhaseAdvanced("validate", next(done), total)),
            outcomes.append if self._records else None,
        )
        await self._record(
            f"validations/{before.step:04d}.jsonl",
            partial(validation_rows, self.graph, outcomes, found.values),
        )
        return found

    def _validated(self, found: Evaluation, of: State | None = None) -> None:
        self.state = after_validation(self.state, found, self.method, of=of)
        state = self.state
        last = state.validations[-1]
        is_best = state.stale == 0
        self.tell(Validated(last.step, found.mean, state.best_metric, is_best, state.best))

    @property
    def _records(self) -> bool:
        return self.run is not None and self.traces

    async def _record(self, name: str, rows: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        """Writes rows in a thread, where they are wanted."""
        run = self.run
        if run is not None and self._records:
            await to_thread.run_sync(lambda: run.save_lines(name, rows()))

    def _save(self) -> None:
        if self.run is not None:
            self.run.save(self.state.to_json())

    def _reading(self) -> MeterReading | None:
        return None if self.meter is None else self.meter.snapshot()
