"""Objectives of the M-step: how good each candidate prompt is, given the evidence.

An objective is an async function of the evidence and a scorer that returns one number per
candidate; a method adds up the objectives that it is given. Write your own in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from langnet.vi.posterior import Row
from langnet.vi.score import Floats, Scorer

__all__ = ["Evidence", "Objective", "exploration", "likelihood", "nce", "trust_region"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The weighted supervised set that the backward pass makes for one node.

    Attributes:
        rows: weighted rows of parents and text; those of one text of one example sum to 1.
        forward: the node in the forward pass: its parents and what it said, one row per text.
        wrong: for each forward row, whether the network's answer on that example was wrong.
        examples: how many examples the rows come from.
        progress: the share of the fit that lies behind, in [0, 1).
    """

    rows: tuple[Row, ...]
    forward: tuple[Row, ...]
    wrong: tuple[bool, ...]
    examples: int
    progress: float = 0.0


Objective = Callable[[Evidence, Scorer], Awaitable[Floats]]
"""Gives one number per candidate, as (candidate,), to be maximised."""


async def likelihood(evidence: Evidence, scorer: Scorer) -> Floats:
    """S(π) = (1/B) Σ_i Σ_k w_ik log p(h_ik | pa_ik, π), in nats, as (candidate,).

    The expected complete-data log-likelihood of the node: its term of the bound (Sordoni et al.
    2023, eq. 6 and Algorithm 2).
    """
    return _mean(evidence, await scorer.logprobs(evidence.rows))


async def nce(evidence: Evidence, scorer: Scorer) -> Floats:
    """Like `likelihood`, with log p normalised over the alternatives of each text.

    Noise-contrastive: a candidate is rewarded for preferring the better alternatives over the
    worse ones, not for making all of them likely (`use_nce` in published code). Needs the rows of
    all alternatives: set `Inference(min_weight=0)`.
    """
    values = await scorer.logprobs(evidence.rows)
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(evidence.rows):
        parents = tuple(map(repr, row.parents.values()))
        groups.setdefault((row.example, row.node, row.index, parents), []).append(number)
    for members in groups.values():
        if len(members) > 1:
            values[members] -= np.logaddexp.reduce(values[members], axis=0)
    return _mean(evidence, values)


def trust_region(strength: float) -> Objective:
    """−λ · KL(p(· | incumbent) ‖ p(· | π)), averaged over the forward rows, in nats.

    Keeps a node with choices near what it did before (`trust_factor` in published code). It is 0
    for a node without choices.
    """

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        if scorer.node.choices is None or not evidence.forward or strength == 0:
            return np.zeros(len(scorer.candidates))
        logs = await scorer.distributions(evidence.forward)
        incumbent = logs[:, :1, :]
        divergence = np.sum(np.exp(incumbent) * (incumbent - logs), axis=2).mean(axis=0)
        return np.asarray(-strength * divergence, dtype=np.float64)

    return term


def exploration(strength: float, *, decay: bool = True) -> Objective:
    """−λ · (1/B) Σ over wrong examples of log p(ĥ | pa, π), for latent nodes.

    Pushes away from texts that led to a wrong answer (Sordoni et al. 2023, appendix; Σ/B as in the
    published code). It has no lower bound. With `decay` λ falls linearly to 0 over the fit.
    """

    async def term(evidence: Evidence, scorer: Scorer) -> Floats:
        rows = [row for row, wrong in zip(evidence.forward, evidence.wrong, strict=True) if wrong]
        factor = strength * ((1.0 - evidence.progress) if decay else 1.0)
        if not rows or factor == 0 or scorer.node.choices is not None:
            return np.zeros(len(scorer.candidates))
        values = await scorer.logprobs(rows)
        return np.asarray(-factor * values.sum(axis=0) / evidence.examples, dtype=np.float64)

    return term


def _mean(evidence: Evidence, values: Floats) -> Floats:
    """Σ w · value / B, as (candidate,)."""
    weights = np.array([row.weight for row in evidence.rows])[:, None]
    # A row without weight must not bring in its −inf.
    counted = np.where(weights > 0, weights * values, 0.0)
    sums = [math.fsum(column) for column in counted.T]
    return np.array(sums, dtype=np.float64) / max(evidence.examples, 1)
