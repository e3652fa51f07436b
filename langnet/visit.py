"""A visit to one part of a graph: what happens there, once its parents have their values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from langnet.concurrency import concurrently
from langnet.conditional import Conditional
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.node import Function, Input, Node
from langnet.plate import at, indices, nested
from langnet.trace import Index, Site, log_mean_exp

__all__ = ["Guide", "State", "Step", "guided", "log_likelihood", "plural"]

Guide = Callable[[Node, Index, str, Mapping[str, Any]], Sequence[str]]
"""Proposes where a latent text is drawn from: `guide(node, index, context, parents)` gives the
contexts of a uniform mixture, of which one is picked for each draw."""


class State:
    """What one run of a program knows so far."""

    __slots__ = (
        "counts",
        "example",
        "given",
        "greedy",
        "guide",
        "key",
        "log_likelihoods",
        "score",
        "sites",
        "values",
    )

    def __init__(
        self,
        counts: Sequence[int],
        key: Key,
        given: Mapping[str, Any],
        guide: Mapping[str, Guide],
        score: bool,
        greedy: bool,
        example: str,
    ) -> None:
        self.values: list[Any] = [None] * len(counts)
        self.sites: list[Sequence[Site]] = [()] * len(counts)
        self.counts = list(counts)
        self.log_likelihoods: dict[str, float] = {}
        self.key = key
        self.given = given
        self.guide = guide
        self.score = score
        self.greedy = greedy
        self.example = example


class Step:
    """One part of a program, with all that can be worked out before a run."""

    __slots__ = (
        "children",
        "conditional",
        "depth",
        "fields",
        "is_language",
        "name",
        "over",
        "parents",
        "part",
        "position",
        "scalar",
        "template",
    )

    def __init__(
        self,
        graph: Graph,
        name: str,
        position: Mapping[str, int],
        conditionals: Mapping[str, Conditional],
    ) -> None:
        structure = graph.structure
        part = graph[name]
        self.part = part
        self.name = name
        self.position = position[name]
        self.children = tuple(position[child] for child in structure.children[name])
        self.parents = tuple(
            (parent, position[parent], structure.shared[name][parent])
            for parent in structure.parents[name]
        )
        self.depth = len(structure.domain[name])
        over = None if isinstance(part, Input) else part.over
        self.over = None if over is None else position[over]
        self.is_language = isinstance(part, Node)
        self.conditional = conditionals.get(name)
        self.scalar = self.depth == 0 and isinstance(part, Node) and part.draws is None
        self.template = (
            structure.templates[name].bind(part.prompt_text) if isinstance(part, Node) else None
        )
        literals = self.template.literals if self.template else ()
        names = self.template.fields if self.template else ()
        self.fields = (
            tuple(
                (position[field], literal)
                for field, literal in zip(names, literals[1:], strict=True)
            )
            if self.template
            else ()
        )

    async def speak(self, state: State) -> None:
        """Fills a language node."""
        conditional = self.conditional
        assert conditional is not None  # noqa: S101 - language nodes have one
        if self.scalar and not state.score and not state.given and not state.guide:
            # The common case, kept short: it decides what a visit costs.
            values = state.values
            pieces = [self.template.literals[0]]  # type: ignore[union-attr]
            for field, literal in self.fields:
                pieces += (str(values[field]), literal)
            context = "".join(pieces)
            ((text, logprob),) = await conditional.draw(
                context, (state.key / self.name,), greedy=state.greedy
            )
            values[self.position] = text
            state.sites[self.position] = (Site(self.name, (), context, text, "prior", logprob),)
            return
        domain = self._domain(state)
        drawn = await concurrently(
            (lambda index=index: self._fill(index, conditional, state)) for index in domain
        )
        state.sites[self.position] = [site for sites in drawn for site in sites]
        texts = {
            index: sites[0].text if self._draws is None else tuple(site.text for site in sites)
            for index, sites in zip(domain, drawn, strict=True)
        }
        state.values[self.position] = self._shaped(texts, state)

    @property
    def _draws(self) -> int | None:
        return self.part.draws if isinstance(self.part, Node) else None

    async def _fill(self, index: Index, conditional: Conditional, state: State) -> list[Site]:
        assert self.template is not None  # noqa: S101 - language nodes have one
        views = self._views(index, state)
        context = self.template.render(views)
        draws = self._draws
        places = [index] if draws is None else [(*index, draw) for draw in range(draws)]
        if self.name in state.given:
            texts = [str(at(state.given[self.name], place)) for place in places]
            if not state.score:
                return [
                    Site(self.name, place, context, text, "given")
                    for place, text in zip(places, texts, strict=True)
                ]
            logprobs = await conditional.logprobs(context, texts)
            return [
                Site(self.name, place, context, text, "given", logprob)
                for place, text, logprob in zip(places, texts, logprobs, strict=True)
            ]
        keys = [state.key.below(self.name, *place) for place in places]
        if self.name in state.guide:
            contexts = state.guide[self.name](conditional.node, index, context, views)
            return await guided(
                conditional,
                context,
                contexts,
                list(zip(places, keys, strict=True)),
                score=state.score,
            )
        drawn = await conditional.draw(context, keys, greedy=state.greedy)
        known = [logprob for _, logprob in drawn]
        if state.score and None in known:
            known = [*await conditional.logprobs(context, [text for text, _ in drawn])]
        return [
            Site(self.name, place, context, text, "prior", logprob)
            for place, (text, _), logprob in zip(places, drawn, known, strict=True)
        ]

    async def compute(self, state: State) -> None:
        """Fills a function node."""
        part = self.part
        assert isinstance(part, Function)  # noqa: S101 - inputs are taken before the walk
        observed = part.name in state.given
        if observed and not state.score:
            state.values[self.position] = state.given[part.name]
            return
        domain = self._domain(state)
        calls = [part.function(**self._views(index, state)) for index in domain]
        results = (
            await concurrently((lambda call=call: _settled(call)) for call in calls)
            if any(map(inspect.isawaitable, calls))
            else calls
        )
        if part.plural:
            results = [plural(part, result, state) for result in results]
        value = self._shaped(dict(zip(domain, results, strict=True)), state)
        if observed:
            target = state.given[part.name]
            state.log_likelihoods[part.name] = log_likelihood(part, target, value)
            value = target
        state.values[self.position] = value

    def _domain(self, state: State) -> Sequence[Index]:
        return ((),) if self.over is None else indices(state.values[self.over], self.depth)

    def _views(self, index: Index, state: State) -> dict[str, Any]:
        return {
            parent: at(state.values[position], index[:shared]) if shared else state.values[position]
            for parent, position, shared in self.parents
        }

    def _shaped(self, results: Mapping[Index, Any], state: State) -> Any:
        if self.over is None:
            return results[()]
        return nested(state.values[self.over], self.depth, results)


async def guided(
    conditional: Conditional,
    context: str,
    contexts: Sequence[str],
    places: Sequence[tuple[Index, Key]],
    *,
    score: bool,
) -> list[Site]:
    """Draws texts from a uniform mixture over guide contexts, and weighs them if asked.

    log q is the log of the whole mixture's density, since the mixture is what is sampled from.
    """
    picked: dict[str, list[int]] = {}
    for order, (_, key) in enumerate(places):
        choice = (key / "component").rng().randrange(len(contexts)) if len(contexts) > 1 else 0
        picked.setdefault(contexts[choice], []).append(order)
    texts: dict[int, str] = {}

    async def draw(source: str, orders: Sequence[int]) -> None:
        drawn = await conditional.draw(source, [places[order][1] for order in orders])
        texts.update(zip(orders, (text for text, _ in drawn), strict=True))

    await concurrently(
        (lambda source=source, orders=orders: draw(source, orders))
        for source, orders in picked.items()
    )
    drawn = [texts[order] for order in range(len(places))]
    logprobs: list[float | None] = [None] * len(drawn)
    log_qs: list[float | None] = [None] * len(drawn)
    if score:
        unique = list(dict.fromkeys((context, *contexts)))
        columns = await concurrently(
            (lambda source=source: conditional.logprobs(source, drawn)) for source in unique
        )
        by_context = dict(zip(unique, columns, strict=True))
        logprobs = [*by_context[context]]
        log_qs = [
            log_mean_exp([by_context[source][order] for source in contexts])
            for order in range(len(drawn))
        ]
    node = conditional.node.name
    return [
        Site(node, place, context, text, "guide", logprob, log_q)
        for (place, _), text, logprob, log_q in zip(places, drawn, logprobs, log_qs, strict=True)
    ]


def log_likelihood(part: Function, target: Any, value: Any) -> float:
    """log p(target | value) of an observed function node, in nats, summed over its elements."""
    if part.likelihood is not None:
        return part.likelihood(target, value)
    return 0.0 if str(target) == str(value) else -math.inf


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def plural(part: Input | Function, value: Any, state: State) -> tuple[Any, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise GraphError(
            f"{part.name!r} is declared plural, but on example {state.example!r} its value is a "
            f"{type(value).__name__}; give a list or a tuple"
        )
    return tuple(value)
