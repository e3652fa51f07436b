"""ListOps against a brute force that knows nothing of trees."""

from __future__ import annotations

import re

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks.listops import answer, parse

INNERMOST = re.compile(r"\[(MIN|MAX|MED|SM)((?: \d)+) \]")


def reduced(text):
    """The value by replacing the innermost list by its value until a digit is left."""

    def value(match):
        values = sorted(int(digit) for digit in match[2].split())
        middle = len(values) // 2
        odd = len(values) % 2
        return str(
            {
                "MIN": values[0],
                "MAX": values[-1],
                "MED": values[middle] if odd else (values[middle - 1] + values[middle]) // 2,
                "SM": int(str(sum(values))[-1]),
            }[match[1]]
        )

    while "[" in text:
        text, count = INNERMOST.subn(value, text)
        assert count
    return text


@pytest.mark.parametrize("spec", ["listops", "listops:depth=5,arguments=6,length=60"])
def test_values_are_those_of_the_brute_force(spec):
    """Answers agree with reducing the text from the inside."""
    for example in tasks.get(spec).generate(200, seed=7):
        text = example.inputs["text"]
        assert reduced(text) == example.targets["answer"] == answer(text)


def test_settings_bound_the_texts():
    """Depth, arguments and length are held to, and all depths come up."""
    task = tasks.get("listops", depth=4, arguments=3, length=15)
    trees = [parse(example.inputs["text"]) for example in task.generate(300, seed=8)]
    assert {tree.depth for tree in trees} == {1, 2, 3, 4}
    assert max(sum(1 for _ in tree.nodes()) for tree in trees) <= 15
    arguments = {len(node.children) for tree in trees for node in tree.nodes() if node.children}
    assert arguments == {2, 3}


@pytest.mark.parametrize("split", ["depth", "length"])
def test_held_out_texts_are_deeper_or_longer(split):
    """The test part begins where what is learnt ends."""
    task = tasks.get("listops", split=split, depth=2, length=10)
    data = task.splits(train=60, dev=20, test=60)

    def size(example):
        tree = parse(example.inputs["text"])
        return tree.depth if split == "depth" else sum(1 for _ in tree.nodes())

    assert max(map(size, (*data.train, *data.dev))) == (2 if split == "depth" else 10)
    assert min(map(size, data.test)) == (3 if split == "depth" else 11)


def test_settings_that_leave_nothing_are_told():
    """A length that no expression of the depth can have is refused, not sought without end."""
    task = tasks.get("listops:depth=1,length=20,split=length")
    with pytest.raises(DataError, match="change depth, arguments or length"):
        task.splits(train=1, dev=1, test=1)


@pytest.mark.parametrize(
    "text", ["", "[MAX 1 2", "1 2", "[MAX ]", "] 1 [", "[SUM 1 2 ]", "[MAX 12 ]"]
)
def test_what_is_no_expression_is_refused(text):
    """Half an expression, two of them, and unknown operators are faults."""
    with pytest.raises(DataError):
        parse(text)
