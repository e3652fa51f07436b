"""Negation: twins, and nothing but the polarity that tells them apart."""

from __future__ import annotations

from collections import Counter

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks.negation import answer, is_negated, twin


def test_a_twin_has_the_other_answer():
    """The other polarity of a statement completes with the other kind, and its twin is itself."""
    for example in tasks.get("negation").generate(600, seed=1):
        text = example.inputs["text"]
        other = twin(text)
        assert answer(text) == example.targets["answer"]
        assert is_negated(text) != is_negated(other)
        assert twin(other) == text
        # Both kinds are offered, and each is the answer of one of the two.
        offered = {answer(text), answer(other)}
        assert len(offered) == 2
        assert all(kind in text for kind in offered)


def test_neither_place_nor_polarity_gives_the_answer_away():
    """Both polarities come as often, and the right kind as often first as second."""
    examples = tasks.get("negation").generate(2000, seed=2)
    denied = Counter(is_negated(example.inputs["text"]) for example in examples)
    first = Counter(
        (is_negated(text), text.index(right) < text.index(answer(twin(text))))
        for text, right in ((e.inputs["text"], e.targets["answer"]) for e in examples)
    )
    assert abs(denied[True] - 1000) < 100
    assert all(abs(count - 500) < 80 for count in first.values())
    assert len(first) == 4


@pytest.mark.parametrize("polarity", ["affirmative", "negated"])
def test_one_polarity_alone(polarity):
    """The setting leaves statements of one polarity."""
    for example in tasks.get("negation", polarity=polarity).generate(100, seed=3):
        assert is_negated(example.inputs["text"]) == (polarity == "negated")


@pytest.mark.parametrize(
    "text",
    [
        "A robin is a",
        "A bird or a fruit? A robot is a",
        "A fish or a fruit? A robin is a",
        "A bird or a fruit? A robin may be a",
    ],
)
def test_other_texts_are_refused(text):
    """A text that this task cannot have has no answer here."""
    with pytest.raises(DataError, match="no statement"):
        answer(text)
