"""One step of the backward pass: infer the latent texts of a batch, then choose every prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from langnet.concurrency import concurrently
from langnet.data import Example
from langnet.evaluate import value_of
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.metrics import Metric
from langnet.program import Models, Program
from langnet.run import run_all
from langnet.trace import Failure, Trace
from langnet.vi.look import Seen, evidence, look, observations
from langnet.vi.method import Method
from langnet.vi.proposal import Request
from langnet.vi.propose import propose
from langnet.vi.score import Floats, Scorer

__all__ = ["Candidate", "Selection", "StepResult", "improve", "resolved_objective"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate prompt.

    Attributes:
        text: the prompt.
        origin: the strategy that proposed it, "incumbent" or "memory".
        score: what the objective gave it.
    """

    text: str
    origin: str
    score: float


@dataclass(frozen=True, slots=True)
class Selection:
    """The choice of one prompt among candidates that saw the same rows.

    Attributes:
        prompt: the prompt's name.
        candidates: the candidates, the incumbent first.
        chosen: the position of the one that was taken.
    """

    prompt: str
    candidates: tuple[Candidate, ...]
    chosen: int

    @property
    def text(self) -> str:
        """The prompt that was taken."""
        return self.candidates[self.chosen].text


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did.

    Attributes:
        prompts: every prompt after the step.
        selections: how each trainable prompt was chosen.
        metric: the mean of the metric in the forward pass over the batch.
        objective: "likelihood" or "rollout".
        score: the sum over prompts of what the objective gave the prompts that were taken.
        elbo: mean estimate per example in nats (particles), else `None`.
        log_evidence: mean IWAE_K bound per example in nats (particles), else `None`.
        effective_sample_size: its mean over examples (particles), else `None`.
        failures: examples that took no part because a model's call failed.
    """

    prompts: Mapping[str, str]
    selections: tuple[Selection, ...]
    metric: float
    objective: str
    score: float
    elbo: float | None
    log_evidence: float | None
    effective_sample_size: float | None
    failures: tuple[Failure, ...]


def resolved_objective(graph: Graph, program: Program, method: Method) -> str:
    """Whether the bound can be maximised, or the metric of rollouts has to be.

    A free text needs `score`, a node with choices `choose`.
    """
    if method.objective != "auto":
        return method.objective
    able = all(
        conditional.model.capabilities.score
        if conditional.node.choices is None
        else conditional.model.capabilities.choose
        for name, conditional in program.conditionals.items()
        if name in graph.nodes
    )
    return "likelihood" if able else "rollout"


async def improve(
    graph: Graph,
    batch: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    metric: Metric,
    method: Method,
    key: Key,
    turn: int = 0,
    progress: float = 0.0,
    memory: Sequence[tuple[Mapping[str, str], float]] = (),
) -> StepResult:
    """Improves every trainable prompt of a graph on one batch.

    The posteriors couple the nodes; given them, the bound is a sum over nodes, so all prompts are
    proposed, scored and chosen at once. Nodes that share a prompt add up their scores.

    Args:
        graph: the network with its current prompts.
        batch: examples with targets.
        models: what the nodes call.
        proposer: the model that proposes.
        metric: which answers are wrong, and what rollouts maximise.
        method: the settings.
        key: what every draw's seed is derived from.
        turn: the number of the step: which strategies come up.
        progress: the share of the fit that lies behind.
        memory: remembered sets of prompts with their validation scores, the best first.

    Raises:
        TooManyFailures: more examples failed than the method allows.
        CapabilityError: a model cannot score what the method asks for.
    """
    program = Program(graph, models)
    objective = resolved_objective(graph, program, method)
    seen, failures = await look(program, batch, method, metric, key, objective)
    wrong = sum(item.value < 1 for item in seen)
    names = graph.trainable
    if not seen or (method.skip_without_errors and not wrong):
        names = ()
    prompts = graph.prompts
    by_name = models if isinstance(models, Mapping) else {}

    async def choose(name: str) -> Selection:
        shown = [item for node in graph.sharing(name) for item in observations(graph, node, seen)]
        known = _known(name, prompts[name], memory)
        labels = next((n.choices.labels for n in _nodes(graph, name) if n.choices), ())
        request = Request(
            prompts[name],
            tuple(known.items()),
            tuple(shown),
            labels,
            proposer,
            method.max_prompt_tokens,
            method.proposal_temperature,
        )
        proposals = await propose(
            request,
            count=method.candidates,
            key=key.below("propose", name),
            mix=method.mix,
            proposers=method.proposers,
            turn=turn,
        )
        origins = {prompts[name]: "incumbent"}
        for text, origin in [*((text, "memory") for text in known), *proposals]:
            origins.setdefault(text, origin)
        if objective == "rollout":
            scores = await _rollouts(graph, name, tuple(origins), seen, models, metric, method, key)
        else:
            scores = np.zeros(len(origins))
            for node in _nodes(graph, name):
                model = by_name.get(node.model) or models
                assert not isinstance(model, Mapping)  # noqa: S101 - Program has checked it
                scorer = Scorer(
                    graph,
                    node,
                    model,
                    tuple(origins),
                    per_token=method.per_token,
                    skip=method.skip,
                )
                rows = evidence(graph, node.name, seen, progress)
                for term in method.objectives:
                    scores = scores + await term(rows, scorer)
        # argmax takes the first of equals, which is the incumbent.
        return Selection(
            name,
            tuple(
                Candidate(text, origin, float(score))
                for (text, origin), score in zip(origins.items(), scores, strict=True)
            ),
            int(np.argmax(np.nan_to_num(scores, nan=-np.inf))),
        )

    selections = await concurrently(partial(choose, name) for name in names)
    posteriors = [item.posterior for item in seen if item.posterior is not None]
    return StepResult(
        {**prompts, **{selection.prompt: selection.text for selection in selections}},
        tuple(selections),
        sum(item.value for item in seen) / len(batch),
        objective,
        sum(choice.candidates[choice.chosen].score for choice in selections),
        _mean([posterior.elbo for posterior in posteriors]),
        _mean([posterior.log_evidence for posterior in posteriors]),
        _mean([posterior.effective_sample_size for posterior in posteriors]),
        failures,
    )


def _nodes(graph: Graph, prompt: str) -> list[Any]:
    nodes = graph.nodes
    return [nodes[name] for name in graph.sharing(prompt)]


def _known(
    name: str, current: str, memory: Sequence[tuple[Mapping[str, str], float]]
) -> dict[str, float]:
    """The prompts that are known under a name with their validation scores, the best first."""
    known = {prompts[name]: score for prompts, score in reversed(memory)}
    worst = min(known.values(), default=0.0)
    known.setdefault(current, worst)
    return dict(sorted(known.items(), key=lambda pair: -pair[1]))


async def _rollouts(
    graph: Graph,
    name: str,
    candidates: Sequence[str],
    seen: Sequence[Seen],
    models: Models,
    metric: Metric,
    method: Method,
    key: Key,
) -> Floats:
    """The mean of the metric when the network runs anew under each candidate, on common seeds."""

    async def one(candidate: str) -> float:
        program = Program(graph.with_prompts({name: candidate}), models)
        total = 0.0
        for rollout in range(method.rollouts):
            outcomes = await run_all(
                program,
                [item.example for item in seen],
                key=key.below("rollout", rollout),
                concurrency=method.concurrency,
                max_failures=method.max_failures,
            )
            for item, outcome in zip(seen, outcomes, strict=True):
                if isinstance(outcome, Trace):
                    total += value_of(outcome, item.example, graph.target, metric)
        return total / (len(seen) * method.rollouts)

    return np.array(await concurrently(partial(one, candidate) for candidate in candidates))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
