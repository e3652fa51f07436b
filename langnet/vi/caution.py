"""What stands against trusting a bound, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from langnet.conditional import Conditional
from langnet.errors import CapabilityError
from langnet.node import Node
from langnet.trace import Failure
from langnet.vi.estimate import ExampleBound

__all__ = ["demand_density", "demand_scores", "doubts", "inexact", "left_out"]

_FEW = 2.0
_LOW = 0.1
"""An effective sample size below `_FEW` draws, or below this share of them, is low."""
_OFTEN = 0.1
"""The share of examples with a low effective sample size from which on there is a warning."""


def doubts(examples: Sequence[ExampleBound], draws: int, *, latent: bool = True) -> Iterator[str]:
    """What the weights themselves say against the bound.

    Args:
        examples: their bounds.
        draws: of each.
        latent: whether anything was drawn for them; else the bound is exact, whatever `draws` is.
    """
    total = len(examples)
    if impossible := sum(item.iwae == -math.inf for item in examples):
        yield (
            f"on {impossible} of {total} examples every draw contradicts the target, so the bound "
            "is −inf; see which by their iwae, and look at their targets or take more draws"
        )
    if not latent:
        return
    if draws == 1:
        yield "with one draw IWAE_1 is the ELBO, and nothing tells how good it is; take more draws"
        return
    least = max(_FEW, _LOW * draws)
    low = sum(0 < item.effective_sample_size < least for item in examples)
    if low > _OFTEN * total:
        yield (
            f"the effective sample size is below {least:g} of {draws} draws on {low} of {total} "
            "examples, so the bound may lie far below the evidence; take more draws, another guide "
            "(compare prior, hindsight, mixture and edit: a latent node's term says how far its "
            "guide strays from the node), or, in a deep network with targets along the way, "
            "resample=0.5; in a fit, an inference temperature above 1 keeps "
            "one draw from taking all the weight"
        )


def left_out(failures: Sequence[Failure], counted: int) -> Iterator[str]:
    """How many examples are missing from a bound on `counted` others."""
    if failures:
        yield (
            f"{len(failures)} of {len(failures) + counted} examples failed and are left out; the "
            f"first was {failures[0].example!r}: {failures[0].error}"
        )


def demand_scores(conditional: Conditional, *, latent: bool) -> None:
    """Refuses before a call is made what would end in an error after many.

    Raises:
        CapabilityError: the node's texts have no log-probabilities.
    """
    node, able = conditional.node, conditional.model.capabilities
    if node.decoding.schema is not None:
        raise CapabilityError(
            f"a bound needs log-probabilities at node {node.name!r}, but under its JSON schema "
            "texts are drawn from another distribution than any model scores; leave the schema "
            "out, or fit with objective='rollout', which needs no bound"
        )
    if not (able.score if node.choices is None else able.choose):
        what = "given texts" if node.choices is None else "its choices"
        raise CapabilityError(
            f"a bound needs the log-probabilities of {what} at node {node.name!r}, but its model "
            f"{conditional.model.identity!r} does not give them; use a model that scores (a local "
            "one, or a server with echo or prompt log-probs), or fit with objective='rollout', "
            "which needs no bound"
        )
    if latent:
        demand_density(node)


def demand_density(node: Node) -> None:
    """Refuses a latent node whose draws have no density.

    Raises:
        CapabilityError: the node's temperature is 0.
    """
    if node.decoding.temperature == 0:
        raise CapabilityError(
            f"node {node.name!r} takes its most probable text (temperature 0), which has no "
            "density, so its draws have no importance weights; give it a temperature above 0"
        )


def inexact(conditionals: Sequence[Conditional]) -> Iterator[str]:
    """Where a model's scores are not those of the distribution that it draws from."""
    for conditional in conditionals:
        node, model = conditional.node, conditional.model
        if node.choices is None and not _scores_end(model):
            yield (
                f"the bound is not exact: at node {node.name!r} the model {model.identity!r} gives "
                "no probability for the end of a text, so texts that are cut off count too much; "
                "compare such bounds only with each other, or use a local model"
            )
        if node.choices is not None and not model.capabilities.score:
            yield (
                f"the bound is not exact: at node {node.name!r} the model {model.identity!r} "
                "compares choices by their first tokens alone; let no two choices begin alike"
            )


def _scores_end(model: Any) -> bool:
    """Whether a model scores the end of texts; one over another does what that one does."""
    seen: list[Any] = []
    while model is not None and model not in seen:
        if not getattr(model, "scores_end", True):
            return False
        seen.append(model)
        model = getattr(model, "model", None)
    return True
