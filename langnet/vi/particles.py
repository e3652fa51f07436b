"""The posterior by complete draws: importance sampling with unbiased evidence.

log w_k = Σ log p(latents) + Σ log p(targets) − Σ log q(latents); mean w is unbiased for p(y | x),
and log (1/K) Σ w is the IWAE_K bound (Burda et al. 2016, arXiv 1509.00519).

With resampling the particles are compared after each depth of the graph, and where few of them
carry the weight, they are replaced by copies of the better ones. The product of the mean weights
between resamplings stays unbiased for p(y | x), since the number of a particle's copies is its
weight in expectation, whatever decides when to resample (Del Moral, Doucet and Jasra 2006). Its
logarithm is a bound in expectation, too (Maddison et al. 2017, arXiv 1705.09279).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import CapabilityError
from langnet.key import Key
from langnet.program import Program
from langnet.trace import Trace, effective_sample_size, log_mean_exp, normalised
from langnet.vi.blanket import informative, latents, parents_at, site_guide
from langnet.vi.caution import demand_density
from langnet.vi.posterior import Inference, Posterior, Row
from langnet.vi.resample import depths, systematic

__all__ = ["infer_particles", "reweigh_particles"]


async def infer_particles(
    program: Program, example: Example, *, key: Key, settings: Inference, forward: Trace
) -> Posterior:
    """Draws all latents K times and weighs the draws; see `infer`."""
    swarm = await _drawn(program, example, key, settings, forward)
    return _posterior(program, example, settings, forward, swarm)


async def reweigh_particles(
    program: Program, posterior: Posterior, *, settings: Inference
) -> Posterior:
    """The same particles under other prompts: weights times p(h, y | now) / p(h, y | then)."""
    example = posterior.example
    nodes = program.graph.nodes

    async def scored(trace: Trace) -> Trace:
        given = {name: value for name, value in trace.values.items() if name in nodes}
        return await program.run(
            example.inputs,
            key=Key(("reweigh",)),
            given={**example.targets, **given},
            score=True,
            example=example.id,
            only=[name for name in trace.values if name not in program.graph.inputs],
        )

    now = await each(scored, posterior.particles)
    traces = tuple(
        replace(
            before,
            sites=tuple(
                old._replace(context=new.context, logprob=new.logprob)
                for old, new in zip(before.sites, after.sites, strict=True)
            ),
        )
        for before, after in zip(posterior.particles, now, strict=True)
    )
    corrections = tuple(
        weight - _known(trace) if weight > -math.inf else 0.0
        for weight, trace in zip(posterior.log_weights or (), posterior.particles, strict=True)
    )
    swarm = _Swarm(traces, corrections, posterior.ancestors, posterior.resamplings)
    return _posterior(program, example, settings, posterior.forward, swarm)


def _posterior(
    program: Program, example: Example, settings: Inference, forward: Trace, swarm: _Swarm
) -> Posterior:
    """What weighted particles say."""
    graph = program.graph
    hidden = latents(graph, example.targets)
    known = swarm.log_weights
    weights = normalised(known, 0.0 if settings.hard else settings.temperature)
    if all(weight == -math.inf for weight in known):
        weights = (0.0,) * len(known)  # every draw contradicts the targets: no evidence
    best = max(range(len(weights)), key=weights.__getitem__)
    if settings.hard and weights[best] > 0:
        weights = tuple(float(draw == best) for draw in range(len(weights)))
    nodes = informative(graph, example.targets)
    floor = settings.floor(settings.draws)
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
        for trace, weight in zip(swarm.traces, weights, strict=True)
        if weight >= floor and weight > 0
        for site in trace.at(name)
    )
    return Posterior(
        example,
        forward,
        rows,
        {name: swarm.traces[best].values[name] for name in hidden},
        particles=swarm.traces,
        log_weights=known,
        ancestors=swarm.ancestors,
        resamplings=swarm.resamplings,
    )


class _Swarm(NamedTuple):
    """Particles on their way through the graph.

    Attributes:
        traces: what each has drawn so far, with all that it descends from.
        corrections: what is added to a trace's log-weight to make it the particle's: resampling
            gives all particles the mean weight, and what a trace weighed before no longer counts.
        ancestors: the first draw that each descends from.
        resamplings: how often they were resampled.
    """

    traces: tuple[Trace, ...]
    corrections: tuple[float, ...]
    ancestors: tuple[int, ...]
    resamplings: int

    @property
    def log_weights(self) -> tuple[float, ...]:
        """The log-weights in nats, whose mean weight is the estimate of p(y | x) so far."""
        return tuple(
            _known(trace) + correction
            for trace, correction in zip(self.traces, self.corrections, strict=True)
        )

    def resampled(self, weights: Sequence[float], offset: float) -> _Swarm:
        """As many particles of equal weight, each a copy of one of these."""
        chosen = systematic(weights, offset)
        mean = log_mean_exp(self.log_weights)
        return _Swarm(
            tuple(self.traces[draw] for draw in chosen),
            tuple(mean - _known(self.traces[draw]) for draw in chosen),
            tuple(self.ancestors[draw] for draw in chosen),
            self.resamplings + 1,
        )


async def _drawn(
    program: Program, example: Example, key: Key, settings: Inference, forward: Trace
) -> _Swarm:
    """All particles, drawn to the end of the graph."""
    graph = program.graph
    guide = site_guide(graph, example, forward, settings.guide_function)
    hidden = latents(graph, example.targets)
    guides = dict.fromkeys(hidden, guide)
    for name in hidden:
        demand_density(graph.nodes[name])
    count = settings.draws

    async def extended(draw: int, start: Trace | None, parts: Sequence[str]) -> Trace:
        return await program.run(
            example.inputs,
            key=key.below("particle", draw),
            given=example.targets,
            guide=guides,
            score=True,
            example=example.id,
            start=start,
            only=parts,
        )

    fixed, *stages = depths(graph, example.targets)
    # What no latent text bears on is the same for every particle.
    start = await extended(0, None, fixed)
    swarm = _Swarm((start,) * count, (0.0,) * count, tuple(range(count)), 0)
    if settings.resample is None and stages:
        stages = [tuple(part for stage in stages for part in stage)]
    for number, parts in enumerate(stages):
        if number and settings.resample is not None:
            weights = normalised(swarm.log_weights)
            possible = max(swarm.log_weights) > -math.inf
            if possible and effective_sample_size(weights) < settings.resample * count:
                offset = key.below("resample", number).rng().random()
                swarm = swarm.resampled(weights, offset)

        async def grown(
            draw: int, traces: tuple[Trace, ...] = swarm.traces, parts: tuple[str, ...] = parts
        ) -> Trace:
            return await extended(draw, traces[draw], parts)

        swarm = swarm._replace(traces=tuple(await each(grown, range(count))))
    return swarm


def _known(trace: Trace) -> float:
    weight = trace.log_weight
    if weight is not None:
        return weight
    raise CapabilityError(
        f"the weights of example {trace.example!r} are unknown, since a model of the graph gives "
        "no log-probabilities; use one that scores, or the rollout objective"
    )
