"""Correction of a stale posterior: the same draws, weighted as the prompts stand now.

Draws that were inferred under older prompts π′ are still draws from their guides. Under the prompts
π their weights are multiplied by the importance ratio

    r_k = p(h_k, y | x, π) / p(h_k, y | x, π′),

which leaves importance weights unbiased and local weights what they would have been for these
alternatives. What is not undone is that the draws came from guides of the older prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from langnet.concurrency import each
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.program import Program
from langnet.trace import effective_sample_size, normalised
from langnet.vi.local import reweigh_local
from langnet.vi.look import Seen
from langnet.vi.particles import reweigh_particles
from langnet.vi.posterior import Inference, Posterior

__all__ = ["Correction", "corrected"]


@dataclass(frozen=True, slots=True)
class Correction:
    """What the correction of a stale batch did.

    Attributes:
        examples: examples that were corrected.
        shift: the mean over draws of how far a log-weight moved against its mean, in nats.
        effective_share: the effective sample size of the ratios alone, as a share of the draws: 1
            where the older prompts were as good, near 0 where nearly all draws lost their weight.
        changed: the share of examples whose best texts are others now.
    """

    examples: int
    shift: float
    effective_share: float
    changed: float


async def corrected(
    program: Program, seen: Sequence[Seen], settings: Inference, concurrency: int
) -> tuple[tuple[Seen, ...], Correction | None]:
    """Weighs what was inferred under older prompts as the program's prompts have it.

    Args:
        program: the graph with the prompts of now.
        seen: examples with their stale posteriors.
        settings: how they were inferred.
        concurrency: examples in flight.

    Returns:
        The examples with their posteriors corrected, and what that did; `None` where there was
        nothing to correct.

    Raises:
        ModelError: a call failed.
    """
    stale = [item for item in seen if item.posterior is not None]
    if not stale:
        return tuple(seen), None
    fresh = await each(partial(_reweighed, program, settings), stale, limit=concurrency)
    by_example = {posterior.example.id: posterior for posterior in fresh}
    ratios = [
        ratio
        for old, new in zip(stale, fresh, strict=True)
        if old.posterior is not None
        for ratio in _log_ratios(old.posterior, new)
    ]
    shifts = [abs(value - math.fsum(ratio) / len(ratio)) for ratio in ratios for value in ratio]
    shares = [effective_sample_size(normalised(ratio)) / len(ratio) for ratio in ratios]
    moved = sum(
        old.posterior is not None and dict(old.posterior.best) != dict(new.best)
        for old, new in zip(stale, fresh, strict=True)
    )
    return (
        tuple(replace(item, posterior=by_example.get(item.example.id)) for item in seen),
        Correction(
            len(stale),
            math.fsum(shifts) / len(shifts) if shifts else 0.0,
            math.fsum(shares) / len(shares) if shares else 1.0,
            moved / len(stale),
        ),
    )


async def _reweighed(program: Program, settings: Inference, item: Seen) -> Posterior:
    posterior = item.posterior
    assert posterior is not None  # noqa: S101 - the caller has looked
    with calling(example=item.example.id):
        if posterior.log_weights is not None:
            return await reweigh_particles(program, posterior, settings=settings)
        key = Key(("correct", item.example.id))
        return await reweigh_local(program, posterior, key=key, settings=settings)


def _log_ratios(old: Posterior, new: Posterior) -> list[list[float]]:
    """log r_k of the draws of each latent text, or of the particles, as (text, draw)."""
    if old.log_weights is not None and new.log_weights is not None:
        pairs = [(old.log_weights, new.log_weights)]
    else:
        pairs = [
            (before.logits, after.logits)
            for before, after in zip(old.alternatives, new.alternatives, strict=True)
        ]
    return [
        [b - a for a, b in zip(before, after, strict=True) if math.isfinite(a) and math.isfinite(b)]
        or [0.0]
        for before, after in pairs
    ]
