"""Traces: what happened at every node of a network on one example. Pure mathematics, no calls.

All log-probabilities are in nats, and unknown is `None`: a sum with an unknown term is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from langnet.display import Displayed

__all__ = [
    "Failure",
    "Index",
    "Site",
    "Trace",
    "effective_sample_size",
    "log_mean_exp",
    "log_sum_exp",
    "normalised",
    "total",
]

Index = tuple[int, ...]
"""Where in a node's plates a text stands: one position per axis, outermost first."""

Source = Literal["prior", "guide", "given"]


class Site(NamedTuple):
    """One text at one node.

    Attributes:
        node: the node's name.
        index: the position in the node's plates; `()` where it has none.
        context: the rendered template that the model saw or would have seen.
        text: the node's text.
        source: "prior" where it was drawn from the node itself, "guide" where from a guide,
            "given" where it was observed.
        logprob: log p(text | parents, prompt), in nats.
        log_q: log-density of the guide that drew the text, in nats; for source "guide" only.
        component: which of the guide's contexts it was drawn from; for source "guide" only.
    """

    node: str
    index: Index  # type: ignore[assignment]  # a site is not searched as a tuple
    context: str
    text: str
    source: Source = "prior"
    logprob: float | None = None
    log_q: float | None = None
    component: int | None = None


@dataclass(frozen=True, slots=True)
class Trace(Displayed):
    """One run of a graph on one example.

    Attributes:
        example: the example's name.
        values: every part's value by name; a plural one is a tuple, nested one level per axis.
        sites: every text at every language node, in the order of the graph.
        outputs: the names of the graph's outputs.
        log_likelihoods: for each observed function node, log p(target | value), in nats.
    """

    example: str
    values: Mapping[str, Any]
    sites: tuple[Site, ...]
    outputs: tuple[str, ...]
    log_likelihoods: Mapping[str, float]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def output(self) -> Any:
        """The value of the first output."""
        return self.values[self.outputs[0]]

    @property
    def log_joint(self) -> float | None:
        """log p(h, y | x, Π): the sum over all language nodes and observations, in nats."""
        return total([site.logprob for site in self.sites] + [*self.log_likelihoods.values()])

    @property
    def log_weight(self) -> float | None:
        """The log importance weight of this trace, in nats.

        Σ log p(latents) + Σ log p(observations) − Σ log q(latents); a latent drawn from its own
        node contributes nothing, since its two terms are the same.
        """
        terms: list[float | None] = [*self.log_likelihoods.values()]
        for site in self.sites:
            if site.source == "given":
                terms.append(site.logprob)
            elif site.source == "guide":
                terms.append(difference(site.logprob, site.log_q))
        return total(terms)

    def at(self, node: str) -> tuple[Site, ...]:
        """The texts of one node, in the order of their indices."""
        return tuple(site for site in self.sites if site.node == node)


@dataclass(frozen=True, slots=True)
class Failure(Displayed):
    """An example whose run failed because a model's call failed.

    Attributes:
        example: the example's name.
        error: what the model raised; its notes name the node.
    """

    example: str
    error: Exception


def total(terms: Iterable[float | None]) -> float | None:
    """The sum of log-probabilities; unknown where a term is unknown."""
    out = 0.0
    for term in terms:
        if term is None:
            return None
        out += term
    return out


def difference(minuend: float | None, subtrahend: float | None) -> float | None:
    """`minuend − subtrahend`; unknown where either is, and −inf where the first is −inf."""
    if minuend is None or subtrahend is None:
        return None
    return minuend if minuend == -math.inf else minuend - subtrahend


def log_sum_exp(values: Sequence[float]) -> float:
    """log Σ exp(v), computed with the maximum taken out; −inf for no values."""
    top = max(values, default=-math.inf)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def log_mean_exp(values: Sequence[float]) -> float:
    """log (1/K) Σ exp(v): with log importance weights, the IWAE_K estimate (Burda et al. 2016)."""
    return log_sum_exp(values) - math.log(len(values))


def normalised(logits: Sequence[float], temperature: float = 1.0) -> tuple[float, ...]:
    """softmax(logits / temperature).

    Temperature 0 is the limit: all weight on the maximum, shared among ties; infinity is uniform.
    Where every logit is −inf nothing is known, and the weights are uniform.
    """
    top = max(logits)
    if math.isinf(top) or math.isinf(temperature):
        return (1.0 / len(logits),) * len(logits)
    if temperature == 0:
        raw = [float(logit == top) for logit in logits]
    else:
        raw = [math.exp((logit - top) / temperature) for logit in logits]
    norm = math.fsum(raw)
    return tuple(weight / norm for weight in raw)


def effective_sample_size(weights: Sequence[float]) -> float:
    """(Σw)² / Σw²: how many equally weighted draws the weighted ones are worth (Kong 1992)."""
    squares = math.fsum(weight * weight for weight in weights)
    return math.fsum(weights) ** 2 / squares if squares else 0.0
