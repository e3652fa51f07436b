"""Data as they go to a page."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["encoded", "event"]


def encoded(data: Any) -> bytes:
    """Data as JSON in one line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # A text of a model's may hold half a character.
    return text.encode(errors="backslashreplace")


def event(data: bytes, number: str = "") -> bytes:
    """A server-sent event.

    Args:
        data: one line.
        number: its id, by which somebody can go on after it.
    """
    name = f"id: {number}\n".encode() if number else b""
    return b"%sdata: %s\n\n" % (name, data)
