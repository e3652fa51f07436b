"""The cache: what names an answer, what is kept, and what a damaged or hostile file can do."""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import LangnetError, TransientError
from langnet.key import Key
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScore,
    TextScores,
    Usage,
)
from langnet.lm.cache import Cached, DiskStore, MemoryStore, default_cache_path
from langnet.lm.flight import SingleFlight
from langnet.lm.limited import Limited
from langnet.lm.limiter import Limiter
from langnet.lm.meter import Meter
from langnet.lm.openai import OpenAIModel
from langnet.lm.partial import Partial
from tests.lm.server import SECRET, fault, serving

KEYS = [Key(("draw", i)) for i in range(4)]
YES_NO = [Choice("yes"), Choice("no")]


class Counting:
    """Gives a new answer to every request, and notes what reached it."""

    capabilities = Capabilities(score=True, choose=True)

    def __init__(self, identity="counting"):
        self.identity = identity
        self.seen = []

    async def sample(self, context, *, decoding, keys):
        self.seen.append(list(keys))
        return [Completion(f"{len(self.seen)}/{i}", "stop", Usage(5, 1)) for i in range(len(keys))]

    async def score(self, context, texts, *, decoding, end=True):
        self.seen.append(list(texts))
        scores = [TextScore((-float(len(self.seen)), -i / 7)) for i in range(len(texts))]
        return TextScores(tuple(scores), Usage(3))

    async def choose(self, context, choices):
        self.seen.append([choice.label for choice in choices])
        return LabelScores(tuple(-1.0 / 3 for _ in choices), Usage(2))

    async def aclose(self):
        self.seen.append("closed")


@pytest.fixture
async def disk(tmp_path):
    """A store of its own."""
    store = DiskStore(tmp_path / "cache")
    yield store
    await store.aclose()


def database(store):
    """A connection of one's own to a store's file."""
    return closing(sqlite3.connect(store.path / "cache.db", isolation_level=None))


# What names an answer


async def test_a_repetition_is_answered_without_the_model():
    """The same question has the same answer, which takes no tokens the second time."""
    model = Cached(inner := Counting(), MemoryStore())
    assert isinstance(model, LanguageModel)
    first = await model.sample("Q", decoding=Decoding(), keys=KEYS)
    again = await model.sample("Q", decoding=Decoding(), keys=KEYS)
    assert [(c.text, c.finish) for c in again] == [(c.text, c.finish) for c in first]
    assert [c.usage for c in again] == [Usage()] * 4
    scored = await model.score("Q", ["a", "b"], decoding=Decoding())
    assert await model.score("Q", ["a", "b"], decoding=Decoding()) == TextScores(scored.scores)
    chosen = await model.choose("Q", YES_NO)
    assert await model.choose("Q", YES_NO) == LabelScores(chosen.logprobs)
    assert len(inner.seen) == 3


async def test_only_what_is_missing_is_asked_for_in_one_call():
    """Of several draws or texts, those that are known are not asked for again."""
    model = Cached(inner := Counting(), MemoryStore())
    some = await model.sample("Q", decoding=Decoding(), keys=[KEYS[1], KEYS[3]])
    all_four = await model.sample("Q", decoding=Decoding(), keys=KEYS)
    assert [all_four[1].text, all_four[3].text] == [c.text for c in some]
    assert inner.seen == [[KEYS[1], KEYS[3]], [KEYS[0], KEYS[2]]]
    await model.score("Q", ["b"], decoding=Decoding())
    scores = await model.score("Q", ["a", "b", "c", "a"], decoding=Decoding())
    assert inner.seen[2:] == [["b"], ["a", "c"]]
    assert scores.scores[0] == scores.scores[3]
    assert scores.usage == Usage(3)


async def test_a_key_that_comes_twice_is_drawn_once():
    """Equal keys have equal texts, and the tokens are counted once."""
    model = Cached(inner := Counting(), MemoryStore())
    one, two = await model.sample("Q", decoding=Decoding(), keys=[KEYS[0], KEYS[0]])
    assert (one.text, one.usage, two.usage) == (two.text, Usage(5, 1), Usage())
    cold = Decoding(temperature=0)
    texts = await model.sample("Q", decoding=cold, keys=KEYS)
    assert len({text.text for text in texts}) == 1
    assert [len(keys) for keys in inner.seen] == [1, 1]


SAME = {
    "an empty stop list and order": (Decoding(stop=("a", "b")), Decoding(stop=("b", "a", "b"))),
    "an integer and a float": (Decoding(temperature=1), Decoding(temperature=1.0)),
    "the nucleus at temperature 0": (
        Decoding(temperature=0),
        Decoding(temperature=0, top_p=0.5),
    ),
}
OTHER = {
    "temperature": Decoding(temperature=0.5),
    "zero temperature": Decoding(temperature=0),
    "length": Decoding(max_tokens=7),
    "stop": Decoding(stop=("\n",)),
    "nucleus": Decoding(top_p=0.5),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
async def test_what_cannot_change_a_draw_does_not_part_entries(pair):
    """Two ways to say the same have one entry."""
    model = Cached(inner := Counting(), MemoryStore())
    for decoding in pair:
        await model.sample("Q", decoding=decoding, keys=KEYS)
    assert len(inner.seen) == 1


@pytest.mark.parametrize("decoding", OTHER.values(), ids=OTHER)
async def test_what_can_change_a_draw_parts_entries(decoding):
    """Each field of the decoding is part of a draw's name."""
    model = Cached(inner := Counting(), MemoryStore())
    await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    await model.sample("Q", decoding=decoding, keys=KEYS[:1])
    assert len(inner.seen) == 2


async def test_kinds_contexts_models_and_keys_are_apart():
    """Nothing is answered with another question's answer, and not with another model's."""
    store = MemoryStore()
    seen = 0
    for identity in ("one", "two"):
        model = Cached(inner := Counting(identity), store)
        for context in ("Q", "Q "):
            await model.sample(context, decoding=Decoding(), keys=KEYS[:1])
            await model.sample(context, decoding=Decoding(), keys=[KEYS[0] / 0])
            await model.score(context, [""], decoding=Decoding())
            await model.score(context, [""], decoding=Decoding(), end=False)
            await model.choose(context, [Choice("a b")])
            await model.choose(context, [Choice("a"), Choice("b")])
        seen += len(inner.seen)
    assert seen == len(store) == 24


async def test_scores_leave_out_what_does_not_matter():
    """Temperature 0 is scored as 1; without its end a score knows no stop string and no length."""
    model = Cached(inner := Counting(), MemoryStore())
    await model.score("Q", ["a"], decoding=Decoding(temperature=0))
    await model.score("Q", ["a"], decoding=Decoding())
    assert len(inner.seen) == 1
    for decoding in (Decoding(stop=("\n",)), Decoding(max_tokens=3)):
        await model.score("Q", ["a"], decoding=decoding, end=False)
    assert len(inner.seen) == 2
    await model.score("Q", ["a"], decoding=Decoding(stop=("\n",)))
    await model.score("Q", ["a"], decoding=Decoding(temperature=0.5))
    assert len(inner.seen) == 4


async def test_labels_may_change_their_names():
    """Only the texts that stand for labels matter to a model."""
    model = Cached(inner := Counting(), MemoryStore())
    await model.choose("Q", [Choice("yes"), Choice("no")])
    await model.choose("Q", [Choice("1", ("yes",)), Choice("0", ("no",))])
    assert len(inner.seen) == 1


@given(st.text(), st.text(), st.floats(-1e9, 0), st.sampled_from(["stop", "length"]))
async def test_an_entry_comes_back_as_it_went_in(context, text, logprob, finish):
    """Every text and number survives the store exactly."""

    class Says(Counting):
        async def sample(self, context, *, decoding, keys):
            return [Completion(text, finish)]

        async def score(self, context, texts, *, decoding, end=True):
            return TextScores((TextScore((logprob,)),))

    model = Cached(Says(), MemoryStore())
    for _ in range(2):
        (drawn,) = await model.sample(context, decoding=Decoding(), keys=KEYS[:1])
        scored = await model.score(context, [text], decoding=Decoding())
        assert (drawn.text, drawn.finish) == (text, finish)
        assert scored.scores[0].token_logprobs == (logprob,)


async def test_an_answer_is_kept_when_it_arrives():
    """Of a call for several, what has arrived is in the store before the rest is there."""
    release = anyio.Event()

    class Slow(Counting):
        async def sample(self, context, *, decoding, keys):
            if keys == KEYS[3:]:
                await release.wait()
            return await super().sample(context, decoding=decoding, keys=keys)

        async def score(self, context, texts, *, decoding, end=True):
            if texts == ["d"]:
                await release.wait()
            return await super().score(context, texts, decoding=decoding, end=end)

    store = MemoryStore()
    model = Cached(SingleFlight(Limited(Slow(), Limiter())), store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: model.sample("Q", decoding=Decoding(), keys=KEYS))
        tasks.start_soon(lambda: model.score("Q", ["a", "b", "c", "d"], decoding=Decoding()))
        await anyio.wait_all_tasks_blocked()
        assert len(store) == 6
        release.set()
    assert len(store) == 8


async def test_what_another_model_answers_is_not_taken_for_ones_own():
    """A model that asks another one with the same key keeps its own answer alone."""
    below = Limited(Counting("below"), Limiter())

    class Shouts(Counting):
        async def sample(self, context, *, decoding, keys):
            drawn = await below.sample(context, decoding=decoding, keys=keys)
            return [Completion(f"{text.text}!") for text in drawn]

    store = MemoryStore()
    model = Cached(Shouts("above"), store)
    for _ in range(2):
        drawn = await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert all(text.text.endswith("!") for text in drawn)
    assert len(store) == 4


async def test_what_arrived_of_a_call_that_failed_is_kept():
    """Of several draws or scores one fails: the others are kept, and handed on by their places."""

    class Fails(Counting):
        def fail(self, answer, places):
            error = TransientError("one of them")
            error.partial = Partial(dict.fromkeys(places, answer), Usage(1, 1))
            raise error

        async def sample(self, context, *, decoding, keys):
            self.seen.append(list(keys))
            return self.fail(Completion("there"), range(1, len(keys)))

        async def score(self, context, texts, *, decoding, end=True):
            self.seen.append(list(texts))
            return self.fail(TextScore((-1.0,)), range(1, len(texts)))

    model = Cached(inner := Fails(), MemoryStore())
    for asked, there in ((KEYS[1:], [1, 2]), (KEYS, [1, 2, 3])):
        with pytest.raises(TransientError) as failed:
            await model.sample("Q", decoding=Decoding(), keys=asked)
        assert failed.value.partial.answers == dict.fromkeys(there, Completion("there"))
    with pytest.raises(TransientError) as failed:
        await model.sample("Q", decoding=Decoding(), keys=KEYS[:2])
    for texts in (["a", "b", "c"], ["c", "a"]):
        with pytest.raises(TransientError) as failed:
            await model.score("Q", texts, decoding=Decoding())
    assert failed.value.partial.answers == {0: TextScore((-1.0,))}
    assert inner.seen == [KEYS[1:], KEYS[:2], KEYS[:1], ["a", "b", "c"], ["a"]]


@pytest.mark.parametrize(
    ("finish", "tokens", "is_kept"),
    [("length", 12, True), ("length", 11, False), ("length", 0, True), ("stop", 11, True)],
)
async def test_a_text_that_the_server_cut_short_is_not_kept(finish, tokens, is_kept):
    """A text of all the tokens asked for is a draw; one that was cut before is not kept."""

    class Cuts(Counting):
        async def sample(self, context, *, decoding, keys):
            self.seen.append(keys)
            return [Completion("text", finish, Usage(5, tokens))]

    model = Cached(inner := Cuts(), MemoryStore())
    for _ in range(2):
        (text,) = await model.sample("Q", decoding=Decoding(max_tokens=12), keys=KEYS[:1])
        assert (text.text, text.finish) == ("text", finish)
    assert len(inner.seen) == (1 if is_kept else 2)


async def test_entries_say_which_model_they_are_of(disk):
    """Every kind of entry carries its model's identity; one without it can be read as well."""
    disk.put("old", b"[1]")
    for identity in ("one", "two"):
        model = Cached(Counting(identity), disk)
        await model.sample("Q", decoding=Decoding(), keys=KEYS)
        await model.score("Q", ["a"], decoding=Decoding())
        await model.choose("Q", YES_NO)
    assert disk.stats().models == {"one": 6, "two": 6, None: 1}
    assert disk.get("old") == b"[1]"


async def test_errors_are_not_kept():
    """A failure is passed on and the next try reaches the model."""

    class Fails(Counting):
        async def sample(self, context, *, decoding, keys):
            self.seen.append(keys)
            raise TransientError("no")

    store = MemoryStore()
    model = Cached(inner := Fails(), store)
    for _ in range(2):
        with pytest.raises(TransientError):
            await model.sample("Q", decoding=Decoding(), keys=KEYS)
    assert (len(inner.seen), len(store)) == (2, 0)


async def test_an_entry_that_cannot_be_read_is_asked_for_again(caplog):
    """An entry of another form is no answer: a warning, a call, and a sound entry."""
    store = MemoryStore()
    model = Cached(inner := Counting(), store)
    await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    (name,) = store._entries
    for entry in (b"", b"{}", b'["text"]', b"[1,2]", b'{"a":1,"b":2}', b"\xff", b"[" * 10**5):
        store.put(name, entry)
        await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert store.get(name) != entry
    assert len(inner.seen) == 8
    await model.choose("Q", YES_NO)
    name = list(store._entries)[-1]
    store.put(name, b'["-1", null]')
    assert (await model.choose("Q", YES_NO)).logprobs == (-1 / 3, -1 / 3)
    assert len(caplog.records) == 8


# The disk


async def test_entries_outlive_the_process_that_wrote_them(tmp_path):
    """A store that is opened again answers what the first one was told."""
    path = tmp_path / "cache"
    for turn in range(2):
        store = DiskStore(path)
        model = Cached(inner := Counting(), store, meter=(meter := Meter()))
        texts = await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert [text.text for text in texts] == [f"1/{i}" for i in range(4)]
        assert (len(inner.seen), meter.snapshot().hits) == ((1, 0), (0, 4))[turn]
        await model.aclose()
        await store.aclose()


async def test_an_entry_can_be_read_before_it_is_written(disk):
    """What was put is there at once, and a flush makes it last."""
    disk.put("name", b"[1]")
    assert disk.get("name") == b"[1]"
    await disk.flush()
    assert disk._waiting == disk._under_way == {}
    assert disk.get("name") == b"[1]"
    with database(disk) as connection:
        rows = connection.execute("SELECT key, raw, mode, filename, value FROM Cache").fetchall()
    assert rows == [("name", 1, 1, None, b"[1]")]


async def test_the_last_entry_under_a_name_stays(disk):
    """Overwriting while the writer works ends with the last value."""
    for i in range(300):
        disk.put("name", b"%d" % i)
        disk.put(f"name {i}", b"%d" % i)
    await disk.flush()
    assert disk.get("name") == b"299"
    assert disk.stats().entries == 301


async def test_the_directory_is_the_users_own(tmp_path):
    """Nobody else may read answers or plant them."""
    path = tmp_path / "deep" / "cache"
    path.mkdir(parents=True, mode=0o755)
    store = DiskStore(path)
    store.put("name", b"1")
    await store.aclose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / "cache.db").stat().st_mode) == 0o600


def test_a_directory_with_other_things_is_refused(tmp_path):
    """A directory that is no cache is neither used nor closed to others."""
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(LangnetError, match="other things"):
        DiskStore(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    with pytest.raises(LangnetError, match="cannot be used"):
        DiskStore(tmp_path / "thesis.tex" / "cache")


def test_the_default_directory_can_be_named(monkeypatch, tmp_path):
    """The variable goes before the user's cache directory, and nothing is made by asking."""
    monkeypatch.setenv("LANGNET_CACHE", str(tmp_path / "mine"))
    assert default_cache_path() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()
    monkeypatch.delenv("LANGNET_CACHE")
    assert default_cache_path().parts[-2:] == ("langnet", "cache")


def test_statistics_and_clearing_need_no_event_loop(tmp_path):
    """The command line counts and clears without one."""
    store = DiskStore(tmp_path / "cache")
    for i in range(250):
        store.put(str(i), b"x" * 100)
    stats = store.stats()
    assert (stats.entries, stats.path) == (250, tmp_path / "cache")
    assert stats.bytes > 25_000
    assert store.clear() == 250
    assert store.stats().entries == 0
    assert store.get("1") is None
    store.close()
    store.close()


async def test_the_oldest_entries_leave_a_full_store(tmp_path):
    """A size limit holds, and what was stored last is there."""
    store = DiskStore(tmp_path / "cache", size_limit=300_000)
    for i in range(100):
        store.put(str(i), b"x" * 10_000)
    await store.flush()
    assert store.stats().entries < 40
    assert store.get("99") == b"x" * 10_000
    assert store.get("0") is None
    await store.aclose()


async def test_two_stores_share_a_directory(tmp_path):
    """What one has written the other reads, while both write."""
    one, two = DiskStore(tmp_path / "cache"), DiskStore(tmp_path / "cache")
    for i in range(500):
        one.put(f"one {i}", b"1")
        two.put(f"two {i}", b"2")
    await one.flush()
    await two.flush()
    assert all(two.get(f"one {i}") == b"1" and one.get(f"two {i}") == b"2" for i in range(500))
    assert one.stats().entries == 1000
    await one.aclose()
    await two.aclose()


async def test_writes_are_prompt(disk):
    """A write needs no flush: the writer's thread takes it by itself."""
    disk.put("name", b"1")
    with anyio.fail_after(10):
        while disk._waiting or disk._under_way:
            await anyio.lowlevel.checkpoint()
    with database(disk) as connection:
        assert connection.execute("SELECT COUNT(*) FROM Cache").fetchone() == (1,)


async def test_closing_writes_all_and_ends_the_thread(tmp_path):
    """Closing, even in a cancelled scope, loses nothing and leaves no thread."""
    store = DiskStore(tmp_path / "cache")
    for i in range(1000):
        store.put(str(i), b"1")
    writer = store._writer
    with anyio.CancelScope() as scope:
        scope.cancel()
        await store.aclose()
    assert not writer.is_alive()
    with database(store) as connection:
        assert connection.execute("SELECT COUNT(*) FROM Cache").fetchone() == (1000,)
    with pytest.raises(RuntimeError, match="closed"):
        store.put("late", b"1")


async def test_many_tasks_and_threads_at_once(disk):
    """Tasks that share a store get their own answers."""
    model = Cached(Counting(), disk)

    async def ask(i):
        texts = await model.score(f"Q{i % 10}", [f"a{i}", "b"], decoding=Decoding())
        assert len(texts.scores) == 2

    async with anyio.create_task_group() as group:
        for i in range(100):
            group.start_soon(ask, i)
    threads = [threading.Thread(target=disk.put, args=(str(i), b"1")) for i in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    await disk.flush()
    assert disk.stats().entries == 120


# Damage and malice


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


async def test_a_planted_pickle_is_never_opened(tmp_path, caplog):
    """A pickled value, a pickled name and a file's name in a row do nothing at all."""
    mark, other = tmp_path / "mark", tmp_path / "other"
    other.write_text("mine")
    bomb = pickle.dumps(Bomb(mark))
    store = DiskStore(tmp_path / "cache")
    for name in ("value", "text", "file", "sound"):
        store.put(name, b"[1]")
    await store.flush()
    (store.path / "bomb.val").write_bytes(bomb)
    with database(store) as connection:
        update = "UPDATE Cache SET mode = ?, filename = ?, value = ? WHERE key = ?"
        connection.execute(update, (4, None, bomb, "value"))
        connection.execute(update, (1, None, "text", "text"))
        connection.execute(update, (4, "bomb.val", None, "file"))
        connection.execute(
            "INSERT INTO Cache(key, raw, mode, filename, value, store_time) "
            "VALUES (?, 0, 4, '../other', ?, 0)",
            (bomb, bomb),
        )
    await store.aclose()

    store = DiskStore(tmp_path / "cache")
    assert [store.get(name) for name in ("value", "text", "file")] == [None, None, None]
    assert store.get("sound") == b"[1]"
    assert len(caplog.records) == 3
    await store.flush()
    assert store.stats().entries == 2  # refused rows were dropped; the name is not even looked at
    with pytest.raises(Exception, match="plain text"):
        list(store._cache)
    assert store.clear() == 2
    await store.aclose()
    assert not mark.exists()
    assert other.read_text() == "mine"


@pytest.mark.parametrize("data", [b"no database at all" * 100, b"SQLite format 3\0" + b"\7" * 5000])
async def test_a_corrupted_database_is_set_aside(tmp_path, caplog, data):
    """A file that is no database is kept under another name, and the cache begins anew."""
    path = tmp_path / "cache"
    path.mkdir()
    (path / "cache.db").write_bytes(data)
    store = DiskStore(path)
    store.put("name", b"1")
    await store.aclose()
    store = DiskStore(path)
    assert store.get("name") == b"1"
    await store.aclose()
    assert "set aside" in caplog.text
    (aside,) = path.glob("cache.db.corrupt-*")
    assert aside.read_bytes() == data


async def test_a_database_that_breaks_while_it_is_used_is_set_aside(tmp_path, caplog):
    """Damage that is found at a read or at a write costs answers, never the run."""
    path = tmp_path / "cache"
    store = DiskStore(path)
    for i in range(500):
        store.put(str(i), b"x" * 1000)
    await store.aclose()
    data = bytearray((path / "cache.db").read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    (path / "cache.db").write_bytes(data)
    caplog.set_level(logging.WARNING)
    store = DiskStore(path)
    assert [store.get(str(i)) for i in range(500)].count(None) > 0
    for _ in range(2):
        store.put("name", b"1")
        await store.flush()
    assert store.get("name") == b"1"
    await store.aclose()
    assert "set aside" in caplog.text


async def test_a_strange_setting_in_the_database_is_not_obeyed(disk, caplog):
    """Settings that this store never writes would be run as pragmas: the file is set aside."""
    disk.put("name", b"1")
    await disk.flush()
    with database(disk) as connection:
        connection.execute("INSERT INTO Settings VALUES ('sqlite_writable_schema', 1)")
    other = DiskStore(disk.path)
    assert other.get("name") is None
    assert "sqlite_writable_schema" in caplog.text
    await other.aclose()


async def test_a_database_that_cannot_be_written_costs_answers_only(disk, caplog, monkeypatch):
    """A lock that another process never gives back is a warning, not a failure."""
    monkeypatch.setattr("langnet.lm.disk._TRIES", 2)
    disk.put("before", b"1")
    await disk.flush()
    monkeypatch.setattr(disk._cache, "_timeout", 0)
    with database(disk) as connection:
        connection.execute("BEGIN IMMEDIATE")
        disk.put("during", b"1")
        await disk.flush()
        assert disk.get("before") == b"1"
        connection.execute("ROLLBACK")
    assert "1 answers are not kept" in caplog.text
    disk.put("after", b"1")
    await disk.flush()
    assert disk.get("after") == b"1"


# Together with a server


async def test_no_key_of_a_server_reaches_the_disk(tmp_path):
    """Nothing in the cache's files holds the API key, not even where the server repeats it."""
    async with serving(tops=True) as server:
        store = DiskStore(tmp_path / "cache")
        inner = OpenAIModel("toy", base_url=server.url, api_key=SECRET)
        model = Cached(inner, store)
        server.faults.append(fault(401, f"wrong key {SECRET}"))
        with pytest.raises(LangnetError):
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        await model.sample("Q", decoding=Decoding(), keys=KEYS)
        await model.sample("Q", decoding=Decoding(), keys=KEYS)
        await model.aclose()
        assert store.stats().entries == len(KEYS)
        files = b"".join(file.read_bytes() for file in store.path.iterdir())
        await store.aclose()
    assert len(server.requests) == 1 + len(KEYS)
    assert SECRET.encode() not in files
    assert b"forty two" in files


def test_importing_the_cache_makes_nothing(tmp_path):
    """Importing opens no file and starts no thread."""
    code = (
        "import threading, langnet.lm.cache, langnet.lm.openai, langnet.lm.tokens\n"
        "assert threading.active_count() == 1"
    )
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=home)  # noqa: S603  # our own code
    assert list(tmp_path.iterdir()) == []
