"""Countdown: the verifier, the parser under it, and puzzles that can all be solved."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks import expression
from langnet.tasks.countdown import answer, verify


class Exact:
    """A number whose arithmetic Python does exactly, so that eval can be the judge."""

    def __init__(self, value):
        self.value = Fraction(value)

    def __add__(self, other):
        return Exact(self.value + other.value)

    def __sub__(self, other):
        return Exact(self.value - other.value)

    def __mul__(self, other):
        return Exact(self.value * other.value)

    def __truediv__(self, other):
        return Exact(self.value / other.value)

    def __neg__(self):
        return Exact(-self.value)


@given(
    st.lists(
        st.sampled_from(["N", "N", "N", "+", "-", "*", "/", "(", ")"]), min_size=1, max_size=11
    ),
    st.randoms(use_true_random=False),
)
def test_expressions_are_read_as_python_reads_them(words, rng):
    """A text is an expression where Python takes it for one, and has the same exact value."""
    told = [str(rng.randrange(10)) if word == "N" else word for word in words]
    code = " ".join(f"Exact({word})" if word.isdigit() else word for word in told)
    text = " ".join(told)
    try:
        expected = eval(code, {"Exact": Exact}).value  # noqa: S307 - made here
    except (SyntaxError, TypeError, AttributeError, ZeroDivisionError):
        with pytest.raises(DataError):
            expression.value(expression.parse(text))
    else:
        assert expression.value(expression.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "9 ** 9 ** 9",
        "9" * 400,
        "(" * 200 + "1" + ")" * 200,
        "-" * 300 + "1",
        "1 +" * 300 + "1",
        "1; 2",
        "٣ + 1",
        "",
    ],
)
def test_hostile_texts_are_no_expressions(text):
    """What is long, deep or no arithmetic is refused, and nothing is run."""
    with pytest.raises(DataError):
        expression.parse(text)
    assert float(verify(text, "1 + 1")) == 0


@pytest.mark.parametrize(
    "prediction",
    [
        "(3 + 7) * 2",
        "2*(7+3)",
        "2 × (7 + 3) = 20",
        "Answer: (3 + 7) * 2 = 20.",
        "I add first.\n3 + 7 = 10\n\nThe answer is **(3 + 7) * 2**\n",
        "`2 * [3 + 7]`",
        "[3 + 7] * 2",
        "20 = (3 + 7) * 2",
        "(3 + 7) * 2 = 10 * 2 = 20",
    ],
)
def test_any_right_sum_counts(prediction):
    """Another order, other signs and what stands around a sum do not matter."""
    assert float(verify(prediction, "(3 + 7) * 2")) == 1


@pytest.mark.parametrize(
    ("prediction", "feedback"),
    [
        ("3 + 7 * 2", "comes to 17, not to 20"),
        ("3 * 2 + 7 * 2", "uses the numbers 2, 2, 3, 7, where it should use 2, 3, 7, each once"),
        ("10 * 2", "uses the numbers 2, 10, where it should use 2, 3, 7, each once"),
        ("20", "uses the numbers 20"),
        ("(3 + 7 * 2", "no sum: a bracket is not closed"),
        ("3 / (7 - 7) * 2", "divides by zero"),
        ("I do not know", "no sum"),
        ("", "no sum"),
    ],
)
def test_feedback_says_what_is_wrong(prediction, feedback):
    """A wrong answer is worth nothing, and the feedback says why."""
    mark = verify(prediction, "(3 + 7) * 2")
    assert float(mark) == 0
    assert feedback in mark.feedback


def test_puzzles_hold_what_their_settings_say():
    """Solutions use the numbers of the text, each once, and come to its goal."""
    task = tasks.get("countdown", numbers=5, largest=12, goal=50)
    for example in task.generate(200, seed=9):
        text = example.inputs["text"]
        told = [int(word.strip(",.")) for word in text.split() if word.strip(",.").isdigit()]
        tree = expression.parse(example.targets["answer"])
        assert expression.numbers(tree) == sorted(told[:-1])
        assert expression.value(tree) == told[-1]
        assert len(told) == 6
        assert max(told[:-1]) <= 12
        assert told[-1] <= 50


def test_the_solver_finds_no_solution_where_there_is_none():
    """Trying all sums ends, and says so."""
    with pytest.raises(DataError, match="no solution"):
        answer("Use each of the numbers 1, 1 and 1 exactly once to make 50.")
    with pytest.raises(DataError, match="no puzzle"):
        answer("Make 50.")


def test_fractions_on_the_way_are_allowed():
    """8 / (3 - 8 / 3) is 24, which needs exact fractions."""
    found = answer("Use each of the numbers 3, 3, 8 and 8 exactly once to make 24.")
    assert float(verify(found, "8 / (3 - 8 / 3)")) == 1


def test_a_wrong_number_is_never_right():
    """Whatever one number of a right sum is changed to, the sum does not count."""
    rng = Random(10)
    for example in tasks.get("countdown").generate(30, seed=11):
        target = example.targets["answer"]
        words = target.replace("(", "( ").replace(")", " )").split()
        place = rng.choice([index for index, word in enumerate(words) if word.isdigit()])
        words[place] = str(int(words[place]) + 1)
        assert float(verify(" ".join(words), target)) == 0
