"""Similarity of texts: the cosine of their TF-IDF vectors, of words and letters in threes.

The terms are weighted as usual, (1 + log tf) · log((1 + n) / (1 + df)) (Salton and Buckley 1988).
So what all texts share, such as a template's own words, has no weight.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["nearest"]

_WORD = re.compile(r"\w+")


def nearest(query: str, texts: Sequence[str]) -> list[int]:
    """The positions of the texts, the most similar to the query first; equals keep their order.

    >>> nearest("the cat sat", ["dogs bark", "a cat sits", "fish swim"])
    [1, 0, 2]
    """
    counts = [_terms(text) for text in (query, *texts)]
    found = Counter(term for terms in counts for term in terms)
    weights = {term: math.log((1 + len(counts)) / (1 + df)) for term, df in found.items()}
    wanted, *others = (_unit(terms, weights) for terms in counts)
    # A text without a term of the query is as far as can be; fsum keeps equals equal.
    cosines = [
        math.fsum(value * other[term] for term, value in wanted.items() if term in other)
        for other in others
    ]
    return sorted(range(len(texts)), key=lambda position: -cosines[position])


def _terms(text: str) -> Counter[str]:
    """Words, and the letters of each word in threes, told apart by a blank in front."""
    words = _WORD.findall(text.casefold())
    threes = (f" {word}"[i : i + 3] for word in words for i in range(max(1, len(word) - 1)))
    return Counter(words) + Counter(f"\n{three}" for three in threes)


def _unit(terms: Counter[str], weights: dict[str, float]) -> dict[str, float]:
    """The vector of a text with length 1, or 0 where no term has weight."""
    vector = {term: (1 + math.log(tf)) * weights[term] for term, tf in terms.items()}
    length = math.sqrt(math.fsum(value * value for value in vector.values())) or 1.0
    return {term: value / length for term, value in vector.items()}
