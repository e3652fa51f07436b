"""What changed between two texts, word by word."""

from __future__ import annotations

import difflib
import re

from langnet.showing.blocks import Changed

__all__ = ["changed"]

_PIECES = re.compile(r"\s+|\w+|[^\w\s]")
_MOST = 4000
"""Pieces of a text beyond which words are not compared, since that takes their square."""


def changed(before: str, after: str) -> tuple[Changed, Changed]:
    """Both texts, with the words that the other one lacks.

    >>> [piece for piece, is_new in changed("Say yes.", "Say no.")[1].words if is_new]
    ['no']
    """
    first, second = _PIECES.findall(before), _PIECES.findall(after)
    if max(len(first), len(second)) > _MOST:
        return Changed(((before, True),), added=False), Changed(((after, True),), added=True)
    removed: list[tuple[str, bool]] = []
    added: list[tuple[str, bool]] = []
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        removed.append(("".join(first[i:j]), kind != "equal"))
        added.append(("".join(second[k:m]), kind != "equal"))
    return (
        Changed(tuple(piece for piece in removed if piece[0]), added=False),
        Changed(tuple(piece for piece in added if piece[0]), added=True),
    )
