"""One move of a fit: `step` and `validate` on a carried state.

Every draw's seed comes from the seed and the step's number, so a move depends on the state alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from langnet.data import Example, batch
from langnet.evaluate import Evaluation, evaluate
from langnet.graph import Graph
from langnet.guided import directions_at
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.caller import calling
from langnet.metrics import Metric, exact
from langnet.program import Models, Program
from langnet.state import State, after_step, after_validation
from langnet.trace import Failure, Trace
from langnet.vi.context import Context
from langnet.vi.directions import Directions
from langnet.vi.look import Look
from langnet.vi.method import Method
from langnet.vi.step import StepResult, improve

__all__ = ["batch_of", "context_of", "evaluation_of", "step", "validate"]


async def step(
    state: State,
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    metric: Metric = exact,
    method: Method,
    looked: Look | None = None,
    directions: Directions | None = None,
) -> tuple[State, StepResult]:
    """Takes one step: draws the batch that belongs to it and improves its prompts on it.

    Args:
        state: where the fit stands.
        graph: the network; the state says with which prompts.
        examples: what batches are drawn from.
        models: what the nodes call.
        proposer: the model that proposes prompts.
        metric: of a prediction and a target.
        method: the settings.
        looked: the batch as it was seen ahead of time; see `Method.staleness`.
        directions: what people said; by default what the state says that they did.
    """
    context = replace(
        context_of(state, examples, models, proposer, metric, method),
        directions=directions or directions_at(state, graph, examples),
    )
    drawn = batch_of(state.seed, state.step, graph, examples, method)
    result = await improve(graph.with_prompts(state.prompts), drawn, context, looked=looked)
    return after_step(state, result, method), result


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
    found = await evaluation_of(state, graph, examples, models, metric, method, on_example)
    return after_validation(state, found, method), found


async def evaluation_of(
    state: State,
    graph: Graph,
    examples: Sequence[Example],
    models: Models,
    metric: Metric,
    method: Method,
    on_example: Callable[[], None] | None,
    on_outcome: Callable[[Trace | Failure], None] | None = None,
) -> Evaluation:
    """What the current prompts make of validation examples, on the same draws every time."""
    with calling(purpose="validate"):
        return await evaluate(
            Program(graph.with_prompts(state.prompts), models),
            examples,
            metric=metric,
            key=Key(("fit", state.seed, "validate")),
            concurrency=method.concurrency,
            max_failures=method.max_failures,
            on_example=on_example,
            on_outcome=on_outcome,
        )


def batch_of(
    seed: int, number: int, graph: Graph, examples: Sequence[Example], method: Method
) -> list[Example]:
    """The examples of one step."""
    return batch(
        examples,
        min(method.batch_size, len(examples)),
        number,
        Key(("fit", seed, "batch")),
        balance=graph.target if method.balance else None,
    )


def context_of(
    state: State,
    examples: Sequence[Example],
    models: Models,
    proposer: LanguageModel,
    metric: Metric,
    method: Method,
    number: int | None = None,
) -> Context:
    """What a step is told."""
    number = state.step if number is None else number
    return Context(
        models=models,
        proposer=proposer,
        metric=metric,
        method=method,
        key=Key(("fit", state.seed, "step", number)),
        step=number,
        memory=state.memory,
        record=state.record,
        pool=examples,
    )
