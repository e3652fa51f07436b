"""Acceptance: a paired test that holds its level, for few examples and heavy tails too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from langnet import Key
from langnet.vi.accept import accepts, p_value


@pytest.mark.parametrize("size", [6, 11])
def test_few_differences_are_enumerated(size):
    """The p-value is that of an exact permutation test of the mean."""
    for number in range(5):
        rng = np.random.default_rng(number)
        for values in (rng.normal(0.5, 1, size), rng.integers(-1, 2, size).astype(float)):
            wanted = permutation_test(
                (values,),
                np.mean,
                permutation_type="samples",
                n_resamples=np.inf,
                alternative="greater",
            )
            assert p_value(values.tolist()) == pytest.approx(float(wanted.pvalue))


def test_many_differences_agree_with_the_binomial():
    """For differences of one size the test is the sign test, whose p-value is known."""
    values = [1.0] * 20 + [-1.0] * 10 + [0.0] * 7
    exact = sum(math.comb(30, wins) for wins in range(20, 31)) / 2**30
    assert p_value(values) == pytest.approx(exact, abs=0.004)
    assert p_value(values, key=Key(("a",))) == p_value(values, key=Key(("a",)))


@pytest.mark.parametrize("size", [5, 10, 40])
@pytest.mark.parametrize("freedom", [1, 2, 30])
def test_the_level_holds_without_a_difference(size, freedom):
    """Of null data with light and heavy tails no more than the level is accepted."""
    rng = np.random.default_rng(size * 100 + freedom)
    count = 2000 if size < 13 else 150
    accepted = sum(
        accepts(rng.standard_t(freedom, size).tolist(), level=0.05) for _ in range(count)
    )
    assert accepted <= count * 0.05 + 3 * math.sqrt(count * 0.05 * 0.95)


def test_the_best_of_many_is_held_to_more():
    """The winner of ten null candidates passes at the level only when `compared` says so."""
    rng = np.random.default_rng(0)
    naive = corrected = 0
    for _ in range(400):
        field = rng.normal(size=(10, 12))
        best = field[:, field.mean(axis=0).argmax()].tolist()
        naive += accepts(best, level=0.05)
        corrected += accepts(best, level=0.05, compared=12)
    assert corrected <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)
    assert naive > 400 * 0.2


def test_clear_gains_are_accepted():
    """A gain of one standard deviation on twenty examples passes nearly always."""
    rng = np.random.default_rng(3)
    assert sum(accepts(rng.normal(1, 1, 20).tolist(), level=0.05) for _ in range(50)) >= 48


def test_too_few_examples_never_pass():
    """Four examples cannot show anything at 0.05, five can."""
    assert not accepts([1.0] * 4, level=0.05)
    assert accepts([1.0] * 5, level=0.05)
    assert not accepts([], level=0.05)
    assert not accepts([0.0] * 50, level=0.05)


def test_infinite_differences_count_as_what_they_are():
    """Who cannot serve is not accepted; who serves where the incumbent cannot is."""
    assert p_value([-math.inf, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]) == 1
    assert p_value([math.inf] * 6 + [-1.0]) == pytest.approx(2**-6)
    assert p_value([math.inf, -math.inf]) == 1


@given(
    st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=9),
    st.floats(0.01, 100),
    st.randoms(use_true_random=False),
)
def test_scale_and_order_do_not_matter(values, scale, random):
    """The p-value is the same in other units and for examples in another order."""
    values = [round(value, 3) for value in values]
    moved = random.sample(values, len(values))
    assert p_value(moved) == pytest.approx(p_value(values))
    assert p_value([value * scale for value in values]) == pytest.approx(p_value(values))


def test_misuse_is_refused():
    """Levels outside (0, 1), no candidates and NaN are errors."""
    for level in (0, 1, -1):
        with pytest.raises(ValueError, match="level must lie"):
            accepts([1.0], level=level)
    with pytest.raises(ValueError, match="compared must be at least 1"):
        accepts([1.0], level=0.05, compared=0)
    with pytest.raises(ValueError, match="difference 1 is NaN"):
        p_value([1.0, math.nan])
