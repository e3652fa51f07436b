"""One task that looks at files for all who watch, a few times a second."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from langnet.errors import GraphError
from langnet.ui.files import Signature, find_runs, signature
from langnet.ui.run_log import RunLog
from langnet.ui.status import run_row
from langnet.ui.wire import encoded, event

__all__ = ["Runs", "Watcher"]

_SEARCH = 4
"""Every so many looks new run directories are searched for."""
_REFRESH = 5.0
"""Seconds after which a row is made again though no file has changed: its fit may have died."""
_KEPT = 6
"""Runs that nobody looks at but that are kept parsed."""

RunsCursor = tuple[str, int]


class Runs:
    """The rows of the list of runs, each with the version in which it last changed."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)
        self.version = 0
        self._rows: dict[str, tuple[int, bytes | None]] = {}

    def put(self, name: str, row: dict[str, Any] | None) -> bool:
        """Takes note of a row, or that a run is gone; says whether that is new."""
        data = None if row is None else encoded({"part": "run", "run": row})
        if self._rows.get(name, (0, None))[1] == data:
            return False
        self.version += 1
        self._rows[name] = (self.version, data)
        return True

    def since(self, cursor: RunsCursor | None) -> tuple[list[bytes], RunsCursor]:
        """The events since what somebody was told, and the cursor after them."""
        is_known = cursor is not None and cursor[0] == self.epoch
        told = cursor[1] if cursor is not None and is_known else 0
        rows = sorted((version, name, data) for name, (version, data) in self._rows.items())
        events = [] if is_known else [event(encoded({"part": "begin"}))]
        events += [
            event(
                encoded({"part": "gone", "name": name}) if data is None else data,
                f"{self.epoch}-{version}",
            )
            for version, name, data in rows
            if version > told
        ]
        return events, (self.epoch, max([told, *(version for version, *_ in rows)]))

    def cursor_of(self, last: str) -> RunsCursor | None:
        """The cursor of the last event that somebody saw, by its id."""
        epoch, _, number = last.partition("-")
        known = epoch == self.epoch and number.isdecimal() and int(number) <= self.version
        return (epoch, int(number)) if known else None


class Watcher:
    """Watches the runs in some folders.

    Attributes:
        runs: what the list of runs shows.
        is_over: set when nobody is to wait any more.
    """

    def __init__(self, roots: Sequence[str | Path], *, interval: float = 0.5) -> None:
        self.runs = Runs()
        self.is_over = False
        self._roots = [Path(root) for root in roots]
        self._interval = interval
        self._directories: dict[str, Path] = {}
        self._seen: dict[str, tuple[tuple[Signature | None, ...], float]] = {}
        self._logs: dict[str, RunLog] = {}
        self._readers: dict[str, int] = {}
        self._looks = 0
        self._changed = anyio.Event()

    async def watch(self) -> None:
        """Looks at the files again and again, until it is cancelled."""
        while True:
            if await to_thread.run_sync(self.poll):
                self._notify()
            # A large run is read in several goes, one right after the other.
            is_whole = all(log.is_whole for log in [*self._logs.values()])
            await anyio.sleep(self._interval if is_whole else 0)

    async def look(self, log: RunLog) -> None:
        """Looks at one run now, for who cannot wait."""
        if await to_thread.run_sync(log.poll):
            self._notify()

    async def changed(self, seconds: float) -> None:
        """Waits until something has changed, or for so many seconds."""
        changed = self._changed
        with anyio.move_on_after(seconds):
            await changed.wait()

    def end(self) -> None:
        """Lets all who wait go."""
        self.is_over = True
        self._notify()

    def directory(self, name: str) -> Path:
        """The directory of a run.

        Raises:
            GraphError: there is no run of that name.
        """
        found = self._directories.get(name)
        if found is None:
            raise GraphError(f"there is no run {name!r} here")
        return found

    def log(self, name: str) -> RunLog:
        """What there is to tell of a run, which is followed from now on.

        Raises:
            GraphError: there is no run of that name.
        """
        directory = self.directory(name)
        if name not in self._logs:
            self._logs[name] = RunLog(directory)
            self._forget()
        return self._logs[name]

    @contextmanager
    def reading(self, name: str) -> Iterator[RunLog]:
        """The same, kept as long as the block lasts."""
        log = self.log(name)
        self._readers[name] = self._readers.get(name, 0) + 1
        try:
            yield log
        finally:
            self._readers[name] -= 1

    def poll(self) -> bool:
        """Looks at all files once; says whether anything has changed."""
        now = time.monotonic()
        changed = False
        self._looks += 1
        if self._looks % _SEARCH == 1:
            before, self._directories = self._directories, find_runs(self._roots)
            for name in before.keys() - self._directories.keys():
                self._seen.pop(name, None)
                self._logs.pop(name, None)
                changed |= self.runs.put(name, None)
        for name, directory in self._directories.items():
            files = ("run", "state", "result", "live")
            found = tuple(signature(directory / f"{file}.json") for file in files)
            seen, at = self._seen.get(name, ((), 0.0))
            if found != seen or now - at > _REFRESH:
                self._seen[name] = (found, now)
                changed |= self.runs.put(name, run_row(name, directory))
        for log in [*self._logs.values()]:
            changed |= log.poll()
        return changed

    def _forget(self) -> None:
        """Lets go of runs that nobody has looked at for the longest time."""
        idle = [name for name in self._logs if not self._readers.get(name)]
        for name in idle[:-_KEPT]:
            del self._logs[name]

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
