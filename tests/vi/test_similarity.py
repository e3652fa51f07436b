"""Similarity: the nearest texts come first."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.vi.similarity import nearest

TEXTS = [
    "The acting was superb and the story moved me. Answer:",
    "What is the capital of France? Answer:",
    "A dull film with wooden acting. Answer:",
    "Which river flows through Paris? Answer:",
    "The moon orbits the earth. Answer:",
]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Name the capitals of Europe. Answer:", 1),
        ("A superb story. Answer:", 0),
        ("wooden dialogue, dull plot. Answer:", 2),
        ("PARIS rivers Answer:", 3),
    ],
)
def test_the_nearest_is_found(query, wanted):
    """Rare words that texts share decide, inflected ones too; a template's words do not."""
    assert nearest(query, TEXTS)[0] == wanted


WORD_SETS = st.lists(
    st.sets(st.sampled_from(["a", "b", "ab", "abc", "bc", "cab"]), min_size=1),
    min_size=1,
    max_size=6,
)


@given(WORD_SETS, st.data())
def test_nothing_is_nearer_than_the_text_itself(word_sets, data):
    """Every text is ranked once, and one with the query's words comes before all others."""
    wanted = data.draw(st.sampled_from(word_sets))
    texts = [" ".join(data.draw(st.permutations(sorted(words)))) for words in word_sets]
    order = nearest(" ".join(sorted(wanted)), [*texts, "xyz"])  # so that every word has weight
    assert sorted(order) == list(range(len(texts) + 1))
    assert set(texts[order[0]].split()) == wanted


def test_equals_keep_their_order():
    """Texts that have nothing in common with the query stay as they were."""
    assert nearest("zebra", ["one", "two", "three"]) == [0, 1, 2]
    assert nearest("", []) == []


def test_cosine_by_hand():
    """The order is that of cosines of TF-IDF vectors worked out by hand."""
    # Words of one letter have one three, " a", which doubles every term: cosines are as of words.
    query, texts = "a b", ["a c", "b b d"]
    n = 3

    def idf(df):
        return math.log((1 + n) / (1 + df))

    shared, single = idf(2), idf(1)
    unit = math.hypot(shared, shared)
    first = shared * shared / (unit * math.hypot(shared, single))
    twice = (1 + math.log(2)) * shared
    second = shared * twice / (unit * math.hypot(twice, single))
    assert second > first
    assert nearest(query, texts) == [1, 0]
