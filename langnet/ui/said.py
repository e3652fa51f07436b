"""What people said of a run: what became of it, and what a page may add."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from langnet.errors import DataError
from langnet.guidance import Entry, Guidance

__all__ = ["add_entry", "said_data"]

_MOST_PROPOSALS = 64
_LONGEST = 20_000
"""Characters of a text; the longest prompts of models in use are shorter."""
_OURS = ("at", "id", "step", "part")
"""What an entry does not say of itself here."""


def said_data(directory: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """All entries of a run with what became of each, the earliest first.

    Args:
        directory: the run directory.
        state: what state.json says: which entries were taken at which step, and which were refused.
    """
    taken = {item["id"]: item for item in state.get("guidance", ())}
    refused = state.get("refused", {})
    waiting, faults = Guidance.at(directory).heard()
    entries = {**taken, **{entry.id: entry.to_json() for entry in waiting}}
    return {
        "entries": [
            {
                **{name: value for name, value in entry.items() if name != "texts"},
                "taken": taken[key]["step"] if key in taken else None,
                "refused": refused.get(key, ""),
            }
            for key, entry in entries.items()
        ],
        "faults": list(faults),
    }


def add_entry(
    directory: Path, about: Mapping[str, Any], examples: Collection[str], data: object
) -> Entry:
    """Adds what somebody said in a page to the guidance of a run.

    Args:
        directory: the run directory.
        about: what run.json says.
        examples: the ids of its examples.
        data: the entry as plain data.

    Raises:
        DataError: it is none, or speaks of what the run has not.
    """
    if isinstance(data, Mapping) and (named := [name for name in _OURS if name in data]):
        raise DataError(f"leave {', '.join(named)} out: the viewer and the fit say that")
    entry = Entry.from_json(data)
    nodes: Mapping[str, Any] = about["graph"]["nodes"]
    learning = {
        name: node
        for name, node in nodes.items()
        if node["trainable"] and "{prompt}" in node["template"]
    }
    prompts = {
        str(node["prompt"]["name"] if isinstance(node["prompt"], Mapping) else name)
        for name, node in learning.items()
    }
    if entry.prompt is not None and entry.prompt not in prompts:
        raise DataError(
            f"there is no prompt {entry.prompt!r} that is fitted; "
            f"those that are: {', '.join(sorted(prompts))}"
        )
    if entry.node is not None and entry.node not in learning:
        raise DataError(
            f"there is no node {entry.node!r} that is fitted; those that are: {', '.join(learning)}"
        )
    if entry.example is not None and entry.example not in examples:
        raise DataError(f"the run has no example {entry.example!r}")
    if entry.count > _MOST_PROPOSALS:
        raise DataError(f"at most {_MOST_PROPOSALS} proposals can be asked for at a time")
    for text in (entry.text, entry.output or "", *entry.texts.values()):
        if len(text) > _LONGEST:
            raise DataError(f"a text has {len(text):,} characters; {_LONGEST:,} are allowed")
    guidance = Guidance.at(directory)
    if guidance.file is not None and guidance.file.is_symlink():
        raise DataError(f"{guidance.file} leads elsewhere; let a plain file take its place")
    return guidance.add(entry)
