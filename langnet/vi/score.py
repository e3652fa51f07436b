"""Scores of candidate prompts: every candidate sees the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from langnet.concurrency import concurrently
from langnet.conditional import Conditional
from langnet.errors import CapabilityError, ContextOverflow
from langnet.graph import Graph
from langnet.lm.base import LanguageModel
from langnet.node import Node, Prompt
from langnet.program import blank_contexts
from langnet.vi.posterior import Row

__all__ = ["Floats", "Scorer"]

Floats = NDArray[np.float64]
"""An array of numbers; each function says what its axes are."""


class Scorer:
    """Candidate prompts of one language node, ready to be compared.

    Attributes:
        node: the node.
        candidates: the prompts; the first is the incumbent.
        per_token: whether a free text's log-probability is averaged over its tokens.
        skip: the share of first tokens left out of that average.
    """

    def __init__(
        self,
        graph: Graph,
        node: Node,
        model: LanguageModel,
        candidates: Sequence[str],
        *,
        per_token: bool = False,
        skip: float = 0.0,
    ) -> None:
        self.node = node
        self.candidates = tuple(candidates)
        self.per_token = per_token
        self.skip = skip
        template = graph.structure.templates[node.name]
        self._bound = [template.bind(candidate) for candidate in self.candidates]
        prompted = [_prompted(node, candidate) for candidate in self.candidates]
        self._conditionals = [
            Conditional(variant, model, blank_contexts(variant, template)) for variant in prompted
        ]

    async def logprobs(self, rows: Sequence[Row]) -> Floats:
        """Log p(text | parents, candidate) in nats, as (row, candidate).

        Rows that differ in their text alone share one call.
        """
        columns = await concurrently(
            partial(self._column, candidate, rows) for candidate in range(len(self.candidates))
        )
        return np.array(columns, dtype=np.float64).T.reshape(len(rows), len(self.candidates))

    async def distributions(self, rows: Sequence[Row]) -> Floats:
        """Log p(label | parents, candidate) in nats, as (row, candidate, label).

        Raises:
            CapabilityError: the node has no choices.
        """
        if self.node.choices is None:
            raise CapabilityError(
                f"node {self.node.name!r} has no choices, so its distribution cannot be listed; "
                "leave the trust region out, or give the node choices"
            )

        async def one(candidate: int, row: Row) -> tuple[float, ...]:
            context = self._bound[candidate].render(row.parents)
            return await self._conditionals[candidate].label_logprobs(context)

        columns = await concurrently(
            partial(one, candidate, row)
            for row in rows
            for candidate in range(len(self.candidates))
        )
        labels = len(self.node.choices.labels)
        return np.array(columns, dtype=np.float64).reshape(len(rows), len(self.candidates), labels)

    async def _column(self, candidate: int, rows: Sequence[Row]) -> list[float]:
        contexts = [self._bound[candidate].render(row.parents) for row in rows]
        texts: dict[str, dict[str, None]] = {}
        for context, row in zip(contexts, rows, strict=True):
            texts.setdefault(context, {})[row.text] = None
        try:
            found = await concurrently(
                partial(self._scores, candidate, context, tuple(wanted))
                for context, wanted in texts.items()
            )
        except ContextOverflow:
            # A prompt that leaves no room for an input cannot serve: it loses to every other.
            return [-math.inf] * len(rows)
        by_context = {
            context: dict(zip(wanted, values, strict=True))
            for (context, wanted), values in zip(texts.items(), found, strict=True)
        }
        return [by_context[context][row.text] for context, row in zip(contexts, rows, strict=True)]

    async def _scores(self, candidate: int, context: str, texts: Sequence[str]) -> list[float]:
        conditional = self._conditionals[candidate]
        if self.per_token and self.node.choices is None:
            scores = await conditional.scores(context, texts)
            return [score.per_token(self.skip) for score in scores]
        return await conditional.logprobs(context, texts)


def _prompted(node: Node, candidate: str) -> Node:
    prompt = node.prompt
    named = Prompt(prompt.name, candidate) if isinstance(prompt, Prompt) else candidate
    return replace(node, prompt=named)
