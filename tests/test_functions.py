"""The library of functions for function nodes."""

from __future__ import annotations

import dataclasses
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import GraphError
from langnet.functions import either, few_shot, first, join, majority, only_if, split_lines
from langnet.graph import Graph
from langnet.graph_file import load, save
from langnet.node import Function, Input, Node

ALL = [
    majority("a"),
    join("a", ", ", numbered=True),
    few_shot("a", "{q} {r}", 2),
    first("a"),
    split_lines("a"),
]


@pytest.mark.parametrize("function", ALL)
def test_the_parent_is_the_only_parameter(function):
    """The name that a function is made with is its edge."""
    assert [*inspect.signature(function).parameters] == ["a"]
    assert Function("f", function).parents == ("a",)


@pytest.mark.parametrize("function", ALL)
def test_functions_made_alike_are_equal(function):
    """Equal settings make equal functions and graphs, after pickling too."""
    again = pickle.loads(pickle.dumps(function))  # noqa: S301 - made here
    assert again == function
    assert hash(again) == hash(function)
    assert inspect.signature(again) == inspect.signature(function)
    source = Input("a", plural=True)
    assert Graph(source, Function("f", function)) == Graph(source, Function("f", again))
    assert function != dataclasses.replace(function, parent="b")


@given(st.lists(st.sampled_from("abc"), min_size=1).map(tuple))
def test_majority_is_the_most_common_and_the_first_of_several(values):
    """No element is more common, and none as common appears earlier."""
    winner = majority("a")(a=values)
    most = max(values.count(value) for value in values)
    assert winner == next(value for value in values if values.count(value) == most)


def test_majority_compares_elements_as_they_are():
    """Nothing is normalised: case and white space tell elements apart."""
    assert majority("a")(a=("yes", "Yes", " yes", "Yes")) == "Yes"


@given(
    st.lists(st.fixed_dictionaries({"q": st.text(), "r": st.text()})).map(tuple),
    st.none() | st.integers(0, 5),
)
def test_few_shots_are_the_first_examples(elements, most):
    """Each is rendered literally and ends with the separator; none leaves no trace."""
    shown = few_shot("a", "Q: {q}\n{{R}}: {r}", most, end="\n--\n")(a=elements)
    assert shown == "".join(f"Q: {e['q']}\n{{R}}: {e['r']}\n--\n" for e in elements[:most])


def test_what_few_shots_cannot_show_is_named():
    """A field that the examples lack, and a template that cannot be read, are told of."""
    with pytest.raises(GraphError, match="shows 'z', but an element of 'a' has q, r"):
        few_shot("a", "{z}")(a=({"q": "1", "r": "2"},))
    with pytest.raises(GraphError, match=r"few_shot.*lone \{"):
        few_shot("a", "{")
    with pytest.raises(GraphError, match="needs a plural parent"):
        few_shot("a", "{q}")(a="text")


def test_nested_plates_count_as_one_sequence():
    """Elements of nested tuples are taken in order."""
    nested = (("x", "y"), ("y",))
    assert majority("a")(a=nested) == "y"
    assert join("a", "-")(a=nested) == "x-y-y"
    assert first("a")(a=nested) == "x"


def test_join_numbers_from_one():
    """Numbered elements begin with 1; without, only the separator is added."""
    assert join("a", numbered=True)(a=("x", "y")) == "1. x\n2. y"
    assert join("a")(a=(1, "y")) == "1\ny"


def test_nothing_gives_the_empty_text():
    """An empty plate, such as the lines of an empty text, is no failure."""
    assert [function(a=()) for function in (majority("a"), join("a"), first("a"))] == ["", "", ""]


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)))
def test_split_lines_undoes_join(lines):
    """Lines without white space come back from their joined text."""
    assert split_lines("a")(a=join("a")(a=tuple(lines))) == tuple(lines)


def test_split_lines_leaves_blank_lines_out():
    """Lines are stripped, and blank ones dropped."""
    assert split_lines("a")(a=" one \n\n\ttwo\r\n ") == ("one", "two")


def test_a_single_text_is_no_plate():
    """A text given for a plural parent is an error, and is not taken apart into letters."""
    with pytest.raises(GraphError, match="needs a plural parent, but 'a' is a str; give it draws"):
        majority("a")(a="yes")


@pytest.mark.parametrize("make", [lambda: first("a b"), lambda: first("class")])
def test_a_parent_must_be_a_parameter_name(make):
    """What cannot name a parameter cannot be read."""
    with pytest.raises(GraphError, match="first cannot read a parent"):
        make()


def test_settings_are_checked():
    """A setting of the wrong type, as from a file, is named."""
    with pytest.raises(GraphError, match="separator of join must be str, not 5"):
        join("a", 5)


def test_a_branch_that_is_not_taken_is_an_empty_plate():
    """A value passes where the decision is for it; what comes from an empty plate does not."""
    hard = only_if("question", "route", ("hard", "harder"))
    assert hard(question="q", route="hard") == ("q",)
    assert hard(question="q", route="easy") == ()
    assert hard(question=(), route="hard") == ()
    assert hard(question=("q",), route=()) == ()
    assert Function("hard", hard, plural=True).parents == ("question", "route")


def test_either_takes_the_first_branch_that_has_something():
    """Branches are looked at in their order; the last element of a branch is its outcome."""
    merge = either("late", "early")
    assert merge(late=("b", "c"), early=("a",)) == "c"
    assert merge(late=(), early="a") == "a"
    assert merge(late=(), early=()) == ""
    assert Function("f", merge).parents == ("late", "early")


def test_branches_can_be_saved(tmp_path):
    """A graph with branches is the same after it was written to a file and read."""
    graph = Graph(
        Input("question"),
        Node("route", "{prompt}{question}\nRoute:", choices=("hard", "easy")),
        Function("hard", only_if("question", "route", "hard"), plural=True),
        Node("long", "{prompt}\n{hard}", over="hard"),
        Function("answer", either("long", "route")),
    )
    save(graph, tmp_path / "graph.yaml")
    assert load(tmp_path / "graph.yaml") == graph


@pytest.mark.parametrize(
    "make",
    [
        lambda: only_if("a", "b", 1),
        lambda: only_if("a", "a", "x"),
        either,
        lambda: either("no name"),
    ],
)
def test_branches_that_cannot_be(make):
    """Settings that make no branch are refused when the function is made."""
    with pytest.raises(GraphError):
        make()
