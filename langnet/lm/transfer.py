"""Moving a cache's entries: a file of them, written here and read anywhere.

It is JSON lines, packed where the name ends in ".gz". The first line says the format and how many
follow, so that a file that was cut short is noticed:

    {"format": "langnet-cache/1", "entries": 2}
    {"name": "1f…", "model": "openai:gpt-4o@…", "stored": 1790000000.0, "entry": ["Yes.", "stop"]}
    {"name": "9c…", "model": null, "stored": 1790000001.5, "entry": [-0.25, -1.5]}

It is read as data that anybody may have written: every line is checked before the first is kept.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import secrets
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from langnet.errors import LangnetError
from langnet.lm.cache import is_answer
from langnet.lm.upkeep import BATCH, connected, demand, nobody, of_model

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from langnet.lm.disk import DiskStore

    Progress = Callable[[int, int], None]

__all__ = ["FORMAT", "Imported", "export_entries", "import_entries"]

FORMAT = "langnet-cache/1"
"""The format that is written, and the only one that is read."""
_LONGEST = 2**26  # bytes of a line
_NAME = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"name", "model", "stored", "entry"}
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the entries of a file.

    Attributes:
        new: entries that were not there.
        known: entries that were there already, and stay as they are.
    """

    new: int
    known: int


def export_entries(
    store: DiskStore, file: Path, *, model: str | None = None, progress: Progress = nobody
) -> int:
    """Writes entries to a file, for its owner alone, and says how many.

    Args:
        store: the cache.
        file: where to; a file that is there is replaced once the new one is whole.
        model: an identity, or a pattern with `*` of identities, to leave out other models'.
        progress: is told how many entries are written, and of how many.

    Raises:
        LangnetError: no entry is of such a model, or the database cannot be read.
        OSError: the file cannot be written.
    """
    store.stats()  # waits for what is not written yet
    where, values = of_model(model)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with connected(store) as connection:
            connection.execute("BEGIN")  # so that both passes see the same
            if model is not None:
                demand(connection, store, where, values, model)
            total = sum(1 for _ in _lines(connection, where, values))
            with _created(temporary, packed=file.suffix == ".gz") as out:
                out.write(f"{_encode({'format': FORMAT, 'entries': total})}\n".encode())
                for done, line in enumerate(_lines(connection, where, values), 1):
                    out.write(f"{_encode(line)}\n".encode())
                    if done % BATCH == 0 or done == total:
                        progress(done, total)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return total


def import_entries(store: DiskStore, file: Path, *, progress: Progress = nobody) -> Imported:
    """Adds the entries of a file; one that is there already stays as it is.

    Args:
        store: the cache.
        file: what `export_entries` has written, here or elsewhere.
        progress: is told how many entries are read, and of how many.

    Raises:
        LangnetError: a line cannot be what `export_entries` writes. Nothing was added.
        OSError: the file cannot be read.
    """
    total = sum(1 for _ in _entries(file))
    new = done = 0
    with connected(store) as connection:
        entries = _entries(file)
        while done < total:
            connection.execute("BEGIN IMMEDIATE")
            for _, line in zip(range(BATCH), entries, strict=False):
                new += connection.execute(
                    "INSERT OR IGNORE INTO Cache(key, raw, store_time, access_time, tag, mode, "
                    "value) VALUES (?, 1, ?, ?, ?, 1, ?)",
                    (
                        line["name"],
                        line["stored"],
                        line["stored"],
                        line["model"],
                        _encode(line["entry"]).encode(),
                    ),
                ).rowcount
                done += 1
            connection.execute("COMMIT")
            progress(done, total)
    return Imported(new=new, known=total - new)


def _lines(
    connection: sqlite3.Connection, where: str, values: list[Any]
) -> Iterator[dict[str, Any]]:
    """The entries that a cache can have written; other rows are passed over, unopened."""
    query = (
        "SELECT key, tag, store_time, value FROM Cache WHERE typeof(key) = 'text' AND raw = 1 "  # noqa: S608
        f"AND mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND {where} ORDER BY rowid"
    )
    for name, tag, stored, value in connection.execute(query, values):
        line = {
            "name": name,
            "model": tag if isinstance(tag, str) else None,
            "stored": stored,
        }
        try:
            line["entry"] = json.loads(value)
        except (ValueError, RecursionError):
            continue
        if _fault(line) is None:
            yield line


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    """The checked entries of a file."""

    def refuse(number: int, reason: str) -> NoReturn:
        raise LangnetError(f"{file}, line {number}: {reason}; nothing was added")

    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        number, wanted = 0, -1
        try:
            while data := lines.readline(_LONGEST + 1):
                number += 1
                if len(data) > _LONGEST:
                    refuse(number, f"it is longer than {_LONGEST} bytes")
                line = _parsed(data)
                if number == 1:
                    wanted = _announced(line)
                elif (fault := _fault(line)) is not None:
                    refuse(number, fault)
                else:
                    yield line
        except (ValueError, RecursionError) as error:
            refuse(number, str(error) or "it is nested too deeply")
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            refuse(number + 1, f"the file is not whole: {error}")
        if number == 0:
            refuse(1, "the file is empty")
        if number - 1 != wanted:
            refuse(number, f"the file is not whole: {number - 1} of {wanted} entries")


def _parsed(data: bytes) -> Any:
    def constant(text: str) -> float:
        if text != "-Infinity":  # what cannot follow at all has that logarithm
            raise ValueError(f"{text} is no log-probability")
        return -math.inf

    return json.loads(data.decode(), parse_constant=constant)


def _announced(line: Any) -> int:
    """How many entries the first line says there are."""
    match line:
        case {"format": str(form), "entries": int(number)} if form == FORMAT and number >= 0:
            return number
        case {"format": str(form)} if form != FORMAT:
            raise ValueError(f"the format {form!r} is not {FORMAT!r}, which this version reads")
    raise ValueError(f"it is not the first line of a file of {FORMAT!r}")


def _fault(line: Any) -> str | None:
    """Why a line is no entry, if so."""
    if not isinstance(line, dict) or set(line) != _FIELDS:
        return f"it is not an object with {', '.join(sorted(_FIELDS))}"
    if not (isinstance(line["name"], str) and _NAME.fullmatch(line["name"])):
        return "its name is not a SHA-256"
    if not (line["model"] is None or isinstance(line["model"], str)):
        return "its model is not a text"
    stored = line["stored"]
    if not (type(stored) is float and math.isfinite(stored)):
        return "when it was stored is not a time"
    return None if is_answer(line["entry"]) else "its entry is neither a text nor scores"


@contextmanager
def _created(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    """A new file that its owner alone may read, packed without a name or a time."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        if packed:
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as out:
                yield cast("IO[bytes]", out)
        else:
            yield file
        file.flush()
        os.fsync(file.fileno())
