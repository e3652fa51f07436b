"""Statements with and without "not": which of two kinds completes them?

Each text offers two kinds of things, and what it says is true of one of them only: "A robin is a"
of the bird, "A robin is not a" of the other. Every statement has a twin with the other polarity,
whose answer is the other kind (`twin`). A model that passes over the negation completes both alike,
as those of the negated LAMA probe do: Kassner and Schütze 2020, arXiv 1911.03343; Hosseini et al.
2021, arXiv 2105.03519.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks.draw import balanced
from langnet.tasks.setting import Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "answer", "generate", "is_negated", "twin"]


def _things(text: str) -> tuple[str, ...]:
    return tuple(thing.strip() for thing in text.split(","))


_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bird": _things(
            "a robin, an eagle, a sparrow, a pigeon, an owl, a parrot, a penguin, a crow, a swan, "
            "a seagull, a duck, a woodpecker"
        ),
        "fish": _things(
            "a trout, a salmon, a cod, a herring, a carp, a sardine, a haddock, a mackerel, "
            "a tuna, a halibut, a goldfish, an anchovy"
        ),
        "fruit": _things(
            "an apple, a banana, a pear, a mango, a plum, a peach, a cherry, an apricot, a grape, "
            "a kiwi, a lemon, a strawberry"
        ),
        "tool": _things(
            "a hammer, a screwdriver, a saw, a wrench, a chisel, a drill, a shovel, a rake, an axe,"
            " a crowbar, a file, a spanner"
        ),
        "tree": _things(
            "an oak, a birch, a willow, a pine, a beech, a maple, an elm, a spruce, a poplar, "
            "a cedar, a redwood, a sycamore"
        ),
        "vehicle": _things(
            "a car, a bus, a lorry, a van, a tram, a bicycle, a motorcycle, a tractor, a taxi, "
            "a train, a scooter, an ambulance"
        ),
    }
)
_KIND_OF: Mapping[str, str] = MappingProxyType(
    {thing: kind for kind, things in _KINDS.items() for thing in things}
)
_FORMS: tuple[tuple[str, str], ...] = (
    ("is a", "is not a"),
    ("is certainly a", "is certainly not a"),
    ("must be a", "cannot be a"),
    ("is known to be a", "is known not to be a"),
    ("is what people call a", "is not what people call a"),
    ("counts as a", "does not count as a"),
    ("was always a", "was never a"),
)
"""How a statement is put, and how it is denied."""
_OFFERS = (
    "A {one} or a {other}?",
    "Which is it, a {one} or a {other}?",
    "Choose between {one} and {other}.",
    "There are two kinds here, {one} and {other}.",
    "The answer is either {one} or {other}.",
)
_TEXT = re.compile(
    "(?:"
    + "|".join(
        # Each offer has groups of its own, since a name may come once only.
        re.escape(offer)
        .replace(r"\{one\}", rf"(?P<one{number}>\w+)")
        .replace(r"\{other\}", rf"(?P<other{number}>\w+)")
        for number, offer in enumerate(_OFFERS)
    )
    + r") (?P<thing>An? \w+) (?P<form>.+)"
)


def answer(text: str) -> str:
    """Which of the two kinds completes the statement.

    >>> answer("A bird or a fruit? A robin is not a")
    'fruit'
    """
    kinds, thing, form = _read(text)
    kind = _KIND_OF[thing]
    other = next(one for one in kinds if one != kind)
    return other if _is_denial(form) else kind


def is_negated(text: str) -> bool:
    """Whether the statement is denied."""
    return _is_denial(_read(text)[2])


def twin(text: str) -> str:
    """The same statement with the other polarity, whose answer is the other kind.

    >>> twin("A bird or a fruit? A robin is not a")
    'A bird or a fruit? A robin is a'
    """
    _, _, form = _read(text)
    pair = next(pair for pair in _FORMS if form in pair)
    return text.removesuffix(form) + pair[not _is_denial(form)]


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    polarity: str = "both",
) -> list[Example]:
    """Generates n distinct statements, every kind equally often the answer.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the kind observes.
        exclude: examples whose texts must not come up.
        polarity: affirmative, negated, or both, which come at random.

    Raises:
        DataError: where no further text is found.
    """
    task = TASK.configured(polarity=polarity)

    def draw(rng: Random, label: str) -> str:
        other = rng.choice([kind for kind in _KINDS if kind != label])
        denied = rng.random() < 0.5 if polarity == "both" else polarity == "negated"  # noqa: PLR2004 - a fair coin
        thing = rng.choice(_KINDS[other if denied else label])
        one, two = rng.sample((label, other), 2)
        offer = rng.choice(_OFFERS).format(one=one, other=two)
        return f"{offer} {thing[0].upper()}{thing[1:]} {rng.choice(_FORMS)[denied]}"

    return balanced(
        n,
        name=task.spec,
        input_name=task.input,
        labels=task.labels,
        draw=draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _read(text: str) -> tuple[tuple[str, str], str, str]:
    """The two kinds, the thing and the form of a statement.

    Raises:
        DataError: where the text is none.
    """
    match = _TEXT.fullmatch(text)
    if match is not None:
        one, other = (
            found for name, found in match.groupdict().items() if found and name[0] == "o"
        )
        thing = match["thing"][0].lower() + match["thing"][1:]
        forms = {form for pair in _FORMS for form in pair}
        if thing in _KIND_OF and match["form"] in forms and _KIND_OF[thing] in {one, other} - {""}:
            return (one, other), thing, match["form"]
    raise DataError(
        f"{text!r} is no statement of this task, such as 'A bird or a fruit? A robin is a'"
    )


def _is_denial(form: str) -> bool:
    return any(form == denial for _, denial in _FORMS)


TASK = Task(
    "negation",
    "Say which of the two kinds completes the statement, so that it is true.",
    "text",
    tuple(_KINDS),
    summary="Complete statements with and without a negation.",
    prompts={"attentive": "Mind the word not: a statement that is denied is true of the other."},
    settings={
        "polarity": Setting(
            "both", "which statements there are", ("both", "affirmative", "negated")
        )
    },
    answer=answer,
    make=generate,
)
"""The task."""
