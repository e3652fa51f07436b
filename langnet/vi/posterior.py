"""The E-step: infer the latent texts of an example, given its targets.

Two posteriors, both of which reduce to the paper's on a chain of two nodes:

- *local* (Algorithm 3 of Deep Language Networks, on any graph): one reverse sweep in which each
  latent text gets K alternatives, weighted by its Markov blanket;
- *particles*: K complete draws of all latents, weighted by importance, which carry bounds; they may
  be resampled on the way.

What comes out is evidence: for each node, weighted rows of its parents' texts and its own. After
it, every node is a one-layer problem.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.program import Program
from langnet.trace import (
    Index,
    Trace,
    effective_sample_size,
    log_mean_exp,
    normalised,
)
from langnet.vi.blanket import bearers, latents
from langnet.vi.guide import GUIDES, Guide
from langnet.vi.resample import families, relative_variance

__all__ = ["Alternatives", "Inference", "Posterior", "Row", "infer", "takes_particles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How latent texts are inferred.

    Attributes:
        kind: "local" or "particles"; "auto" is local, but particles where a function decides by a
            latent text how many elements there are, such as a branch does.
        draws: alternatives of each latent text, or particles (K in the paper).
        guide: where they are drawn from; a guide or a name in `GUIDES`.
        temperature: of the softmax that turns logits into weights; 0 is hard EM, infinity uniform.
        prior_term: whether log p(h | parents) is part of a local logit.
        subtract_proposal: whether log q(h) is taken off a local logit, which makes it an
            importance weight; the paper leaves it on.
        per_token: whether log p(h | parents) is averaged over tokens in local logits, as published
            code does; no bound then.
        mutual_information: whether a local logit takes off, for each text that reads the latent
            one, log p(that text | its context with every other field blank): what counts is then
            how much the rest of the context gains by the latent text, and a child that shows
            nothing else has no say (`posterior_sharpening_use_mi_regularization` in published
            code, log p(y | h, x) − log p(y | h)); no bound then.
        skip: the share of first tokens left out of that average.
        include_forward: whether the forward text is one more alternative in the local posterior.
        hard: whether all weight goes to the best alternative (`use_h_argmax` in published code).
        sweeps: reverse sweeps of the local posterior.
        resample: share of the particles. Where the effective sample size falls below it at some
            depth of the graph, the particles are resampled before the next depth is drawn. 0.5 is
            customary. It helps where targets stand along the way of a deep network. It is off by
            default: it leaves no ELBO, makes all particles wait for each other at every depth, and
            a guide that looks ahead is judged before its targets are reached.
        min_weight: weights below this share (or half the average, if that is less) are dropped
            from the evidence, and the rest renormalised: most alternatives get next to no weight,
            and each costs a score per candidate prompt. 0 keeps all.
        max_rows: rows that one text of one example may contribute, where several latent texts
            meet; above that, combinations are drawn from their product.
    """

    kind: Literal["auto", "local", "particles"] = "auto"
    draws: int = 5
    guide: Guide | str = "mixture"
    temperature: float = 1.0
    prior_term: bool = True
    subtract_proposal: bool = False
    per_token: bool = False
    skip: float = 0.0
    mutual_information: bool = False
    include_forward: bool = True
    hard: bool = False
    sweeps: int = 1
    resample: float | None = None
    min_weight: float = 0.02
    max_rows: int = 25

    def __post_init__(self) -> None:
        if isinstance(self.guide, str) and self.guide not in GUIDES:
            raise ValueError(f"there is no guide {self.guide!r}; use one of {', '.join(GUIDES)}")
        if self.kind not in {"auto", "local", "particles"}:
            raise ValueError(f"kind must be 'auto', 'local' or 'particles', not {self.kind!r}")
        if self.draws < 1 or self.sweeps < 1 or self.max_rows < 1:
            raise ValueError("draws, sweeps and max_rows must be at least 1")
        if self.resample is not None and not 0 < self.resample <= 1:
            raise ValueError(f"resample is a share above 0 and up to 1, not {self.resample}")
        if self.resample is not None and self.kind != "particles":
            raise ValueError("only particles can be resampled; set kind='particles'")
        if self.mutual_information and self.kind == "particles":
            raise ValueError(
                "particles carry importance weights, which the mutual-information form is not; set "
                "kind='local'"
            )

    @property
    def guide_function(self) -> Guide:
        """The guide itself."""
        return GUIDES[self.guide] if isinstance(self.guide, str) else self.guide

    def floor(self, count: int) -> float:
        """The weight below which one of `count` alternatives is dropped from the evidence."""
        return min(self.min_weight, 0.5 / count)


@dataclass(frozen=True, slots=True)
class Row:
    """One weighted row of evidence for a node.

    Attributes:
        example: the example's id.
        node: the node's name.
        index: the position in the node's plates.
        weight: how much the row counts; the rows of one text of one example sum to 1.
        parents: the value of each field of the node's template.
        text: the node's text, inferred or observed.
    """

    example: str
    node: str
    index: Index
    weight: float
    parents: Mapping[str, Any] = field(hash=False)
    text: str


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The alternatives of one latent text in the local posterior.

    Attributes:
        node: the node's name.
        index: the position in the node's plates.
        texts: the alternatives, as (draw,).
        logits: their unnormalised log-weights in nats (not where `per_token` is set), as (draw,).
        weights: their weights, as (draw,).
        log_prior: log p(h | parents, prompt) of each, as (draw,); `None` where it was not asked.
        log_q: log-density of each under the guide, as (draw,); `None` where it was not asked.
        sources: where each comes from, as (draw,): "forward", "choice" where all choices were
            enumerated, or what drew it; see `langnet.vi.guide.component_name`.
    """

    node: str
    index: Index
    texts: tuple[str, ...]
    logits: tuple[float, ...]
    weights: tuple[float, ...]
    log_prior: tuple[float, ...] | None = None
    log_q: tuple[float, ...] | None = None
    sources: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """h*: the alternative with the greatest weight, the first among equals."""
        return self.texts[max(range(len(self.texts)), key=self.weights.__getitem__)]


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is inferred about one example.

    Attributes:
        example: the example.
        forward: the forward pass, in which every node takes its most probable text.
        rows: the evidence of every node that an observation bears on.
        best: the best value of each inferred node, in the shape of its plates.
        alternatives: the alternatives of each latent text (local).
        particles: the complete draws, each with all that an observation bears on (particles).
        log_weights: their log-weights in nats, as (draw,); the mean weight is the unbiased
            estimate of p(y | x), with resampling too (particles).
        ancestors: the first draw that each descends from, as (draw,): its own position where
            nothing was resampled (particles).
        resamplings: how often the particles were resampled.
    """

    example: Example
    forward: Trace
    rows: tuple[Row, ...]
    best: Mapping[str, Any]
    alternatives: tuple[Alternatives, ...] = ()
    particles: tuple[Trace, ...] = ()
    log_weights: tuple[float, ...] | None = None
    ancestors: tuple[int, ...] = ()
    resamplings: int = 0

    @property
    def log_evidence(self) -> float | None:
        """Log of the evidence estimate, in nats; `None` where there is none.

        Its mean is a lower bound on log p(y | x): IWAE_K without resampling (Burda et al. 2016),
        the filtering bound with it (Maddison et al. 2017, arXiv 1705.09279).
        """
        return None if self.log_weights is None else log_mean_exp(self.log_weights)

    @property
    def elbo(self) -> float | None:
        """The mean log-weight: an estimate of the ELBO in nats; `None` where there is none.

        Particles that were resampled are not draws from the guides any more, so they give none.
        """
        if self.log_weights is None or self.resamplings:
            return None
        return sum(self.log_weights) / len(self.log_weights)

    @property
    def effective_sample_size(self) -> float | None:
        """How many independent draws the weighted particles are worth; `None` where there are none.

        1 / Σ w² of normalised weights (Kong 1992). Particles that descend from one first draw count
        as one, since they share its fate; with resampling this errs on the low side. It is 0 where
        all contradict the targets.
        """
        if self.log_weights is None:
            return None
        if max(self.log_weights) == -math.inf:
            return 0.0
        return effective_sample_size(self._shares)

    @property
    def standard_error(self) -> float | None:
        """The standard error of `log_evidence` in nats, by the delta method.

        `None` where there are no particles or only one, or where all contradict the targets. It is
        at most 1: near 1 it says no more than that the estimate cannot be trusted.
        """
        if self.log_weights is None or max(self.log_weights) == -math.inf:
            return None
        variance = relative_variance(self._shares, len(self.log_weights))
        return None if variance is None else math.sqrt(variance)

    @property
    def _shares(self) -> tuple[float, ...]:
        weights = normalised(self.log_weights or ())
        return families(weights, self.ancestors or range(len(weights)))


def takes_particles(graph: Graph, observed: Mapping[str, str], settings: Inference) -> bool:
    """Whether latent texts are inferred by whole particles, as the settings say or imply."""
    if settings.kind != "auto":
        return settings.kind == "particles"
    if settings.mutual_information:  # only local logits know it
        return False
    return any(
        name in graph.functions and graph.functions[name].plural
        for latent in latents(graph, observed)
        for name in bearers(graph, latent, observed)
    )


async def infer(
    program: Program,
    example: Example,
    *,
    key: Key,
    settings: Inference,
    forward: Trace | None = None,
) -> Posterior:
    """Infers the latent texts of one example from its targets.

    Args:
        program: the graph with its models.
        example: its targets are the observations.
        key: what every draw's seed is derived from.
        settings: how to infer.
        forward: the forward pass, where it has been made already.

    Raises:
        GraphError: the example observes nothing.
        CapabilityError: a model cannot give the log-probabilities that are needed.
        ModelError: a call failed.
    """
    from langnet.vi.local import infer_local  # noqa: PLC0415 - they share the types above
    from langnet.vi.particles import infer_particles  # noqa: PLC0415 - they share the types above

    if not example.targets:
        raise GraphError(
            f"example {example.id!r} observes no node, so nothing can be inferred from it; "
            f"give it targets, for instance {{{program.graph.target!r}: …}}"
        )
    if forward is None:
        forward = await program.run(
            example.inputs, key=key / "forward", greedy=True, example=example.id
        )
    is_whole = takes_particles(program.graph, example.targets, settings)
    method = infer_particles if is_whole else infer_local
    with calling(example=example.id):
        return await method(program, example, key=key, settings=settings, forward=forward)
