"""A visit to one part of a graph: what happens there, once its parents have their values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from langnet.chance import Chance
from langnet.concurrency import concurrently, each
from langnet.conditional import Conditional
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.node import Function, Input, Node
from langnet.plate import PlateError, at, indices, nested, spread
from langnet.template import Template
from langnet.trace import Index, Site, Source, log_mean_exp

__all__ = [
    "FunctionStep",
    "Guide",
    "LanguageStep",
    "State",
    "Step",
    "guided",
    "log_likelihood",
    "plural",
]

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
        "plain",
        "score",
        "sites",
        "told",
        "values",
    )

    def __init__(
        self,
        counts: Sequence[int],
        *,
        key: Key,
        given: Mapping[str, Any],
        guide: Mapping[str, Guide],
        score: bool,
        greedy: bool,
        example: str,
        told: Callable[[str, Any], None] | None = None,
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
        self.told = told
        self.plain = not (score or given or guide)


class Step:
    """One part of a program, with all that can be worked out before a run."""

    __slots__ = ("children", "depth", "name", "over", "parents", "position")

    def __init__(self, graph: Graph, name: str, position: Mapping[str, int]) -> None:
        structure = graph.structure
        part = graph[name]
        over = None if isinstance(part, Input) else part.over
        self.name = name
        self.position = position[name]
        self.children = tuple(position[child] for child in structure.children[name])
        self.parents = tuple(
            (parent, position[parent], structure.shared[name][parent])
            for parent in structure.parents[name]
        )
        self.depth = len(structure.domain[name])
        self.over = None if over is None else position[over]

    async def visit(self, state: State) -> None:
        """Gives the part its value; an input has it already."""

    def domain(self, state: State) -> Sequence[Index]:
        """The places of the plates that the part maps over."""
        return ((),) if self.over is None else indices(state.values[self.over], self.depth)

    def views(self, index: Index, state: State) -> dict[str, Any]:
        """What the part sees of its parents at one place."""
        return {
            parent: at(state.values[position], index[:shared]) if shared else state.values[position]
            for parent, position, shared in self.parents
        }

    def shaped(self, results: Mapping[Index, Any], state: State) -> Any:
        """One result per place, in the shape of the plates."""
        if self.over is None:
            return results[()]
        return nested(state.values[self.over], self.depth, results)

    def observed(self, state: State, draws: int | None) -> Any:
        """What is observed of the part, in the shape of its plates."""
        like = () if self.over is None else state.values[self.over]
        try:
            return spread(state.given[self.name], like, self.depth, draws)
        except PlateError as fault:
            raise GraphError(
                f"what is observed of {self.name!r} on example {state.example!r} does not fit: "
                f"{fault}; give one text that holds for all, or as many as there are"
            ) from None


class LanguageStep(Step):
    """A language node in a program."""

    __slots__ = ("conditional", "draws", "fields", "opening", "simple", "template")

    def __init__(
        self, graph: Graph, name: str, position: Mapping[str, int], conditional: Conditional
    ) -> None:
        super().__init__(graph, name, position)
        node = conditional.node
        self.conditional = conditional
        self.draws = node.draws
        self.template: Template = graph.structure.templates[name].bind(node.prompt_text)
        self.opening, *literals = self.template.literals
        fields = zip(self.template.fields, literals, strict=True)
        self.fields = tuple((position[field], literal) for field, literal in fields)
        self.simple = not self.depth and node.draws is None and node.choices is None

    async def visit(self, state: State) -> None:
        """Draws or takes the node's text at every place."""
        if self.simple and state.plain:
            # The common case, kept short: it decides what a visit costs.
            values = state.values
            name = self.name
            conditional = self.conditional
            context = self.opening
            for field, literal in self.fields:
                context += f"{values[field]}{literal}"
            (completion,) = await conditional.model.sample(
                context,
                decoding=conditional.decoding(greedy=state.greedy),
                keys=(Key((*state.key, name)),),
            )
            text = values[self.position] = completion.text
            state.sites[self.position] = (Site(name, (), context, text),)
            return
        domain = self.domain(state)
        given = self.observed(state, self.draws) if self.name in state.given else None
        filled = await each(partial(self._fill, state, given), domain)
        state.sites[self.position] = [site for sites in filled for site in sites]
        texts = {
            index: sites[0].text if self.draws is None else tuple(site.text for site in sites)
            for index, sites in zip(domain, filled, strict=True)
        }
        state.values[self.position] = self.shaped(texts, state)

    async def _fill(self, state: State, given: Any, index: Index) -> list[Site]:
        conditional = self.conditional
        views = self.views(index, state)
        context = self.template.render(views)
        places = [index] if self.draws is None else [(*index, n) for n in range(self.draws)]
        if self.name in state.given:
            texts = [self._text(at(given, place), state) for place in places]
            known: Sequence[float | None] = [None] * len(texts)
            if state.score:
                known = await conditional.logprobs(context, texts)
            return self._sites(places, context, texts, "given", known)
        keys = [state.key.below(self.name, *place) for place in places]
        if self.name in state.guide:
            return await guided(
                conditional,
                context,
                state.guide[self.name](conditional.node, index, context, views),
                list(zip(places, keys, strict=True)),
                score=state.score,
                greedy=state.greedy,
            )
        # Several draws of the most probable text would all be the same one.
        greedy = state.greedy and (self.draws or 1) == 1
        drawn = await conditional.draw(context, keys, greedy=greedy)
        texts = [text for text, _ in drawn]
        known = [logprob for _, logprob in drawn]
        if state.score and None in known:
            known = await conditional.logprobs(context, texts)
        return self._sites(places, context, texts, "prior", known)

    def _sites(
        self,
        places: Sequence[Index],
        context: str,
        texts: Sequence[str],
        source: Source,
        logprobs: Sequence[float | None],
    ) -> list[Site]:
        return [
            Site(self.name, place, context, text, source, logprob)
            for place, text, logprob in zip(places, texts, logprobs, strict=True)
        ]

    def _text(self, value: Any, state: State) -> str:
        if value is None or isinstance(value, tuple | list):
            raise GraphError(
                f"what is observed of {self.name!r} on example {state.example!r} is {value!r} "
                "where one text belongs; give a text, or leave the node out"
            )
        return str(value)


class FunctionStep(Step):
    """A function node in a program."""

    __slots__ = ("chances", "part", "waits")

    def __init__(
        self,
        graph: Graph,
        name: str,
        position: Mapping[str, int],
        part: Function,
        conditionals: Mapping[str, Conditional],
    ) -> None:
        super().__init__(graph, name, position)
        self.part = part
        self.chances = {
            parent: Chance(conditionals[parent], label, len(graph.structure.axes[parent]))
            for parent, label in part.probability_of.items()
        }
        function = part.function
        self.waits = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))

    async def visit(self, state: State) -> None:
        """Computes the value; where the node is observed, its children see the target."""
        chances = {
            parent: await self.chances[parent].nested(state.sites[position], state.values[position])
            for parent, position, _ in self.parents
            if parent in self.chances
        }
        if self.over is None and self.name not in state.given:
            state.values[self.position] = await self._call(state, chances, ())
            return
        domain = self.domain(state)
        call = partial(self._call, state, chances)
        # Only functions that wait gain from tasks of their own.
        values = await each(call, domain) if self.waits else [await call(i) for i in domain]
        results = dict(zip(domain, values, strict=True))
        if self.name in state.given:
            targets = self.observed(state, None)
            state.log_likelihoods[self.name] = sum(
                log_likelihood(self.part, at(targets, index[: self.depth]), result)
                for index, result in results.items()
            )
            results = {
                index: self._as_seen(at(targets, index), result)
                for index, result in results.items()
            }
        state.values[self.position] = self.shaped(results, state)

    async def _call(self, state: State, chances: Mapping[str, Any], index: Index) -> Any:
        views = self.views(index, state)
        if chances:
            shared = {parent: common for parent, _, common in self.parents}
            views |= {name: at(value, index[: shared[name]]) for name, value in chances.items()}
        result = self.part.function(**views)
        if inspect.isawaitable(result):
            result = await result
        return plural(self.part, result, state.example) if self.part.plural else result

    def _as_seen(self, target: Any, result: Any) -> Any:
        """A target in the form of the function's result: one text holds for each element."""
        return _elements(target, len(result)) if self.part.plural else target


async def guided(
    conditional: Conditional,
    context: str,
    contexts: Sequence[str],
    places: Sequence[tuple[Index, Key]],
    *,
    score: bool,
    greedy: bool = False,
    in_turn: bool = False,
) -> list[Site]:
    """Draws texts from a uniform mixture over guide contexts, and weighs them if asked.

    log q is the log of the whole mixture's density, since the mixture is what is sampled from.
    With `greedy`, or where the node's temperature is 0, it is unknown, since the most probable text
    has no density.

    With `in_turn` the contexts take turns, from one that is drawn: for alternatives of one text.
    Each draw has the mixture's density, but they depend on each other, so texts whose densities are
    multiplied must not be drawn that way.

    Raises:
        GraphError: the guide gives no context, or one text in place of a sequence.
        ModelError: a call failed.
        CapabilityError: `score` is asked of a model that cannot score.
    """
    if isinstance(contexts, str) or not contexts:
        raise GraphError(
            f"the guide of node {conditional.node.name!r} gives {contexts!r}; "
            "let it give a sequence of at least one context"
        )
    components: list[int] = []
    picked: dict[str, list[int]] = {}
    for order, (_, key) in enumerate(places):
        if in_turn:
            key, turn = places[0][1], order  # noqa: PLW2901 - one choice decides for all
        else:
            turn = 0
        choice = (key / "component").rng().randrange(len(contexts)) if len(contexts) > 1 else 0
        components.append((choice + turn) % len(contexts))
        picked.setdefault(contexts[components[-1]], []).append(order)
    texts: dict[int, str] = {}

    async def draw(source: str, orders: Sequence[int]) -> None:
        drawn = await conditional.draw(
            source, [places[order][1] for order in orders], greedy=greedy
        )
        texts.update(zip(orders, (text for text, _ in drawn), strict=True))

    await concurrently(partial(draw, source, orders) for source, orders in picked.items())
    drawn = [texts[order] for order in range(len(places))]
    logprobs: list[float | None] = [None] * len(drawn)
    log_qs: list[float | None] = [None] * len(drawn)
    if score:
        unique = list(dict.fromkeys((context, *contexts)))
        columns = await concurrently(
            partial(conditional.logprobs, source, drawn) for source in unique
        )
        by_context = dict(zip(unique, columns, strict=True))
        logprobs = [*by_context[context]]
        if not greedy and conditional.node.decoding.temperature > 0:
            log_qs = [
                log_mean_exp([by_context[source][order] for source in contexts])
                for order in range(len(drawn))
            ]
    node = conditional.node.name
    return [
        Site(node, place, context, text, "guide", logprob, log_q, component)
        for (place, _), text, logprob, log_q, component in zip(
            places, drawn, logprobs, log_qs, components, strict=True
        )
    ]


def log_likelihood(part: Function, target: Any, value: Any) -> float:
    """log p(target | value) of an observed function node at one place, in nats."""
    if part.likelihood is not None:
        return part.likelihood(target, value)
    if not part.plural:
        return 0.0 if str(target) == str(value) else -math.inf
    same = [*map(str, _elements(target, len(value)))] == [*map(str, value)]
    return 0.0 if same else -math.inf


def plural(part: Input | Function, value: Any, example: str) -> tuple[Any, ...]:
    """The value of a part that is declared plural, as a tuple.

    Raises:
        GraphError: the value is no sequence, or a text.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise GraphError(
            f"{part.name!r} is declared plural, but on example {example!r} its value is a "
            f"{type(value).__name__}; give a list or a tuple"
        )
    return tuple(value)


def _elements(target: Any, size: int) -> tuple[Any, ...]:
    return tuple(target) if isinstance(target, tuple | list) else (target,) * size
