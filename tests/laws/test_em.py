"""Law 3: with the exact posterior, updating all prompts at once never lowers the evidence."""

from __future__ import annotations

import itertools

import pytest

from langnet import Example
from tests.laws.em import total_evidence, updated
from tests.laws.graphs import GRAPHS, INPUTS, model

CANDIDATES = [f"candidate {number}" for number in range(6)]


def batch(graph):
    """Three examples with answers of their own."""
    return [
        Example(
            f"e{number}",
            {name: f"{INPUTS[name]} {number}" for name in graph.inputs},
            {"y": answer},
        )
        for number, answer in enumerate(("green", "red", "green"))
    ]


@pytest.mark.parametrize("name", GRAPHS)
async def test_simultaneous_updates_never_lower_the_evidence(name):
    """Σ log p(y | x, Π) rises with every update of all prompts, until it stands still."""
    gains = []
    for seed in range(4):
        graph = GRAPHS[name]()
        table = model(seed=seed, concentration=0.8, words=2)
        examples = batch(graph)
        history = [total_evidence(graph, table, examples)]
        for _ in range(4):
            graph = await updated(graph, table, examples, CANDIDATES)
            history.append(total_evidence(graph, table, examples))
        assert all(after >= before - 1e-9 for before, after in itertools.pairwise(history))
        gains.append(history[-1] - history[0])
    assert sum(gain > 0.01 for gain in gains) >= 2
