"""Word lists, and the tasks that are made of them."""

from __future__ import annotations

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks import hyperbaton
from langnet.tasks.listing import last_letters, sorted_words
from langnet.tasks.words import ADJECTIVES, NOUNS, THINGS


def test_no_word_comes_twice():
    """A word has one class, and a list each word once, in its order."""
    adjectives = [word for words in ADJECTIVES.values() for word in words]
    assert len(adjectives) == len(set(adjectives))
    assert len(NOUNS) == len(set(NOUNS)) > 400
    assert list(NOUNS) == sorted(NOUNS)
    assert not set(adjectives) & set(THINGS)


def test_the_wrong_sentence_has_the_same_words():
    """Both options have the same words, in another order, and just one is in order."""
    for example in tasks.get("hyperbaton", adjectives=8).generate(200, seed=15):
        _, _, first, second = example.inputs["text"].split("\n")
        assert sorted(first[4:].split()) == sorted(second[4:].split())
        assert hyperbaton.in_order(first[4:]) != hyperbaton.in_order(second[4:])
        assert first[4:].split()[-1] == second[4:].split()[-1]


def test_adjectives_of_one_class_may_stand_in_any_order():
    """The rule is about classes."""
    assert hyperbaton.in_order("big huge old cat")
    assert hyperbaton.in_order("huge big old cat")
    with pytest.raises(DataError, match="no adjective 'fluffy'"):
        hyperbaton.in_order("fluffy old cat")
    with pytest.raises(DataError, match="2 options"):
        hyperbaton.answer("Options:\n(A) big old cat\n(B) big old cat")


@pytest.mark.parametrize("name", ["word_sorting", "last_letter_concatenation"])
def test_held_out_lists_are_longer(name):
    """Two to four words are learnt from, five and six held out, as with the verifiers' authors."""
    data = tasks.get(name, split="length").splits(train=60, dev=20, test=60)

    def count(example):
        return len(example.inputs["text"].rpartition(": ")[2].split())

    assert {count(example) for example in (*data.train, *data.dev)} == {2, 3, 4}
    assert {count(example) for example in data.test} == {5, 6}
    for example in data.test:
        words = example.inputs["text"].rpartition(": ")[2].split()
        assert len(set(words)) == len(words)


def test_lists_by_hand():
    """Small lists that can be checked by eye."""
    assert sorted_words("List: b ab aa a") == "a aa ab b"
    assert last_letters("Words: pear fig") == "rg"
    with pytest.raises(DataError, match="no list of words"):
        sorted_words("Sort this: ")
