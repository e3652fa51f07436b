"""Scores of candidate prompts: every candidate sees the same rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from langnet.concurrency import concurrently
from langnet.conditional import Conditional
from langnet.data import Example
from langnet.errors import CapabilityError, ContextOverflow, GraphError
from langnet.evaluate import value_of
from langnet.key import Key
from langnet.metrics import Metric
from langnet.node import Node, Prompt
from langnet.program import Program, blank_contexts
from langnet.template import Template
from langnet.vi.posterior import Row

__all__ = ["Floats", "Rollout", "Scorer"]

Floats = NDArray[np.float64]
"""An array of numbers; each function says what its axes are."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How the network is run again under each candidate.

    Attributes:
        metric: of a prediction and a target.
        key: what every draw's seed is derived from: the same for every candidate.
        runs: how often each example is run.
    """

    metric: Metric
    key: Key
    runs: int = 1


class _Variant(NamedTuple):
    """A node under one candidate."""

    template: Template
    conditional: Conditional


class Scorer:
    """Candidates for one prompt, ready to be compared.

    Attributes:
        prompt: the prompt's name.
        candidates: the texts; the first is the incumbent.
    """

    __slots__ = (
        "_incumbents",
        "_program",
        "_programs",
        "_rollout",
        "_variants",
        "candidates",
        "per_token",
        "prompt",
        "skip",
    )

    def __init__(
        self,
        program: Program,
        prompt: str,
        candidates: Sequence[str],
        *,
        per_token: bool = False,
        skip: float = 0.0,
        rollout: Rollout | None = None,
    ) -> None:
        """Prepares every node that shows the prompt under every candidate.

        Args:
            program: the graph with its models.
            prompt: the prompt's name.
            candidates: the texts; the first is the incumbent.
            per_token: whether a free text's log-probability is averaged over its tokens, as
                published code does; no bound then.
            skip: the share of first tokens left out of that average.
            rollout: how `metrics` runs the network.
        """
        self.prompt = prompt
        self.candidates = tuple(candidates)
        self.per_token = per_token
        self.skip = skip
        self._program = program
        self._rollout = rollout
        self._programs: dict[str, Program] = {}
        self._variants: Mapping[str, Sequence[_Variant]] = {
            name: [_variant(program, name, candidate) for candidate in self.candidates]
            for name in program.graph.sharing(prompt)
        }
        self._incumbents = {name: variants[0] for name, variants in self._variants.items()}

    def only(self, positions: Sequence[int]) -> Scorer:
        """The scorer of some of the candidates; the incumbent stays what others are held to."""
        narrowed: Scorer = object.__new__(Scorer)
        for name in Scorer.__slots__:
            setattr(narrowed, name, getattr(self, name))
        narrowed.candidates = tuple(self.candidates[position] for position in positions)
        narrowed._variants = {
            name: [variants[position] for position in positions]
            for name, variants in self._variants.items()
        }
        return narrowed

    def has_choices(self, node: str) -> bool:
        """Whether a node that shows the prompt has choices."""
        return self._incumbents[node].conditional.node.choices is not None

    async def logprobs(self, rows: Sequence[Row]) -> Floats:
        """Log p(text | parents, candidate) in nats, as (row, candidate).

        Rows that differ in their text alone share one call. A candidate that leaves no room for
        an input has −inf there.

        Raises:
            CapabilityError: the model cannot score.
            ModelError: a call failed.
        """
        columns = await concurrently(
            partial(self._column, position, rows) for position in range(len(self.candidates))
        )
        return np.array(columns, dtype=np.float64).T.reshape(len(rows), len(self.candidates))

    async def distributions(self, rows: Sequence[Row]) -> list[tuple[Floats, Floats]]:
        """Log p(label | parents, candidate) in nats: of each row as (candidate, label).

        With each comes that of the incumbent, as (label,).

        Raises:
            CapabilityError: a row's node has no choices.
            ModelError: a call failed.
        """
        for row in rows:
            if not self.has_choices(row.node):
                raise CapabilityError(
                    f"node {row.node!r} has no choices, so its distribution cannot be listed; "
                    "leave the trust region out, or give the node choices"
                )

        async def one(row: Row) -> tuple[Floats, Floats]:
            variants = [self._incumbents[row.node], *self._variants[row.node]]
            first, *others = await concurrently(
                partial(variant.conditional.label_logprobs, variant.template.render(row.parents))
                for variant in variants
            )
            return np.array(others, dtype=np.float64), np.array(first, dtype=np.float64)

        return await concurrently(partial(one, row) for row in rows)

    async def metrics(self, example: Example) -> Floats:
        """The mean of the metric when the network runs anew on an example, as (candidate,).

        Raises:
            GraphError: the scorer was not told how to run it.
            ModelError: a call failed.
        """
        how = self._rollout
        if how is None:
            raise GraphError(
                f"the candidates for {self.prompt!r} cannot be run: give the scorer a Rollout"
            )

        async def one(candidate: str, number: int) -> float:
            try:
                trace = await self._bound(candidate).run(
                    example.inputs,
                    key=how.key.below("rollout", number, example.id),
                    example=example.id,
                )
            except ContextOverflow:
                return 0.0  # a prompt that leaves no room for an input cannot serve
            return value_of(trace, example, self._program.graph.target, how.metric)

        found = await concurrently(
            partial(one, candidate, number)
            for candidate in self.candidates
            for number in range(how.runs)
        )
        runs = np.array(found, dtype=np.float64).reshape(-1, how.runs)
        return np.asarray(runs.mean(axis=1), dtype=np.float64)

    def _bound(self, candidate: str) -> Program:
        if candidate not in self._programs:
            graph = self._program.graph.with_prompts({self.prompt: candidate})
            bound = self._program.conditionals.values()
            models = {conditional.node.model: conditional.model for conditional in bound}
            self._programs[candidate] = Program(graph, models)
        return self._programs[candidate]

    async def _column(self, position: int, rows: Sequence[Row]) -> list[float]:
        """One candidate's log-probabilities of all rows."""
        contexts = [self._variants[row.node][position].template.render(row.parents) for row in rows]
        texts: dict[tuple[str, str], dict[str, None]] = {}
        for context, row in zip(contexts, rows, strict=True):
            texts.setdefault((row.node, context), {})[row.text] = None
        found = await concurrently(
            partial(
                self._scores, self._variants[node][position].conditional, context, tuple(wanted)
            )
            for (node, context), wanted in texts.items()
        )
        by_context = {
            place: dict(zip(wanted, values, strict=True))
            for (place, wanted), values in zip(texts.items(), found, strict=True)
        }
        return [
            by_context[row.node, context][row.text]
            for context, row in zip(contexts, rows, strict=True)
        ]

    async def _scores(
        self, conditional: Conditional, context: str, texts: Sequence[str]
    ) -> list[float]:
        try:
            if self.per_token and conditional.node.choices is None:
                scores = await conditional.scores(context, texts)
                return [score.per_token(self.skip) for score in scores]
            return await conditional.logprobs(context, texts)
        except ContextOverflow:
            return [-math.inf] * len(texts)


def _variant(program: Program, name: str, candidate: str) -> _Variant:
    conditional = program.conditionals[name]
    template = program.graph.structure.templates[name]
    node = _prompted(conditional.node, candidate)
    return _Variant(
        template.bind(candidate),
        Conditional(node, conditional.model, blank_contexts(node, template)),
    )


def _prompted(node: Node, candidate: str) -> Node:
    prompt = node.prompt
    named = Prompt(prompt.name, candidate) if isinstance(prompt, Prompt) else candidate
    return replace(node, prompt=named)
