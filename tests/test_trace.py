"""Traces: their weights and the mathematics of log-probabilities."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from langnet.trace import (
    Site,
    Trace,
    difference,
    effective_sample_size,
    log_mean_exp,
    log_sum_exp,
    normalised,
    total,
)

logits = st.floats(-700, 700)
many = st.lists(logits, min_size=1, max_size=8)


def trace(*sites, **log_likelihoods):
    """A trace that consists of these sites and observations."""
    return Trace("e", {"a": "x"}, sites, ("a",), log_likelihoods)


def site(source, logprob=None, log_q=None):
    """A text at a node without plates."""
    return Site("a", (), "c", "x", source, logprob, log_q)


@given(many, logits)
def test_log_sum_exp_shifts_with_its_terms(values, shift):
    """Log Σ exp(v + s) = s + log Σ exp(v), where a naive sum would overflow."""
    shifted = log_sum_exp([value + shift for value in values])
    assert shifted == pytest.approx(shift + log_sum_exp(values), abs=1e-9)


def test_log_sum_exp_of_impossible_and_of_no_terms():
    """Impossible terms add nothing, and a sum of nothing is impossible."""
    assert log_sum_exp([]) == log_sum_exp([-math.inf]) == -math.inf
    assert log_sum_exp([0.0, -math.inf]) == 0.0


@given(many)
def test_log_mean_exp_lies_between_its_terms(values):
    """A mean of weights is no less than the least and no more than the greatest."""
    assert min(values) - 1e-9 <= log_mean_exp(values) <= max(values) + 1e-9


@given(many, st.floats(0.01, 100))
def test_normalised_weights_keep_ratios(values, temperature):
    """Softmax sums to 1, and log-ratios of weights are logit differences over temperature."""
    weights = normalised(values, temperature)
    assert math.fsum(weights) == pytest.approx(1)
    first, last = weights[0], weights[-1]
    if first > 1e-300 and last > 1e-300:
        expected = (values[0] - values[-1]) / temperature
        assert math.log(first) - math.log(last) == pytest.approx(expected, abs=1e-6)


def test_normalised_weights_in_the_limits():
    """Temperature 0 shares all weight among the greatest; infinity and ignorance are uniform."""
    assert normalised([1.0, 3.0, 3.0], 0) == (0.0, 0.5, 0.5)
    assert normalised([1.0, 3.0], math.inf) == (0.5, 0.5)
    assert normalised([-math.inf, -math.inf]) == (0.5, 0.5)
    assert normalised([-math.inf, 0.0]) == (0.0, 1.0)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8), st.floats(1e-3, 1e3))
def test_effective_sample_size_is_between_one_and_all(weights, scale):
    """ESS lies in [1, K], does not depend on scale, and is K for equal weights."""
    size = effective_sample_size(weights)
    assert 1 - 1e-9 <= size <= len(weights) + 1e-9
    assert effective_sample_size([scale * weight for weight in weights]) == pytest.approx(size)
    assert effective_sample_size([scale] * len(weights)) == pytest.approx(len(weights))


def test_effective_sample_size_of_nothing():
    """Weights that are all 0 are worth no draw."""
    assert effective_sample_size([0.0, 0.0]) == 0


@given(st.lists(st.one_of(st.none(), st.floats(-10, 0)), max_size=5))
def test_a_sum_with_an_unknown_term_is_unknown(terms):
    """Unknown is None and never taken for a number."""
    assert (total(terms) is None) == (None in terms)


@given(st.floats(-10, 0), st.floats(-10, 0))
def test_a_difference_of_impossible_is_impossible(first, second):
    """An impossible text keeps weight 0 even where its guide's density is 0 too."""
    assert difference(first, second) == first - second
    assert difference(-math.inf, second) == difference(-math.inf, -math.inf) == -math.inf
    assert difference(None, second) is difference(first, None) is None


def test_weight_counts_each_source_once():
    """log w = observations + Σ (log p − log q) of guided texts; prior draws cancel."""
    seen = trace(site("prior", -100.0), site("guide", -3.0, -1.0), site("given", -2.0), answer=-0.5)
    assert seen.log_weight == pytest.approx(-4.5)
    assert seen.log_joint == pytest.approx(-105.5)


def test_weight_of_a_prior_draw_needs_no_score():
    """A latent drawn from its own node contributes nothing, even where its score is unknown."""
    assert trace(site("prior", None), site("given", -2.0)).log_weight == -2.0
    assert trace(site("prior", None), site("given", -2.0)).log_joint is None


@pytest.mark.parametrize("unknown", [site("given"), site("guide", -1.0), site("guide", None, -1.0)])
def test_weight_with_an_unknown_term_is_unknown(unknown):
    """A missing score of an observation or a guide makes the weight unknown."""
    assert trace(unknown, site("given", -1.0)).log_weight is None


def test_a_trace_is_read_by_name():
    """Values, the output and the sites of a node are found by name."""
    seen = trace(site("prior"), Site("b", (0,), "c", "y"))
    assert seen["a"] == seen.output == "x"
    assert [found.text for found in seen.at("b")] == ["y"]
    assert "a (output)   x      drawn" in str(seen)


@given(many, many)
def test_normalised_is_the_same_after_a_shift(values, shifts):
    """Adding one number to all logits changes no weight."""
    shift = shifts[0]
    assume(abs(shift) < 100)
    moved = normalised([value + shift for value in values])
    assert moved == pytest.approx(normalised(values), abs=1e-9)
