"""Splits and batches: pure, deterministic, and fair to every example."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.data import Example, batch, data_hash, split
from langnet.errors import DataError
from langnet.key import Key

KEY = Key(("test", 7))


def some(n, classes=2):
    """N examples whose targets go round."""
    return [Example(f"e{i}", {"x": i}, {"answer": "abcdefg"[i % classes]}) for i in range(n)]


@settings(deadline=None)
@given(n=st.integers(1, 40), size=st.integers(1, 40), epoch=st.integers(0, 3))
def test_no_example_comes_twice_in_an_epoch(n, size, epoch):
    """An epoch's batches are whole and disjoint, and hold all that fits."""
    examples = some(n)
    if size > n:
        with pytest.raises(DataError, match="lower the batch size"):
            batch(examples, size, 0, KEY)
        return
    steps = range(epoch * (n // size), (epoch + 1) * (n // size))
    drawn = [example for step in steps for example in batch(examples, size, step, KEY)]
    assert len(drawn) == len(set(drawn)) == n // size * size


def test_a_batch_depends_on_its_step_alone():
    """A resumed run draws what it would have drawn, and epochs differ in their order."""
    examples = some(10)
    ahead = [batch(examples, 3, step, KEY) for step in range(9)]
    assert [batch(examples, 3, step, KEY) for step in reversed(range(9))] == ahead[::-1]
    assert len({tuple(drawn) for drawn in ahead}) > 6
    assert batch(examples, 3, 0, Key(("other",))) != ahead[0]


def test_every_example_gets_its_turn():
    """What an epoch leaves over differs from epoch to epoch."""
    examples = some(7)
    counts = Counter(example for step in range(200) for example in batch(examples, 5, step, KEY))
    assert set(counts) == set(examples)
    assert min(counts.values()) > 100


@settings(deadline=None)
@given(size=st.integers(1, 9), classes=st.integers(1, 4), step=st.integers(0, 20))
def test_balanced_batches_have_equal_shares(size, classes, step):
    """Each target has its share of a balanced batch, give or take one, and no example twice."""
    examples = some(5, 1) + some(60, classes)[5:]
    drawn = batch(examples, size, step, KEY, balance="answer")
    counts = Counter(example.targets["answer"] for example in drawn)
    shares = [counts["abcd"[index]] for index in range(classes)]
    assert sum(shares) == len(set(drawn)) == size
    assert max(shares) - min(shares) <= 1


def test_places_that_do_not_divide_evenly_go_round():
    """In the long run a balanced stream favours no target."""
    drawn = [e for step in range(30) for e in batch(some(60, 3), 4, step, KEY, balance="answer")]
    assert set(Counter(example.targets["answer"] for example in drawn).values()) == {40}


def test_balancing_needs_targets_and_enough_of_each():
    """A balanced batch says which example has no target and which target is too rare."""
    with pytest.raises(DataError, match="'e0' has no target of node 'thoughts'"):
        batch(some(4), 2, 0, KEY, balance="thoughts")
    with pytest.raises(DataError, match="no examples"):
        batch([], 2, 0, KEY, balance="answer")
    rare = [*some(9, 1), Example("r", {}, {"answer": "rare"})]
    with pytest.raises(DataError, match=r"needs 2 .*'rare'.* has 1; lower"):
        batch(rare, 4, 0, KEY, balance="answer")


@pytest.mark.parametrize(("size", "step"), [(0, 0), (1, -1)])
def test_size_and_step_have_bounds(size, step):
    """A batch has at least one example, and steps count from 0."""
    with pytest.raises(DataError, match="at least"):
        batch(some(3), size, step, KEY)


@settings(deadline=None)
@given(
    n=st.integers(0, 50),
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(),
    stratify=st.sampled_from([None, "answer"]),
)
def test_parts_do_not_overlap(n, weights, seed, stratify):
    """Fractions that sum to 1 use every example once; the same seed gives the same parts."""
    examples = some(n)
    if stratify and not n:
        return
    fractions = [weight / sum(weights) for weight in weights]
    parts = split(examples, fractions=fractions, seed=seed, stratify=stratify)
    assert sorted(e.id for part in parts for e in part) == sorted(e.id for e in examples)
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - n * fraction) < 1 + 1e-9
    assert parts == split(examples, fractions=fractions, seed=seed, stratify=stratify)


def test_sizes_are_exact():
    """Sizes are kept to; what is left over is in no part."""
    parts = split(some(10), sizes=(3, 0, 5), seed=1)
    assert [len(part) for part in parts] == [3, 0, 5]
    assert len({example for part in parts for example in part}) == 8
    assert split(some(10), sizes=(10,), seed=1) != split(some(10), sizes=(10,), seed=2)


def test_stratified_parts_have_the_shares_of_the_whole():
    """Each target's count in each part is within one of its share."""
    examples = [*some(90, 1), *(Example(f"r{i}", {}, {"answer": "rare"}) for i in range(10))]
    for part in split(examples, sizes=(20, 30, 50), seed=3, stratify="answer"):
        rare = sum(example.targets["answer"] == "rare" for example in part)
        assert abs(rare - len(part) / 10) <= 1


@given(
    counts=st.lists(st.integers(1, 5), max_size=12),
    shares=st.lists(st.integers(0, 15), min_size=1, max_size=3),
    seed=st.integers(),
)
def test_groups_stay_together(counts, shares, seed):
    """Parts hold whole groups, are no larger than asked, and the seed decides them."""
    examples = [
        Example(f"{group}:{number}", {"question": group}, {"answer": "a"})
        for group, count in enumerate(counts)
        for number in range(count)
    ]
    sizes = [min(share, len(examples) // len(shares)) for share in shares]
    parts = split(examples, sizes=sizes, seed=seed, group="question")
    for part, size in zip(parts, sizes, strict=True):
        assert len(part) <= size
        for group in {example.inputs["question"] for example in part}:
            assert sum(e.inputs["question"] == group for e in part) == counts[group]
    used = [example.id for part in parts for example in part]
    assert len(used) == len(set(used))
    assert split(examples, sizes=sizes, seed=seed, group="question") == parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either sizes"),
        ({"sizes": (1,), "group": "other"}, "no input 'other' to group by"),
        ({"sizes": (1,), "group": "x", "stratify": "answer"}, "either stratify or group"),
        ({"sizes": (1,), "fractions": (1.0,)}, "either sizes"),
        ({"sizes": (3, 3)}, "do not fit into 5"),
        ({"sizes": (-1, 3)}, "do not fit"),
        ({"fractions": (0.8, 0.3)}, "at most 1"),
        ({"fractions": (1.5, -0.5)}, "at most 1"),
        ({"sizes": (1,), "stratify": "other"}, "no target of node 'other'"),
    ],
)
def test_impossible_splits_are_refused(options, message):
    """A split that cannot be made as asked is an error."""
    with pytest.raises(DataError, match=message):
        split(some(5), seed=1, **options)


def test_the_hash_sees_every_change():
    """The digest depends on ids, inputs, targets and order, not on how mappings are ordered."""
    a, b = Example("a", {"x": "1", "y": "2"}, {"n": "t"}), Example("b", {"x": "1"})
    different = [
        [a, b],
        [b, a],
        [a],
        [],
        [Example("c", {"x": "1", "y": "2"}, {"n": "t"}), b],
        [Example("a", {"x": "1", "y": "3"}, {"n": "t"}), b],
        [Example("a", {"x": "1", "y": "2"}, {"n": "u"}), b],
    ]
    assert len({data_hash(examples) for examples in different}) == len(different)
    assert data_hash([Example("a", {"y": "2", "x": "1"}, {"n": "t"}), b]) == data_hash([a, b])
    assert data_hash([a, b]) == "e317fedf349641b1714872795fdc9dd4"  # as written by 0.1


def test_the_hash_refuses_what_it_cannot_write():
    """An input that JSON cannot hold is named with its example."""
    with pytest.raises(DataError, match=r"example 'a': .*keep to texts"):
        data_hash([Example("a", {"x": object()})])
