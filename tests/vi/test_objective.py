"""Objectives: each does what its equation says, on one example."""

from __future__ import annotations

import math

import numpy as np
import pytest

from langnet import Example, Graph, Input, Key, Node, Program
from langnet.metrics import exact
from langnet.testing import TableModel
from langnet.vi import (
    Evidence,
    Rollout,
    Scorer,
    exploration,
    likelihood,
    nce,
    rollout,
    scaled,
    trust_region,
    unlikelihood,
)
from langnet.vi.posterior import Row

EXAMPLE = Example("e", {"x": "1"}, {"y": "yes"})
P_YES = {"old": 0.5, "new": 0.8, "sure": 1.0}


def graph():
    return Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "old"),
        Node("y", "{prompt} y {x} {h}", "old", choices=("yes", "no")),
    )


def table():
    def distribution(context):
        p = P_YES[context.split()[0]]
        return {"yes": p, "no": 1 - p} if p < 1 else {"yes": 1.0}

    return TableModel(distribution)


def scorer(prompt, candidates, **settings):
    return Scorer(Program(graph(), table()), prompt, candidates, **settings)


def row(node, text, weight=1.0):
    parents = {"x": "1"} if node == "h" else {"x": "1", "h": "yes"}
    return Row("e", node, (), weight, parents, text)


async def value(term, prompt, candidates, *, rows=(), forward=(), wrong=False, progress=0.0):
    evidence = Evidence(EXAMPLE, tuple(rows), tuple(forward), wrong, progress)
    return list(await term(evidence, scorer(prompt, candidates)))


async def test_exploration_pushes_away_from_wrong_texts_alone():
    """−λ log p(ĥ) where the answer was wrong, fading with the fit; 0 where it was right."""
    wrong = {"forward": [row("h", "no")], "wrong": True}
    found = await value(exploration(2.0), "h", ["old", "new"], **wrong)
    assert found == pytest.approx([-2 * math.log(0.5), -2 * math.log(0.2)])
    faded = await value(exploration(2.0), "h", ["old", "new"], progress=0.75, **wrong)
    assert faded == pytest.approx([one / 4 for one in found])
    steady = exploration(2.0, decay=False)
    assert await value(steady, "h", ["old", "new"], progress=0.75, **wrong) == pytest.approx(found)
    assert await value(exploration(2.0), "h", ["old"], forward=[row("h", "no")]) == [0]
    assert await value(exploration(2.0), "y", ["old"], forward=[row("y", "no")], wrong=True) == [0]


async def test_what_is_impossible_does_not_win_by_infinity():
    """A candidate under which a wrong text is impossible has a large, but finite, reward."""
    (found,) = await value(exploration(1.0), "h", ["sure"], forward=[row("h", "no")], wrong=True)
    assert math.isfinite(found)


async def test_unlikelihood_is_bounded():
    """γ log(1 − p(ŷ)): nothing above 0 can be gained, and a sure wrong answer is finite."""
    wrong = {"forward": [row("y", "yes")], "wrong": True}
    found = await value(unlikelihood(3.0), "y", ["old", "new", "sure"], **wrong)
    assert found[:2] == pytest.approx([3 * math.log(0.5), 3 * math.log(0.2)])
    assert -math.inf < found[2] < found[1] < found[0] <= 0
    assert await value(unlikelihood(3.0), "y", ["old"], forward=[row("y", "yes")]) == [0]


async def test_trust_region_is_the_divergence_from_the_incumbent():
    """−λ KL(incumbent ‖ candidate): 0 for the incumbent and for nodes without choices."""
    forward = [row("y", "yes")]
    found = await value(trust_region(2.0), "y", ["old", "new"], forward=forward)
    divergence = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    assert found == pytest.approx([0.0, -2 * divergence])
    assert await value(trust_region(2.0), "h", ["old", "new"], forward=[row("h", "no")]) == [0, 0]


async def test_the_incumbent_stays_the_reference_when_candidates_drop_out():
    """A narrowed scorer still holds its candidates to the incumbent."""
    narrowed = scorer("y", ["old", "new", "sure"]).only([1])
    assert narrowed.candidates == ("new",)
    evidence = Evidence(EXAMPLE, (), (row("y", "yes"),))
    whole = await trust_region(1.0)(evidence, scorer("y", ["old", "new"]))
    assert list(await trust_region(1.0)(evidence, narrowed)) == pytest.approx([whole[1]])


async def test_nce_normalises_over_alternatives():
    """A candidate that makes all alternatives likelier gains nothing by it."""
    rows = [row("h", "yes", 0.5), row("h", "no", 0.5)]
    found = await value(nce, "h", ["old", "new"], rows=rows)
    assert found == pytest.approx([math.log(0.5), 0.5 * math.log(0.8) + 0.5 * math.log(0.2)])


async def test_rollouts_run_the_network_anew():
    """The mean of the metric over runs, on seeds that candidates share; no score is asked."""
    model = table()
    how = Rollout(exact, Key(("rollout",)), runs=200)
    found = Scorer(Program(graph(), model), "y", ["old", "new", "sure"], rollout=how)
    values = await rollout(Evidence(EXAMPLE, ()), found)
    assert values == pytest.approx([0.5, 0.8, 1.0], abs=0.1)
    assert values[2] == 1
    assert model.calls["score"] == 0
    again = await rollout(Evidence(EXAMPLE, ()), found.only([1]))
    assert again[0] == values[1]


async def test_objectives_compose():
    """Scaled objectives add up; one of the user's own is a function like any other."""

    async def short(evidence, scorer):
        return np.array([-0.25 * len(candidate) for candidate in scorer.candidates])

    rows = [row("y", "yes")]
    plain = await value(likelihood, "y", ["old", "new"], rows=rows)
    double = await value(scaled(2.0, likelihood), "y", ["old", "new"], rows=rows)
    assert double == pytest.approx([2 * one for one in plain])
    assert await value(short, "y", ["old", "sure"]) == [-0.75, -1.0]
