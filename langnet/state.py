"""The state of a fit: all that the next step depends on, through JSON without loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from langnet.errors import GraphError
from langnet.evaluate import Evaluation
from langnet.graph import Graph
from langnet.guidance import Entry
from langnet.vi.memory import Remembered, remember
from langnet.vi.method import Method
from langnet.vi.select import Selection
from langnet.vi.step import StepResult

__all__ = ["State", "Validation", "after_step", "after_validation", "init"]


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
        memory: remembered sets of prompts, the best first.
        validations: every validation so far.
        stale: validations since the last gain.
        record: by strategy, how many of its proposals were scored and how many were taken.
        recent: the prompts before each of the last steps, the oldest first: as many as batches
            may be inferred under (`Method.staleness`).
        best_metric: the validation of the best; −inf while it has none.
        guidance: what people said and the fit took, with the steps at which it did.
        refused: of what it took, what it could not follow and why, by the entries' ids.
        turns: by prompt, the number of the last step, from 0, in which it was proposed for.
    """

    seed: int
    step: int
    prompts: Mapping[str, str]
    best: Mapping[str, str]
    memory: tuple[Remembered, ...] = ()
    validations: tuple[Validation, ...] = ()
    stale: int = 0
    record: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    recent: tuple[Mapping[str, str], ...] = ()
    best_metric: float = -math.inf
    guidance: tuple[Entry, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)

    def awaits_validation(self, method: Method) -> bool:
        """Whether the current prompts are to be validated and have not been.

        They are at any time where people have left no validated set to be the best.
        """
        if self.best_metric == -math.inf:
            return True
        due = self.step % method.validate_every == 0 or self.step == method.steps
        return due and not any(done.step == self.step for done in self.validations)

    def prompts_at(self, step: int) -> Mapping[str, str]:
        """The prompts as they were before a step, as far back as `recent` goes."""
        back = self.step - step
        return self.prompts if back <= 0 else self.recent[max(len(self.recent) - back, 0)]

    def to_json(self) -> dict[str, Any]:
        """The state as plain data."""
        data = asdict(self)
        data["best_metric"] = self.best_metric if self.best_metric > -math.inf else None
        data["guidance"] = [entry.to_json() for entry in self.guidance]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state from plain data."""
        validations = tuple(Validation(**item) for item in data["validations"])
        # States that were written before people could say anything have nothing of that.
        best = data.get("best_metric", max((item.metric for item in validations), default=None))
        return cls(
            seed=data["seed"],
            step=data["step"],
            prompts=dict(data["prompts"]),
            best=dict(data["best"]),
            memory=tuple(
                Remembered(dict(item["prompts"]), item["metric"], tuple(item["values"]))
                for item in data["memory"]
            ),
            validations=validations,
            stale=data["stale"],
            record={name: (scored, taken) for name, (scored, taken) in data["record"].items()},
            recent=tuple(dict(prompts) for prompts in data["recent"]),
            best_metric=-math.inf if best is None else best,
            guidance=tuple(map(Entry.from_json, data.get("guidance", ()))),
            refused=dict(data.get("refused", {})),
            turns=dict(data.get("turns", {})),
        )


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


def after_step(state: State, result: StepResult, method: Method) -> State:
    """The state after a step."""
    recent = (*state.recent, state.prompts)
    return replace(
        state,
        step=state.step + 1,
        prompts=dict(result.prompts),
        record=_recorded(state.record, result.selections),
        recent=recent[len(recent) - method.staleness :],
        turns={**state.turns, **{choice.prompt: state.step for choice in result.selections}},
    )


def after_validation(
    state: State, found: Evaluation, method: Method, *, of: State | None = None
) -> State:
    """The state after a validation: the best, the memory and the patience.

    Args:
        state: where the fit stands.
        found: what the validation found.
        method: the settings.
        of: whose prompts were validated, where the fit has gone on meanwhile.
    """
    of = of or state
    gained = found.mean > state.best_metric
    stale = 0 if gained else state.stale + 1
    best = of.prompts if gained else state.best
    back = method.patience is not None and stale > 0 and stale % method.patience == 0
    return replace(
        state,
        prompts=best if back else state.prompts,
        best=best,
        best_metric=found.mean if gained else state.best_metric,
        memory=remember(
            state.memory,
            Remembered(of.prompts, found.mean, found.values),
            size=method.memory,
            which=method.remember,
        ),
        validations=(*state.validations, Validation(of.step, found.mean)),
        stale=stale,
    )


def _recorded(
    record: Mapping[str, tuple[int, int]], selections: Sequence[Selection]
) -> dict[str, tuple[int, int]]:
    """The record with what became of one more step's proposals."""
    scored = Counter({name: counts[0] for name, counts in record.items()})
    taken = Counter({name: counts[1] for name, counts in record.items()})
    for selection in selections:
        scored.update(candidate.origin for candidate in selection.candidates)
        taken[selection.candidates[selection.chosen].origin] += 1
    for known in ("incumbent", "memory", "person", "list"):
        scored.pop(known, None)
    return {name: (scored[name], taken[name]) for name in sorted(scored)}
