"""Looking after a cache: what is dropped, what a file of entries holds, and what it may not do."""

from __future__ import annotations

import gzip
import json
import math
import pickle
import sqlite3
import stat
import time
from contextlib import closing

import pytest

from langnet.errors import LangnetError
from langnet.lm.disk import DiskStore
from langnet.lm.transfer import Imported, export_entries, import_entries
from langnet.lm.upkeep import prune

DAY = 86_400.0
HEADER = {"format": "langnet-cache/1", "entries": 1}


def name(number):
    return f"{number:064x}"


def line(number=1, **change):
    """A sound line, or one with changes."""
    sound = {"name": name(number), "model": "a", "stored": 1.5e9, "entry": ["text", "stop"]}
    return {**sound, **change}


@pytest.fixture
def store(tmp_path):
    """Three models' answers, one in an older form without its model; ten each, a day apart."""
    store = DiskStore(tmp_path / "cache")
    for number in range(30):
        tag = ("openai:a@http://x/v1?endpoint=chat", "openai:b@http://x/v1", "")[number % 3]
        entry = [f"text {number} {'x' * 3000}", "stop"] if number % 2 else [-0.25, -math.inf]
        store.put(name(number), json.dumps(entry, separators=(",", ":")).encode(), tag)
    store.stats()
    with database(store) as connection:
        for number in range(30):
            stored = time.time() - (30 - number) * DAY + 60
            connection.execute(
                "UPDATE Cache SET store_time = ? WHERE key = ?", (stored, name(number))
            )
    yield store
    store.close()


def database(store):
    """A connection of one's own to a store's file."""
    return closing(sqlite3.connect(store.path / "cache.db", isolation_level=None))


def left(store):
    """The numbers of the entries that are there."""
    with database(store) as connection:
        return sorted(int(key, 16) for (key,) in connection.execute("SELECT key FROM Cache"))


def test_models_are_counted(store):
    """Entries are counted by model; those of older versions are of no known one."""
    assert store.stats().models == {
        "openai:a@http://x/v1?endpoint=chat": 10,
        "openai:b@http://x/v1": 10,
        None: 10,
    }


def test_old_entries_leave(store):
    """An age drops what was stored longer ago, and nothing else."""
    told = []
    assert prune(store, older_than=10 * DAY, progress=lambda *ways: told.append(ways)) == 20
    assert left(store) == list(range(20, 30))
    assert told[-1] == (20, 30)
    assert prune(store, older_than=10 * DAY) == 0
    assert len(store._cache) == store.stats().entries == 10


def test_the_oldest_leave_until_the_rest_fits(store):
    """A size holds afterwards, and what was stored last stays."""
    before = store.stats().bytes
    removed = prune(store, size=60_000)
    assert 0 < removed < 30
    assert left(store) == list(range(removed, 30))
    assert store.stats().bytes < before
    assert (store.path / "cache.db").stat().st_size <= 60_000
    assert prune(store, size=60_000) == 0
    assert prune(store, size=0) == 30 - removed


@pytest.mark.parametrize(
    "model", ["openai:a@http://x/v1?endpoint=chat", "openai:a@*", "*endpoint=chat"]
)
def test_one_models_entries_leave(store, model):
    """A model is named whole or by a pattern; together with an age both must hold."""
    assert prune(store, model=model, older_than=20 * DAY) == 4
    assert prune(store, model=model) == 6
    assert [number for number in left(store) if number % 3 == 0] == []
    with pytest.raises(LangnetError, match=r"no answer of a model .*cache stats"):
        prune(store, model=model)


@pytest.mark.parametrize("file", ["answers.jsonl", "answers.jsonl.gz"])
def test_what_is_exported_can_be_imported(store, tmp_path, file):
    """Entries, models and times come back as they were, once, however often they are imported."""
    file = tmp_path / file
    assert export_entries(store, file) == 30
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = DiskStore(tmp_path / "other")
    assert import_entries(other, file) == Imported(new=30, known=0)
    assert import_entries(other, file) == Imported(new=0, known=30)
    assert [other.get(name(i)) for i in range(30)] == [store.get(name(i)) for i in range(30)]
    assert other.stats().models == store.stats().models
    prune(other, older_than=10 * DAY)
    assert left(other) == list(range(20, 30))
    again = tmp_path / f"again-{file.name}"
    export_entries(store, again)
    assert again.read_bytes() == file.read_bytes()
    other.close()


def test_an_import_changes_nothing_that_is_there(store, tmp_path):
    """An entry that is known stays, whatever a file says."""
    file = tmp_path / "answers.jsonl"
    export_entries(store, file, model="openai:b@*")
    file.write_text(file.read_text().replace("text ", "lie "))
    before = store.get(name(1))
    assert import_entries(store, file) == Imported(new=0, known=10)
    assert store.get(name(1)) == before


def test_what_no_cache_wrote_is_not_exported(store, tmp_path):
    """Rows with pickles, other forms or strange names are passed over, unopened."""
    mark = tmp_path / "mark"
    bomb = pickle.dumps(Bomb(mark))
    with database(store) as connection:
        update = "UPDATE Cache SET mode = ?, filename = ?, value = ?, key = ? WHERE key = ?"
        for number, change in enumerate(
            [
                (4, None, bomb, name(0)),
                (1, "../other", b'["a","stop"]', name(1)),
                (1, None, b"[" * 10**5, name(2)),
                (1, None, b'{"a":1}', name(3)),
                (1, None, b'["a","stop"]', "strange"),
                (1, None, b'["a","stop"]', bomb),
            ]
        ):
            connection.execute(update, (*change, name(number)))
    file = tmp_path / "answers.jsonl"
    assert export_entries(store, file) == 24
    assert len(file.read_text().splitlines()) == 25
    assert not mark.exists()


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (type(self.mark).touch, (self.mark,))


HOSTILE = {
    "no JSON": b"{",
    "a pickle": pickle.dumps(["text", "stop"]),
    "no UTF-8": b'{"name": "\xff"}',
    "too deep": b"[" * 10**5,
    "a list": b"[]",
    "a number too long": b"1" * 10**5,
    "a name that is no hash": line(name="../../etc/passwd"),
    "a name of another type": line(name=1),
    "a model of another type": line(model=["a"]),
    "a time that is none": line(stored="now"),
    "a time without end": json.dumps(line(stored=math.inf)).encode(),
    "not a number": json.dumps(line(entry=[math.nan])).encode(),
    "an entry of another form": line(entry={"text": "a"}),
    "an entry of other types": line(entry=["a", 1]),
    "an integer": line(entry=[1]),
    "a field too many": line(tag=1),
    "a field too few": {"name": name(1)},
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_is_refused_with_its_number(tmp_path, hostile):
    """A line that no export writes is named, and not even the lines before it are added."""
    data = hostile if isinstance(hostile, bytes) else json.dumps(hostile).encode()
    file = tmp_path / "answers.jsonl"
    head = json.dumps({**HEADER, "entries": 2}).encode()
    file.write_bytes(b"\n".join([head, json.dumps(line(2)).encode(), data]) + b"\n")
    store = DiskStore(tmp_path / "cache")
    with pytest.raises(LangnetError, match=r"answers\.jsonl, line 3: .*; nothing was added"):
        import_entries(store, file)
    assert store.stats().entries == 0
    store.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: the file is empty"),
        (json.dumps({**HEADER, "format": "langnet-cache/9"}).encode(), "'langnet-cache/9' is not"),
        (json.dumps(line()).encode(), "line 1: it is not the first line"),
        (json.dumps({**HEADER, "entries": -1}).encode(), "line 1: it is not the first line"),
        (json.dumps(HEADER).encode(), "line 1: the file is not whole: 0 of 1"),
        (
            json.dumps({**HEADER, "entries": 0}).encode() + b"\n" + json.dumps(line()).encode(),
            "1 of 0",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, data, said):
    """Another format, another file, and one that was cut short are told apart."""
    file = tmp_path / "answers.jsonl"
    file.write_bytes(data)
    store = DiskStore(tmp_path / "cache")
    with pytest.raises(LangnetError, match=said):
        import_entries(store, file)
    store.close()


def test_a_packed_file_that_is_damaged_is_refused(store, tmp_path):
    """A packed file that is cut short, or is not packed, adds nothing."""
    file = tmp_path / "answers.jsonl.gz"
    export_entries(store, file)
    whole = file.read_bytes()
    other = DiskStore(tmp_path / "other")
    damaged = whole[: len(whole) // 2] + b"????" + whole[len(whole) // 2 + 4 :]
    for data in (whole[:-200], damaged, b"plain", gzip.compress(b"x")):
        file.write_bytes(data)
        with pytest.raises(LangnetError, match="nothing was added"):
            import_entries(other, file)
    assert other.stats().entries == 0
    other.close()


def test_an_export_that_fails_leaves_the_old_file(store, tmp_path, monkeypatch):
    """A file that is there is replaced by a whole one, or not at all."""
    file = tmp_path / "answers.jsonl"
    file.write_text("old")

    def fails(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_entries(store, file, progress=fails)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["answers.jsonl"]
