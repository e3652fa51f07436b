"""Shares: proposals follow them, and they follow what was accepted."""

from __future__ import annotations

from collections import Counter
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.vi.shares import adapted, allocate

MIXES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 5), min_size=1)
RECORDS = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)


@given(MIXES, st.integers(1, 12), st.integers(0, 1000))
def test_a_turn_keeps_to_the_shares(mix, count, turn):
    """In every turn each strategy comes up as often as its share says, rounded down or up."""
    picks = allocate(mix, count, turn)
    assert len(picks) == count
    for name, share in mix.items():
        exact = count * share / sum(mix.values())
        assert floor(exact - 1e-9) <= picks.count(name) <= ceil(exact + 1e-9)


@given(MIXES, st.integers(1, 12), st.integers(0, 100))
def test_rounding_evens_out_over_turns(mix, count, begin):
    """Over sixty turns no strategy is more than three proposals from its exact share."""
    picks = Counter(name for turn in range(60) for name in allocate(mix, count, begin + turn))
    for name, share in mix.items():
        assert abs(picks[name] - 60 * count * share / sum(mix.values())) < 3


@given(MIXES, st.integers(1, 12), st.integers(0, 50))
def test_allocation_is_a_function_of_the_shares(mix, count, turn):
    """The order of a mix, its scale, and strategies without a share change nothing."""
    other = {"none": 0.0} | {name: 4 * mix[name] for name in reversed(mix)}
    assert allocate(mix, count, turn) == allocate(other, count, turn)


def test_a_changing_mix_is_followed():
    """A strategy whose share falls in the middle of a fit comes up as often as both say."""
    mixes = [{"a": 1, "b": 1}] * 40 + [{"a": 1, "b": 9}] * 40
    picks = Counter(name for turn, mix in enumerate(mixes) for name in allocate(mix, 1, turn))
    assert abs(picks["a"] - 24) <= 2


@given(MIXES, RECORDS, st.floats(0.5, 10), st.floats(0, 1))
def test_adapted_shares_keep_their_sum_and_floor(mix, record, prior, least):
    """The shares add up to what they did, and none falls below the floor of what it was."""
    found = adapted(mix, record, prior=prior, floor=least)
    assert list(found) == list(mix)
    assert sum(found.values()) == pytest.approx(sum(mix.values()))
    assert all(found[name] >= least * share * (1 - 1e-9) for name, share in mix.items())


@given(MIXES, st.lists(st.integers(0, 20), min_size=6, max_size=6), st.integers(0, 3))
def test_equal_rates_leave_the_mix_as_it_is(mix, trials, accepted):
    """Where all do equally well, or nothing was accepted yet, no share changes."""
    record = {name: (10 * n, accepted * n) for name, n in zip(mix, trials, strict=False)}
    assert adapted(mix, record) == pytest.approx(mix)
    assert adapted(mix, {}) == pytest.approx(mix)


@given(MIXES.filter(lambda mix: len(mix) > 1), RECORDS)
def test_success_raises_a_share(mix, record):
    """One more acceptance among as many trials never lowers a strategy's share of the mix."""
    name = min(mix)
    scored, accepted = record.get(name, (0, 0))
    better = adapted(mix, record | {name: (scored + 1, accepted + 1)})
    worse = adapted(mix, record | {name: (scored + 1, accepted)})
    assert better[name] >= worse[name] - 1e-9


def test_shares_follow_the_posterior():
    """A share is multiplied by (accepted + prior) / (expected + prior), here without a floor."""
    found = adapted({"a": 1, "b": 2, "c": 0}, {"a": (8, 4), "b": (12, 1), "gone": (9, 9)}, floor=0)
    rate = 5 / 20
    a, b = (4 + 2) / (8 * rate + 2), 2 * (1 + 2) / (12 * rate + 2)
    assert found == pytest.approx({"a": 3 * a / (a + b), "b": 3 * b / (a + b), "c": 0.0})


@pytest.mark.parametrize("record", [{"a": (1, 2)}, {"a": (-1, -1)}])
def test_an_impossible_record_is_refused(record):
    """More acceptances than proposals are a mistake of the caller."""
    with pytest.raises(ValueError, match="strategy 'a'"):
        adapted({"a": 1}, record)
