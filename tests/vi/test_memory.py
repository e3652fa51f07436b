"""Memory: the best sets of prompts, or those on the Pareto front."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from langnet import Key
from langnet.vi.memory import Remembered, known_prompts, parent_of, remember


def item(name, *values):
    return Remembered({"p": name}, sum(values) / len(values), values)


def remembered(items, size, which):
    memory = ()
    for one in items:
        memory = remember(memory, one, size=size, which=which)
    return [one.prompts["p"] for one in memory]


def test_best_keeps_the_best_means():
    """The paper's memory: the sets with the best validation, the best first, each once."""
    items = [item("a", 0, 0), item("b", 1, 1), item("c", 1, 0), item("b", 1, 1)]
    assert remembered(items, 2, "best") == ["b", "c"]
    assert remembered(items, 0, "best") == []


def test_pareto_keeps_specialists():
    """A set that alone is best on one example stays, though others have better means."""
    items = [item("all", 0.9, 0.9, 0.0), item("near", 0.8, 0.9, 0.0), item("odd", 0.0, 0.0, 1.0)]
    assert remembered(items, 2, "best") == ["all", "near"]
    assert remembered(items, 2, "pareto") == ["all", "odd"]


def test_parents_come_up_as_often_as_they_win():
    """A parent is drawn in proportion to the examples on which it is among the best."""
    memory = (item("most", 1, 1, 1, 0), item("some", 0, 0, 0, 1))
    counts = Counter(parent_of(memory, Key(("parent", n))).prompts["p"] for n in range(400))
    assert 260 < counts["most"] < 340
    assert parent_of((), Key()) is None


def test_known_prompts_hold_the_incumbent():
    """The incumbent is known even if it was never validated, at the worst known score."""
    memory = (item("good", 0.9), item("fair", 0.5))
    assert known_prompts("p", "new", memory) == (("good", 0.9), ("fair", 0.5), ("new", 0.5))
    assert known_prompts("p", "good", memory) == (("good", 0.9), ("fair", 0.5))
    assert known_prompts("p", "new", ()) == (("new", 0.0),)


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 3), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_nothing_remembered_is_beaten_everywhere(rows, size):
    """No set on the front is worse somewhere and better nowhere than another that was seen."""
    memory = ()
    for number, row in enumerate(rows):
        memory = remember(memory, item(f"{number}", *row), size=size, which="pareto")
    assert 1 <= len(memory) <= size
    assert [one.metric for one in memory] == sorted((m.metric for m in memory), reverse=True)
    for one in memory:
        for other in memory:
            pairs = list(zip(other.values, one.values, strict=True))
            assert not (all(a >= b for a, b in pairs) and any(a > b for a, b in pairs))
