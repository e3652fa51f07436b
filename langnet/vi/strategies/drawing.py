"""Draws from the proposing model, and the small texts that several strategies need."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from langnet.key import Key
from langnet.lm.base import Decoding
from langnet.vi.proposal import Request

__all__ = ["draw", "either", "plain_instruction"]

_LINE_TOKENS = 48


async def draw(request: Request, key: Key, context: str, *, stop: tuple[str, ...]) -> str:
    """One text of the proposing model; a short one where it ends with the line."""
    longest = min(request.max_tokens, _LINE_TOKENS) if "\n" in stop else request.max_tokens
    decoding = Decoding(temperature=request.temperature, max_tokens=longest, stop=stop)
    (completion,) = await request.model.sample(context, decoding=decoding, keys=(key,))
    return completion.text


def either(labels: Sequence[str]) -> str:
    """Labels as a choice.

    >>> either(["red"]), either(["red", "green"]), either(["red", "green", "blue"])
    ('red', 'red or green', 'red, green or blue')
    """
    return " or ".join(filter(None, (", ".join(labels[:-1]), *labels[-1:])))


def plain_instruction(labels: Sequence[str], rng: Random) -> str:
    """An instruction for a node whose prompt is empty."""
    if not labels:
        return "Think about the input and write what helps to answer."
    return f"{rng.choice(('Answer with', 'Decide between', 'Choose one of'))} {either(labels)}."
