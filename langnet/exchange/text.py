"""Prompts as plain text, to read, edit and compare, without loss.

    === thoughts
    Say what kind of text this is.

    === answer
    Answer with one label.

A line that begins with the marker names a prompt; what follows is its text, up to the empty line
before the next. The marker is the first word of the file: as many equals signs as no line of any
prompt begins with, three at least.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from langnet.errors import DataError

__all__ = ["as_text", "from_text"]

_LEAST = 3
_MARKER = re.compile(r"={3,}(?= )")


def as_text(prompts: Mapping[str, str]) -> str:
    """Prompts by name as one text.

    Raises:
        DataError: a prompt that no file of text can hold, or a name of several lines.
    """
    longest = _LEAST - 1
    for name, text in prompts.items():
        if not name.strip() or name != name.strip() or "\n" in name:
            raise DataError(f"{name!r} is no name for a line of its own; use JSON or YAML")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"the prompt {name!r} is no Unicode text; use JSON or YAML") from error
        for line in text.split("\n"):
            longest = max(longest, len(line) - len(line.lstrip("=")))
    marker = "=" * (longest + 1)
    return "\n\n".join(f"{marker} {name}\n{text}" for name, text in prompts.items()) + "\n"


def from_text(text: str) -> dict[str, str]:
    """The prompts by name; see `as_text`.

    Raises:
        DataError: it does not begin with a marker and a name, or names a prompt twice.
    """
    first, _, _ = text.partition("\n")
    if first.endswith("\r"):  # the whole file went through an editor that writes such breaks
        text = text.replace("\r\n", "\n")
    found = _MARKER.match(text)
    if found is None:
        raise DataError("a text of prompts begins with a line such as '=== NAME'")
    parts = re.split(rf"^{found[0]} (.*)\n?", text, flags=re.MULTILINE)[1:]
    prompts: dict[str, str] = {}
    for number, named in enumerate(parts[::2]):
        name = named.strip()
        if not name or name in prompts:
            raise DataError(f"the prompt {name!r} stands twice" if name else "a prompt has no name")
        body = parts[2 * number + 1]
        is_last = 2 * number + 2 == len(parts)
        ending = "\n" if is_last or not body.endswith("\n\n") else "\n\n"
        prompts[name] = body.removesuffix(ending)
    return prompts
