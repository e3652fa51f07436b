"""Exact inference by enumeration, for small graphs over finite vocabularies.

This is written apart from the executor, so that each can be held to the other: it enumerates every
assignment of texts in the order of the graph and multiplies probabilities.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from langnet.graph import Graph
from langnet.lm.base import Decoding
from langnet.node import Function, Input, Node
from langnet.template import Template
from langnet.testing.models import TableModel

__all__ = ["Outcome", "enumerate_traces", "exact_evidence"]

Models = TableModel | Mapping[str, TableModel]

_Weighted = tuple[Any, float]
"""A value with its probability."""

_LATENT = object()
"""Stands where a part is not observed."""


class Outcome(NamedTuple):
    """One assignment of texts to all nodes.

    Attributes:
        values: every part's value by name; a plural one is a tuple, nested one level per axis.
        log_joint: log p(latents, targets | inputs), in nats.
    """

    values: dict[str, Any]
    log_joint: float


def enumerate_traces(
    graph: Graph,
    models: Models,
    inputs: Mapping[str, Any],
    targets: Mapping[str, Any] | None = None,
) -> list[Outcome]:
    """Every assignment of positive probability that agrees with the targets.

    The number of assignments is the product of the vocabulary sizes over all latent texts.

    Args:
        graph: its functions must not be async.
        models: one table for every node, or tables by the names that nodes call.
        inputs: a value for every input.
        targets: observed values by node; a text given to a plural node holds for each element.
    """
    outcomes = [Outcome({}, 0.0)]
    for name in graph.order:
        outcomes = [
            Outcome({**values, name: value}, log_joint + math.log(p))
            for values, log_joint in outcomes
            for value, p in _extensions(graph, name, models, inputs, targets or {}, values)
        ]
    return outcomes


def exact_evidence(
    graph: Graph,
    models: Models,
    inputs: Mapping[str, Any],
    targets: Mapping[str, Any],
) -> float:
    """log p(targets | inputs), in nats, with all latents summed out; see `enumerate_traces`."""
    outcomes = enumerate_traces(graph, models, inputs, targets)
    evidence = math.fsum(math.exp(outcome.log_joint) for outcome in outcomes)
    return math.log(evidence) if evidence > 0 else -math.inf


def _extensions(
    graph: Graph,
    name: str,
    models: Models,
    inputs: Mapping[str, Any],
    targets: Mapping[str, Any],
    values: Mapping[str, Any],
) -> list[_Weighted]:
    """Each value that a part can take after its parents' values, with its probability."""
    part = graph[name]
    if isinstance(part, Input):
        return [(tuple(inputs[name]) if part.plural else inputs[name], 1.0)]
    domain = () if part.over is None else _axes(graph, part.over)
    views = {
        parent: (_common(domain, _axes(graph, parent)), values[parent]) for parent in part.parents
    }
    if isinstance(part, Function):
        for parent, label in part.probability_of.items():
            chances = _chances(graph, parent, label, models, values)
            views[parent] = (views[parent][0], chances)
        options = partial(_computed, part)
    else:
        options = partial(_drawn, part, _model(models, part))
    target = targets.get(name, _LATENT)
    return _over_plates(len(domain), part.over, views, target, options)


def _over_plates(
    depth: int,
    over: str | None,
    views: Mapping[str, tuple[int, Any]],
    target: Any,
    options: Callable[[dict[str, Any], Any], list[_Weighted]],
) -> list[_Weighted]:
    """The options at one place, or all combinations of those at the places of a plate."""
    if not depth or over is None:
        return options({parent: value for parent, (_, value) in views.items()}, target)
    places = []
    for place in range(len(views[over][1])):
        inner = {
            parent: (shared - 1, value[place]) if shared else (0, value)
            for parent, (shared, value) in views.items()
        }
        places.append(_over_plates(depth - 1, over, inner, _part(target, place), options))
    return _combined(places)


def _drawn(node: Node, model: TableModel, views: dict[str, Any], target: Any) -> list[_Weighted]:
    table = _table(node, model, views)
    draws = []
    for draw in range(1 if node.draws is None else node.draws):
        seen = target if node.draws is None else _part(target, draw)
        draws.append([(text, p) for text, p in table.items() if seen in {_LATENT, text}])
    return draws[0] if node.draws is None else _combined(draws)


def _chances(graph: Graph, name: str, label: str, models: Models, values: Mapping[str, Any]) -> Any:
    """The probability of a label at every place of a node."""
    node = graph[name]
    assert isinstance(node, Node)  # noqa: S101 - the graph has checked it
    domain = () if node.over is None else _axes(graph, node.over)
    views = {
        parent: (_common(domain, _axes(graph, parent)), values[parent]) for parent in node.parents
    }

    def options(views: dict[str, Any], _: Any) -> list[_Weighted]:
        p = _table(node, _model(models, node), views)[label]
        return [(p if node.draws is None else (p,) * node.draws, 1.0)]

    ((chances, _),) = _over_plates(len(domain), node.over, views, _LATENT, options)
    return chances


def _model(models: Models, node: Node) -> TableModel:
    return models if isinstance(models, TableModel) else models[node.model]


def _table(node: Node, model: TableModel, views: Mapping[str, Any]) -> dict[str, float]:
    """p(text | parents) of a language node, with its choices as a distribution of their own."""
    template = Template.parse(node.template).bind(node.prompt_text)
    if node.choices is None:
        return model.probabilities(template.render(views), node.decoding)

    def labels(context: str) -> dict[str, float]:
        table = model.probabilities(context, Decoding())
        assert node.choices is not None  # noqa: S101 - checked above
        raw = {
            choice.label: math.fsum(table.get(text, 0) for text in set(choice.texts))
            for choice in node.choices.choices
        }
        return _rescaled(raw)

    table = labels(template.render(views))
    if node.choices.calibrate:
        blanks = {
            template.render(dict.fromkeys(template.parents, text))
            for text in node.choices.content_free
        }
        rows = [labels(context) for context in blanks]
        table = {
            label: p / (math.fsum(row[label] for row in rows) / len(rows))
            for label, p in table.items()
        }
    power = 1 / (node.decoding.temperature or 1)
    return _rescaled({label: p**power for label, p in _rescaled(table).items()})


def _computed(part: Function, views: dict[str, Any], target: Any) -> list[_Weighted]:
    value = part.function(**views)
    if part.plural:
        value = tuple(value)
    if target is _LATENT:
        return [(value, 1.0)]
    if part.likelihood is not None:
        p = math.exp(part.likelihood(target, value))
    elif part.plural:
        expected = [str(_part(target, place)) for place in range(len(value))]
        p = float(expected == [*map(str, value)])
    else:
        p = float(str(target) == str(value))
    if part.plural and not isinstance(target, tuple | list):
        target = (target,) * len(value)
    return [(target, p)] if p > 0 else []


def _combined(places: Sequence[list[_Weighted]]) -> list[_Weighted]:
    """All combinations of independent options, as tuples."""
    return [
        (tuple(value for value, _ in chosen), math.prod(p for _, p in chosen))
        for chosen in itertools.product(*places)
    ]


def _part(target: Any, place: int) -> Any:
    return target[place] if isinstance(target, tuple | list) else target


def _axes(graph: Graph, name: str) -> tuple[str, ...]:
    """The plates that a part's value runs over, outermost first."""
    part = graph[name]
    over = None if isinstance(part, Input) else part.over
    outer = () if over is None else _axes(graph, over)
    own = part.draws is not None if isinstance(part, Node) else part.plural
    return (*outer, name) if own else outer


def _common(mine: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    """How many leading plates two parts share."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False))
    return sum(1 for _ in same)


def _rescaled(table: Mapping[str, float]) -> dict[str, float]:
    norm = math.fsum(table.values())
    return {text: p / norm for text, p in table.items()}
