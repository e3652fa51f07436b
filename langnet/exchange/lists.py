"""Lists of prompts that somebody has already, as candidates for a fit.

The first step scores them beside the incumbent and what was proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from langnet.errors import DataError, GraphError
from langnet.guidance import LISTED, Entry
from langnet.text_file import read_data

__all__ = ["listed_entries", "read_list"]

_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_EMPTY = re.compile(r"\n[ \t]*\n")


def read_list(path: str | Path, trainable: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Reads prompts by the name of the prompt that they are candidates for.

    - `.json`, `.yaml`: a list of texts, or a mapping of each name to a text or a list of texts;
    - `.jsonl`: on each line a text, or an object with `text` and, where there are several
      prompts, `prompt`;
    - any other file: texts with a line `---` between them; without one, with empty lines between
      them; with neither, one on each line.

    What does not say its prompt belongs to the only one that is trainable. White space around a
    text, empty texts, and texts that stand there already are left out.

    Args:
        path: the file.
        trainable: the names of the prompts that a fit may change.

    Raises:
        DataError: it cannot be read, holds no text, or does not say of which prompt.
    """
    path = Path(path)
    found: dict[str, dict[str, None]] = {}
    for name, text in _pairs(path):
        if not text.strip():
            continue
        if name is None and len(trainable) != 1:
            raise DataError(
                f"{path} does not say which prompt its texts are for; give a mapping of "
                f"{', '.join(trainable)} to lists, as JSON or YAML"
            )
        if name is not None and name not in trainable:
            raise DataError(
                f"{path} has candidates for {name!r}; the trainable prompts are "
                + ", ".join(trainable)
            )
        found.setdefault(name or trainable[0], {})[text.strip()] = None
    if not found:
        raise DataError(f"{path} holds no prompts")
    return {name: tuple(texts) for name, texts in found.items()}


def listed_entries(prompts: Mapping[str, Sequence[str]], by: str) -> tuple[Entry, ...]:
    """Prompts as guidance for the first step of a fit.

    An entry is told by what it says, so that the same list is the same guidance when it is read
    again.

    Args:
        prompts: texts by the name of the prompt; see `read_list`.
        by: where they are from.
    """
    return tuple(
        Entry(kind="candidate", prompt=name, text=text, step=0, by=by, id=_id(name, text))
        for name, texts in prompts.items()
        for text in texts
    )


def _id(name: str, text: str) -> str:
    told = json.dumps([name, text]).encode()
    return f"{LISTED}{sha256(told).hexdigest()[:16]}"


def _pairs(path: Path) -> Iterator[tuple[str | None, str]]:
    suffix = path.suffix.lower()
    try:
        if suffix in {".json", ".yaml", ".yml"}:
            return _of_data(path, read_data(path))
        text = path.read_bytes().decode().replace("\r\n", "\n")
    except GraphError as error:
        raise DataError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if suffix == ".jsonl":
        return _of_lines(path, text)
    return ((None, part) for part in _parts(text))


def _parts(text: str) -> Sequence[str]:
    text = text.strip("\n")
    for between in (_RULE, _EMPTY):
        if between.search(text):
            return between.split(text)
    return text.split("\n")


def _of_data(path: Path, data: Any) -> Iterator[tuple[str | None, str]]:
    by_name = data if isinstance(data, Mapping) else {None: data}
    for name, texts in by_name.items():
        for text in texts if isinstance(texts, list) else [texts]:
            if not isinstance(text, str):
                raise DataError(f"{path}: {text!r} is no text of a prompt")
            yield name, text


def _of_lines(path: Path, text: str) -> Iterator[tuple[str | None, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number} is no JSON: {error}") from error
        row = row if isinstance(row, Mapping) else {"text": row}
        if not isinstance(row.get("text"), str):
            raise DataError(f"{path}, line {number} has no text")
        yield row.get("prompt"), row["text"]
