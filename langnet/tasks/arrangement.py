"""Scenes with objects in a row, and the sentences that say where each of them is.

A place is a number from 0: the leftmost, the cheapest, the oldest, the first. What a sentence says
is a condition on the places of the objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from types import MappingProxyType

from langnet.errors import DataError

__all__ = ["NUMBERS", "SCENES", "Condition", "Scene", "condition", "orders"]

NUMBERS: Mapping[int, str] = MappingProxyType({3: "three", 5: "five", 7: "seven"})
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")

Condition = Callable[[Mapping[str, int]], bool]
"""Whether places, by object, are as a sentence says."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of row.

    Attributes:
        intro: begins the text; `{number}` objects.
        article: stands before an object's name, or is empty.
        objects: what may stand in the row.
        before: says that one object has a lower place than another.
        after: says that it has a higher one.
        ends: what is said of the lowest and of the highest place.
        from_low: says how far from the lowest place, with `{ordinal}`.
        from_high: says how far from the highest place.
    """

    intro: str
    article: str
    objects: tuple[str, ...]
    before: str
    after: str
    ends: tuple[str, str]
    from_low: str
    from_high: str

    def told(self, name: str, *, capital: bool = False) -> str:
        """The object as a sentence names it."""
        article = self.article and ("The " if capital else "the ")
        return article + name

    def says(self, place: int, count: int) -> str:
        """What is said of the object at a place, from the nearer end."""
        if place == 0:
            return self.ends[0]
        if place == count - 1:
            return self.ends[1]
        if 2 * place <= count - 1:
            return self.from_low.format(ordinal=_ORDINALS[place])
        return self.from_high.format(ordinal=_ORDINALS[count - 1 - place])


SCENES: tuple[Scene, ...] = (
    Scene(
        "On a branch, there are {number} birds",
        "a",
        ("blackbird", "crow", "cuckoo", "dove", "finch", "heron", "magpie", "starling", "wren"),
        "is to the left of",
        "is to the right of",
        ("is the leftmost", "is the rightmost"),
        "is the {ordinal} from the left",
        "is the {ordinal} from the right",
    ),
    Scene(
        "On a shelf, there are {number} books",
        "a",
        tuple(
            f"{colour} book"
            for colour in ("red", "blue", "green", "white", "black", "brown", "grey", "pink")
        ),
        "is to the left of",
        "is to the right of",
        ("is the leftmost", "is the rightmost"),
        "is the {ordinal} from the left",
        "is the {ordinal} from the right",
    ),
    Scene(
        "A fruit stand sells {number} fruits",
        "",
        ("cherries", "figs", "grapes", "lemons", "melons", "pears", "plums", "quinces", "apricots"),
        "are less expensive than",
        "are more expensive than",
        ("are the cheapest", "are the most expensive"),
        "are the {ordinal}-cheapest",
        "are the {ordinal}-most expensive",
    ),
    Scene(
        "In an antique car show, there are {number} vehicles",
        "a",
        ("bus", "coupe", "hatchback", "lorry", "minivan", "roadster", "sedan", "tractor", "wagon"),
        "is older than",
        "is newer than",
        ("is the oldest", "is the newest"),
        "is the {ordinal}-oldest",
        "is the {ordinal}-newest",
    ),
    Scene(
        "In a golf tournament, there were {number} golfers",
        "",
        ("Bea", "Carl", "Dora", "Emil", "Fay", "Gus", "Hana", "Igor", "June", "Kofi"),
        "finished above",
        "finished below",
        ("finished first", "finished last"),
        "finished {ordinal}",
        "finished {ordinal}-to-last",
    ),
)

_AFTER = re.compile(
    r"(?:is to the right of|(?:is|are) (?:more expensive|newer) than|finished below)"
)
_BEFORE = re.compile(
    r"(?:is to the left of|(?:is|are) (?:less expensive|cheaper|older) than|finished above)"
)
_ENDS = re.compile(
    r"(?:(?:is|are) the (?P<low>leftmost|cheapest|least expensive|oldest)"
    r"|(?:is|are) the (?P<high>rightmost|most expensive|newest)"
    r"|finished (?P<last>last)"
    rf"|finished (?P<back>{'|'.join(_ORDINALS)})-to-last"
    rf"|finished (?P<rank>{'|'.join(_ORDINALS)})"
    rf"|(?:is|are) the (?P<ordinal>{'|'.join(_ORDINALS)})(?:-| from the )"
    r"(?:(?P<from_low>left|cheapest|least expensive|oldest)|right|most expensive|newest))"
)


def condition(sentence: str, objects: Sequence[str]) -> Condition:
    """What a sentence says of the objects' places.

    Raises:
        DataError: where it is not understood.
    """
    count = len(objects)
    names = {name.lower(): name for name in objects}
    text = sentence.strip().rstrip(".")
    for pattern, sign in ((_BEFORE, 1), (_AFTER, -1)):
        if match := pattern.search(text):
            first = _name(text[: match.start()], names)
            second = _name(text[match.end() :], names)
            return lambda at: sign * at[first] < sign * at[second]
    match = _ENDS.search(text)
    if match is None:
        raise DataError(f"this says nothing of the order that is known here: {sentence!r}")
    name = _name(text[: match.start()], names)
    place = _place(match, count)
    return lambda at: at[name] == place


def orders(objects: Sequence[str], conditions: Sequence[Condition]) -> list[dict[str, int]]:
    """All orders of the objects that meet the conditions, by trying every one of them."""
    tried = (
        dict(zip(objects, places, strict=True)) for places in permutations(range(len(objects)))
    )
    return [order for order in tried if all(holds(order) for holds in conditions)]


def _place(match: re.Match[str], count: int) -> int:
    if match["low"]:
        return 0
    if match["high"] or match["last"]:
        return count - 1
    if match["back"]:
        return count - 1 - _ORDINALS.index(match["back"])
    if match["rank"]:
        return _ORDINALS.index(match["rank"])
    steps = _ORDINALS.index(match["ordinal"])
    return steps if match["from_low"] else count - 1 - steps


def _name(text: str, names: Mapping[str, str]) -> str:
    told = text.strip().lower().removeprefix("the ")
    if told not in names:
        raise DataError(f"{text.strip()!r} is none of {', '.join(names.values())}")
    return names[told]
