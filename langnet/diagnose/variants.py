"""Cheap variants of a prompt: what can be tried without a model to write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langnet.key import Key
from langnet.vi.cleaning import clean
from langnet.vi.proposal import Proposer, Request
from langnet.vi.strategies import deletion, demonstrations, phrasing

__all__ = ["IRRELEVANT", "Variant", "variants"]

IRRELEVANT = "What is the colour of the sky?"
"""A prompt that has nothing to do with any task."""

_ROUND: tuple[tuple[str, Proposer], ...] = (
    ("phrasing", phrasing),
    ("phrasing", phrasing),
    ("demonstrations", demonstrations),
    ("phrasing", phrasing),
    ("deletion", deletion),
)
_TRIES = 8
"""Rounds per variant that is wanted, after which there are taken to be no more."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A prompt to be tried.

    Attributes:
        text: the prompt.
        origin: "current", "empty", "irrelevant" or the strategy that made it.
    """

    text: str
    origin: str


async def variants(
    request: Request, *, count: int, key: Key, given: Sequence[str] = ()
) -> tuple[Variant, ...]:
    """Different variants of a prompt, the current one first; no model is called.

    The empty prompt and one that has nothing to do with the task are always among them: a gain
    that they bring as well is not the instruction's. Then come the given ones, and plain wordings,
    demonstrations and deletions in turn.

    Args:
        request: what a proposer would be asked; its observations become demonstrations, so they
            must not be among the examples that the variants are judged on.
        count: how many in all, at most; fewer where the strategies have no more to give.
        key: where the choices come from.
        given: prompts to be tried before any that is made here.
    """
    found = {request.current: "current"}
    for text, origin in (("", "empty"), (IRRELEVANT, "irrelevant"), *((t, "given") for t in given)):
        found.setdefault(text, origin)
    made = 0
    while len(found) < count and made < _TRIES * count:
        origin, strategy = _ROUND[made % len(_ROUND)]
        text = clean(await strategy(request, key.below(origin, made)))
        made += 1
        if text and request.fits(text):
            found.setdefault(text, origin)
    return tuple(Variant(text, origin) for text, origin in found.items())[: max(count, 1)]
