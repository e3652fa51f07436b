"""What a cache on disk survives: kills, damage, malice, full and closed disks."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from langnet.key import Key
from langnet.lm.base import Completion, Decoding
from langnet.lm.cache import Cached
from langnet.lm.disk import DiskStore
from langnet.lm.journal import _HEADER, _MARK
from langnet.testing import ScriptedModel

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


@pytest.fixture
def path(tmp_path):
    """Where the cache is."""
    return tmp_path / "cache"


def database(path):
    """A connection of one's own to a store's file."""
    return closing(sqlite3.connect(path / "cache.db", isolation_level=None))


def written(path, number=200):
    """A cache with entries of a kilobyte, closed."""
    store = DiskStore(path)
    for i in range(number):
        store.put(str(i), b"%d" % i * 300)
    store.close()


def script(code, *arguments, **options):
    """Runs Python in a process of its own."""
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


# Kills

KILLED = """
import os, signal, sys
from langnet.lm.disk import DiskStore
store = DiskStore(sys.argv[1])
for i in range(int(sys.argv[2])):
    store.put(str(i), b"%d" % i, "model")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What a killed process has left, which had put 2,000 entries."""
    path = tmp_path_factory.mktemp("killed") / "cache"
    assert script(KILLED, path, 2000).returncode == -signal.SIGKILL
    return path


@POSIX
def test_a_kill_loses_nothing_that_was_put(path, killed):
    """An entry is safe once `put` has returned, written to the database or not."""
    shutil.copytree(killed, path)
    store = DiskStore(path)
    assert [store.get(str(i)) for i in range(2000)] == [b"%d" % i for i in range(2000)]
    assert store.stats().models == {"model": 2000}
    assert list(path.glob("journal-*")) == []
    store.close()


GOING_ON = """
import os, sys
from langnet.lm.disk import DiskStore
store = DiskStore(sys.argv[1])
for i in range(10**9):
    store.put(f"{sys.argv[2]} {i}", b"%d" % i)
    os.write(1, b"%d\\n" % i)
"""


@POSIX
def test_kills_at_any_moment_lose_nothing_that_was_told(path):
    """Whatever a killed process has said that it put is there, through several kills."""
    said = []
    for turn in range(2):
        with subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", GOING_ON, str(path), str(turn)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        ) as process:
            for _ in range(1 + 700 * turn):
                process.stdout.readline()
            process.kill()
            said.append(1 + 700 * turn + len(process.stdout.read().split()))
    store = DiskStore(path)
    for turn, number in enumerate(said):
        names = [f"{turn} {i}" for i in range(number - 1)]  # the last line may be torn
        assert [store.get(name) for name in names] == [b"%d" % i for i in range(number - 1)]
    store.close()


# The journal


def record(name=b"name", entry=b"[1]", tag=b"", *, mark=_MARK, checksum=None, length=None):
    """A record as a journal holds it, or one that is wrong somewhere."""
    body = name + tag + entry
    checksum = zlib.crc32(body) if checksum is None else checksum
    return _HEADER.pack(mark, checksum, len(name), len(tag), length or len(entry)) + body


def test_a_journal_holds_what_is_not_written_yet(path):
    """It is emptied with every transaction, and gone with its store."""
    store = DiskStore(path)
    for i in range(500):
        store.put(str(i), b"x" * 1000)
    files = list(path.glob("journal-*"))
    assert 1 <= len(files) <= 2
    assert sum(file.stat().st_size for file in files) > 0
    store.stats()
    assert sum(file.stat().st_size for file in files) == 0
    store.put("late", b"1")
    store.close()
    assert list(path.glob("journal-*")) == []


@POSIX
def test_a_living_processs_journal_is_left_alone(path):
    """A second store takes nothing over from a first that is open."""
    one = DiskStore(path)
    one.put("name", b"1")
    files = list(path.glob("journal-*"))
    two = DiskStore(path)
    assert list(path.glob("journal-*")) == files
    one.close()
    assert two.get("name") == b"1"
    two.close()


HOSTILE = {
    "nothing": b"",
    "other bytes": b"no journal at all" * 10,
    "half a header": record()[:9],
    "half a record": record()[:-1],
    "another mark": record(mark=b"LNJ9"),
    "a wrong checksum": record(checksum=1),
    "a length beyond the file": record(length=2**31),
    "a name that is no text": record(name=b"\xff\xfe"),
    "a pickle": pickle.dumps({"name": 1}),
}


@POSIX
@pytest.mark.parametrize("tail", HOSTILE.values(), ids=HOSTILE)
def test_a_journal_is_read_up_to_what_is_not_whole(path, caplog, tail):
    """Records before a torn or a strange one are kept, the rest is left out with a warning."""
    written(path, 1)
    (path / "journal-dead").write_bytes(record(b"a", b"[1]", b"m") + record(b"b") + tail)
    store = DiskStore(path)
    assert (store.get("a"), store.get("b")) == (b"[1]", b"[1]")
    assert store.stats().entries == 3
    assert store.stats().models["m"] == 1
    assert ("left out" in caplog.text) == bool(tail)
    assert list(path.glob("journal-*")) == []
    store.close()


@POSIX
def test_what_is_no_file_is_no_journal(path, caplog):
    """A link, a pipe or a directory with a journal's name is neither followed nor waited for."""
    written(path, 1)
    outside = path.parent / "outside"
    outside.write_bytes(record(b"a"))
    (path / "journal-link").symlink_to(outside)
    os.mkfifo(path / "journal-pipe")
    (path / "journal-folder").mkdir()
    store = DiskStore(path)
    assert store.get("a") is None
    assert outside.read_bytes() == record(b"a")
    assert len(caplog.records) == 3
    store.close()


def test_a_pickle_in_a_journal_is_an_entry_that_cannot_be_read(path, tmp_path, caplog):
    """Bytes from a journal are what an entry is, and are never opened by anything but JSON."""
    mark = tmp_path / "mark"
    written(path, 1)
    name = "a" * 64
    (path / "journal-dead").write_bytes(record(name.encode(), pickle.dumps(Bomb(mark))))
    store = DiskStore(path)
    model = Cached(ScriptedModel({"Q": "text"}), store)
    assert store.get(name) is not None
    assert model._lookup([name], lambda entry: entry) == {}
    assert "cannot be read" in caplog.text
    assert not mark.exists()
    store.close()


@POSIX
def test_a_journal_that_cannot_be_written_is_told_once(path, caplog):
    """Without a journal entries are kept all the same."""
    store = DiskStore(path)
    store.put("a", b"1")
    store.stats()
    for file in (store._journal._now, store._journal._other):
        if file._file >= 0:
            os.close(file._file)
            file._file = os.open(os.devnull, os.O_RDONLY)
        else:
            file._directory = path / "gone"
    for name in "bcd":
        store.put(name, b"1")
        store.stats()
    assert store.stats().entries == 4
    assert caplog.text.count("journal of the cache") == 1
    store.close()


# Damage while it is open


async def ask(model, number, first=0):
    """Asks for some texts, and says that all are right."""
    for i in range(first, first + number):
        (text,) = await model.sample("Q", decoding=Decoding(), keys=[Key((i,))])
        assert text == Completion(f"text {i}")


def answering(store):
    """A cache over a model whose answers are known."""
    return Cached(ScriptedModel(lambda _context, key: f"text {key[0]}"), store)


def overwrite(path):
    data = bytearray((path / "cache.db").read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    with (path / "cache.db").open("r+b") as file:
        file.write(data)


def overwrite_all(path):
    with (path / "cache.db").open("r+b") as file:
        file.write(os.urandom((path / "cache.db").stat().st_size))


def cut(path):
    os.truncate(path / "cache.db", 5000)


def cut_to_nothing(path):
    os.truncate(path / "cache.db", 0)


def cut_log(path):
    log = path / "cache.db-wal"
    if log.exists():
        os.truncate(log, log.stat().st_size // 3)


def overwrite_log(path):
    log = path / "cache.db-wal"
    if log.exists():
        log.write_bytes(os.urandom(log.stat().st_size))


def remove(path):
    for file in path.glob("cache.db*"):
        file.unlink()


def remove_all(path):
    shutil.rmtree(path)


DAMAGE = [overwrite, overwrite_all, cut, cut_to_nothing, cut_log, overwrite_log, remove, remove_all]


@POSIX
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
async def test_damage_to_an_open_cache_costs_answers_only(path, damage, caplog):
    """Whatever happens to the files, every answer is given, and closing works."""
    caplog.set_level(logging.WARNING)
    store = DiskStore(path)
    model = answering(store)
    await ask(model, 200)
    await store.flush()
    damage(path)
    await ask(model, 300)
    await store.flush()
    await ask(model, 300)
    await store.aclose()
    if damage is not remove_all:
        caplog.clear()
        store = DiskStore(path)
        await ask(answering(store), 300)
        await store.aclose()


@POSIX
@pytest.mark.parametrize("damage", DAMAGE[:-1], ids=lambda damage: damage.__name__)
async def test_damage_after_a_kill_costs_answers_only(path, killed, damage):
    """A killed process leaves its log and its journal; what is damaged of them is no obstacle."""
    shutil.copytree(killed, path)
    damage(path)
    store = DiskStore(path)
    await ask(answering(store), 50)
    await store.aclose()
    store = DiskStore(path)
    await ask(answering(store), 50)
    await store.aclose()


CLOSED = """
import asyncio, logging, os, sys, tempfile
import anyio.to_thread
from langnet.lm.disk import DiskStore
from tests.lm.test_store_faults import answering, ask

async def main():
    # What is imported when it is first needed must be there before, as far as it may be read then.
    await anyio.to_thread.run_sync(int)
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)  # root may write everywhere
    with tempfile.TemporaryDirectory() as folder:
        store = DiskStore(folder + "/cache")
        model = answering(store)
        await ask(model, 50)
        await store.flush()
        for name in os.listdir(store.path):
            os.chmod(store.path / name, 0o400)
        os.chmod(store.path, 0o500)
        await ask(model, 200)
        await store.flush()
        await ask(model, 200)
        await store.aclose()
        try:
            DiskStore(folder + "/cache")
        except Exception as error:
            print(type(error).__name__, error)
        os.chmod(store.path, 0o700)
    print("all answered")

logging.basicConfig()
asyncio.run(main())
"""


@POSIX
def test_a_directory_that_is_closed_to_us_costs_answers_only(tmp_path):
    """Where writing is forbidden in the midst, answers are given; opening says what to do."""
    done = script(CLOSED, cwd=ROOT)
    assert done.stdout.endswith("all answered\n"), done.stderr
    if done.stdout.count("\n") > 1:
        assert "LANGNET_CACHE" in done.stdout


FULL = """
import asyncio, logging, os, resource, sys
from langnet.lm.disk import DiskStore
from tests.lm.test_store_faults import answering, ask

async def main():
    store = DiskStore(sys.argv[1])
    model = answering(store)
    await ask(model, 50)
    await store.flush()
    # No file may grow beyond this: writing fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    for turn in range(5):
        await ask(model, 1000, 1000 * turn)
        await store.flush()
    await ask(model, 5000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    await ask(model, 100, 9000)
    await store.aclose()

logging.basicConfig()
asyncio.run(main())
"""


@POSIX
@pytest.mark.parametrize("limit", [0, 100_000])
async def test_a_full_disk_costs_answers_only(path, limit):
    """Where nothing can be written any more there is a warning, and answers are given."""
    done = script(FULL, path, limit, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "not kept in the cache" in done.stderr
    store = DiskStore(path)
    found = store.stats().entries
    assert found >= 150  # what was written before and afterwards
    model = answering(store)
    await ask(model, 50)
    await ask(model, 100, 9000)
    await store.flush()
    assert store.stats().entries == found
    await store.aclose()


async def test_a_bug_of_the_writer_is_not_lost(path, monkeypatch):
    """Where the writer's thread breaks, whoever flushes, puts or closes hears of it."""
    store = DiskStore(path)

    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(store, "_write", broken)
    store.put("a", b"1")
    with pytest.raises(ZeroDivisionError):
        await store.flush()
    with pytest.raises(ZeroDivisionError):
        store.put("b", b"1")
    with pytest.raises(ZeroDivisionError):
        await store.aclose()


# Modes


@POSIX
def test_every_file_is_the_users_own(path):
    """The database, its log, its index and journals are closed to others, whatever the umask."""
    before = os.umask(0)
    try:
        store = DiskStore(path)
        store.put("a", b"1")
        store.stats()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert {"cache.db", "cache.db-wal", "cache.db-shm"} < set(modes)
    assert any(name.startswith("journal-") for name in modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_files_that_were_open_to_others_are_closed(path):
    """An older version's files lose the rights of others when they are opened."""
    written(path, 1)
    (path / "cache.db").chmod(0o644)
    path.chmod(0o755)
    DiskStore(path).close()
    assert stat.S_IMODE((path / "cache.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


# Malice


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


def planted(mark):
    """Statements that plant pickles, and settings that would be obeyed."""
    bomb = pickle.dumps(Bomb(mark))
    return {
        "a pickle as a setting's value": (
            "UPDATE Settings SET value = ? WHERE key = 'count'",
            bomb,
        ),
        "a pickle as any setting": ("UPDATE Settings SET value = ?", bomb),
        "a pickle as a setting's name": ("INSERT INTO Settings VALUES (?, 1)", bomb),
        "a policy that is none": (
            "UPDATE Settings SET value = ? WHERE key = 'eviction_policy'",
            "no-such-policy",
        ),
        "a pragma": (
            "UPDATE Settings SET value = ? WHERE key = 'sqlite_journal_mode'",
            "off; DROP TABLE Cache",
        ),
        "a setting of another disk": ("INSERT INTO Settings VALUES ('disk_evil', ?)", bomb),
        "a size that empties the cache": (
            "UPDATE Settings SET value = ? WHERE key = 'size'",
            2**60,
        ),
        "a tag": ("UPDATE Cache SET tag = ?", bomb),
        "a value": ("UPDATE Cache SET mode = 4, value = ?", bomb),
        "a value as text": ("UPDATE Cache SET mode = 3, value = ?", "../../etc/passwd"),
        "a file's name": ("UPDATE Cache SET mode = 4, filename = ?", "../mark"),
        "a name": ("UPDATE Cache SET raw = 0, key = ? WHERE rowid = 1", bomb),
    }


@pytest.mark.parametrize("what", planted(""), ids=str)
async def test_nothing_that_is_planted_is_executed(path, tmp_path, what, caplog):
    """Pickles and settings in the database do nothing; answers are given, stats and clear work."""
    mark = tmp_path / "mark"
    store = DiskStore(path)
    await ask(answering(store), 20)
    await store.aclose()
    statement, value = planted(mark)[what]
    with database(path) as connection:
        connection.execute(statement, (value,))
    store = DiskStore(path)
    await ask(answering(store), 20)
    await store.flush()
    await ask(answering(store), 20)
    assert store.stats().entries in {20, 21}
    assert store.clear() in {20, 21}
    await store.aclose()
    assert not mark.exists()


async def test_a_trigger_that_was_planted_costs_answers_only(path, caplog):
    """A database that refuses every entry is set aside."""
    written(path, 1)
    with database(path) as connection:
        connection.execute(
            "CREATE TRIGGER evil BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    store = DiskStore(path)
    await ask(answering(store), 5)
    await store.flush()
    await ask(answering(store), 5)
    await store.aclose()
    assert "set aside" in caplog.text
