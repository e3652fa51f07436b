"""Laws of the embedded model's parts that need no weights."""

from __future__ import annotations

import importlib.metadata
import math
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import CapabilityError
from langnet.lm.local import library
from langnet.lm.local.plan import Line, Segment, plan
from langnet.lm.local.prefixes import Held, Prefixes
from langnet.lm.local.sampling import next_token
from langnet.lm.local.work import Meter, Work

if TYPE_CHECKING:
    from langnet.lm.local.plan import Logits

LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40).map(
    lambda values: np.array(values, np.float32)
)
TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities in double precision."""
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    return weights / weights.sum()


@given(LOGITS, st.floats(0.1, 4))
def test_log_probabilities_are_those_of_a_softmax(logits: np.ndarray, temperature: float) -> None:
    """Without a nucleus, a token's log-probability is the log-softmax of its logit."""
    found = next_token(logits, temperature=temperature)
    expected = np.log(np.maximum(softmax(logits, temperature), 1e-300))
    assert [found.logprob(token) for token in range(len(logits))] == pytest.approx(
        expected.tolist(), abs=1e-3
    )


@given(LOGITS, st.floats(0.05, 0.99))
def test_the_nucleus_is_the_smallest_set_that_reaches_its_mass(
    logits: np.ndarray, top_p: float
) -> None:
    """The nucleus has the most probable tokens, reaches `top_p`, and does not without its last."""
    found = next_token(logits, top_p=top_p)
    assert found.nucleus is not None
    weights = np.exp(logits - logits.max())
    mass = float(weights.sum(dtype=np.float64)) * top_p
    inside, outside = weights[found.nucleus], weights[~found.nucleus]
    assert inside.min() >= outside.max(initial=0)
    assert float(inside.sum(dtype=np.float64)) >= mass * (1 - 1e-6)
    without_last = np.sort(inside)[1:].sum(dtype=np.float64)
    assert float(without_last) <= mass * (1 + 1e-6)


@given(LOGITS, st.floats(0.05, 1))
def test_probabilities_add_up_to_one(logits: np.ndarray, top_p: float) -> None:
    """The mass of all tokens is 1, and that of a set is the sum over its members."""
    found = next_token(logits, top_p=top_p)
    everything = np.arange(len(logits))
    assert found.log_mass(everything) == pytest.approx(0, abs=1e-5)
    some = everything[::2]
    total = sum(math.exp(found.logprob(int(token))) for token in some)
    assert math.exp(found.log_mass(some)) == pytest.approx(total, abs=1e-5)


@given(LOGITS, st.floats(0.05, 1), st.floats(0, 1, exclude_max=True))
def test_only_tokens_of_the_nucleus_are_drawn(
    logits: np.ndarray, top_p: float, uniform: float
) -> None:
    """Whatever the random number, the token that is drawn has a probability above 0."""
    found = next_token(logits, top_p=top_p)
    assert found.weights[found.draw(uniform)] > 0


def test_draws_invert_the_cumulative_distribution() -> None:
    """Over a fine grid of numbers, each token is drawn in proportion to its probability."""
    logits = np.log(np.array([0.5, 0.125, 0.25, 0.125], np.float32))
    found = next_token(logits)
    grid = (np.arange(800) + 0.5) / 800
    drawn = np.bincount([found.draw(point) for point in grid], minlength=4) / 800
    assert drawn.tolist() == pytest.approx([0.5, 0.125, 0.25, 0.125], abs=2e-3)


def test_a_large_vocabulary_has_the_same_nucleus() -> None:
    """The short cut for large vocabularies finds the tokens that sorting everything finds."""
    logits = np.random.default_rng(0).normal(size=5000).astype(np.float32) * 3
    for top_p in (0.3, 0.9, 0.999):
        found = next_token(logits, top_p=top_p)
        order = np.argsort(-found.scaled, kind="stable")
        cumulative = np.cumsum(np.exp(found.scaled[order]), dtype=np.float64)
        count = int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1
        assert found.nucleus is not None
        assert set(np.flatnonzero(found.nucleus)) == set(order[:count])


@given(st.lists(TOKENS, max_size=12), st.integers(1, 20))
def test_a_plan_computes_every_token_once_and_in_order(
    sequences: list[tuple[int, ...]], least: int
) -> None:
    """The segments of a line follow each other and cover it; each read happens exactly once."""
    heard: list[int] = []

    def read_for(index: int) -> object:
        def read(_logits: Logits) -> None:
            heard.append(index)

        return read

    lines = [
        Line(tokens, {len(tokens) - 1: [read_for(index)]}, None, lambda: False)
        for index, tokens in enumerate(sequences)
    ]
    reached = set()
    todo = [(segment, ()) for segment in plan(lines, least=least)]
    while todo:
        segment, before = todo.pop()
        assert segment.start < len(segment.tokens)
        assert segment.tokens[: segment.start] == before[: segment.start]
        assert len(before) >= segment.start
        for reads in segment.reads().values():
            for read in reads:
                read(None)
        for line, until in segment.lines:
            assert line.tokens[:until] == segment.tokens[:until]
            if until == len(line.tokens):
                reached.add(id(line))
        todo += [(child, segment.tokens) for child in segment.children]
    assert sorted(heard) == list(range(len(sequences)))
    assert reached == {id(line) for line in lines}


@given(st.lists(TOKENS, max_size=12), st.integers(1, 20), st.data())
def test_a_state_that_is_kept_ends_where_its_line_does(
    sequences: list[tuple[int, ...]], least: int, data: st.DataObject
) -> None:
    """Each line that wants the state after its tokens finds a segment that ends there, once."""
    kept: list[int] = []
    wanted = [data.draw(st.booleans()) for _ in sequences]
    lines = [
        Line(tokens, {}, partial(_append, kept, index) if want else None, lambda: False)
        for index, (tokens, want) in enumerate(zip(sequences, wanted, strict=True))
    ]
    todo = plan(lines, least=least)
    while todo:
        segment = todo.pop()
        for keep in segment.keeps():
            keep(held(*segment.tokens))
        todo += segment.children
    assert sorted(kept) == [index for index, want in enumerate(wanted) if want]


def _append(into: list[int], index: int, state: Held) -> None:
    into.append(index)


def tokens_of(segments: list[Segment]) -> list[tuple[int, int]]:
    """Where each segment starts and ends, and those that continue it."""
    found: list[tuple[int, int]] = []
    for segment in segments:
        found += [(segment.start, len(segment.tokens)), *tokens_of(segment.children)]
    return found


def test_a_plan_shares_what_is_worth_it() -> None:
    """A long common prefix is computed once, with a short rest of one line; a short one again."""
    shared = tuple(range(20))
    lines = [Line((*shared, 50, i), {21: []}, None, lambda: False) for i in range(4)]
    assert tokens_of(plan(lines, least=8)) == [(0, 22), (21, 22), (21, 22), (21, 22)]
    assert len(plan(lines, least=1000)) == 4


def test_a_line_that_begins_another_costs_nothing() -> None:
    """Of labels of one token and of two, the longer one's computation answers for both."""
    shared = tuple(range(20))
    lines = [Line((*shared, *rest), {19: []}, None, lambda: False) for rest in ((), (7,))]
    assert tokens_of(plan(lines, least=8)) == [(0, 21)]


def held(*tokens: int) -> Held:
    """A saved stream of 100 bytes."""
    return Held(np.array(tokens, np.int32), np.zeros(100, np.uint8))


def test_prefixes_keep_the_most_recently_used_within_their_room() -> None:
    """The longest match is found, and what was not used for longest goes first."""
    prefixes = Prefixes(250)
    prefixes.put(held(1, 2, 3))
    prefixes.put(held(7, 8))
    assert prefixes.longest(np.array([1, 2, 9], np.int32))[0] == 2
    prefixes.put(held(4, 5))
    assert prefixes.longest(np.array([7, 8], np.int32)) == (0, None)
    assert prefixes.longest(np.array([1, 2, 3, 4], np.int32))[0] == 3
    prefixes.put(held(1, 2, 3))  # again: it takes no more room
    assert prefixes.longest(np.array([4, 5], np.int32))[0] == 2


def test_work_between_two_snapshots_is_their_difference() -> None:
    """What is added after a snapshot is what a later one has more; a snapshot stays as it is."""
    meter, one = Meter(), Work(prefilled_tokens=3, requested_tokens=12, decode_calls=1)
    meter.add(one)
    before = meter.snapshot()
    more = Work(drawn_tokens=5, decode_calls=5, filler_tokens=5)
    meter.add(more)
    assert before == one
    assert meter.snapshot() - before == more
    assert meter.snapshot() == one + more
    assert one.prefilled_share == pytest.approx(0.25)
    assert more.prefilled_share is None


def test_another_release_of_the_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The structures belong to one release; another one is named, with the mend."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "1.2.3")
    with pytest.raises(CapabilityError, match=r"found 1\.2\.3.*langnet\[local\]"):
        library._library.__wrapped__()


def test_a_missing_engine_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional dependencies, the error says what to install."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(CapabilityError, match=r'pip install "langnet\[local\]"'):
        library._library.__wrapped__()


def test_windows_is_told_what_it_can_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine does not export its interface, the error says so."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(CapabilityError, match="Windows"):
        library._library.__wrapped__()


def test_a_layout_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults that do not stand where they should mean another layout."""
    pytest.importorskip("xllamacpp")
    monkeypatch.setitem(library._CONTEXT_DEFAULTS, "n_ubatch", 513)
    with pytest.raises(CapabilityError, match="n_ubatch is 512, not 513"):
        library._library.__wrapped__()
