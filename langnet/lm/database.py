"""The database file of a cache: opened for plain bytes alone, and judged before it is believed.

It is a `diskcache.Cache`, which by itself would pickle what it keeps and unpickle what it finds
(CVE-2025-69872), and would obey settings that stand in the file. Here only bytes in the row are
stored, a row of any other kind is refused without being looked into, every setting is given, and a
file that this package cannot have written is set aside.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing, suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diskcache
from diskcache.core import DBNAME, DEFAULT_SETTINGS, METADATA, MODE_RAW

from langnet.errors import LangnetError
from langnet.lm.journal import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "DBNAME",
    "RefusedRowError",
    "files_of",
    "opened",
    "prepare",
    "read",
    "set_aside",
    "write",
]

BUSY = 1.0
"""Seconds that a statement waits for another process's lock."""
_ENDS = ("", "-wal", "-shm")  # SQLite's files
_ROWS = (256, 32, 4, 1)  # entries in one statement; SQLite takes 999 values everywhere
_SELECTION = (
    "SELECT mode, filename, value FROM Cache WHERE key = ? AND raw = 1"
    " AND (expire_time IS NULL OR expire_time > ?)"
)
_log = logging.getLogger(__name__)


class RefusedRowError(Exception):
    """A row is of a kind that this store never writes."""


class _BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache carries no types
    """Keeps names as text and entries as bytes in the row; refuses everything else."""

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError(f"a name is text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise RefusedRowError("its name is not plain text")
        return key

    def store(
        self,
        value: Any,
        read: Any,
        key: Any = None,  # noqa: ARG002  # diskcache passes it by name
    ) -> tuple[int, int, None, sqlite3.Binary]:
        if type(value) is not bytes or read:
            raise TypeError(f"an entry is bytes, not {type(value).__name__}")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> bytes:
        if read:
            raise RefusedRowError("it is not plain bytes")
        return _checked(mode, filename, value)

    def remove(self, file_path: Any) -> None:
        """Removes nothing: rows written here name no file, and no other row is believed."""


class _Cache(diskcache.Cache):  # type: ignore[misc]
    """Leaves no connection open where it cannot be made."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        try:
            super().__init__(*args, **settings)
        except BaseException:
            with suppress(AttributeError):  # it did not get as far as that
                self.close()
            raise


def prepare(path: Path) -> None:
    """Makes the directory, for its owner alone.

    Raises:
        LangnetError: it cannot be made or used, or holds other things.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = [file.name for file in path.iterdir()]
        ours = any(name.startswith(DBNAME) for name in names)
        if not ours and any(not name.startswith(PREFIX) for name in names):
            raise LangnetError(
                f"{path} holds other things than a cache; name an empty or a new directory"
            )
        path.chmod(0o700)
    except OSError as error:
        raise LangnetError(
            f"the cache directory {path} cannot be used: {error}; name another directory, "
            "for example with LANGNET_CACHE"
        ) from error


def opened(path: Path, size_limit: int | None) -> diskcache.Cache:
    """The database in a directory; one that cannot be believed is set aside first.

    Raises:
        LangnetError: it cannot be opened.
    """
    try:
        reason = _unsound(path / DBNAME)
        if reason is not None:
            set_aside(path, reason)
        try:
            cache = _connected(path, size_limit)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            set_aside(path, str(error))
            cache = _connected(path, size_limit)
    except (OSError, sqlite3.Error, diskcache.Timeout) as error:
        raise LangnetError(
            f"the cache in {path} cannot be opened: {error}; name another directory, "
            "for example with LANGNET_CACHE"
        ) from error
    cache.close()  # this thread's connection; each thread that reads opens its own
    return cache


def set_aside(path: Path, reason: str) -> None:
    """Renames the database and what belongs to it, so that a new one can be made.

    Raises:
        OSError: a file cannot be renamed.
    """
    mark = f"corrupt-{time.time_ns()}"
    for file in files_of(path):
        file.replace(path / file.name.replace(DBNAME, f"{DBNAME}.{mark}", 1))
    _log.warning(
        "the cache in %s is corrupted (%s); it is set aside as %s.%s and begun anew",
        path,
        reason,
        DBNAME,
        mark,
    )


def files_of(path: Path) -> Sequence[Path]:
    """The files of the database that are there."""
    return [file for end in _ENDS if (file := path / f"{DBNAME}{end}").exists()]


def _connected(path: Path, size_limit: int | None) -> diskcache.Cache:
    # SQLite gives its other files the mode of this one. One that is there is not opened here: to
    # close it would drop the locks that other connections of this process hold on it.
    with suppress(FileExistsError):
        os.close(os.open(path / DBNAME, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for file in files_of(path):
        file.chmod(0o600)
    settings = {
        **DEFAULT_SETTINGS,
        # The order of storing needs no write at a read, other policies would.
        "eviction_policy": "none" if size_limit is None else "least-recently-stored",
        "size_limit": size_limit or 2**62,
        "statistics": 0,
        "tag_index": 0,
        "cull_limit": 0,  # within a transaction pages are not freed: whoever writes culls
        # A mapped file that somebody cuts short, or a disk that fails, would kill the process.
        "sqlite_mmap_size": 0,
        "sqlite_cache_size": 1024,  # pages, 4 MiB, of each of two connections; the system has more
    }
    return _Cache(str(path), timeout=BUSY, disk=_BytesDisk, **settings)


def _unsound(file: Path) -> str | None:
    """Why a database is not one of this store's, or None; settings in it would be obeyed."""
    if not file.exists():
        return None
    with closing(sqlite3.connect(file, timeout=BUSY)) as connection:
        try:
            connection.execute("SELECT key, raw, mode, filename, value, tag FROM Cache LIMIT 0")
            found = dict(connection.execute("SELECT key, value FROM Settings"))
        except sqlite3.OperationalError as error:
            # A database that another process is making has no tables yet.
            return None if "no such table" in str(error) or "locked" in str(error) else str(error)
        except sqlite3.DatabaseError as error:
            return str(error)
    strange = [name for name in found if name not in DEFAULT_SETTINGS and name not in METADATA]
    if strange:
        return f"it has the unknown setting {min(strange, key=str)!r}"
    wrong = [name for name in METADATA if name in found and type(found[name]) is not int]
    if wrong or found.get("size"):
        return f"its count {(wrong or ['size'])[0]!r} is not one of this store's"
    return None


def read(cache: diskcache.Cache, name: str) -> bytes | None:
    """The entry of a name, or None.

    It does what `diskcache.Cache.get` does, for entries in the row alone.

    Raises:
        RefusedRowError: the row is of a kind that this store never writes.
        sqlite3.Error: the database cannot be read.
    """
    row = cache._sql(_SELECTION, (name, time.time())).fetchone()  # noqa: SLF001
    return None if row is None else _checked(*row)


def _checked(mode: Any, filename: Any, value: Any) -> bytes:
    if mode != MODE_RAW or filename is not None or type(value) is not bytes:
        raise RefusedRowError("it is not plain bytes")
    return value


def write(cache: diskcache.Cache, changes: Mapping[str, tuple[bytes | None, str]]) -> None:
    """Writes entries in one transaction, by name: an entry and its tag, or None to remove one.

    It does what `diskcache.Cache.set` and `delete` do, many entries to a statement: between two
    statements a thread gives others the interpreter, which costs more than the statement. Given in
    the order of names, each page of the index is touched once.

    Raises:
        diskcache.Timeout: another process holds the lock.
        sqlite3.Error: the database cannot be written to.
    """
    kept = [
        (name, entry, tag or None) for name, (entry, tag) in changes.items() if entry is not None
    ]
    now = time.time()
    at = 0
    with cache.transact():
        for size in _ROWS:  # few different statements, so that each is compiled once
            while len(kept) - at >= size:
                rows = kept[at : at + size]
                at += size
                cache._sql(_insertion(size), (now, *chain.from_iterable(rows)))  # noqa: SLF001
        for name, (entry, _) in changes.items():
            if entry is None:
                cache.delete(name)
    cache.cull()


@lru_cache(maxsize=len(_ROWS))
def _insertion(rows: int) -> str:
    """Inserts or replaces so many entries. Its values: the time; name, entry and tag of each."""
    values = ",".join(f"(?{at},?{at + 1},?{at + 2})" for at in range(2, 3 * rows + 2, 3))
    return (
        "INSERT INTO Cache(key, raw, store_time, access_time, access_count, tag, size, mode, value)"  # noqa: S608 - numbers alone are put in
        f" SELECT column1, 1, ?1, ?1, 0, column3, 0, {MODE_RAW}, column2 FROM (VALUES {values})"
        " WHERE true ON CONFLICT(key, raw) DO UPDATE SET store_time = excluded.store_time,"
        " expire_time = NULL, access_time = excluded.access_time, access_count = 0,"
        " tag = excluded.tag, size = 0, mode = excluded.mode, filename = NULL,"
        " value = excluded.value"
    )
