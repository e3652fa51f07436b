"""Solutions with their verdicts, as a pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from langnet import DataError, Example, Graph, GraphError, Input, Key, Node
from langnet.cli.network import load_network
from langnet.estimators import accuracy_at
from langnet.judging import judged
from langnet.metrics import interval
from langnet.sweep import sweep
from langnet.tasks import get
from langnet.testing import TableModel

ROOT = Path(__file__).parent.parent
EXAMPLES = [Example(str(n), {"text": f"Sum {n}"}, {"answer": "7"}) for n in range(40)]


def table(context):
    """Solutions are right half of the time, and verdicts mostly know."""
    if context.endswith("The answer is"):
        return {"7": 1.0} if "= 7" in context else {"8": 0.5, "9": 0.5}
    if context.endswith("Answer:"):
        likely = 0.8 if ("= 7" in context) != ("odd" in context) else 0.2
        return {"Yes": likely, "No": 1 - likely}
    if context.endswith("the first step"):
        return {"odd": 0.25, "even": 0.75}
    return {"3 + 4 = 7": 0.4, "3 + 4 = 8": 0.6}


def network(**settings):
    made = load_network(str(ROOT / "graphs" / "verify.py"))
    return made.graph(get(made.task), **settings)


async def test_a_pool_tells_what_a_sweep_finds():
    """Estimates from the largest point agree with runs of the smaller ones, within their noise."""
    pool = await judged(network(solutions="8", verdicts="4"), EXAMPLES, models=TableModel(table))
    assert {(len(one.answers), len(one.verdicts), len(one.verdicts[0])) for one in pool} == {
        (8, 8, 4)
    }
    scores = {round(score, 9) for one in pool for row in one.verdicts for score in row}
    assert scores == {0.2, 0.8}
    grid = [{"solutions": "4", "verdicts": verdicts} for verdicts in ("0", "2")]
    points = await sweep(network, grid, EXAMPLES, models=TableModel(table))
    for point in points:
        estimate = interval(
            accuracy_at(pool, 4, int(point.settings["verdicts"]), key=Key(("pool",))),
            key=Key(("pool",)),
        )
        assert abs(estimate.mean - point.metric.mean) < 0.15
    assert points[1].metric.mean > points[0].metric.mean


async def test_without_a_check_each_solution_has_its_verdict():
    """p(Yes) at once is the same for every draw."""
    graph = network(solutions="3", verdicts="2", think="false")
    for one in await judged(graph, EXAMPLES[:4], models=TableModel(table)):
        for correct, row in zip(one.correct, one.verdicts, strict=True):
            assert row == tuple([pytest.approx(0.8 if correct else 0.2)] * 2)


async def test_what_makes_no_pool_is_refused():
    """A network without plates, and an example without a target, are named."""
    single = Graph(
        Input("text"),
        Node("answer", "{text}\nThe answer is", trainable=False),
        Node("verdict", "{answer}{prompt}", "Answer:", choices=["Yes", "No"]),
        outputs=("answer", "verdict"),
    )
    with pytest.raises(GraphError, match="draws=N"):
        await judged(single, EXAMPLES[:1], models=TableModel(table))
    with pytest.raises(DataError, match="'e' has no target at 'answer'"):
        await judged(
            network(), [Example("e", {"text": "Sum"})], models=TableModel(table), max_failures=1
        )
