"""Lists of words to work on: `word_sorting` and `last_letter_concatenation`.

With `split=length` the test part has one or two words more than any list to learn from, as where
verifiers were tested on both tasks (learning from 2 to 4 words, tested on 5 and 6).

Sources: word_sorting of BIG-Bench-Hard, Suzgun et al. 2022; last letters, Wei et al. 2022,
arXiv 2201.11903; both in Zhang et al. 2024, arXiv 2408.15240.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import distinct
from langnet.tasks.setting import PART, SPLIT_BY_LENGTH, Setting
from langnet.tasks.task import Task
from langnet.tasks.words import NOUNS

__all__ = ["LAST_LETTERS", "WORD_SORTING", "generate", "last_letters", "sorted_words"]

_FEWEST = 2
_SORT = "Sort the following words alphabetically: List: "
_CONCATENATE = "Put the last letters of these words together: "


def sorted_words(question: str) -> str:
    """The words after "List:" in the order of the alphabet.

    >>> sorted_words("Sort the following words alphabetically: List: pear fig apple")
    'apple fig pear'
    """
    return " ".join(sorted(_words(question)))


def last_letters(question: str) -> str:
    """The last letters of the words after the colon, one after the other.

    >>> last_letters("Put the last letters of these words together: pear fig apple")
    'rge'
    """
    return "".join(word[-1] for word in _words(question))


def generate(
    kind: str,
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    words: int = 4,
    split: str = "simple",
    part: str = "train",
) -> list[Example]:
    """Generates n distinct lists of words with what is to be made of them.

    Args:
        kind: "word_sorting" or "last_letter_concatenation".
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose texts must not come up.
        words: in a list, at most; at least there are two.
        split: simple, or length: the test part has one or two words more.
        part: train, dev or test.

    Raises:
        DataError: where no further list is found.
    """
    task, question, solve = _KINDS[kind]
    task = task.configured(words=words, split=split, part=part)
    longer = split == "length" and part == "test"
    least, most = (words + 1, words + 2) if longer else (_FEWEST, words)

    def draw(rng: Random) -> tuple[str, str]:
        chosen = rng.sample(NOUNS, rng.randint(least, most))
        # What is easiest to get wrong are words that begin alike.
        if rng.random() < 0.5:  # noqa: PLR2004
            alike = [word for word in NOUNS if word[0] == chosen[0][0] and word not in chosen]
            chosen[1] = rng.choice(alike or chosen[1:2])
        text = question + " ".join(chosen)
        return text, solve(text)

    return distinct(
        n,
        name=task.spec,
        input_name=task.input,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _words(question: str) -> list[str]:
    _, _, told = question.rpartition(": ")
    words = re.findall(r"\S+", told)
    if not words:
        raise DataError(f"there is no list of words in {question!r}")
    return words


def _task(name: str, description: str, summary: str, solve: Callable[[str], str]) -> Task:
    return Task(
        name,
        description,
        "text",
        (),
        summary=summary,
        settings={
            "words": Setting(4, "words in a list, at most", least=_FEWEST, most=50),
            "split": SPLIT_BY_LENGTH,
            "part": PART,
        },
        answer=solve,
        make=partial(generate, name),
    )


WORD_SORTING = _task(
    "word_sorting",
    "Sort the words in the order of the alphabet. Answer with the words alone, separated by "
    "spaces.",
    "Sort words in the order of the alphabet.",
    sorted_words,
)
"""The task of sorting."""

LAST_LETTERS = _task(
    "last_letter_concatenation",
    "Take the last letter of each word and put the letters together. Answer with the letters "
    "alone, without spaces.",
    "Put the last letters of words together.",
    last_letters,
)
"""The task of last letters."""

_KINDS = {
    task.name: (task, question, solve)
    for task, question, solve in (
        (WORD_SORTING, _SORT, sorted_words),
        (LAST_LETTERS, _CONCATENATE, last_letters),
    )
}
