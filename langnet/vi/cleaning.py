"""Proposals without the wrapping that models add.

Nothing is judged here but emptiness and endless repetition: a prompt that names no label or loses
the answer's format may still be the best one, and scoring will tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["canonical", "clean"]

_WRAPPING = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^[<\[]/?(?:new )?instruction[>\]]\s*|\s*</instruction>$",
        r"^```\w*\n|\n?```$",
        r"^(?:sure|certainly|of course)[,.!]*\s+(?=here\b)",
        r"^here(?:'s|’s| is)\b[^\n:.]{0,60}\b(?:instruction|prompt)s?\b[^\n:.]{0,40}:\s*",
        r"^\**(?:(?:new|better|improved|revised) )?(?:instruction|prompt)s?\**\s*:\**\s*",
    )
)
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("**", "**"), ("*", "*"))
_LOOP_WORDS = 12


def clean(text: str) -> str:
    """A proposal without the wrapping that models add; empty where it cannot serve.

    What is clean already stays as it is. A text cannot serve without a letter or digit, or where
    its words repeat without end.
    """
    before = None
    while text != before:
        before = text
        text = _unwrapped(text)
    serves = any(letter.isalnum() for letter in text) and not _loops(text.casefold().split())
    return text if serves else ""


def canonical(text: str) -> str:
    """What two prompts have in common that count as the same: case and white space do not."""
    return " ".join(text.casefold().split())


def _unwrapped(text: str) -> str:
    text = text.strip()
    for pattern in _WRAPPING:
        text = pattern.sub("", text).strip()
    for opening, closing in _QUOTES:
        inside = text.removeprefix(opening).removesuffix(closing)
        wrapped = len(inside) == len(text) - len(opening) - len(closing)
        if wrapped and inside and opening not in inside:
            text = inside.strip()
    return text


def _loops(words: Sequence[str]) -> bool:
    """Whether a phrase repeats until the end, three times or more, over most of the text."""
    rest = words[len(words) // 4 :]
    return len(words) >= _LOOP_WORDS and any(
        rest[period:] == rest[:-period] for period in range(1, len(rest) // 3 + 1)
    )
