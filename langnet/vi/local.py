"""The local posterior: one reverse sweep, each latent text weighted by its Markov blanket.

Algorithm 3 of Deep Language Networks (Sordoni et al. 2023, appendix E), from a chain to any graph:
children are reached directly or through function nodes, and a text in a plate is inferred with its
siblings held fixed. A sweep after the first conditions on what the one before inferred (Gibbs).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from langnet.concurrency import concurrently
from langnet.data import Example
from langnet.key import Key
from langnet.plate import at, indices, replaced, spread
from langnet.program import Program
from langnet.trace import Index, Trace, log_mean_exp, normalised
from langnet.vi.blanket import hint, informative, latents, parents_at
from langnet.vi.posterior import Alternatives, Inference, Posterior, Row
from langnet.visit import guided

__all__ = ["infer_local"]


class _Place(NamedTuple):
    node: str
    position: Index


async def infer_local(
    program: Program, example: Example, *, key: Key, settings: Inference, forward: Trace
) -> Posterior:
    """Infers every latent text by reverse sweeps; see `infer`."""
    sweep = _Sweep(program, example, key, settings, forward)
    for number in range(settings.sweeps):
        await sweep.run(number)
    return Posterior(
        example,
        forward,
        await sweep.rows(),
        {name: sweep.values[name] for name in sweep.hidden},
        alternatives=tuple(sweep.alternatives.values()),
    )


class _Sweep:
    """What the sweeps over one example know so far."""

    def __init__(
        self, program: Program, example: Example, key: Key, settings: Inference, forward: Trace
    ) -> None:
        graph = program.graph
        self.program = program
        self.example = example
        self.key = key
        self.settings = settings
        self.forward = forward
        self.nodes = informative(graph, example.targets)
        self.hidden = latents(graph, example.targets)
        self.observed = {
            name: text for name, text in example.targets.items() if name in graph.functions
        }
        # Every language node's current value; function nodes follow from them.
        self.values: dict[str, Any] = {
            name: spread(
                example.targets.get(name, forward.values[name]),
                forward.values[name],
                len(graph.structure.axes[name]),
            )
            for name in graph.nodes
        }
        self.alternatives: dict[_Place, Alternatives] = {}
        self.readers: dict[_Place, frozenset[_Place]] = {}

    async def run(self, number: int) -> None:
        """One reverse topological sweep."""
        graph = self.program.graph
        for name in reversed(self.hidden):
            depth = len(graph.structure.axes[name])
            for index in indices(self.values[name], depth):
                place = _Place(name, index)
                found = await self._weigh(place, number)
                self.alternatives[place] = found
                self.values[name] = replaced(self.values[name], index, found.best)

    async def _weigh(self, place: _Place, number: int) -> Alternatives:
        """Draws alternatives of one latent text and weighs them by its Markov blanket."""
        settings = self.settings
        conditional = self.program.conditionals[place.node]
        here = await self.replay({})
        context = _context(here, place)
        texts, log_q = await self._propose(place, context, number)
        unique = tuple(dict.fromkeys(texts))
        replays = await concurrently(partial(self.replay, {place: text}) for text in unique)
        self.readers[place] = _readers(place, replays, here, self.nodes)

        logits = [0.0] * len(texts)
        log_prior: tuple[float, ...] | None = None
        if settings.prior_term:
            if settings.per_token and conditional.node.choices is None:
                scores = await conditional.scores(context, texts)
                log_prior = tuple(score.per_token(settings.skip) for score in scores)
            else:
                log_prior = tuple(await conditional.logprobs(context, texts))
            logits = list(log_prior)
        # Draws that came out the same are the same child contexts: each is scored once.
        likelihoods = await concurrently(
            partial(self._log_likelihood, trace, self.readers[place]) for trace in replays
        )
        by_text = dict(zip(unique, likelihoods, strict=True))
        logits = [logit + by_text[text] for logit, text in zip(logits, texts, strict=True)]
        if settings.subtract_proposal and log_q is not None:
            logits = [
                logit if logit == -math.inf else logit - q
                for logit, q in zip(logits, log_q, strict=True)
            ]
        weights = normalised(logits, 0.0 if settings.hard else settings.temperature)
        if settings.hard:
            first = weights.index(max(weights))
            weights = tuple(float(draw == first) for draw in range(len(weights)))
        return Alternatives(
            place.node, place.position, tuple(texts), tuple(logits), weights, log_prior
        )

    async def _propose(
        self, place: _Place, context: str, number: int
    ) -> tuple[list[str], list[float] | None]:
        """The alternatives of a latent text, and their log-density under the guide if wanted."""
        settings = self.settings
        conditional = self.program.conditionals[place.node]
        node = conditional.node
        if node.choices is not None and len(node.choices.labels) <= settings.draws:
            # The exact conditional is at hand: enumerate it instead of drawing from it.
            return list(node.choices.labels), None
        contexts = settings.guide_function(
            hint(
                self.program.graph, self.example, self.forward, place.node, place.position, context
            )
        )
        base = self.key.below("sweep", number, place.node, *place.position)
        sites = await guided(
            conditional,
            context,
            contexts,
            [((*place.position, draw), base / draw) for draw in range(settings.draws)],
            score=False,
        )
        texts = [site.text for site in sites]
        current = str(at(self.values[place.node], place.position))
        if settings.include_forward and not settings.subtract_proposal:
            texts.insert(0, current)
        if not settings.subtract_proposal:
            return texts, None
        columns = await concurrently(
            partial(conditional.logprobs, source, texts) for source in dict.fromkeys(contexts)
        )
        by_context = dict(zip(dict.fromkeys(contexts), columns, strict=True))
        log_q = [
            log_mean_exp([by_context[source][draw] for source in contexts])
            for draw in range(len(texts))
        ]
        return texts, log_q

    async def _log_likelihood(self, trace: Trace, readers: frozenset[_Place]) -> float:
        """Σ log p(child's text | its parents) over the texts that read an alternative."""
        places = sorted(readers)
        terms = await concurrently(partial(self._log_p, trace, place) for place in places)
        return math.fsum(terms) + math.fsum(trace.log_likelihoods.values())

    async def _log_p(self, trace: Trace, place: _Place) -> float:
        conditional = self.program.conditionals[place.node]
        text = str(at(self.values[place.node], place.position))
        (logprob,) = await conditional.logprobs(_context(trace, place), [text])
        return logprob

    async def replay(self, changes: Mapping[_Place, str]) -> Trace:
        """The trace with the current texts, some of them changed; no model is called."""
        values = dict(self.values)
        for place, text in changes.items():
            values[place.node] = replaced(values[place.node], place.position, text)
        return await self.program.run(
            self.example.inputs,
            key=self.key,
            given={**values, **self.observed},
            example=self.example.id,
        )

    async def rows(self) -> tuple[Row, ...]:
        """The evidence: every text of every informative node, weighted with what it reads."""
        here = await self.replay({})
        rows: list[Row] = []
        for site in here.sites:
            if site.node in self.nodes:
                rows += await self._rows_at(_Place(site.node, site.index))
        return tuple(rows)

    async def _rows_at(self, place: _Place) -> list[Row]:
        read = [source for source in self.alternatives if place in self.readers[source]]
        own = [place] if place in self.alternatives else []
        text = str(at(self.values[place.node], place.position))
        rows = []
        for weight, choice in self._combinations([*read, *own], place):
            changed = {source: choice[source] for source in read}
            trace = await self.replay(changed)
            rows.append(
                Row(
                    self.example.id,
                    place.node,
                    place.position,
                    weight,
                    parents_at(self.program.graph, trace.values, place.node, place.position),
                    choice.get(place, text),
                )
            )
        return rows

    def _combinations(
        self, sources: Sequence[_Place], place: _Place
    ) -> list[tuple[float, dict[_Place, str]]]:
        """Weighted joint choices of alternatives: their product, or draws from it if it is large.

        With several latent parents the product treats their posteriors as independent.
        """
        kept = [_pruned(self.alternatives[source], self.settings.min_weight) for source in sources]
        size = math.prod(len(options) for options in kept)
        if size <= self.settings.max_rows:
            return [
                (
                    math.prod(weight for _, weight in options),
                    {s: text for s, (text, _) in zip(sources, options, strict=True)},
                )
                for options in itertools.product(*kept)
            ]
        rng = self.key.below("rows", place.node, *place.position).rng()
        count = self.settings.max_rows
        drawn = [
            rng.choices([text for text, _ in options], [weight for _, weight in options], k=count)
            for options in kept
        ]
        return [
            (1.0 / count, dict(zip(sources, texts, strict=True)))
            for texts in zip(*drawn, strict=True)
        ]


def _pruned(alternatives: Alternatives, floor: float) -> list[tuple[str, float]]:
    merged: dict[str, float] = {}
    for text, weight in zip(alternatives.texts, alternatives.weights, strict=True):
        merged[text] = merged.get(text, 0.0) + weight
    kept = [(text, weight) for text, weight in merged.items() if weight >= floor and weight > 0]
    kept = kept or [max(merged.items(), key=lambda pair: pair[1])]
    norm = math.fsum(weight for _, weight in kept)
    if norm == 1.0:
        return kept
    return [(text, weight / norm) for text, weight in kept]


def _context(trace: Trace, place: _Place) -> str:
    position = place.position
    return next(
        site.context for site in trace.sites if site.node == place.node and site.index == position
    )


def _readers(
    place: _Place, replays: Sequence[Trace], here: Trace, nodes: Sequence[str]
) -> frozenset[_Place]:
    """The texts whose context depends on which alternative is taken."""
    found = set()
    for trace in replays:
        for before, after in zip(here.sites, trace.sites, strict=True):
            other = _Place(after.node, after.index)
            if before.context != after.context and after.node in nodes and other != place:
                found.add(other)
    return frozenset(found)
