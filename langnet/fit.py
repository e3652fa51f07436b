"""Fitting: `fit` runs steps and validations from the first prompts to the best ones.

Every draw's seed comes from the seed and the step's number: a fit that is killed and resumed takes
the same steps as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from langnet.checkpoint import RunDirectory, describe
from langnet.data import Example
from langnet.display import Displayed
from langnet.errors import DataError
from langnet.events import Notifier, Observer
from langnet.graph import Graph
from langnet.guidance import Entry, Guidance
from langnet.guided import Refusing
from langnet.listening import Listening
from langnet.lm.base import LanguageModel
from langnet.lm.budget import Budget
from langnet.lm.meter import Meter, MeterReading
from langnet.lm.tokens import counter
from langnet.lm.until import deadline_of
from langnet.loop import Loop
from langnet.metrics import Metric, exact
from langnet.program import Models, Program, bind
from langnet.state import State, init
from langnet.vi.context import resolved_objective
from langnet.vi.method import Method
from langnet.vi.plan import FitPlan, plan_fit

__all__ = ["Fitted", "fit"]


@dataclass(frozen=True, slots=True, repr=False)
class Fitted(Displayed):
    """What came of a fit.

    Attributes:
        graph: the graph with the best prompts.
        initial: the graph with the prompts at the start.
        state: the state at the end.
        reason: why the fit ended.
        objective: what was maximised: "likelihood" or "rollout".
        plan: what it was expected to ask at most, where that was wanted.
        reading: calls and tokens, where a meter was given.
        seconds: how long it took, in this process.
    """

    graph: Graph
    initial: Graph
    state: State
    reason: str
    objective: str
    plan: FitPlan | None
    reading: MeterReading | None
    seconds: float

    def __repr__(self) -> str:
        return str(self)  # all that it holds would be many screens


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
    budget: Budget | None = None,
    spent: MeterReading | None = None,
    plan: bool = False,
    traces: bool = True,
    guidance: Guidance | Iterable[Entry] | None = None,
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
        directory: where a checkpoint is written after every step, and at the end the network with
            the best prompts (best.yaml, where its functions can be saved); nowhere by default.
        resume: whether to go on from the checkpoint there, if there is one.
        observers: are told of every event.
        meter: counts the calls of the models, for reports and for the budget.
        budget: what the fit may spend. The call that could exceed it is not sent, and the fit ends
            with the best so far. Needs the meter that counts the models' calls.
        spent: what earlier sessions of this fit have spent of the budget.
        plan: whether to find out beforehand what the fit will ask, and tell observers.
        traces: whether what the fit sees is written to the directory as well: every text of every
            example in every batch and validation, for reports.
        guidance: what people say while the fit goes on; by default what they write to
            `guidance.jsonl` in the directory. Entries are added to that, each id once. See
            `langnet.guidance`.

    Raises:
        GraphError: nothing is trainable, or a checkpoint belongs to another fit.
        DataError: there is no data, or guidance is given that names what this fit has not.
        TooManyFailures: more examples failed than the method allows.
        ValueError: a budget is given without a meter.
    """
    method = method or Method()
    if not train or not dev:
        raise DataError("fitting needs examples to train on and examples to validate on")
    if budget is not None and meter is None:
        raise ValueError(
            "a budget is held by the meter that counts the models' calls; give both: "
            "meter = Meter(); connect(…, meter=meter); fit(…, meter=meter, budget=…)"
        )
    proposer = proposer or _default_model(graph, models)
    about = describe(
        graph, seed, train=train, dev=dev, models=models, proposer=proposer, method=method
    )
    refusing = _refusing(graph, train, dev, models, method)
    entries = () if guidance is None or isinstance(guidance, Guidance) else tuple(guidance)
    if isinstance(guidance, Guidance) and guidance.file is None:
        _check(guidance.entries(), refusing)
    _check(entries, refusing)
    run = None if directory is None else RunDirectory(Path(directory))
    state = init(graph, seed=seed)
    if run is not None:
        state = run.begin(about, State.from_json, resume=resume) or state
    if not isinstance(guidance, Guidance):
        guidance = Guidance() if directory is None else Guidance.at(directory)
        guidance.extend(entries)
    tell = Notifier(observers)
    called = models.values() if isinstance(models, Mapping) else [models]
    planned = None
    if plan:
        planned = await plan_fit(graph, train, dev, models=models, proposer=proposer, method=method)
    loop = Loop(
        state=state,
        graph=graph,
        train=train,
        dev=dev,
        models=models,
        proposer=proposer,
        metric=metric,
        method=method,
        run=run,
        tell=tell,
        meter=meter,
        plan=planned,
        listening=Listening(
            guidance=guidance,
            refusing=refusing,
            tell=tell,
            deadline=min(map(deadline_of, [*called, proposer])),
        ),
        traces=traces,
    )
    began = time.monotonic()
    with (meter or Meter()).limited(budget, spent=spent):
        reason = await loop.to_the_end()
    best = graph.with_prompts(loop.state.best)
    if run is not None:
        run.save_network(best)
    return Fitted(
        best,
        graph,
        loop.state,
        reason,
        resolved_objective(graph, models, method),
        planned,
        None if meter is None else meter.snapshot(),
        time.monotonic() - began,
    )


def _refusing(
    graph: Graph,
    train: Sequence[Example],
    dev: Sequence[Example],
    models: Models,
    method: Method,
) -> Refusing:
    bound = bind(graph, models)

    def fits(prompt: str, text: str) -> bool:
        count = counter(bound[graph.sharing(prompt)[0]].model)
        return count(text) <= method.max_prompt_tokens

    return Refusing(graph, frozenset(example.id for example in (*train, *dev)), fits)


def _check(entries: Iterable[Entry], refusing: Refusing) -> None:
    for entry in entries:
        if reason := refusing.unknown(entry):
            raise DataError(f"guidance of the kind {entry.kind!r} cannot be taken: {reason}")


def _default_model(graph: Graph, models: Models) -> LanguageModel:
    if not isinstance(models, Mapping):
        return models
    Program(graph, models)
    return models.get("default") or next(models[node.model] for node in graph.nodes.values())
