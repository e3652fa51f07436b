"""Estimators over subsets of draws, against enumeration of every subset and order."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import DataError
from langnet.estimators import (
    coverage_at_k,
    diversity_at_k,
    majority_at_k,
    verifier_at_k,
    weighted_vote_at_k,
)
from langnet.key import Key
from langnet.votes import tally

KEY = Key(("test",))
SOLUTIONS = st.lists(
    st.tuples(st.sampled_from([*"abc", ""]), st.sampled_from([0.0, 0.5, 1.0])),
    min_size=1,
    max_size=6,
)


def subsets(n, k):
    return list(itertools.combinations(range(n), k))


@given(st.integers(1, 9), st.data())
def test_coverage_is_the_share_of_subsets_with_a_right_draw(n, data):
    """The formula agrees with counting all subsets."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    hits = [any(draw < c for draw in taken) for taken in subsets(n, k)]
    assert float(coverage_at_k(n, c, k)) == pytest.approx(sum(hits) / len(hits), abs=1e-12)


@settings(max_examples=25)
@given(st.integers(1000, 20_000), st.data())
def test_coverage_keeps_its_digits_for_many_draws(n, data):
    """Thousands of draws lose no digits against exact fractions, for small chances too."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, min(n, 200)))
    exact = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
    assert float(coverage_at_k(n, c, k)) == pytest.approx(float(exact), rel=1e-9)


def test_coverage_takes_arrays_and_refuses_impossible_counts():
    """One value per question, whatever their draws; a count out of range is an error."""
    many = coverage_at_k([4, 10, 4], [1, 3, 4], 2)
    one = [float(coverage_at_k(n, c, 2)) for n, c in ((4, 1), (10, 3), (4, 4))]
    assert many.tolist() == one
    for wrong in ((4, 5, 2), (4, -1, 2), (4, 1, 5), (4, 1, 0), (4.5, 1, 2)):
        with pytest.raises(DataError):
            coverage_at_k(*wrong)


@given(SOLUTIONS, st.data())
def test_diversity_is_the_mean_number_of_different_right_answers(solutions, data):
    """The formula agrees with counting in all subsets."""
    answers = [answer for answer, _ in solutions]
    right = [answer in {"a", "b"} for answer in answers]
    k = data.draw(st.integers(1, len(answers)))
    counts = [len({answers[i] for i in taken if right[i]}) for taken in subsets(len(answers), k)]
    assert diversity_at_k(answers, right, k) == pytest.approx(sum(counts) / len(counts))


@given(SOLUTIONS, st.data())
def test_verifier_at_k_is_the_mean_over_subsets_and_orders_of_ties(solutions, data):
    """With equal scores it is the expectation when each subset's ties break at random."""
    scores = [score for _, score in solutions]
    right = [answer == "a" for answer, _ in solutions]
    k = data.draw(st.integers(1, len(scores)))
    values = []
    for taken in subsets(len(scores), k):
        top = max(scores[i] for i in taken)
        tied = [right[i] for i in taken if scores[i] == top]
        values.append(sum(tied) / len(tied))
    assert verifier_at_k(scores, right, k) == pytest.approx(sum(values) / len(values))


@given(st.permutations(range(7)), st.integers(0, 127), st.integers(1, 7))
def test_verifier_at_k_is_the_published_sum_without_ties(scores, bits, k):
    """Σ C(N−i−1, k−1) α_i / C(N, k), as in V-STaR."""
    right = [bool(bits >> i & 1) for i in range(7)]
    alpha = [right[i] for i in sorted(range(7), key=lambda i: -scores[i])]
    published = sum(math.comb(6 - i, k - 1) * alpha[i] for i in range(7)) / math.comb(7, k)
    assert verifier_at_k(scores, right, k) == pytest.approx(published)


def test_verifier_at_k_refuses_what_it_cannot_rank():
    """NaN has no place in an order, and no solutions no best one."""
    with pytest.raises(DataError, match="NaN"):
        verifier_at_k([0.1, math.nan], [True, False], 1)
    with pytest.raises(DataError, match="no solutions"):
        verifier_at_k([], [], 1)


@settings(max_examples=20, deadline=None)
@given(SOLUTIONS, st.sampled_from([None, 1, 2]), st.data())
def test_votes_over_subsets_agree_with_all_subsets(solutions, top, data):
    """The estimate lies within five standard errors of the mean over all subsets."""
    answers = [answer for answer, _ in solutions]
    scores = [score for _, score in solutions]
    right = [answer == "a" for answer in answers]
    k = data.draw(st.integers(1, len(answers)))
    values = []
    for taken in subsets(len(answers), k):
        weights = tally([answers[i] for i in taken], [scores[i] for i in taken], top=top)
        best = max(weights.values(), default=0)
        tied = [answer for answer, weight in weights.items() if weight == best]
        values.append(sum(answer == "a" for answer in tied) / max(1, len(tied)))
    found = weighted_vote_at_k(answers, scores, right, k, key=KEY, subsets=400, top=top)
    exact = sum(values) / len(values)
    rounding = 0.02  # where all of few subsets came out alike, though not all are
    assert abs(found.mean - exact) <= 5 * found.error + rounding
    assert found.subsets == (1 if k == len(answers) else 400)


def test_majority_is_the_vote_of_equal_scores_and_repeats():
    """The same key gives the same subsets, and all draws need only one."""
    answers, right = ["a", "b", "a", "", "b", "a"], [True, False, True, False, False, True]
    found = majority_at_k(answers, right, 3, key=KEY)
    assert found == majority_at_k(answers, right, 3, key=KEY)
    assert found == weighted_vote_at_k(answers, [2.0] * 6, right, 3, key=KEY)
    assert majority_at_k(answers, right, 6, key=KEY).mean == 1
    assert majority_at_k(["", None], [False, False], 2, key=KEY).mean == 0


def test_standard_errors_of_votes_are_honest():
    """Over many keys the estimates scatter about as much as their errors say."""
    answers = ["a"] * 5 + ["b"] * 4 + ["c"] * 3
    right = [answer == "a" for answer in answers]
    found = [majority_at_k(answers, right, 5, key=KEY / i, subsets=60) for i in range(80)]
    scatter = np.std([one.mean for one in found], ddof=1)
    assert scatter == pytest.approx(np.mean([one.error for one in found]), rel=0.3)
