"""Sums with worked steps: right ones, and wrong ones by a known share."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks.arithmetic import answer, problem, worked
from langnet.tasks.arithmetic_check import corrupted, mistakes


@given(st.integers(), st.integers(1, 10), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 1.0]))
def test_as_many_steps_are_wrong_as_was_asked(seed, steps, fraction):
    """The share of wrong steps is the one that was asked for, rounded up; the rest are right."""
    rng = Random(seed)
    text, result = problem(rng, steps, 20)
    assert answer(text) == str(result)
    assert mistakes(text, worked(text)) == (False,) * steps
    assert worked(text).rpartition(" = ")[2] == str(result)
    wrong = corrupted(text, fraction, rng)
    assert sum(mistakes(text, wrong)) == math.ceil(round(fraction * steps, 9))


def test_a_step_that_starts_elsewhere_is_wrong():
    """A line is judged against the problem and the line before, not by its own sum alone."""
    text = "Start with 7. Add 5. Multiply by 3. What is the result?"
    assert mistakes(text, "7 + 5 = 12\n12 * 3 = 36") == (False, False)
    assert mistakes(text, "7 + 5 = 13\n13 * 3 = 39") == (True, False)
    assert mistakes(text, "7 + 5 = 12\n11 * 3 = 33") == (False, True)
    assert mistakes(text, "7 + 6 = 13\n13 * 3 = 39") == (True, False)
    with pytest.raises(DataError, match="2 steps, and 1 are worked"):
        mistakes(text, "7 + 5 = 12")
    with pytest.raises(DataError, match="no step such as"):
        mistakes(text, "7 + 5 = 12\nthat makes 36")
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        corrupted(text, 1.5, Random(1))


def test_a_trace_can_be_observed():
    """The setting `trace` gives a hidden node its right steps, and changes nothing else."""
    plain = tasks.get("arithmetic").generate(20, seed=12)
    traced = tasks.get("arithmetic", trace="thoughts").generate(20, seed=12)
    for example in traced:
        assert list(example.targets) == ["thoughts", "answer"]
        assert not any(mistakes(example.inputs["text"], example.targets["thoughts"]))
        assert example.targets["thoughts"].endswith(f"= {example.targets['answer']}")
    assert all(list(example.targets) == ["answer"] for example in plain)


def test_numbers_are_compared_as_numbers():
    """An answer in a sentence counts."""
    assert tasks.get("arithmetic").metric("The result is -12.", "-12") == 1


def test_both_verdicts_come_with_as_many_steps():
    """Neither the length nor the problem gives the verdict away."""
    steps = {"Yes": [], "No": []}
    for example in tasks.get("arithmetic_check").generate(600, seed=13):
        steps[example.targets["answer"]].append(example.inputs["text"].count(" = "))
    means = [sum(counts) / len(counts) for counts in steps.values()]
    assert abs(means[0] - means[1]) < 0.2
