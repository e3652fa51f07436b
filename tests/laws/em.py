"""Expectation maximisation by enumeration, with langnet's own scores in the M-step."""

from __future__ import annotations

import math

from langnet import Example, Program
from langnet.testing import enumerate_traces, exact_evidence
from langnet.vi import Evidence, Scorer, likelihood
from langnet.vi.blanket import parents_at
from langnet.vi.posterior import Row


async def scores(graph, table, prompt, candidates, rows, examples):
    """S(π) of each candidate; the one place here that knows the M-step's interface."""
    total = [0.0] * len(candidates)
    scorer = Scorer(Program(graph, table), prompt, candidates)
    shown = [row for row in rows if row.node in graph.sharing(prompt)]
    for name in {row.example: None for row in shown}:
        own = tuple(row for row in shown if row.example == name)
        values = await likelihood(Evidence(Example(name, {}, {}), own), scorer)
        total = [a + float(b) / examples for a, b in zip(total, values, strict=True)]
    return total


def exact_rows(graph, table, batch):
    """The evidence that the exact posterior gives: a row per assignment and text."""
    rows = []
    for example in batch:
        outcomes = enumerate_traces(graph, table, example.inputs, example.targets)
        norm = math.fsum(math.exp(outcome.log_joint) for outcome in outcomes)
        rows += [
            Row(
                example.id,
                name,
                index,
                math.exp(outcome.log_joint) / norm,
                parents_at(graph, outcome.values, name, index),
                text,
            )
            for outcome in outcomes
            for name in graph.nodes
            for index, text in _texts(outcome.values[name])
        ]
    return tuple(rows)


async def updated(graph, table, batch, candidates):
    """The graph after all prompts are chosen at once under the exact posterior."""
    rows = exact_rows(graph, table, batch)
    chosen = {}
    for prompt, incumbent in graph.prompts.items():
        offered = list(dict.fromkeys([incumbent, *candidates]))
        found = await scores(graph, table, prompt, offered, rows, len(batch))
        chosen[prompt] = offered[found.index(max(found))]
    return graph.with_prompts(chosen)


def total_evidence(graph, table, batch):
    """Σ log p(y | x), exactly."""
    return math.fsum(
        exact_evidence(graph, table, example.inputs, example.targets) for example in batch
    )


def _texts(value, index=()):
    if isinstance(value, tuple):
        for position, element in enumerate(value):
            yield from _texts(element, (*index, position))
    else:
        yield index, value
