"""Examples: values that do not change and say what is wrong with them."""

import pytest

from langnet.data import Example
from langnet.errors import DataError


def test_later_changes_do_not_reach_an_example():
    """An example keeps its own copy of the mappings that it is given."""
    inputs, targets = {"q": "x"}, {"answer": "y"}
    example = Example("a", inputs, targets)
    inputs["q"] = targets["answer"] = "changed"
    assert example == Example("a", {"q": "x"}, {"answer": "y"})


def test_equal_examples_have_one_hash():
    """Examples can be members of a set although their mappings cannot."""
    assert len({Example("a", {"q": "x"}), Example("a", {"q": "x"}), Example("b", {"q": "x"})}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", {}), "id must be a text"),
        ((7, {}), "id must be a text"),
        (("a", "text"), r"'a': inputs must map names .*'text'"),
        (("a", {"q": "x"}, "yes"), "targets must map"),
        (("a", {1: "x"}), "has 1 where a name belongs"),
        (("a", {}, {"answer": 4}), "write 'answer': '4'"),
        (("a", {}, {"answer": ""}), "is empty; leave the node out"),
    ],
)
def test_faults_name_the_example_and_the_mend(arguments, message):
    """What cannot serve as an example is refused when it is made."""
    with pytest.raises(DataError, match=message):
        Example(*arguments)
