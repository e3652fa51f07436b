"""Files of runs, read with care: what is no plain file of the run itself is not there."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Signature", "find_runs", "is_plain", "read_data", "signature"]

Signature = tuple[int, int, int]
"""When a file was changed, its size and its number: another one means another content."""

_DEPTH = 4
"""How deep run directories may lie in a folder: `langnet rounds` keeps some in each round."""
_OWN = ("steps", "validations", "costs")
_FILES = ("run", "state", "result", "cost", "credit", "manifest", "live")


def signature(path: Path) -> Signature | None:
    """What tells a file's content from others'; `None` where it is no plain file.

    A link could lead out of the folder that is shown, so it does not count.
    """
    try:
        found = path.lstat()
    except OSError:
        return None
    is_file = stat.S_ISREG(found.st_mode)
    return (found.st_mtime_ns, found.st_size, found.st_ino) if is_file else None


def read_data(path: Path) -> Any:
    """The JSON of a file; `None` where there is none, or where it cannot be read."""
    if signature(path) is None:
        return None
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def find_runs(roots: Sequence[Path]) -> dict[str, Path]:
    """The run directories in some folders, or those that they are, by name."""
    found: dict[str, Path] = {}
    for root in roots:
        is_run = signature(root / "run.json") is not None
        for directory in [root] if is_run else _below(root, _DEPTH):
            if not is_plain(directory):
                continue
            inside = "" if is_run else directory.relative_to(root).as_posix()
            name = inside or directory.resolve().name
            if found.setdefault(name, directory) != directory:
                found[f"{root.resolve().name}/{name}"] = directory
    return found


def is_plain(directory: Path) -> bool:
    """Whether a run directory has no links to elsewhere among its own parts."""
    names = [*_OWN, *(f"{name}.json" for name in _FILES), "examples.jsonl", "guidance.jsonl"]
    return not any((directory / name).is_symlink() for name in (*names, "best.yaml"))


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
    except OSError:
        return
    for name in inside:
        path = folder / name
        if signature(path / "run.json") is not None:
            yield path
        elif depth > 1 and name not in _OWN:
            yield from _below(path, depth - 1)
