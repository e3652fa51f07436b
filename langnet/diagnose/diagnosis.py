"""Diagnosis: is there anything to gain by a fit? Asked before money is spent on one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from langnet.data import Example
from langnet.diagnose.abilities import Ability, StartingSample, abilities, starting_sample
from langnet.diagnose.bench import Bench
from langnet.diagnose.coupling import Coupling, couplings
from langnet.diagnose.headroom import Headroom, constant_answer, headroom
from langnet.diagnose.prepare import Effort, parts, prepared
from langnet.diagnose.reasons import reasons
from langnet.diagnose.verdict import Bars, Verdict
from langnet.errors import GraphError
from langnet.events import Notifier, Observer
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.budget import Price
from langnet.lm.meter import MeterReading
from langnet.metrics import Metric, exact
from langnet.program import Models, Program
from langnet.vi.context import resolved_objective
from langnet.vi.method import Method
from langnet.vi.plan import FitPlan, plan_fit

__all__ = ["Diagnosis", "diagnose"]

_RISK = 0.05
"""The share of cases in which "go" may be said although no variant gains."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and what follows from it.

    Attributes:
        verdict: "go" where at least one prompt has headroom, "unclear" where more examples would
            be needed to tell, else "no-go".
        reasons: why, in words: one for each prompt, then what else should be known.
        headroom: for each trainable prompt, parents before children.
        coupling: for pairs of prompts; empty where there is one prompt.
        abilities: what the model of each node can do.
        objective: what a fit would maximise: "likelihood" or "rollout".
        starting_sample: the effective sample size at the start; None where there is none.
        plan: what a fit would ask at most.
        money: what that would cost at the given price; None where it is unknown.
        constant: the answer that serves as the level of chance: the best that is always the same.
        reading: calls and tokens of the diagnosis itself.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    headroom: tuple[Headroom, ...]
    coupling: tuple[Coupling, ...]
    abilities: tuple[Ability, ...]
    objective: str
    starting_sample: StartingSample | None
    plan: FitPlan
    money: float | None
    constant: str
    reading: MeterReading

    @property
    def go(self) -> bool:
        """Whether a fit is worth its cost."""
        return self.verdict == "go"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data; what is not finite is null."""
        data: dict[str, Any] = _finite({"go": self.go, **asdict(self)})
        data["plan"] = self.plan.to_json()
        data["reading"]["calls"] = self.reading.calls
        return data


async def diagnose(
    graph: Graph,
    train: Sequence[Example],
    dev: Sequence[Example] = (),
    *,
    models: Models,
    metric: Metric = exact,
    method: Method | None = None,
    effort: Effort | None = None,
    extra: Mapping[str, Sequence[str]] | None = None,
    bars: Bars | None = None,
    proposer: LanguageModel | None = None,
    price: Price | None = None,
    seed: int = 0,
    observers: Iterable[Observer] = (),
) -> Diagnosis:
    """Says whether fitting a network is worth its cost.

    Every trainable prompt is varied by means that need no model: if no cheap variant moves the
    metric, a fit has little to choose from. "go" is said in about 5 % at most of the cases in which
    no variant gains (the risk is shared between the prompts, and between the looks at the data).
    That no cheap variant gains does not prove that no prompt would.

    Args:
        graph: the network with its prompts at the start.
        train: examples that a fit would train on.
        dev: examples that it would validate on, never those held out for the end. Both are looked
            at.
        models: what the nodes call.
        metric: of a prediction and a target.
        method: how the network would be fitted, for the objective and the cost.
        effort: how much to look at.
        extra: more variants to try, by prompt.
        bars: the gain that must be surpassed, and the smallest of interest.
        proposer: the model that would propose; by default one that the nodes call.
        price: of tokens.
        seed: what every choice is derived from.
        observers: are told how far it has come.

    Raises:
        GraphError: no prompt is trainable.
        DataError: there are too few examples, or one has no target.
        TooManyFailures: too many examples failed under the prompts at the start.
    """
    if not graph.trainable:
        raise GraphError("no node of the graph is trainable, so there is nothing to diagnose")
    method, effort, bars = method or Method(), effort or Effort(), bars or Bars()
    key = Key(("diagnose", seed))
    examples = (*train, *dev)
    shown, screening, confirming = parts(examples, graph.target, effort, seed)
    bench = Bench(
        models,
        metric=metric,
        key=key / "run",
        concurrency=method.concurrency,
        max_failures=method.max_failures,
        tell=Notifier(observers),
    )
    constant = constant_answer(examples, graph.target, metric)
    tried = await prepared(bench, graph, shown, method, effort.tries, extra or {}, key)
    rooms = [
        await headroom(
            bench,
            graph,
            name,
            tried[name],
            screening=screening,
            confirming=confirming,
            constant=constant,
            bars=bars,
            risk=_RISK / len(graph.trainable),
            key=key.below("headroom", name),
        )
        for name in graph.trainable
    ]
    coupled = await couplings(
        bench,
        graph,
        {room.prompt: _changed(room, bars) for room in sorted(rooms, key=_effect)},
        (confirming or screening)[: effort.couple],
        fresh=bool(confirming),
        most=effort.pairs,
        worthwhile=bars.worthwhile,
        key=key,
    )
    program = Program(graph, bench.models)
    objective = resolved_objective(graph, bench.models, method)
    at_start = None
    if objective == "likelihood":
        at_start = await starting_sample(
            program, screening[: effort.infer], method.inference, key=key / "infer"
        )
    able = abilities(program)
    plan = await plan_fit(
        graph,
        train,
        dev or train,
        models=models,
        proposer=proposer or next(iter(program.conditionals.values())).model,
        method=method,
    )
    return Diagnosis(
        _verdict(rooms),
        reasons(rooms, coupled, able, at_start),
        tuple(rooms),
        coupled,
        able,
        objective,
        at_start,
        plan,
        plan.cost(price or Price()),
        constant,
        bench.meter.snapshot(),
    )


def _effect(room: Headroom) -> float:
    """Orders prompts: those that matter most come first."""
    return -abs(room.judgement.gain.mean)


def _changed(room: Headroom, bars: Bars) -> str:
    """What a prompt is changed to beside others: the best variant, or else the most different."""
    number = room.best
    if room.judgement.gain.mean < bars.worthwhile:
        number = max(range(1, len(room.tried)), key=lambda n: _distance(room, n))
    return room.tried[number].variant.text


def _distance(room: Headroom, number: int) -> tuple[float, float]:
    """How far a variant is from the current prompt: in the metric, then in log p(target)."""
    current, other = room.tried[0], room.tried[number]
    nats = (other.logprob or 0.0) - (current.logprob or 0.0)
    return abs(other.metric - current.metric), abs(nats) if math.isfinite(nats) else 0.0


def _verdict(rooms: Sequence[Headroom]) -> Verdict:
    verdicts = {room.verdict for room in rooms}
    order: tuple[Verdict, ...] = ("go", "unclear", "no-go")
    return next(verdict for verdict in order if verdict in verdicts)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(element) for name, element in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(element) for element in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
