"""One step of the backward pass: infer the latent texts of a batch, then choose every prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.trace import Failure
from langnet.vi.bound import Bound, bound_of
from langnet.vi.calls import Calls
from langnet.vi.choose import Chosen, choose
from langnet.vi.context import Context, resolved_objective
from langnet.vi.correct import Correction
from langnet.vi.ledger import Ledger
from langnet.vi.look import Look, check_failures, look
from langnet.vi.select import Selection

__all__ = ["StepResult", "improve", "observe"]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did.

    Attributes:
        prompts: every prompt after the step.
        selections: how each prompt was chosen, in the order of the schedule.
        metric: the mean of the metric in the forward pass over the batch.
        objective: "likelihood" or "rollout".
        score: the sum over prompts of what the objective gave the prompts that were taken.
        bound: ELBO, IWAE and effective sample size of the batch under the prompts it was inferred
            with (particles); `None` where there is no bound.
        correction: what correcting a stale posterior did; `None` where it was not stale.
        calls: what was asked, by phase, and what was spared.
        failures: examples that took no part, or a smaller one, because a model's call failed.
    """

    prompts: Mapping[str, str]
    selections: tuple[Selection, ...]
    metric: float
    objective: str
    score: float
    bound: Bound | None
    correction: Correction | None
    calls: Calls
    failures: tuple[Failure, ...]


async def observe(
    graph: Graph, batch: Sequence[Example], context: Context, *, ledger: Ledger | None = None
) -> Look:
    """The E-step: runs a batch forward and infers its latent texts.

    Raises:
        TooManyFailures: more examples failed than the method allows.
        CapabilityError: a model cannot score what the method asks for.
    """
    method = context.method
    objective = resolved_objective(graph, context.models, method)
    return await look(
        graph,
        batch,
        models=context.models,
        method=method,
        metric=context.metric,
        key=context.key,
        needs_posterior=objective != "rollout",
        ledger=ledger or Ledger(),
    )


async def improve(
    graph: Graph,
    batch: Sequence[Example],
    context: Context,
    *,
    looked: Look | None = None,
    ledger: Ledger | None = None,
) -> StepResult:
    """Improves the prompts of a graph that the schedule names on one batch.

    The posteriors couple the nodes; given them, the bound is a sum over nodes, so the prompts of a
    group are proposed, scored and chosen at once. Nodes that share a prompt add up their scores.

    Args:
        graph: the network with its current prompts.
        batch: examples with targets.
        context: everything else.
        looked: the batch as `observe` saw it, perhaps under older prompts; seen anew by default.
        ledger: where calls are booked, if the batch is seen anew.

    Raises:
        TooManyFailures: more examples failed than the method allows.
        CapabilityError: a model cannot score what the method asks for.
        GraphError: the schedule names no prompt, or one that is not trainable.
    """
    method = context.method
    groups = _free(_groups(graph, context), context)
    first = looked or await observe(graph, batch, context, ledger=ledger)
    seen, current = first, graph
    chosen: list[Chosen] = []
    for group in groups:
        if chosen:
            if context.is_dry:
                first.ledger.forget()
            seen = await observe(current, batch, context, ledger=first.ledger)
        chosen.append(await choose(current, group, seen, context))
        selections = chosen[-1].selections
        current = current.with_prompts(
            {
                choice.prompt: choice.candidates[-1].text if context.is_dry else choice.text
                for choice in selections
            }
        )
    selections = tuple(choice for one in chosen for choice in one.selections)
    lost = [*first.failures, *(failure for one in chosen for failure in one.failures)]
    failures = tuple({failure.example: failure for failure in lost}.values())
    check_failures(failures, len(batch), method.max_failures)
    posteriors = [item.posterior for item in first.seen if item.posterior is not None]
    return StepResult(
        current.prompts,
        selections,
        sum(item.value for item in first.seen) / max(len(first.seen), 1),
        resolved_objective(graph, context.models, method),
        sum(choice.candidates[choice.chosen].score for choice in selections),
        bound_of(posteriors) if any(found.particles for found in posteriors) else None,
        chosen[0].correction if chosen else None,
        Calls.of(first.ledger, sum(one.raced for one in chosen)),
        failures,
    )


def _free(groups: Sequence[Sequence[str]], context: Context) -> tuple[tuple[str, ...], ...]:
    """The groups without what people pinned."""
    pinned = context.directions.standing.pinned
    free = (tuple(name for name in group if name not in pinned) for group in groups)
    return tuple(group for group in free if group)


def _groups(graph: Graph, context: Context) -> tuple[tuple[str, ...], ...]:
    method = context.method
    groups = method.schedule_function(graph, context.step, method.steps)
    groups = tuple(tuple(group) for group in groups if group)
    unknown = {name for group in groups for name in group} - set(graph.trainable)
    if unknown or not groups:
        raise GraphError(
            f"the schedule gives {groups!r} for step {context.step}; let it give at least one "
            f"group of the trainable prompts, which are {', '.join(graph.trainable)}"
        )
    return groups
