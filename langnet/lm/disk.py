"""A store on disk: one SQLite database that several processes may share, and a journal.

Reads happen where they are asked for: one indexed query takes about five microseconds, less than
handing it to a thread. An entry that is put goes into a journal at once (`langnet.lm.journal`), and
into the database (`langnet.lm.database`) through one thread, which puts those of a quarter of a
second, or a thousand, into one transaction: the larger it is, the less an entry costs, and the less
the thread is in the way of the others. So a kill loses nothing that was put, and other processes
see it a little later.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import diskcache

from langnet.errors import LangnetError
from langnet.lm.database import RefusedRowError, files_of, opened, prepare, read, set_aside, write
from langnet.lm.journal import Journal, Record, recover
from langnet.lm.store import CacheStats

__all__ = ["DiskStore"]

_BATCH = 1000  # entries in one transaction, which takes some 10 ms
_DELAY = 0.25  # seconds that a write waits for others to join it
_EXPOSED = 0.05  # the same without a journal, where a kill loses what waits
_TRIES = 30  # of a transaction, against another process that holds the lock
_log = logging.getLogger(__name__)

_Change = tuple[bytes | None, str]  # an entry and its tag; None removes what is there


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
        # Entries that are not in the database yet, and can be read already; None removes one.
        self._waiting: dict[str, _Change] = {}
        self._under_way: dict[str, _Change] = {}  # the writer has taken these
        self._flushes: list[threading.Event] = []
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._writer: threading.Thread | None = None
        self._is_idle = False
        self._closed = False
        self._bug: BaseException | None = None
        self._has_failed = False  # to write the last entries
        self._told: set[str] = set()  # warnings that are given once
        prepare(self.path)
        self._cache = opened(self.path, size_limit)
        self._reading = self._cache
        self._journal = Journal(self.path) if Journal.available else None
        self._delay = _EXPOSED if self._journal is None else _DELAY
        recover(self.path, self._recovered)

    def get(self, name: str) -> bytes | None:
        """The entry, or None; a row that this store cannot have written is dropped."""
        # In this order: the writer moves them in it.
        change = self._waiting.get(name) or self._under_way.get(name)
        if change is not None:
            return change[0]
        if self._closed:
            raise RuntimeError(f"the cache in {self.path} is closed")
        cache = self._cache
        if cache is not self._reading:  # it was set aside and rebuilt
            self._reading.close()
            self._reading = cache
        try:
            return read(cache, name)
        except RefusedRowError as error:
            _log.warning("an entry of the cache in %s is refused: %s", self.path, error)
            self._submit(name, (None, ""))
            return None
        except sqlite3.OperationalError as error:
            # Another process holds the database, or it has gone: an answer is only asked again.
            self._warn_once("the cache in %s cannot be read: %s", self.path, error)
            return None
        except sqlite3.DatabaseError as error:
            try:
                self._rebuild(cache, error)
            except (OSError, LangnetError) as worse:
                self._warn_once("the cache in %s cannot be read: %s", self.path, worse)
        return None

    def put(self, name: str, entry: bytes, tag: str = "") -> None:
        """Keeps an entry: a kill does not lose it, and it can be read at once."""
        self._submit(name, (entry, tag))

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
        models: Counter[str | None] = Counter()
        rows = self._cache._sql("SELECT tag, COUNT(*) FROM Cache GROUP BY tag")  # noqa: SLF001
        for tag, number in rows:
            models[tag if type(tag) is str and tag else None] += number
        size = sum(file.stat().st_size for file in files_of(self.path))
        return CacheStats(entries=models.total(), bytes=size, path=self.path, models=dict(models))

    def clear(self) -> int:
        """Removes all entries, also those that wait, and returns how many there were."""
        self._drain()
        return int(self._cache.clear(retry=False))

    def _submit(self, name: str, change: _Change) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the cache in {self.path} is closed")
            if self._bug is not None:
                raise self._bug
            entry, tag = change
            if self._journal is not None and entry is not None:
                try:
                    self._journal.append(name, entry, tag)
                except OSError as error:
                    if self._delay > _EXPOSED:
                        self._delay = _EXPOSED
                        self._changed.notify()
                    self._warn_once(
                        "answers of the last tenth of a second are lost if this process is killed, "
                        "since the journal of the cache in %s cannot be written: %s",
                        self.path,
                        error,
                    )
            self._waiting[name] = change
            if self._writer is None:
                self._start()
            elif self._is_idle or len(self._waiting) == _BATCH:
                self._is_idle = False
                self._changed.notify()

    def _start(self) -> None:
        # A daemon, so that a store nobody closes does not keep the process alive.
        self._writer = threading.Thread(target=self._writing, name="langnet-cache", daemon=True)
        self._writer.start()

    def _drain(self) -> None:
        """Waits until the writer has written what waits."""
        done = threading.Event()
        with self._changed:
            if self._writer is not None and self._writer.is_alive():
                self._flushes.append(done)
                self._changed.notify()
            else:
                done.set()
        done.wait()
        if self._bug is not None:
            raise self._bug

    def _end(self) -> None:
        if self._closed:
            return
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join()
        if self._journal is not None:
            # What could not be written is left to the next one who opens the cache.
            self._journal.close(discard=self._bug is None and not self._has_failed)
        if self._bug is not None:
            raise self._bug

    def _writing(self) -> None:
        """The writer: gathers for a while, and writes what has gathered."""
        cache = self._cache
        flushes: list[threading.Event] = []
        try:
            while True:
                with self._changed:
                    self._is_idle = True
                    self._changed.wait_for(lambda: self._waiting or self._flushes or self._closed)
                    self._is_idle = False
                    delay = self._delay
                    self._changed.wait_for(partial(self._is_due, delay), timeout=delay)
                    batch = self._under_way = self._waiting
                    self._waiting = {}
                    flushes, self._flushes = self._flushes, []
                    last = self._closed
                    if self._journal is not None:
                        self._journal.turn()
                if cache is not self._cache:  # it was set aside and rebuilt
                    cache.close()
                    cache = self._cache
                self._has_failed = not self._write(cache, batch)
                self._under_way = {}
                if not (last and self._has_failed):
                    self._settle()
                for flush in flushes:
                    flush.set()
                if last:
                    break
        except BaseException as error:  # noqa: BLE001 - `_drain` and `_end` raise it
            self._bug = error
        finally:
            cache.close()
            with self._changed:
                for flush in (*flushes, *self._flushes):
                    flush.set()

    def _is_due(self, delay: float) -> bool:
        """Whether what waits is to be written before its delay is over."""
        return bool(
            self._flushes or self._closed or self._delay < delay or len(self._waiting) >= _BATCH
        )

    def _settle(self) -> None:
        if self._journal is not None:
            try:
                self._journal.settle()
            except OSError as error:
                self._warn_once("the journal of the cache in %s: %s", self.path, error)

    def _recovered(self, records: list[Record]) -> bool:
        """Writes what a killed process left in its journal."""
        changes: dict[str, _Change] = {
            record.name: (record.entry, record.tag) for record in records
        }
        if not self._write(self._cache, changes):
            return False
        self._cache.close()
        return True

    def _write(self, cache: diskcache.Cache, changes: dict[str, _Change]) -> bool:
        """Writes entries in transactions that are short; says whether all are kept."""
        names = sorted(changes)
        for at in range(0, len(names), _BATCH):
            some = {name: changes[name] for name in names[at : at + _BATCH]}
            reason = self._written(cache, some)
            if reason is not None:
                lost = len(changes) - at
                _log.warning("%d answers are not kept in the cache %s: %s", lost, self.path, reason)
                return False
        return True

    def _written(self, cache: diskcache.Cache, changes: dict[str, _Change]) -> str | None:
        """Writes entries in one transaction; says why not, where it cannot."""
        for _ in range(_TRIES):
            try:
                write(cache, changes)
            except diskcache.Timeout:
                continue
            except sqlite3.OperationalError as error:
                return str(error)
            except sqlite3.DatabaseError as error:
                try:
                    self._rebuild(cache, error)
                except (OSError, LangnetError) as worse:
                    return str(worse)
                return str(error)
            return None
        return "it is locked or cannot be written to"

    def _rebuild(self, broken: diskcache.Cache, error: Exception) -> None:
        with self._changed:
            if self._cache is broken:
                broken.close()
                set_aside(self.path, str(error))
                self._cache = opened(self.path, self._size_limit)

    def _warn_once(self, message: str, *details: object) -> None:
        if message not in self._told:
            self._told.add(message)
            _log.warning(message, *details)
