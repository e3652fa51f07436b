"""Fitting: pure `init` and `step` with a carried state, and `fit` that runs them.

All that the next step depends on is in `State`, which goes through JSON without loss, and every
draw's seed comes from the seed and the step's number: a fit that is killed and resumed takes the
same steps as one that was not.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from langnet.checkpoint import RunDirectory, describe
from langnet.data import Example, batch
from langnet.errors import DataError, GraphError
from langnet.evaluate import Evaluation, evaluate
from langnet.events import (
    FitFinished,
    FitStarted,
    Notifier,
    Observer,
    PhaseAdvanced,
    StepFinished,
    Validated,
)
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.meter import Meter, MeterReading
from langnet.metrics import Interval, Metric, exact, interval, paired_interval
from langnet.program import Models, Program
from langnet.vi.method import Method
from langnet.vi.step import StepResult, improve, resolved_objective

__all__ = [
    "Comparison",
    "Fitted",
    "State",
    "Validation",
    "compare",
    "fit",
    "init",
    "step",
    "validate",
]


@dataclass(frozen=True, slots=True)
class Validation:
    """One validation: after how many steps, and the mean of the metric."""

    step: int
    metric: float


@dataclass(frozen=True, slots=True)
class State:
    """All that the next step depends on.

    Attributes:
        seed: what every draw's seed is derived from.
        step: steps done.
        prompts: the current prompts.
        best: the prompts with the best validation, the earliest among equals.
        memory: the best sets of prompts with their validation metric, the best first.
        validations: every validation so far.
        stale: validations since the last gain.
    """

    seed: int
    step: int
    prompts: Mapping[str, str]
    best: Mapping[str, str]
    memory: tuple[tuple[Mapping[str, str], float], ...] = ()
    validations: tuple[Validation, ...] = ()
    stale: int = 0

    @property
    def best_metric(self) -> float:
        """The best validation so far; −inf before the first."""
        return max((validation.metric for validation in self.validations), default=-math.inf)

    def to_json(self) -> dict[str, Any]:
        """The state as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state from plain data."""
        return cls(
            seed=data["seed"],
            step=data["step"],
            prompts=dict(data["prompts"]),
            best=dict(data["best"]),
            memory=tuple((dict(prompts), metric) for prompts, metric in data["memory"]),
            validations=tuple(Validation(**item) for item in data["validations"]),
            stale=data["stale"],
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a fit.

    Attributes:
        graph: the graph with the best prompts.
        initial: the graph with the prompts at the start.
        state: the state at the end.
        reason: why the fit ended.
        objective: what was maximised: "likelihood" or "rollout".
        reading: calls and tokens, where a meter was given.
        seconds: how long it took, in this process.
    """

    graph: Graph
    initial: Graph
    state: State
    reason: str
    objective: str
    reading: MeterReading | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks on the same held-out examples.

    Attributes:
        before: the first network's metric and its interval.
        after: the second's.
        gain: the paired difference, after minus before.
        evaluations: what both answered, before and after.
    """

    before: Interval
    after: Interval
    gain: Interval
    evaluations: tuple[Evaluation, Evaluation]


def init(graph: Graph, *, seed: int = 0) -> State:
    """The state before the first step.

    Raises:
        GraphError: the graph has no trainable prompt.
    """
    if not graph.trainable:
        raise GraphError(
            "no node of the graph is trainable, so there is nothing to fit; "
            "leave trainable=False out of a node whose template shows {prompt}"
        )
    return State(seed, 0, graph.prompts, graph.prompts)


async def step(
    state: State,
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    metric: Metric = exact,
    method: Method,
) -> tuple[State, StepResult]:
    """Takes one step: draws the batch that belongs to it and improves every prompt on it."""
    key = Key(("fit", state.seed))
    drawn = batch(
        examples,
        min(method.batch_size, len(examples)),
        state.step,
        key / "batch",
        balance=graph.target if method.balance else None,
    )
    result = await improve(
        graph.with_prompts(state.prompts),
        drawn,
        models=models,
        proposer=proposer,
        metric=metric,
        method=method,
        key=key.below("step", state.step),
        turn=state.step,
        progress=state.step / max(method.steps, 1),
        memory=state.memory,
    )
    return replace(state, step=state.step + 1, prompts=dict(result.prompts)), result


async def validate(
    state: State,
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    method: Method,
    on_example: Callable[[], None] | None = None,
) -> tuple[State, Evaluation]:
    """Validates the current prompts and updates the best, the memory and the patience."""
    found = await evaluate(
        Program(graph.with_prompts(state.prompts), models),
        examples,
        metric=metric,
        key=Key(("fit", state.seed, "validate")),
        concurrency=method.concurrency,
        max_failures=method.max_failures,
        on_example=on_example,
    )
    gained = found.mean > state.best_metric
    remembered = {json.dumps(dict(p), sort_keys=True): (p, m) for p, m in state.memory}
    remembered[json.dumps(dict(state.prompts), sort_keys=True)] = (state.prompts, found.mean)
    memory = sorted(remembered.values(), key=lambda pair: -pair[1])[: method.memory]
    stale = 0 if gained else state.stale + 1
    back = method.patience is not None and stale > 0 and stale % method.patience == 0
    best = state.prompts if gained else state.best
    return replace(
        state,
        prompts=best if back else state.prompts,
        best=best,
        memory=tuple(memory),
        validations=(*state.validations, Validation(state.step, found.mean)),
        stale=stale,
    ), found


async def fit(
    graph: Graph,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel | None = None,
    metric: Metric = exact,
    method: Method | None = None,
    seed: int = 0,
    directory: str | Path | None = None,
    resume: bool = False,
    observers: Iterable[Observer] = (),
    meter: Meter | None = None,
) -> Fitted:
    """Fits the prompts of a graph.

    Args:
        graph: the network.
        train: examples that steps draw their batches from.
        dev: examples that decide which prompts are best.
        models: what the nodes call.
        proposer: the model that proposes prompts; by default the one that the nodes call.
        metric: of a prediction and a target.
        method: the settings.
        seed: what every draw's seed is derived from.
        directory: where a checkpoint is written after every step; nowhere by default.
        resume: whether to go on from the checkpoint there, if there is one.
        observers: are told of every event.
        meter: counts the calls of the models, for reports.

    Raises:
        GraphError: nothing is trainable, or a checkpoint belongs to another fit.
        DataError: there is no data.
        TooManyFailures: more examples failed than the method allows.
    """
    method = method or Method()
    if not train or not dev:
        raise DataError("fitting needs examples to train on and examples to validate on")
    proposer = proposer or _default_model(graph, models)
    tell = Notifier(observers)
    run = None if directory is None else RunDirectory(Path(directory))
    state = init(graph, seed=seed)
    if run is not None:
        about = describe(
            graph, seed, train=train, dev=dev, models=models, proposer=proposer, method=method
        )
        state = run.begin(about, State.from_json, resume=resume) or state
    objective = resolved_objective(graph, Program(graph, models), method)
    began = time.monotonic()
    tell(FitStarted(state.step, method.steps, objective, state.prompts, method.validate_every))

    if not state.validations:
        state = await _validated(state, graph, dev, models, metric, method, tell)
        if run is not None:
            run.save(state.to_json())
    reason = "all steps are done"
    while state.step < method.steps:
        if method.stop_after is not None and state.stale >= method.stop_after:
            reason = f"{state.stale} validations without gain"
            break
        started = time.monotonic()
        before = state.prompts
        state, result = await step(
            state,
            graph,
            train,
            models=models,
            proposer=proposer,
            metric=metric,
            method=method,
        )
        changed = tuple(name for name in before if before[name] != state.prompts[name])
        tell(
            StepFinished(
                state.step,
                method.steps,
                result.score,
                result.log_evidence,
                result.metric,
                changed,
                time.monotonic() - started,
                None if meter is None else meter.snapshot(),
            )
        )
        if state.step % method.validate_every == 0 or state.step == method.steps:
            state = await _validated(state, graph, dev, models, metric, method, tell)
        if run is not None:
            run.save_step(state.step, result)
            run.save(state.to_json())
    tell(FitFinished(state.step, state.best_metric, reason))
    return Fitted(
        graph.with_prompts(state.best),
        graph,
        state,
        reason,
        objective,
        None if meter is None else meter.snapshot(),
        time.monotonic() - began,
    )


async def compare(
    before: Graph,
    after: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[str], None] | None = None,
) -> Comparison:
    """Compares two networks on held-out examples, with a paired bootstrap interval."""
    key = Key(("test", seed))
    found = []
    for name, graph in (("before", before), ("after", after)):
        found.append(
            await evaluate(
                Program(graph, models),
                examples,
                metric=metric,
                key=key,
                concurrency=concurrency,
                max_failures=max_failures,
                on_example=None if on_example is None else partial(on_example, name),
            )
        )
    first, second = found
    return Comparison(
        interval(first.values, key=key),
        interval(second.values, key=key),
        paired_interval(first.values, second.values, key=key),
        (first, second),
    )


async def _validated(
    state: State,
    graph: Graph,
    examples: Sequence[Example],
    models: Models,
    metric: Metric,
    method: Method,
    tell: Notifier,
) -> State:
    """Validates and tells how far it has come."""
    done = itertools.count(1)
    state, found = await validate(
        state,
        graph,
        examples,
        models=models,
        metric=metric,
        method=method,
        on_example=lambda: tell(PhaseAdvanced("validate", next(done), len(examples))),
    )
    tell(Validated(state.step, found.mean, state.best_metric, state.stale == 0))
    return state


def _default_model(graph: Graph, models: Models) -> LanguageModel:
    if not isinstance(models, Mapping):
        return models
    Program(graph, models)
    return models.get("default") or next(models[node.model] for node in graph.nodes.values())
