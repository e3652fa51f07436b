"""Plates: values that are tuples, nested one level per axis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.plate import PlateError, at, indices, nested, reaches, replaced, spread


def plates(depth):
    """Values nested to a depth, ragged and empty ones among them."""
    shape = st.text(max_size=2)
    for _ in range(depth):
        shape = st.lists(shape, max_size=3).map(tuple)
    return shape


shaped = st.integers(0, 3).flatmap(lambda depth: st.tuples(plates(depth), st.just(depth)))


@given(shaped)
def test_reading_every_index_gives_the_value_back(case):
    """`nested` undoes `at`, for ragged and empty plates too."""
    value, depth = case
    found = {index: at(value, index) for index in indices(value, depth)}
    assert nested(value, depth, found) == value


@given(shaped)
def test_indices_come_in_order_and_once(case):
    """Indices are sorted and distinct, and all have one position per axis."""
    value, depth = case
    found = indices(value, depth)
    assert list(found) == sorted(set(found))
    assert all(len(index) == depth for index in found)


@given(shaped)
def test_replacing_changes_one_element(case):
    """After a replacement every other element is as it was."""
    value, depth = case
    for index in indices(value, depth):
        changed = replaced(value, index, "new")
        for other in indices(value, depth):
            assert at(changed, other) == ("new" if other == index else at(value, other))


@given(shaped, st.integers(0, 3))
def test_one_text_spreads_to_every_place(case, draws):
    """What is no sequence holds at every place, and the shape is the plate's."""
    like, depth = case
    value = spread("x", like, depth, draws)
    assert indices(value, depth + 1) == tuple(
        (*index, draw) for index in indices(like, depth) for draw in range(draws)
    )
    assert all(at(value, index) == "x" for index in indices(value, depth + 1))


@given(shaped)
def test_a_full_value_spreads_to_itself(case):
    """A value in the shape of the plate stays as it is."""
    value, depth = case
    assert spread(value, value, depth) == value


def test_lists_are_taken_as_tuples():
    """A sequence may come as a list, as from JSON."""
    assert spread([["a"], "b"], ("p", "q"), 1, 2 - 1) == (("a",), ("b",))


@pytest.mark.parametrize("value", [("a",), ("a", "b", "c"), [("a",), ("b", "c")]])
def test_a_sequence_of_the_wrong_length_is_refused(value):
    """The message says how many there are and how many are needed."""
    with pytest.raises(PlateError, match=r"\d values are given where the plate has \d"):
        spread(value, ("p", "q"), 1, 1)


def test_a_value_that_is_no_tuple_holds_for_every_element():
    """Reading below a text gives the text."""
    assert at("x", (1, 2)) == "x"


def test_an_index_may_lie_outside_a_plate():
    """Plates of two runs may differ in length; what is no tuple holds for every index."""
    assert reaches((("a",), ()), (0, 0))
    assert not reaches((("a",), ()), (1, 0))
    assert not reaches((), (0,))
    assert reaches("text", (3, 4))
