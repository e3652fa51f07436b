"""A journal of entries that are not in the database yet, so that a killed process loses none.

An entry is appended with one write of the system before its answer is given to anybody. What a
process has written outlives its kill, since the system holds it; only the loss of power can take
it, which would cost a call, not a result. The database has the entry within a second, and then the
journal needs it no more.

Two files take turns: while what stands in one goes into the database, new entries go into the
other; then the first is emptied. So a journal holds what two transactions do, at most. Each process
has files of its own and locks them as long as it lives. Whoever finds a file without a lock takes
over what it holds: twice is the same as once.

A record is a mark, a checksum and three lengths, then the name, the tag and the entry. Reading ends
at the first that is not whole. Bytes are kept as they are, and nothing in them is obeyed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import struct
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["PREFIX", "Journal", "Record", "recover"]

PREFIX = "journal-"
"""What the names of journals begin with."""

_MARK = b"LNJ1"
_HEADER = struct.Struct("<4sIHHI")  # mark, checksum, lengths of name, tag and entry
_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_log = logging.getLogger(__name__)


class Record(NamedTuple):
    """An entry, its name, and what it is counted under."""

    name: str
    entry: bytes
    tag: str


class _File:
    """One of the two files, made when it is first written to."""

    __slots__ = ("_directory", "_file", "_path", "size")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path: Path | None = None
        self._file = -1
        self.size = 0

    def append(self, data: bytes) -> None:
        if self._file < 0:
            self._path, self._file = _made(self._directory)
        written = os.write(self._file, data)
        if written != len(data):
            # What follows half a record could not be read.
            os.ftruncate(self._file, self.size)
            raise OSError(f"only {written} of {len(data)} bytes could be written")
        self.size += written

    def empty(self) -> None:
        if self.size:
            os.ftruncate(self._file, 0)
            self.size = 0

    def close(self, *, discard: bool) -> None:
        if self._path is not None:
            if discard or not self.size:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
        self._path, self._file, self.size = None, -1, 0


class Journal:
    """The journal of one process; calls must not overlap, except `settle` with `append`.

    Args:
        directory: where its files are made, as soon as there is something to write.
    """

    __slots__ = ("_now", "_other")

    # Without locks nobody could tell a living process's journal from a dead one's.
    available = sys.platform != "win32"

    def __init__(self, directory: Path) -> None:
        self._now, self._other = _File(directory), _File(directory)

    def append(self, name: str, entry: bytes, tag: str) -> None:
        """Writes a record.

        Args:
            name: of the entry.
            entry: the entry.
            tag: what it is counted under.

        Raises:
            OSError: it cannot be written.
        """
        start = name.encode("utf-8", "surrogatepass")
        middle = tag.encode("utf-8", "surrogatepass")
        body = b"%b%b%b" % (start, middle, entry)
        try:
            head = _HEADER.pack(_MARK, zlib.crc32(body), len(start), len(middle), len(entry))
        except struct.error as error:
            raise OSError(f"a record is too long for the journal: {error}") from error
        self._now.append(head + body)

    def turn(self) -> None:
        """Sends what follows to the other file."""
        self._now, self._other = self._other, self._now

    def settle(self) -> None:
        """Empties what was written before the last `turn`: it is kept elsewhere.

        Raises:
            OSError: the file cannot be emptied.
        """
        self._other.empty()

    def close(self, *, discard: bool) -> None:
        """Gives the files back, and removes those that are empty, or all.

        Args:
            discard: remove all: what they hold is kept elsewhere.
        """
        for file in (self._now, self._other):
            with contextlib.suppress(OSError):  # a directory that has gone, or is closed to us
                file.close(discard=discard)


def recover(directory: Path, keep: Callable[[list[Record]], bool]) -> None:
    """Takes over what processes that are no more have left, and removes their files.

    Args:
        directory: where journals lie.
        keep: is given the records of one file, and says whether they are kept now.
    """
    if not Journal.available:
        return
    for path in sorted(directory.glob(f"{PREFIX}*"), key=_age):
        try:
            with os.fdopen(os.open(path, os.O_RDWR | _SAFE), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    _log.warning("%s is not a file, and no journal is read from it", path)
                elif _locked(file.fileno(), wait=False) and keep(list(_records(file, path))):
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # another process was quicker
        except OSError as error:
            _log.warning("the journal %s cannot be read: %s", path, error)


def _made(directory: Path) -> tuple[Path, int]:
    while True:
        path = directory / f"{PREFIX}{secrets.token_hex(8)}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | _SAFE, 0o600)
        # Another process may have taken it for a dead one's in this very moment, and removed it.
        _locked(file, wait=True)
        if os.fstat(file).st_nlink:
            return path, file
        os.close(file)


def _locked(file: int, *, wait: bool) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _records(file: BinaryIO, path: Path) -> Iterator[Record]:
    left = os.fstat(file.fileno()).st_size
    while left:
        head = file.read(_HEADER.size)
        left -= len(head)
        if len(head) < _HEADER.size:
            break
        mark, checksum, *lengths = _HEADER.unpack(head)
        if mark != _MARK or sum(lengths) > left:
            break
        body = file.read(sum(lengths))
        left -= len(body)
        if zlib.crc32(body) != checksum:
            break
        name, tag = lengths[0], lengths[0] + lengths[1]
        try:
            yield Record(_text(body[:name]), body[tag:], _text(body[name:tag]))
        except UnicodeDecodeError:
            break
    else:
        return
    _log.warning("the journal %s ends in what is no whole record; that is left out", path)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _age(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0
