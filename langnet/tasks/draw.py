"""What the generators share: balanced distinct examples, random order, and texts of a grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeVar

from langnet.data import Example
from langnet.errors import DataError
from langnet.key import Key

__all__ = ["Rules", "balanced", "distinct", "sentences", "shuffled"]

Rules = Mapping[str, Sequence[str]]
"""A context-free grammar: a symbol to what it may become, where `{symbol}` stands for another."""

T = TypeVar("T")

_FIELD = re.compile(r"\{(\w+)\}")
# By sound, not spelling: a unit, a one-way street, an hour.
_BEFORE_VOWEL = re.compile(
    r"\b([Aa]) (?=(?!one\b|once\b|eu|uni[^mn]|us[eu]|uti)[aeiou]|hour|honest|heir)"
)
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))([a-z])")
_ATTEMPTS = 1_000


def balanced(
    n: int,
    *,
    name: str,
    input_name: str,
    labels: Sequence[str],
    draw: Callable[[Random, str], str],
    seed: int,
    node: str,
    exclude: Iterable[Example],
) -> list[Example]:
    """Draws n distinct examples, of which each label has its share, give or take one.

    The first examples of a longer list are those of a shorter one from the same seed.

    Args:
        n: how many.
        name: of the task; begins each id.
        input_name: the input that holds the text.
        labels: the targets.
        draw: makes a text that has the given label.
        seed: of everything random.
        node: the node that the label observes.
        exclude: examples whose texts must not come up, such as those that were trained on.

    Raises:
        DataError: where n is negative or no further text is found.
    """
    order: list[str] = []

    def turn(rng: Random) -> Callable[[], tuple[str, str]]:
        if not order:
            order.extend(rng.sample(labels, len(labels)))
        label = order.pop()
        return lambda: (draw(rng, label), label)

    return _collected(n, name, input_name, turn, seed, node, exclude)


def distinct(
    n: int,
    *,
    name: str,
    input_name: str,
    draw: Callable[[Random], tuple[str, str]],
    seed: int,
    node: str,
    exclude: Iterable[Example],
) -> list[Example]:
    """Draws n distinct examples of a task without labels to balance.

    The first examples of a longer list are those of a shorter one from the same seed.

    Args:
        n: how many.
        name: of the task, with its settings; begins each id.
        input_name: the input that holds the text.
        draw: makes a text and its answer.
        seed: of everything random.
        node: the node that the answer observes.
        exclude: examples whose texts must not come up.

    Raises:
        DataError: where n is negative or no further text is found.
    """

    def turn(rng: Random) -> Callable[[], tuple[str, str]]:
        return lambda: draw(rng)

    return _collected(n, name, input_name, turn, seed, node, exclude)


def _collected(
    n: int,
    name: str,
    input_name: str,
    turn: Callable[[Random], Callable[[], tuple[str, str]]],
    seed: int,
    node: str,
    exclude: Iterable[Example],
) -> list[Example]:
    """Examples with new texts: each turn makes a draw that is repeated until its text is new."""
    if n < 0:
        raise DataError(f"n must be at least 0, not {n}")
    rng = Key(("task", name, seed)).rng()
    seen = {example.inputs.get(input_name) for example in exclude}
    examples: list[Example] = []
    while len(examples) < n:
        draw = turn(rng)
        found = next(
            (new for new in (draw() for _ in range(_ATTEMPTS)) if new[0] not in seen), None
        )
        if found is None:
            raise DataError(
                f"{name}: found only {len(examples)} new texts of {n}; ask for fewer, or exclude "
                "fewer"
            )
        text, answer = found
        seen.add(text)
        examples.append(
            Example(f"{name}-{seed}:{len(examples) + 1}", {input_name: text}, {node: answer})
        )
    return examples


def shuffled(pool: Sequence[T], rng: Random) -> Iterator[T]:
    """The pool in a random order, of which no more is decided than is taken."""
    rest = list(pool)
    for place in range(len(rest)):
        drawn = rng.randrange(place, len(rest))
        rest[place], rest[drawn] = rest[drawn], rest[place]
        yield rest[place]


def sentences(rules: Rules, symbol: str, rng: Random) -> str:
    """Expands a symbol to a text, with capitals at the start of sentences and "an" where due.

    Within one text a symbol takes a form that it has not had yet, as long as there is one.
    """
    used: set[tuple[str, str]] = set()

    def expand(symbol: str) -> str:
        forms = rules[symbol]
        form = rng.choice([form for form in forms if (symbol, form) not in used] or forms)
        used.add((symbol, form))
        return _FIELD.sub(lambda match: expand(match[1]), form)

    text = _BEFORE_VOWEL.sub(r"\1n ", expand(symbol))
    return _SENTENCE_START.sub(lambda match: match[1].upper(), text)
