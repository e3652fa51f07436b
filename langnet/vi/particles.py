"""The posterior by complete draws: importance sampling with unbiased evidence.

log w_k = Σ log p(latents) + Σ log p(targets) − Σ log q(latents); mean w is unbiased for p(y | x),
and log (1/K) Σ w is the IWAE_K bound (Burda et al. 2016, arXiv 1509.00519).
"""

from __future__ import annotations

import math

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import CapabilityError
from langnet.key import Key
from langnet.program import Program
from langnet.trace import Trace, normalised
from langnet.vi.blanket import informative, latents, parents_at, site_guide
from langnet.vi.posterior import Inference, Posterior, Row

__all__ = ["infer_particles"]


async def infer_particles(
    program: Program, example: Example, *, key: Key, settings: Inference, forward: Trace
) -> Posterior:
    """Draws all latents K times and weighs the draws; see `infer`."""
    graph = program.graph
    hidden = latents(graph, example.targets)
    guide = site_guide(graph, example, forward, settings.guide_function)

    async def particle(draw: int) -> Trace:
        return await program.run(
            example.inputs,
            key=key.below("particle", draw),
            given=example.targets,
            guide=dict.fromkeys(hidden, guide),
            score=True,
            example=example.id,
        )

    particles = await each(particle, range(settings.draws))
    log_weights = [trace.log_weight for trace in particles]
    known = tuple(weight for weight in log_weights if weight is not None)
    if len(known) < len(log_weights):
        raise CapabilityError(
            f"the weights of example {example.id!r} are unknown, since a model of the graph gives "
            "no log-probabilities; use one that scores, or the rollout objective"
        )
    weights = normalised(known, 0.0 if settings.hard else settings.temperature)
    if all(weight == -math.inf for weight in known):
        weights = (0.0,) * len(known)  # every draw contradicts the targets: no evidence
    best = max(range(len(weights)), key=weights.__getitem__)
    nodes = informative(graph, example.targets)
    floor = settings.min_weight
    kept = math.fsum(weight for weight in weights if weight >= floor) or 1.0
    rows = tuple(
        Row(
            example.id,
            name,
            site.index,
            weight / kept,
            parents_at(graph, trace.values, name, site.index),
            site.text,
        )
        for name in nodes
        for trace, weight in zip(particles, weights, strict=True)
        if weight >= floor and weight > 0
        for site in trace.at(name)
    )
    return Posterior(
        example,
        forward,
        rows,
        {name: particles[best].values[name] for name in hidden},
        particles=tuple(particles),
        log_weights=known,
    )
