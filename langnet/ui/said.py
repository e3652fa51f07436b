"""What people said of a run: what became of it, and what a page may add."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from langnet.errors import DataError
from langnet.guidance import Entry, Guidance
from langnet.recorded import Recorded

__all__ = ["add_entry", "said_data"]

_MOST_PROPOSALS = 64
_LONGEST = 20_000
"""Characters of a text; the longest prompts of models in use are shorter."""
_OURS = ("at", "id", "step", "part")
"""What an entry does not say of itself here."""


def said_data(directory: Path) -> dict[str, Any]:
    """All entries of a run with what became of each, as plain data.

    Raises:
        DataError: a file cannot be read.
    """
    return {
        "entries": [
            {
                **{name: value for name, value in said.entry.to_json().items() if name != "texts"},
                "taken": said.entry.step if said.is_taken else None,
                "refused": said.refused,
            }
            for said in Recorded(directory).said()
        ],
        "faults": list(Guidance.at(directory).heard()[1]),
    }


def add_entry(directory: Path, examples: Collection[str], data: object) -> Entry:
    """Adds what somebody said in a page to the guidance of a run.

    Args:
        directory: the run directory.
        examples: the ids of its examples.
        data: the entry as plain data.

    Raises:
        DataError: it is none, or speaks of what the run has not.
    """
    if isinstance(data, Mapping) and (named := [name for name in _OURS if name in data]):
        raise DataError(f"leave {', '.join(named)} out: the viewer and the fit say that")
    entry = Entry.from_json(data)
    recorded = Recorded(directory)
    recorded.check(entry.prompt)
    if entry.node is not None and entry.node not in recorded.learning:
        known = ", ".join(recorded.learning)
        raise DataError(f"{directory} fits no node {entry.node!r}; rate one of {known}")
    if entry.example is not None and entry.example not in examples:
        raise DataError(f"{directory} has no example {entry.example!r}")
    if entry.count > _MOST_PROPOSALS:
        raise DataError(f"at most {_MOST_PROPOSALS} proposals can be asked for at a time")
    for text in (entry.text, entry.output or "", entry.by, *entry.texts.values()):
        if len(text) > _LONGEST:
            raise DataError(f"a text has {len(text):,} characters; {_LONGEST:,} are allowed")
    if entry.example is not None and entry.node is not None:
        # What led to the text stands on record exactly; a page knows it only as it shows it.
        rated = recorded.rating(entry.example, node=entry.node, output=entry.output)
        entry = replace(entry, texts=rated.texts or entry.texts)
    guidance = Guidance.at(directory)
    if guidance.file is not None and guidance.file.is_symlink():
        raise DataError(f"{guidance.file} leads elsewhere; let a plain file take its place")
    return guidance.add(entry)
