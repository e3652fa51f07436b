"""Objectives of the M-step: how good each candidate prompt is, given the evidence of one example.

An objective is an async function of the evidence and a scorer that returns one number per
candidate. A method adds up the objectives that it is given, and a candidate's score is the mean
over the batch. Write your own in the same way:

    async def short(evidence: Evidence, scorer: Scorer) -> Floats:
        return np.array([-0.001 * len(candidate) for candidate in scorer.candidates])
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from langnet.data import Example
from langnet.vi.posterior import Row
from langnet.vi.score import Floats, Scorer

_IMPOSSIBLE = -1e4
"""Nats, far below the log-probability of any text that a model would draw."""

__all__ = [
    "Evidence",
    "Objective",
    "exploration",
    "likelihood",
    "nce",
    "rollout",
    "scaled",
    "trust_region",
    "unlikelihood",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the backward pass found out about one prompt on one example.

    Attributes:
        example: the example.
        rows: weighted rows of parents and text, of every node that shows the prompt; the weights
            of those of one text sum to 1.
        forward: the same nodes in the forward pass: their parents and what they said.
        wrong: whether the network's answer was wrong.
        progress: the share of the fit that lies behind, in [0, 1).
    """

    example: Example
    rows: tuple[Row, ...]
    forward: tuple[Row, ...] = ()
    wrong: bool = False
    progress: float = 0.0


Objective = Callable[[Evidence, Scorer], Awaitable[Floats]]
"""Gives one number per candidate, as (candidate,), to be maximised."""


async def likelihood(evidence: Evidence, scorer: Scorer) -> Floats:
    """Σ_k w_k log p(h_k | pa_k, π), in nats, as (candidate,).

    The expected complete-data log-likelihood of the nodes that show the prompt: their terms of the
    bound (Sordoni et al. 2023, eq. 6 and Algorithm 2). Nodes that share a prompt add up.
    """
    return _expected(evidence, await scorer.logprobs(evidence.rows))


async def nce(evidence: Evidence, scorer: Scorer) -> Floats:
    """Like `likelihood`, with log p normalised over the alternatives of each text.

    Noise-contrastive (Gutmann and Hyvärinen 2010): a candidate is rewarded for preferring the
    better alternatives over the worse ones, not for making all of them likely (`use_nce` in
    published code). Needs the rows of all alternatives: set `Inference(min_weight=0)`.
    """
    values = await scorer.logprobs(evidence.rows)
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(evidence.rows):
        parents = tuple(map(repr, row.parents.values()))
        groups.setdefault((row.node, row.index, parents), []).append(number)
    for members in groups.values():
        if len(members) > 1:
            values[members] -= np.logaddexp.reduce(values[members], axis=0)
    return _expected(evidence, values)


async def rollout(evidence: Evidence, scorer: Scorer) -> Floats:
    """The mean of the metric when the network runs anew under each candidate, on common seeds.

    It needs no log-probabilities, so it serves models that only sample; it is no bound.
    """
    return await scorer.metrics(evidence.example)


def trust_region(strength: float) -> Objective:
    """−λ · KL(p(· | incumbent) ‖ p(· | π)), averaged over the forward rows, in nats.

    Keeps a node with choices near what it did before (`trust_factor` in published code). It is 0
    for nodes without choices.
    """

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        rows = [row for row in evidence.forward if scorer.has_choices(row.node)]
        if not rows or strength == 0:
            return np.zeros(len(scorer.candidates))
        total = np.zeros(len(scorer.candidates))
        for logs, incumbent in await scorer.distributions(rows):
            # A label that the incumbent rules out adds nothing, whatever the candidate gives it.
            with np.errstate(invalid="ignore"):
                terms = np.exp(incumbent) * (incumbent - logs)
            total += np.where(np.isneginf(incumbent), 0.0, terms).sum(axis=1)
        return np.asarray(-strength * total / len(rows), dtype=np.float64)

    return term


def exploration(strength: float, *, decay: bool = True) -> Objective:
    """−λ · log p(ĥ | pa, π) on examples that were answered wrongly, for nodes without choices.

    Pushes away from texts that led to a wrong answer (Sordoni et al. 2023, appendix; Σ over errors
    / batch, as in the published code). It has no lower bound: see `unlikelihood` for one that has.
    With `decay` λ falls linearly to 0 over the fit.
    """

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        factor = strength * ((1.0 - evidence.progress) if decay else 1.0)
        rows = [row for row in evidence.forward if not scorer.has_choices(row.node)]
        if not rows or factor == 0 or not evidence.wrong:
            return np.zeros(len(scorer.candidates))
        # What is impossible already cannot be made less likely: it must not win by infinity.
        values = np.maximum(await scorer.logprobs(rows), _IMPOSSIBLE)
        return np.asarray(-factor * values.sum(axis=0), dtype=np.float64)

    return term


def unlikelihood(strength: float, *, decay: bool = False) -> Objective:
    """γ · log(1 − p(ŷ | pa, π)) on examples that were answered wrongly, in nats.

    The bounded form of `exploration` (Welleck et al. 2020, arXiv 1908.04319; Hosseini et al. 2021,
    arXiv 2105.03519): nothing is gained by making a wrong text ever less likely. It matters where
    wrong texts are likely, so on nodes with choices more than on long free texts.
    """

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        factor = strength * ((1.0 - evidence.progress) if decay else 1.0)
        if not evidence.forward or factor == 0 or not evidence.wrong:
            return np.zeros(len(scorer.candidates))
        values = await scorer.logprobs(evidence.forward)
        # A probability that rounds to 1 must not end every comparison at −inf.
        complement = -np.expm1(np.minimum(values, 0.0))
        values = np.log(np.maximum(complement, np.finfo(np.float64).eps))
        return np.asarray(factor * values.sum(axis=0), dtype=np.float64)

    return term


def scaled(factor: float, objective: Objective) -> Objective:
    """An objective times a factor, for sums of several."""

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        return np.asarray(factor * await objective(evidence, scorer), dtype=np.float64)

    return term


def _expected(evidence: Evidence, values: Floats) -> Floats:
    """Σ w · value, as (candidate,)."""
    weights = np.array([row.weight for row in evidence.rows])[:, None]
    # A row without weight must not bring in its −inf.
    counted = np.where(weights > 0, weights * values, 0.0)
    return np.array([math.fsum(column) for column in counted.T], dtype=np.float64)
