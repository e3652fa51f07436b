"""Intervals over questions, areas under the ROC curve, and accuracy against cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import DataError
from langnet.estimators import (
    Spent,
    auc,
    auc_gain,
    bootstrap,
    compositional_gap,
    crossover,
    false_positive_rate,
    frontier,
    power_law,
)
from langnet.key import Key
from langnet.metrics import interval

KEY = Key(("test",))
MARKED = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.booleans()), min_size=2)


def test_the_bootstrap_of_a_mean_is_the_interval_of_metrics():
    """There is one bootstrap: the general one gives what `metrics.interval` gives."""
    values = np.array([0.0, 1.0, 1.0, 0.5, 0.0, 1.0])
    assert bootstrap(lambda q: values[q].mean(-1), [6], key=KEY) == interval(values, key=KEY)


def test_bootstrap_intervals_hold_the_truth_about_as_often_as_they_say():
    """A ratio of two samples is covered in about 90 % of repetitions at 90 % confidence."""
    rng = np.random.default_rng(1)
    held = 0
    for number in range(60):
        one, other = rng.exponential(2.0, 40), rng.exponential(1.0, 30)
        found = bootstrap(
            lambda a, b, one=one, other=other: one[a].mean(-1) / other[b].mean(-1),
            [40, 30],
            key=KEY / number,
            confidence=0.9,
            resamples=400,
        )
        held += found.low <= 2.0 <= found.high
    assert 46 <= held <= 60


def test_bootstrap_says_what_it_does_not_know():
    """From one question nothing is known but the value, and no questions are an error."""
    found = bootstrap(lambda q: q.sum(-1), [1], key=KEY)
    assert (found.low, found.high) == (None, None)
    with pytest.raises(DataError):
        bootstrap(lambda q: q.sum(-1), [0], key=KEY)


def test_false_positives_are_counted_over_solutions_and_resampled_by_question():
    """Questions with nothing judged drop out, and a question's findings stay together."""
    found = false_positive_rate([[True, False], [], [False, False], [True, True]], key=KEY)
    assert found.mean == pytest.approx(0.5)
    assert found.n == 3
    assert found.low < 0.5 < found.high


def test_the_gap_is_the_published_ratio():
    """(ID − OOD) / ID with ID and OOD each the mean of two settings."""
    test = [(1, 0), (1, 1), (0, 0), (1, 0)]
    train = [(1, 1), (1, 0)]
    found = compositional_gap(test, train, key=KEY, resamples=300)
    same, other = (0.75 + 1.0) / 2, (0.25 + 0.5) / 2
    assert found.mean == pytest.approx((same - other) / same)
    assert found.low < found.mean < found.high


def test_the_gap_of_nothing_right_is_unknown():
    """Without anything right in distribution there is no ratio and no interval."""
    found = compositional_gap([(0, 1), (0, 0)], [(0, 0), (0, 0)], key=KEY)
    assert np.isnan(found.mean)
    assert found.low is None


@given(MARKED.filter(lambda items: len({right for _, right in items}) == 2))
def test_the_area_counts_pairs(items):
    """It is the share of pairs in which the right one is above, ties counting half."""
    scores, right = zip(*items, strict=True)
    pairs = [(a > b) + (a == b) / 2 for a, one in items if one for b, other in items if not other]
    assert auc(scores, right).mean == pytest.approx(sum(pairs) / len(pairs))


def test_the_variance_of_the_area_is_delongs():
    """Without clusters it is the sum of the components' variances over their numbers."""
    rng = np.random.default_rng(3)
    right = np.array([True] * 30 + [False] * 20)
    scores = rng.normal(size=50) + right
    high, low = scores[right], scores[~right]
    wins = (high[:, None] > low[None, :]).astype(float)
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / 30 + wins.mean(0).var(ddof=1) / 20
    half = 1.959964 * variance**0.5 / (area * (1 - area))
    expected = 1 / (1 + np.exp(-(np.log(area / (1 - area)) + np.array([-half, half]))))
    found = auc(scores, right)
    assert [found.low, found.high] == pytest.approx(expected, rel=1e-5)


def test_copies_of_a_solution_bring_no_certainty():
    """Each solution four times, as one question, leaves the interval about as wide as once."""
    rng = np.random.default_rng(4)
    right = rng.random(60) < 0.5
    scores = rng.normal(size=60) + right
    once = auc(scores, right)
    again = auc(np.repeat(scores, 4), np.repeat(right, 4), questions=np.repeat(np.arange(60), 4))
    naive = auc(np.repeat(scores, 4), np.repeat(right, 4))
    assert again.mean == pytest.approx(once.mean)
    assert (again.low, again.high) == pytest.approx((once.low, once.high), rel=1e-9)
    assert naive.high - naive.low < 0.6 * (once.high - once.low)


def test_the_interval_of_clustered_areas_agrees_with_the_bootstrap():
    """Where questions have right and wrong solutions both, resampling questions says the same."""
    rng = np.random.default_rng(5)
    hard = rng.normal(size=(80, 1))
    right = rng.random((80, 6)) < 1 / (1 + np.exp(hard))
    scores = right - hard + rng.normal(size=(80, 6))
    question = np.repeat(np.arange(80), 6)
    found = auc(scores.ravel(), right.ravel(), questions=question)

    def areas(units):
        return np.array([auc(scores[u].ravel(), right[u].ravel()).mean for u in units])

    drawn = bootstrap(areas, [80], key=KEY, resamples=400)
    assert (found.low, found.high) == pytest.approx((drawn.low, drawn.high), abs=0.02)


def test_a_gain_in_area_is_paired():
    """The same scores gain nothing for certain, and a better scorer gains more than chance."""
    rng = np.random.default_rng(6)
    right = rng.random(200) < 0.5
    noise = rng.normal(size=200)
    same = auc_gain(noise, noise, right)
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    better = auc_gain(noise + right, noise + 2 * right, right)
    assert better.low > 0


def test_areas_that_cannot_be():
    """Perfect areas have no interval, and one class alone has no area."""
    perfect = auc([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    assert (perfect.mean, perfect.low, perfect.high) == (1, None, None)
    one = auc([0.1, 0.2, 0.15], [False, True, False], questions=["q", "q", "q"])
    assert one.low is None
    with pytest.raises(DataError, match="right solutions and wrong ones"):
        auc([0.1, 0.2], [True, True])
    with pytest.raises(DataError, match="NaN"):
        auc([0.1, float("nan")], [True, False])


TABLE = [
    Spent(1, 0, 0.40),
    Spent(4, 0, 0.50),
    Spent(16, 0, 0.55),
    Spent(64, 0, 0.55),
    Spent(2, 1, 0.42),
    Spent(8, 3, 0.55),
    Spent(16, 7, 0.60),
]


def test_the_frontier_keeps_what_no_cheaper_point_matches():
    """Costs and accuracies both rise, and every point of the table is matched by one of it."""
    found = frontier(TABLE, ratio=1.0)
    assert [(cost, point.accuracy) for cost, point in found] == [
        (1, 0.40),
        (4, 0.50),
        (16, 0.55),
        (128, 0.60),
    ]
    for point in TABLE:
        assert any(c <= point.cost(1) and kept.accuracy >= point.accuracy for c, kept in found)


def test_the_crossover_is_where_verifying_stays_ahead():
    """It matches voting's best at twice its cost, and is never behind from there on."""
    found = crossover(TABLE, ratio=1.0)
    assert found.budget == 32
    assert found.cost_ratio == 2
    assert found.gain == pytest.approx(0.05)
    never = crossover([Spent(1, 0, 0.5), Spent(1, 1, 0.4)], ratio=1.0)
    assert (never.budget, never.cost_ratio) == (None, None)
    with pytest.raises(DataError):
        crossover([Spent(1, 0, 0.5)], ratio=1.0)


def test_a_power_law_is_found_again():
    """Exact powers come back exactly; noisy ones lie in an interval of the right confidence."""
    x = [2.0**i for i in range(8)]
    exact = power_law(x, [3 * value**0.57 for value in x])
    assert exact.exponent.mean == pytest.approx(0.57)
    assert exact.prefactor == pytest.approx(3)
    assert exact(100.0) == pytest.approx(3 * 100**0.57)
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        noisy = [value**0.5 * np.exp(rng.normal(0, 0.3)) for value in x]
        found = power_law(x, noisy, confidence=0.9).exponent
        held += found.low <= 0.5 <= found.high
    assert 80 <= held <= 98


def test_a_power_law_needs_positive_numbers():
    """Zeros have no logarithm, and one budget no slope."""
    for x, y in (([1, 2], [0, 1]), ([1, 1], [1, 2]), ([1], [1, 2])):
        with pytest.raises(DataError):
            power_law(x, y)
