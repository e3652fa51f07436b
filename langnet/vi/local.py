"""The local posterior: one reverse sweep, each latent text weighted by its Markov blanket.

Algorithm 3 of Deep Language Networks (Sordoni et al. 2023, appendix E), from a chain to any graph:
children are reached directly or through function nodes, and a text in a plate is inferred with its
siblings held fixed. A sweep after the first conditions on what the one before inferred (Gibbs).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from langnet.concurrency import concurrently
from langnet.data import Example
from langnet.errors import GraphError
from langnet.key import Key
from langnet.plate import at, indices, replaced, spread
from langnet.program import Program
from langnet.trace import Trace, log_mean_exp, normalised
from langnet.vi.blanket import (
    Place,
    bearers,
    context_at,
    hint,
    informative,
    latents,
    parents_at,
    readers,
)
from langnet.vi.caution import demand_density
from langnet.vi.combine import combinations
from langnet.vi.guide import component_name
from langnet.vi.posterior import Alternatives, Inference, Posterior, Row
from langnet.visit import guided

__all__ = ["infer_local", "reweigh_local"]


async def infer_local(
    program: Program, example: Example, *, key: Key, settings: Inference, forward: Trace
) -> Posterior:
    """Infers every latent text by reverse sweeps; see `infer`."""
    sweep = _Sweep(program, example, key, settings, forward, {})
    for number in range(settings.sweeps):
        await sweep.run(number)
    return await sweep.posterior()


async def reweigh_local(
    program: Program, posterior: Posterior, *, key: Key, settings: Inference
) -> Posterior:
    """The posterior of the same alternatives under other prompts: one sweep that draws nothing."""
    known = {Place(found.node, found.index): found for found in posterior.alternatives}
    sweep = _Sweep(program, posterior.example, key, settings, posterior.forward, known)
    if settings.sweeps > 1:
        sweep.values.update(posterior.best)
    await sweep.run(settings.sweeps - 1)
    return await sweep.posterior()


class _Sweep:
    """What the sweeps over one example know so far."""

    def __init__(
        self,
        program: Program,
        example: Example,
        key: Key,
        settings: Inference,
        forward: Trace,
        known: Mapping[Place, Alternatives],
    ) -> None:
        graph = program.graph
        self.program = program
        self.example = example
        self.key = key
        self.settings = settings
        self.forward = forward
        self.known = known
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
        self.alternatives: dict[Place, Alternatives] = {}
        self.readers: dict[Place, frozenset[Place]] = {}

    async def posterior(self) -> Posterior:
        """What the sweeps have found."""
        return Posterior(
            self.example,
            self.forward,
            await self.rows(),
            {name: self.values[name] for name in self.hidden},
            alternatives=tuple(self.alternatives.values()),
        )

    async def run(self, number: int) -> None:
        """One reverse topological sweep."""
        graph = self.program.graph
        for name in reversed(self.hidden):
            depth = len(graph.structure.axes[name])
            for index in indices(self.values[name], depth):
                place = Place(name, index)
                found = await self._weigh(place, number)
                self.alternatives[place] = found
                self.values[name] = replaced(self.values[name], index, found.best)

    async def _weigh(self, place: Place, number: int) -> Alternatives:
        """Draws alternatives of one latent text and weighs them by its Markov blanket."""
        settings = self.settings
        here = await self.replay({})
        context = context_at(here, place)
        texts, log_q, sources = await self._propose(place, context, number)
        unique = tuple(dict.fromkeys(texts))
        replays = await concurrently(partial(self.replay, {place: text}) for text in unique)
        self.readers[place] = readers(place, replays, here, self.nodes)

        # Draws that came out the same are the same child contexts: each is scored once.
        calls: list[Callable[[], Awaitable[tuple[float, ...]]]]
        calls = [partial(self._log_prior, place, context, texts)]
        calls += [partial(self._log_likelihood, trace, place) for trace in replays]
        prior, *likelihoods = await concurrently(calls)
        by_text = dict(zip(unique, likelihoods, strict=True))
        logits = [
            logit + by_text[text][0]
            for logit, text in zip(prior or (0.0,) * len(texts), texts, strict=True)
        ]
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
            place.node,
            place.position,
            tuple(texts),
            tuple(logits),
            weights,
            prior or None,
            None if log_q is None else tuple(log_q),
            tuple(sources),
        )

    async def _log_prior(
        self, place: Place, context: str, texts: Sequence[str]
    ) -> tuple[float, ...]:
        """log p(h | parents) of each alternative; nothing where it is no part of the logits."""
        settings = self.settings
        conditional = self.program.conditionals[place.node]
        if not settings.prior_term:
            return ()
        if settings.per_token and conditional.node.choices is None:
            scores = await conditional.scores(context, texts)
            return tuple(score.per_token(settings.skip) for score in scores)
        return tuple(await conditional.logprobs(context, texts))

    async def _propose(
        self, place: Place, context: str, number: int
    ) -> tuple[Sequence[str], Sequence[float] | None, Sequence[str]]:
        """The alternatives of a latent text, their log-density if wanted, and their sources."""
        if place in self.known:
            known = self.known[place]
            return known.texts, known.log_q, known.sources
        settings = self.settings
        conditional = self.program.conditionals[place.node]
        node = conditional.node
        if node.choices is not None and len(node.choices.labels) <= settings.draws:
            # The exact conditional is at hand: enumerate it instead of drawing from it.
            return list(node.choices.labels), None, ["choice"] * len(node.choices.labels)
        if settings.subtract_proposal:
            demand_density(node)
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
            in_turn=True,
        )
        texts = [site.text for site in sites]
        sources = [component_name(settings.guide, site.component) for site in sites]
        current = str(at(self.values[place.node], place.position))
        if settings.include_forward and not settings.subtract_proposal:
            texts.insert(0, current)
            sources.insert(0, "forward")
        if not settings.subtract_proposal:
            return texts, None, sources
        columns = await concurrently(
            partial(conditional.logprobs, source, texts) for source in dict.fromkeys(contexts)
        )
        by_context = dict(zip(dict.fromkeys(contexts), columns, strict=True))
        log_q = [
            log_mean_exp([by_context[source][draw] for source in contexts])
            for draw in range(len(texts))
        ]
        return texts, log_q, sources

    async def _log_likelihood(self, trace: Trace, source: Place) -> tuple[float]:
        """Σ log p(child's text | its parents) over the texts that read an alternative.

        With mutual information, each less log p(child's text | the alternative alone).
        """
        places = sorted(self.readers[source])
        terms = await concurrently(
            partial(self._log_p, place, context_at(trace, place)) for place in places
        )
        total = math.fsum(terms) + math.fsum(trace.log_likelihoods.values())
        if not self.settings.mutual_information or total == -math.inf:
            return (total,)
        alone = await concurrently(
            partial(self._log_p, place, self._alone(trace, place, source)) for place in places
        )
        return (total - math.fsum(alone),)

    async def _log_p(self, place: Place, context: str) -> float:
        conditional = self.program.conditionals[place.node]
        text = str(at(self.values[place.node], place.position))
        (logprob,) = await conditional.logprobs(context, [text])
        return logprob

    def _alone(self, trace: Trace, place: Place, source: Place) -> str:
        """A child's context with every field blank that does not tell of a latent text."""
        graph = self.program.graph
        shown = bearers(graph, source.node, self.observed)
        parents = parents_at(graph, trace.values, place.node, place.position)
        template = graph.structure.templates[place.node].bind(graph.nodes[place.node].prompt_text)
        return template.render(
            {name: text if name in shown else "" for name, text in parents.items()}
        )

    async def replay(self, changes: Mapping[Place, str]) -> Trace:
        """The trace with the current texts, some of them changed; no model is called."""
        values = dict(self.values)
        for place, text in changes.items():
            values[place.node] = replaced(values[place.node], place.position, text)
        try:
            return await self.program.run(
                self.example.inputs,
                key=self.key,
                given={**values, **self.observed},
                example=self.example.id,
            )
        except GraphError as error:
            places = ", ".join(repr(place.node) for place in changes)
            raise GraphError(
                f"{error}; where a text of {places} decides how many other texts there are, the "
                "local posterior cannot hold those fixed: infer with particles"
            ) from error

    async def rows(self) -> tuple[Row, ...]:
        """The evidence: every text of every informative node, weighted with what it reads."""
        here = await self.replay({})
        rows: list[Row] = []
        for site in here.sites:
            if site.node in self.nodes:
                rows += await self._rows_at(Place(site.node, site.index))
        return tuple(rows)

    async def _rows_at(self, place: Place) -> list[Row]:
        read = [source for source in self.alternatives if place in self.readers[source]]
        own = [place] if place in self.alternatives else []
        text = str(at(self.values[place.node], place.position))
        sources = {source: self.alternatives[source] for source in (*read, *own)}
        rng = self.key.below("rows", place.node, *place.position).rng()
        rows = []
        for weight, choice in combinations(
            sources, self.settings.floor, self.settings.max_rows, rng
        ):
            trace = await self.replay({source: choice[source] for source in read})
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
