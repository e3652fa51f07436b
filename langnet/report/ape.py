"""APE as a baseline: instructions induced from solved examples, of which the best is taken.

Automatic prompt engineering (Zhou et al. 2023, arXiv 2211.01910) is one step of a fit: proposals
by the strategy `induction`, and the choice by score on one sample of the training examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langnet.advance import step
from langnet.data import Example
from langnet.graph import Graph
from langnet.lm.base import LanguageModel
from langnet.metrics import Metric
from langnet.program import Models
from langnet.state import init
from langnet.vi.method import Method
from langnet.vi.strategies import STRATEGIES

__all__ = ["ape", "no_ape"]


def no_ape(graph: Graph) -> str | None:
    """Why there is nothing to induce; `None` where there is."""
    node = graph.nodes.get(graph.target)
    if node is None:
        return f"the target {graph.target!r} is a function, which has no prompt"
    if node.prompt_name not in graph.trainable:
        return f"the prompt of {node.name!r} is not to be changed"
    return None


async def ape(
    graph: Graph,
    train: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    metric: Metric,
    method: Method,
    seed: int,
    proposals: int,
) -> Graph:
    """The graph with the best of some induced instructions at the node that answers.

    The other prompts stay as they are. The sample is the batch of the method's first step, and the
    score its objective. The initial prompt is among the candidates, which it is not in the paper.

    Args:
        graph: the network with its initial prompts.
        train: what the sample is drawn from.
        models: what the nodes call.
        proposer: the model that induces instructions.
        metric: of a prediction and a target.
        method: the settings of the fit that APE is compared with.
        seed: what every draw's seed is derived from.
        proposals: instructions that are induced.
    """
    name = graph.nodes[graph.target].prompt_name
    others = [prompt for prompt in graph.prompts if prompt != name]
    alone = graph.frozen(*others) if others else graph
    once = replace(
        method,
        steps=1,
        candidates=proposals,
        schedule="together",
        staleness=0,
        accept=None,
        held_out=False,
        mix={"induction": 1.0},
        proposers=STRATEGIES,
        adapt=False,
        skip_without_errors=False,
    )
    state, _ = await step(
        init(alone, seed=seed),
        alone,
        train,
        models=models,
        proposer=proposer,
        metric=metric,
        method=once,
    )
    return graph.with_prompts(state.prompts)
