"""Where a cache keeps its entries: bytes under a name, in memory or on disk.

The disk store is a `diskcache.Cache`, which by itself would pickle what it keeps and unpickle
what it finds (CVE-2025-69872). Here only JSON bytes in the database row are stored, and a row of
any other kind is refused without being looked into.

Reads happen where they are asked for: one indexed query takes about ten microseconds, less than
handing it to a thread. Writes go through one thread, which puts those of a twentieth of a second
into one transaction; a process that is killed loses at most those.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio
import anyio.to_thread
import diskcache
import platformdirs
from diskcache.core import DBNAME, DEFAULT_SETTINGS, METADATA, MODE_RAW

from langnet.errors import LangnetError

__all__ = ["CacheStats", "DiskStore", "MemoryStore", "Store", "default_cache_path"]

_BATCH = 100  # entries in one transaction
_DELAY = 0.05  # seconds that a write waits for others to join it
_BUSY = 1.0  # seconds that a statement waits for another process's lock
_TRIES = 30  # of a transaction, against another process that holds the lock
_ENDS = ("", "-wal", "-shm")  # SQLite's files
_log = logging.getLogger(__name__)


class Store(Protocol):
    """Keeps bytes under names. `put` returns at once; `flush` waits until all is kept."""

    def get(self, name: str) -> bytes | None:
        """The entry, or None."""
        ...

    def put(self, name: str, entry: bytes) -> None:
        """Keeps an entry; the last one under a name stays."""
        ...

    async def flush(self) -> None:
        """Waits until all entries are kept."""
        ...

    async def aclose(self) -> None:
        """Keeps what waits and gives back files and threads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a disk store holds.

    Attributes:
        entries: answers that are kept.
        bytes: size of the database file.
        path: its directory.
    """

    entries: int
    bytes: int
    path: Path


def default_cache_path() -> Path:
    """The directory named by the variable LANGNET_CACHE, or the user's cache directory."""
    named = os.environ.get("LANGNET_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("langnet") / "cache"


class MemoryStore:
    """Keeps entries as long as the object lives."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The entry, or None."""
        return self._entries.get(name)

    def put(self, name: str, entry: bytes) -> None:
        """Keeps an entry; the last one under a name stays."""
        self._entries[name] = entry

    async def flush(self) -> None:
        """Does nothing: an entry is kept at once."""

    async def aclose(self) -> None:
        """Does nothing: there is nothing to give back."""

    def __len__(self) -> int:
        return len(self._entries)


class _RefusedRowError(Exception):
    """A row is of a kind that this store never writes."""


class _BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache carries no types
    """Keeps names as text and entries as bytes in the row; refuses everything else."""

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError(f"a name is text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise _RefusedRowError("its name is not plain text")
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
        if mode != MODE_RAW or filename is not None or type(value) is not bytes or read:
            raise _RefusedRowError("it is not plain bytes")
        return value

    def remove(self, file_path: Any) -> None:
        """Removes nothing: rows written here name no file, and no other row is believed."""


@dataclass(slots=True)
class _Flush:
    """Asks the writer to write what waits, and to end if `last`."""

    done: threading.Event
    last: bool = False


class DiskStore:
    """Keeps entries in one SQLite database that several processes may share.

    Args:
        path: its directory, made for the user alone (mode 0700) where it does not exist. A
            directory that holds other things is refused.
        size_limit: size of the database, in bytes, beyond which the entries stored first are
            dropped; None keeps all.

    Raises:
        LangnetError: the directory cannot be used.
    """

    def __init__(self, path: str | Path, *, size_limit: int | None = 4 * 2**30) -> None:
        self.path = Path(path).expanduser().absolute()
        self._size_limit = size_limit
        # Entries that are not written yet, so that they can be read already.
        self._waiting: dict[str, bytes] = {}
        self._queue: queue.SimpleQueue[tuple[str, bytes | None] | _Flush] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._unreadable = False  # said once
        _prepare(self.path)
        self._cache = self._open()
        self._reading = self._cache

    def get(self, name: str) -> bytes | None:
        """The entry, or None; a row that this store cannot have written is dropped."""
        waiting = self._waiting.get(name)
        if waiting is not None:
            return waiting
        if self._closed:
            raise RuntimeError(f"the cache in {self.path} is closed")
        cache = self._cache
        if cache is not self._reading:  # it was set aside and rebuilt
            self._reading.close()
            self._reading = cache
        try:
            entry: bytes | None = cache.get(name)
        except _RefusedRowError as error:
            _log.warning("an entry of the cache in %s is refused: %s", self.path, error)
            self._submit((name, None))
            return None
        except sqlite3.OperationalError as error:
            # Another process holds the database, or it has gone: an answer is only asked again.
            if not self._unreadable:
                self._unreadable = True
                _log.warning("the cache in %s cannot be read: %s", self.path, error)
            return None
        except sqlite3.DatabaseError as error:
            self._rebuild(cache, error)
            return None
        return entry

    def put(self, name: str, entry: bytes) -> None:
        """Keeps an entry: it can be read at once and is written within a tenth of a second."""
        self._waiting[name] = entry
        self._submit((name, entry))

    async def flush(self) -> None:
        """Waits until all entries are written."""
        await anyio.to_thread.run_sync(self._drain, abandon_on_cancel=True)

    async def aclose(self) -> None:
        """Writes what waits, whatever is cancelled meanwhile, and closes the database."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._end)
        self._cache.close()  # the connection belongs to the thread that reads

    def close(self) -> None:
        """Does what `aclose` does, where no event loop runs."""
        self._end()
        self._cache.close()

    def stats(self) -> CacheStats:
        """Counts the entries that are written; waits for those that are not."""
        self._drain()
        files = [self.path / f"{DBNAME}{end}" for end in _ENDS]
        size = sum(file.stat().st_size for file in files if file.exists())
        return CacheStats(entries=len(self._cache), bytes=size, path=self.path)

    def clear(self) -> int:
        """Removes all entries, also those that wait, and returns how many there were."""
        self._drain()
        return int(self._cache.clear(retry=False))

    def _submit(self, item: tuple[str, bytes | None] | _Flush) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the cache in {self.path} is closed")
            if self._writer is None:
                # A daemon, so that a store nobody closes does not keep the process alive.
                self._writer = threading.Thread(
                    target=self._write_all, name="langnet-cache", daemon=True
                )
                self._writer.start()
            self._queue.put(item)

    def _drain(self, *, last: bool = False) -> None:
        if self._writer is None or self._closed:
            return
        flush = _Flush(threading.Event(), last)
        self._submit(flush)
        flush.done.wait()

    def _end(self) -> None:
        if not self._closed:
            self._drain(last=True)
            self._closed = True
            if self._writer is not None:
                self._writer.join()

    def _write_all(self) -> None:
        """The writer: gathers for `_DELAY` seconds, at most `_BATCH` entries, and writes them."""
        cache = self._cache
        last = False
        while not last:
            batch: dict[str, bytes | None] = {}
            flush: _Flush | None = None
            until = None
            while len(batch) < _BATCH:
                try:
                    item = self._queue.get(timeout=until and max(0.0, until - time.monotonic()))
                except queue.Empty:
                    break
                if isinstance(item, _Flush):
                    flush = item
                    break
                name, entry = item
                batch[name] = entry
                until = until or time.monotonic() + _DELAY
            if cache is not self._cache:  # it was set aside and rebuilt
                cache.close()
                cache = self._cache
            self._write(cache, batch)
            for name, entry in batch.items():
                if self._waiting.get(name) is entry:
                    self._waiting.pop(name, None)
            if flush is not None:
                last = flush.last
                if last:
                    cache.close()
                flush.done.set()

    def _write(self, cache: diskcache.Cache, batch: dict[str, bytes | None]) -> None:
        if not batch:
            return
        for _ in range(_TRIES):
            try:
                with cache.transact():
                    for name, entry in batch.items():
                        if entry is None:
                            cache.delete(name)
                        else:
                            cache.set(name, entry)
                cache.cull()
            except diskcache.Timeout:
                continue
            except sqlite3.OperationalError as error:
                reason = str(error)
                break
            except sqlite3.DatabaseError as error:
                reason = str(error)
                self._rebuild(cache, error)
                break
            return
        else:
            reason = "it is locked or cannot be written to"
        _log.warning("%d answers are not kept in the cache %s: %s", len(batch), self.path, reason)

    def _open(self) -> diskcache.Cache:
        reason = _unsound(self.path / DBNAME)
        if reason is not None:
            _set_aside(self.path, reason)
        try:
            try:
                cache = self._connected()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                _set_aside(self.path, str(error))
                cache = self._connected()
            (self.path / DBNAME).chmod(0o600)
        except (OSError, sqlite3.Error) as error:
            raise LangnetError(
                f"the cache in {self.path} cannot be opened: {error}; name another directory, "
                "for example with LANGNET_CACHE"
            ) from error
        cache.close()  # this thread's connection; each thread that reads opens its own
        return cache

    def _connected(self) -> diskcache.Cache:
        return diskcache.Cache(
            str(self.path),
            timeout=_BUSY,
            disk=_BytesDisk,
            # The order of storing needs no write at a read, other policies would.
            eviction_policy="none" if self._size_limit is None else "least-recently-stored",
            size_limit=self._size_limit or 2**62,
            statistics=0,
            tag_index=0,
            cull_limit=0,  # within a transaction pages are not freed: see `_write`
        )

    def _rebuild(self, broken: diskcache.Cache, error: Exception) -> None:
        with self._lock:
            if self._cache is broken:
                broken.close()
                _set_aside(self.path, str(error))
                self._cache = self._open()


def _prepare(path: Path) -> None:
    """Makes the directory, for its owner alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = [file.name for file in path.iterdir()]
        if names and not any(name.startswith(DBNAME) for name in names):
            raise LangnetError(
                f"{path} holds other things than a cache; name an empty or a new directory"
            )
        path.chmod(0o700)
    except OSError as error:
        raise LangnetError(
            f"the cache directory {path} cannot be used: {error}; name another directory, "
            "for example with LANGNET_CACHE"
        ) from error


def _unsound(file: Path) -> str | None:
    """Why a database is not one of this store's, or None; settings in it would be obeyed."""
    if not file.exists():
        return None
    connection = sqlite3.connect(file, timeout=_BUSY)
    try:
        connection.execute("SELECT key, raw, mode, filename, value FROM Cache LIMIT 0")
        names = {name for (name,) in connection.execute("SELECT key FROM Settings")}
    except sqlite3.OperationalError as error:
        # A database that another process is making has no tables yet.
        return None if "no such table" in str(error) or "locked" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    strange = names - set(DEFAULT_SETTINGS) - set(METADATA)
    return f"it has the unknown setting {min(strange, key=str)!r}" if strange else None


def _set_aside(path: Path, reason: str) -> None:
    """Renames the database and what belongs to it, so that a new one can be made."""
    mark = f"corrupt-{time.time_ns()}"
    for end in _ENDS:
        file = path / f"{DBNAME}{end}"
        if file.exists():
            file.replace(path / f"{DBNAME}.{mark}{end}")
    _log.warning(
        "the cache in %s is corrupted (%s); it is set aside as %s.%s and begun anew",
        path,
        reason,
        DBNAME,
        mark,
    )
