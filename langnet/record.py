"""Records: what a fit saw, as plain rows, so that a report can show any example at any step.

A row holds the texts of every node but the inputs, which stand with the examples: they are the same
in every step. Nothing here is read by a fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langnet.data import Example
from langnet.graph import Graph
from langnet.trace import Failure, Trace, normalised
from langnet.vi.guide import Guide, component_name
from langnet.vi.look import Look, Seen
from langnet.vi.posterior import Alternatives, Posterior

__all__ = ["batch_rows", "examples_rows", "validation_rows"]


def examples_rows(train: Iterable[Example], dev: Iterable[Example]) -> Iterator[dict[str, Any]]:
    """Every example with its inputs and targets."""
    for part, examples in (("train", train), ("dev", dev)):
        for example in examples:
            inputs = {name: _plain(value) for name, value in example.inputs.items()}
            targets = dict(example.targets)
            yield {"example": example.id, "part": part, "inputs": inputs, "targets": targets}


def batch_rows(graph: Graph, looked: Look, guide: Guide | str) -> Iterator[dict[str, Any]]:
    """A batch as it was seen: every example's texts, what the metric said, and its posterior.

    Args:
        graph: the network.
        looked: the batch.
        guide: what hidden texts were drawn from.
    """
    for item in looked.seen:
        yield _seen_row(graph, item, guide)
    for failure in looked.failures:
        yield _failure_row(failure)


def validation_rows(
    graph: Graph, outcomes: Sequence[Trace | Failure], values: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """A validation: every example's texts, and what the metric gave the answer.

    Args:
        graph: the network.
        outcomes: what happened on each example.
        values: the metric of each.
    """
    for outcome, value in zip(outcomes, values, strict=True):
        if isinstance(outcome, Failure):
            yield _failure_row(outcome)
        else:
            texts = _texts(graph, outcome)
            yield {"example": outcome.example, "value": value, "texts": texts}


def _seen_row(graph: Graph, item: Seen, guide: Guide | str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "example": item.example.id,
        "value": item.value,
        "texts": _texts(graph, item.forward),
    }
    if item.feedback:
        row["feedback"] = item.feedback
    if item.posterior is not None and item.posterior.alternatives:
        row["alternatives"] = [*map(_alternatives, item.posterior.alternatives)]
    if item.posterior is not None and item.posterior.particles:
        row["particles"] = _particles(graph, item.posterior, guide)
    return row


def _alternatives(found: Alternatives) -> dict[str, Any]:
    return {
        "node": found.node,
        "index": [*found.index],
        "texts": [*found.texts],
        "weights": [*map(_rounded, found.weights)],
        "sources": [*found.sources],
    }


def _particles(graph: Graph, found: Posterior, guide: Guide | str) -> list[dict[str, Any]]:
    """Every complete draw with its share of the weight; no share where all contradict."""
    weights = normalised(found.log_weights or ())
    if max(found.log_weights or (-math.inf,)) == -math.inf:
        weights = (0.0,) * len(weights)
    rows = []
    for number, (trace, weight) in enumerate(zip(found.particles, weights, strict=True)):
        drawn = {site.node: site for site in reversed(trace.sites) if site.source != "given"}
        texts = _texts(graph, trace)
        rows.append(
            {
                "weight": _rounded(weight),
                "ancestor": found.ancestors[number] if found.ancestors else number,
                "texts": {name: texts[name] for name in graph.nodes if name in drawn},
                "sources": {
                    name: component_name(guide, drawn[name].component)
                    if drawn[name].source == "guide"
                    else "prior"
                    for name in graph.nodes
                    if name in drawn
                },
            }
        )
    return rows


def _texts(graph: Graph, trace: Trace) -> dict[str, Any]:
    inputs = frozenset(graph.inputs)
    return {name: _plain(value) for name, value in trace.values.items() if name not in inputs}


def _failure_row(failure: Failure) -> dict[str, Any]:
    return {"example": failure.example, "error": str(failure.error)}


def _plain(value: Any) -> Any:
    """A value as texts, nested as its plates are."""
    if isinstance(value, tuple | list):
        return [_plain(element) for element in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(element) for name, element in value.items()}
    return value if value is None else str(value)


def _rounded(weight: float) -> float:
    return round(weight, 5)
