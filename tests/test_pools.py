"""Pools at the same cost: exact for models of known accuracy, and paired by example."""

import math
from itertools import combinations

import pytest

from langnet.collect import Collected, Solution, collect
from langnet.data import Example
from langnet.errors import DataError
from langnet.graph import Graph
from langnet.metrics import starts_with
from langnet.node import Function, Input, Node
from langnet.pools import false_positives, match, matched_draws
from langnet.testing import TableModel

EXAMPLES = [Example(f"e{n}", {"x": f"x{n}"}, {"answer": "yes"}) for n in range(40)]


def made(*rows):
    """A pool of texts by example; those that begin with y are right."""
    return Collected(
        tuple(
            Solution(f"e{n}", draw, {}, "", text, text, float(text.startswith("y")))
            for n, texts in enumerate(rows)
            for draw, text in enumerate(texts)
        )
    )


def test_draws_are_matched_by_price():
    """27 to 9 parameters is three draws for one, and rounding is down."""
    assert matched_draws(10, weak=9, strong=27) == 30
    assert matched_draws(1, weak=0.1, strong=0.3) == 3
    assert matched_draws(3, weak=2, strong=1) == 1
    for wrong in ({"weak": 0, "strong": 1}, {"weak": 1, "strong": math.inf}):
        with pytest.raises(ValueError, match="prices"):
            matched_draws(1, **wrong)


def test_yields_are_means_over_all_subsets():
    """Coverage and diversity are what all subsets of that size hold on average."""
    rows = [("y1", "n", "y2", "n", "y1", "n"), ("n", "n", "n", "n", "y1", "n")]
    found = match(made(*rows), made(*[row[:2] for row in rows]), prices=(1, 2), draws=2)
    for name, size in (("weak", 4), ("equal", 2)):
        subsets = [[*combinations(row, size)] for row in rows]
        right = [[{t for t in one if t[0] == "y"} for one in several] for several in subsets]
        one = getattr(found, name)
        assert one.draws == size
        coverage = [sum(map(bool, each)) / len(each) for each in right]
        diversity = [sum(map(len, each)) / len(each) for each in right]
        assert one.values[0] == pytest.approx(coverage)
        assert one.values[1] == pytest.approx(diversity)
    assert found.strong.cost == found.weak.cost == 4
    differences = [a - b for a, b in zip(found.weak.values[0], found.strong.values[0], strict=True)]
    assert found.coverage_gain.mean == pytest.approx(sum(differences) / 2)


async def test_a_weak_model_covers_more_for_the_same_money():
    """Two models of known accuracy: what is found lies by 1 − (1 − p)^k, and the control turns."""
    graph = Graph(
        Input("x"), Node("text", "{x} {prompt}", "p"), Function("answer", lambda text: text)
    )

    async def pool(share, draws):
        rest = {f"yes {n}": share / 4 for n in range(4)}
        model = TableModel(lambda _: {**rest, "no": 1 - share})
        return await collect(graph, EXAMPLES, models=model, draws=draws, metric=starts_with)

    found = match(await pool(0.3, 9), await pool(0.5, 3), prices=(1, 3))
    assert (found.strong.draws, found.weak.draws, found.equal.draws) == (3, 9, 3)
    for one, share in ((found.strong, 0.5), (found.weak, 0.3), (found.equal, 0.3)):
        true = 1 - (1 - share) ** one.draws
        assert abs(one.coverage.mean - true) < 3 * math.sqrt(true * (1 - true) / 40) + 1e-9
    assert found.diversity_gain.low > 0
    assert found.equal.coverage.mean < found.strong.coverage.mean


def test_false_positives_are_shares_of_right_answers():
    """Wrong answers do not count, and a solution counts as wrong where its reasoning is."""
    pool = made(("y sound", "y guess", "n guess"), ("y sound", "n sound"), ("n guess",))
    found = false_positives(pool, lambda one: "sound" in one.text)
    assert found.mean == pytest.approx(1 / 3)


def test_pools_that_cannot_be_compared_are_refused():
    """Nothing in common, and too few draws, are said."""
    with pytest.raises(DataError, match="no example in common"):
        match(made(("y",)), Collected(()), prices=(1, 1))
    with pytest.raises(DataError, match="collect more"):
        match(made(("y", "n")), made(("y", "n")), prices=(1, 3))
