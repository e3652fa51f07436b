"""Accuracy at S solutions and V verdicts, from one pool."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from langnet import DataError, Key
from langnet.estimators import Judged, accuracy_at, majority_at_k, verifier_at_k

KEY = Key(("spending",))
POOL = Judged(
    ["4", "5", "4", "6"],
    [True, False, True, False],
    [[0.1, 0.6], [0.9, 0.2], [0.4, 0.4], [0.3, 0.8]],
)


def test_without_verdicts_the_answers_vote():
    """V = 0 is self-consistency, whatever would choose among scored solutions."""
    vote = majority_at_k(POOL.answers, POOL.correct, 3, key=KEY / 0).mean
    for choice in ("weighted", "best"):
        assert accuracy_at([POOL], 3, 0, key=KEY, choice=choice) == (vote,)


def test_best_of_some_is_the_mean_over_all_ways_to_take_them():
    """Over all subsets of solutions and both single verdicts, against brute force."""
    table = np.array(POOL.verdicts)
    for size in (1, 2, 3, 4):
        ways = [
            POOL.correct[max(chosen, key=lambda i: table[i, verdict])]
            for verdict in (0, 1)
            for chosen in itertools.combinations(range(4), size)
        ]
        (found,) = accuracy_at([POOL], size, 1, key=KEY, choice="best")
        assert found == pytest.approx(np.mean(ways))
    (both,) = accuracy_at([POOL], 2, 2, key=KEY, choice="best")
    assert both == pytest.approx(verifier_at_k(table.mean(axis=1), POOL.correct, 2))


def test_one_solution_is_right_as_often_as_solutions_are():
    """With S = 1 there is nothing to choose, and verdicts change nothing."""
    for verdicts in (0, 1, 2):
        (found,) = accuracy_at([POOL], 1, verdicts, key=KEY, subsets=4000)
        assert found == pytest.approx(0.5, abs=0.04)


def test_a_perfect_verifier_finds_what_is_there():
    """With verdicts that are right, the choice among all is right wherever a solution is."""
    perfect = Judged(POOL.answers, POOL.correct, [[float(right)] for right in POOL.correct])
    hopeless = Judged(["7", "8"], [False, False], [[0.5], [0.5]])
    assert accuracy_at([perfect], 4, 1, key=KEY) == (1.0,)
    assert accuracy_at([perfect, hopeless], 2, 1, key=KEY, choice="best")[1] == 0.0


def test_a_pool_must_hold_what_is_asked_for():
    """More verdicts than there are, or uneven ones, are refused by the question's number."""
    with pytest.raises(DataError, match="question 0 has 2 verdicts"):
        accuracy_at([POOL], 2, 3, key=KEY)
    with pytest.raises(DataError, match="equally many"):
        accuracy_at([Judged(["4"], [True], [])], 1, 0, key=KEY)
