"""What the models of a network can do, and how many draws its posterior is worth at the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from langnet.concurrency import concurrently
from langnet.conditional import Conditional
from langnet.data import Example
from langnet.errors import CapabilityError, ModelError
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.program import Program
from langnet.vi.blanket import latents
from langnet.vi.caution import inexact
from langnet.vi.posterior import Inference, infer

__all__ = ["Ability", "StartingSample", "abilities", "starting_sample"]


@dataclass(frozen=True, slots=True)
class Ability:
    """What the model of one node can do.

    Attributes:
        node: the node's name.
        model: the model's identity.
        sample: draws texts.
        score: gives log-probabilities of given texts.
        choose: gives the probabilities of labels.
        bound: whether that is enough for the node's term of the bound.
        warning: what to know before trusting its scores; empty where there is nothing.
    """

    node: str
    model: str
    sample: bool
    score: bool
    choose: bool
    bound: bool
    warning: str


@dataclass(frozen=True, slots=True)
class StartingSample:
    """How good importance sampling is under the prompts at the start.

    Attributes:
        draws: particles per example.
        effective: the mean over examples of their effective sample size, from 1 to `draws`.
        examples: over how many examples.
        warning: what to do about a low one; empty where it is not low.
    """

    draws: int
    effective: float
    examples: int
    warning: str


_LOW = 1.5
"""Effective draws below which one particle takes nearly all the weight."""


def abilities(program: Program) -> tuple[Ability, ...]:
    """What the model of every node can do, and whether that is enough for a bound."""
    return tuple(_ability(name, conditional) for name, conditional in program.conditionals.items())


async def starting_sample(
    program: Program, examples: Sequence[Example], settings: Inference, *, key: Key
) -> StartingSample | None:
    """The effective sample size of particles at the start, on a few examples.

    None where the network has no hidden text, where a model gives no log-probabilities, or where
    no example could be inferred.
    """
    hidden = [e for e in examples if latents(program.graph, e.targets)]
    settings = replace(settings, kind="particles", per_token=False)

    async def one(example: Example) -> float | None:
        try:
            with calling(purpose="diagnose"):
                found = await infer(program, example, key=key / example.id, settings=settings)
        except (CapabilityError, ModelError):
            return None
        return found.effective_sample_size

    sizes = await concurrently(partial(one, example) for example in hidden)
    known = [size for size in sizes if size is not None]
    if not known:
        return None
    effective = math.fsum(known) / len(known)
    warning = ""
    if settings.draws > 1 and effective < _LOW:
        warning = (
            f"{settings.draws} draws are worth {effective:.1f}: one takes nearly all the weight; "
            "take more draws, another guide, a higher temperature or the local posterior"
        )
    return StartingSample(settings.draws, effective, len(known), warning)


def _ability(node: str, conditional: Conditional) -> Ability:
    model, has_choices = conditional.model, conditional.node.choices is not None
    can = model.capabilities
    bound = can.choose if has_choices else can.score
    warning = next(inexact([conditional]), "")
    if not bound:
        kind = "labels" if has_choices else "given texts"
        warning = (
            f"the model gives no log-probabilities of {kind} at node {node!r}: prompts are chosen "
            "by rollouts, and there is no bound"
        )
    return Ability(node, model.identity, can.sample, can.score, can.choose, bound, warning)
