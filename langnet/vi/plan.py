"""Call planning: what a step, and a fit, will ask of their models, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from langnet.data import Example
from langnet.display import Displayed
from langnet.evaluate import evaluate
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.budget import Price
from langnet.program import Models, Program
from langnet.vi.calls import Account, Calls
from langnet.vi.context import Context
from langnet.vi.dry import Count, DryLedger, dry_graph
from langnet.vi.ledger import PHASES, Phase
from langnet.vi.memory import Remembered
from langnet.vi.method import Method
from langnet.vi.proposal import Proposer, Request, Strategy, calls_of
from langnet.vi.propose import most_calls
from langnet.vi.step import improve, observe

__all__ = ["FitPlan", "Plan", "plan", "plan_fit"]


@dataclass(frozen=True, slots=True)
class Plan(Displayed):
    """What a step will ask.

    Attributes:
        phases: by phase, what it takes if every candidate is scored in full. It takes less where
            racing ends early, where texts come out the same, and where alternatives get no weight.
        exact: whether every number of elements is known. It is not where a function gives a number
            of elements that depends on a text yet to be drawn; one is assumed there.
    """

    phases: Mapping[Phase, Count]
    exact: bool

    @property
    def total(self) -> Count:
        """All phases together."""
        return sum(self.phases.values(), Count())

    def account(self, calls: Calls) -> Account:
        """The plan against what a step sent."""
        planned = {phase: count.calls for phase, count in self.phases.items()}
        raced = {"score": calls.raced}
        return Account(
            planned,
            calls.sent,
            calls.raced,
            {phase: planned[phase] - calls.sent[phase] - raced.get(phase, 0) for phase in PHASES},
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {"phases": {p: asdict(c) for p, c in self.phases.items()}, "exact": self.exact}


@dataclass(frozen=True, slots=True)
class FitPlan(Displayed):
    """What a fit will ask at most: every step in full, and every validation.

    Attributes:
        step: one step.
        validation: one validation.
        steps: how many steps.
        validations: how many validations, the one before the first step included.
    """

    step: Plan
    validation: Count
    steps: int
    validations: int

    @property
    def total(self) -> Count:
        """The whole fit."""
        return self.step.total * self.steps + self.validation * self.validations

    def cost(self, price: Price) -> float | None:
        """What the tokens cost at most, in the price's currency; `None` where it is unknown."""
        total = self.total
        return price.of(total.prompt_tokens, total.completion_tokens)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "step": self.step.to_json(),
            "validation": asdict(self.validation),
            "steps": self.steps,
            "validations": self.validations,
            "total": asdict(self.total),
        }


async def plan(graph: Graph, batch: Sequence[Example], context: Context) -> Plan:
    """What `improve` will ask on a batch: found out by a dry run, in which no model is called.

    The graph's functions are called, on texts that no model wrote. With staleness the batch is
    taken to be seen under other prompts, so that it has to be corrected.

    Raises:
        GraphError: the examples do not fit the graph.
    """
    dried, exact = dry_graph(graph)
    ledger = DryLedger()
    full = tuple(
        Remembered({name: f"{name} {number}" for name in graph.prompts}, 0.0, ())
        for number in range(context.method.memory)
    )
    method = context.method
    wanted = replace(
        context, metric=_always_wrong, method=_in_full(method), memory=full, is_dry=True
    )
    looked, now = None, dried
    if method.staleness:
        looked = await observe(dried, batch, wanted, ledger=ledger)
        now = dried.with_prompts({name: f"{text} " for name, text in dried.prompts.items()})
    await improve(now, batch, wanted, looked=looked, ledger=ledger)
    counts = {phase: ledger.count(phase) for phase in PHASES}
    # A strategy that has nothing to give leaves its calls to another one.
    calls = most_calls(context.mix, method.proposers, count=method.candidates, turn=context.step)
    groups = method.schedule_function(graph, context.step, method.steps)
    counts["propose"] = replace(counts["propose"], calls=calls * sum(map(len, groups)))
    return Plan(counts, exact)


async def plan_fit(
    graph: Graph,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    method: Method,
) -> FitPlan:
    """What a whole fit will ask at most; see `plan`.

    The first examples stand for those of every batch.
    """
    key = Key(("plan",))
    context = Context(
        models=models, proposer=proposer, metric=_always_wrong, method=method, key=key, pool=train
    )
    step = await plan(graph, train[: method.batch_size], context)
    dried, _ = dry_graph(graph)
    ledger = DryLedger()
    await evaluate(
        Program(dried, ledger.models(models, "forward")),
        dev,
        metric=_always_wrong,
        key=key,
        concurrency=method.concurrency,
    )
    validations = 1 + -(-method.steps // method.validate_every)
    return FitPlan(step, ledger.count("forward"), method.steps, validations)


def _in_full(method: Method) -> Method:
    """The method with nothing left out."""
    return replace(
        method,
        racing=None,
        accept=None,
        skip_without_errors=False,
        inference=replace(method.inference, min_weight=0.0),
        proposers={name: _kept(name, function) for name, function in method.proposers.items()},
    )


def _kept(name: str, proposer: Proposer) -> Strategy:
    """A strategy that asks what it would ask, and whose proposals are all kept."""

    async def proposed(request: Request, key: Key) -> str:
        await proposer(request, key)
        return f"{name} {key.path}"

    return Strategy(proposed, calls_of(proposer))


def _always_wrong(prediction: str, target: str) -> float:
    del prediction, target
    return 0.0
