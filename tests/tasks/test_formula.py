"""Formulas and Boolean expressions against Python's own reading of the same texts."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks import boolean_expressions, formula
from langnet.tasks.propositional_logic import relation

NAMES = ("a", "b", "c", "d")
ROWS = tuple(product((True, False), repeat=6))
CONVERSE = {
    "forward entailment": "reverse entailment",
    "reverse entailment": "forward entailment",
}


def by_python(text, values):
    return bool(eval(text, {"__builtins__": {}}, dict(values)))  # noqa: S307 - made here


def rows(text):
    """The assignments of six variables under which Python finds the text true."""
    code = compile(text, "formula", "eval")
    return {row for row in ROWS if by_python(code, zip("abcdef", row, strict=True))}


def by_sets(first, second):
    """The relation by the definitions of MacCartney and Manning, as relations of sets."""
    one, other = rows(first), rows(second)
    meets, covers = bool(one & other), one | other == set(ROWS)
    if one == other:
        return "equivalence"
    if one < other:
        return "forward entailment"
    if one > other:
        return "reverse entailment"
    if not meets:
        return "negation" if covers else "alternation"
    return "cover" if covers else "independence"


@given(st.integers(), st.integers(0, 12))
def test_formulas_are_read_as_python_reads_them(seed, operators):
    """Written and parsed again, a formula is the same; its truth is Python's, in every row."""
    tree = formula.drawn(Random(seed), NAMES, operators)
    text = formula.written(tree)
    assert tree.operators == operators
    assert formula.parse(text) == tree
    for row in product((True, False), repeat=len(NAMES)):
        values = dict(zip(NAMES, row, strict=True))
        assert formula.truth(tree, values) == by_python(text, values)


@given(st.lists(st.sampled_from(["a", "b", "not", "and", "or", "(", ")"]), max_size=9))
def test_what_python_cannot_read_is_no_formula(words):
    """A text is a formula where Python takes it for an expression, and then means the same."""
    text = " ".join(words)
    values = {"a": True, "b": False}
    try:
        expected = by_python(text, values)
    except (SyntaxError, TypeError):
        with pytest.raises(DataError):
            formula.parse(text)
    else:
        # Python reads "()" as an empty tuple, which is no formula.
        if "( )" not in text:
            assert formula.truth(formula.parse(text), values) == expected


def test_precedence_by_hand():
    """Of the operators "not" binds closest, then "and", then "or"."""
    assert str(formula.parse("not a and b or c")) == "(or (and (not a) b) c)"
    assert str(formula.parse("a or b and not (c or d)")) == "(or a (and b (not (or c d))))"


@pytest.mark.parametrize("text", ["(" * 200 + "a" + ")" * 200, "not " * 200 + "a", "a ^ b", ""])
def test_hostile_formulas_are_refused(text):
    """Deep nesting and strange characters are faults of the text, not of the program."""
    with pytest.raises(DataError):
        formula.parse(text)


def test_boolean_expressions_mean_what_python_means():
    """Generated answers are Python's own."""
    examples = tasks.get("boolean_expressions", values=8).generate(300, seed=5)
    for example in examples:
        text = example.inputs["text"]
        assert text.endswith(" is")
        assert str(by_python(text.removesuffix(" is"), {})) == example.targets["answer"], text
        leaves = [node for node in boolean_expressions.parse(text).nodes() if not node.children]
        assert len(leaves) == 8


def test_relations_are_those_of_sets():
    """Generated relations hold by definition, and their converses between swapped formulas."""
    task = tasks.get("propositional_logic", operators=4)
    for example in task.generate(140, seed=6):
        first, second = (line.partition(": ")[2] for line in example.inputs["text"].splitlines())
        label = example.targets["answer"]
        assert by_sets(first, second) == label, example
        assert relation(f"First: {second}\nSecond: {first}") == CONVERSE.get(label, label)


def test_a_formula_that_is_always_true_has_no_relation():
    """Tautologies and contradictions are refused, as in the published data."""
    for text in ("First: (a or (not a))\nSecond: b", "First: b\nSecond: (a and (not a))"):
        with pytest.raises(DataError, match="always or never true"):
            relation(text)
    with pytest.raises(DataError, match="not two formulas"):
        relation("Formula: a")


def test_logic_by_length():
    """The longer formula of the test part has more operators than any that is learnt."""

    def longest(example):
        return max(side.operators for side in task.parse(example.inputs["text"]).children)

    task = tasks.get("propositional_logic:split=length,operators=4")
    data = task.splits(train=40, dev=10, test=40)
    assert max(map(longest, (*data.train, *data.dev))) == 4
    assert {longest(example) for example in data.test} == {5, 6, 7, 8}
