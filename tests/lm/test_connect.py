"""From a line of text to a model: what the forms mean, what is shared, what is closed."""

from __future__ import annotations

import threading

import anyio
import anyio.from_thread
import pytest

from langnet.errors import ContextOverflow, DataError, RequestRejected, TransientError
from langnet.key import Key
from langnet.lm.base import Capabilities, Choice, Completion, Decoding, LabelScores
from langnet.lm.cache import DiskStore, MemoryStore
from langnet.lm.connect import SpecError, connect, connect_all
from langnet.lm.flight import SingleFlight
from langnet.lm.local.catalogue import find
from langnet.lm.meter import Meter, MeterReading
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries, Retrying
from tests.lm.server import SECRET, fault, serving

KEYS = [Key(("draw", i)) for i in range(2)]


class Own:
    """A model of the caller's."""

    identity = "own"
    capabilities = Capabilities(choose=True)
    closed = False

    async def sample(self, context, *, decoding, keys):
        return [Completion(context.upper()) for _ in keys]

    async def choose(self, context, choices):
        return LabelScores(tuple(-1.0 for _ in choices))

    async def aclose(self):
        self.closed = True


async def test_both_forms_of_an_address_name_the_same_model():
    """A name at an address and an address with a name are one model, with the options given."""
    async with serving() as server:
        for spec in (
            f"openai:org/toy:7b@{server.url}?endpoint=completions&timeout=3",
            f" {server.url}#org/toy:7b?endpoint=completions&timeout=3 ",
        ):
            async with connect(spec, retries=None, limits=None) as model:
                assert isinstance(model, OpenAIModel)
                assert (model.name, model.endpoint) == ("org/toy:7b", "completions")
                assert (model.base_url, model._session.timeout) == (server.url, 3.0)
                (text,) = await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
                assert text.text == "forty two"
                connections = model._session.connections
            assert connections.closed
    assert server.requests[0] == server.requests[1]


async def test_a_name_alone_is_at_openai(monkeypatch):
    """Without an address the name is one of OpenAI's models, or of the server the user set."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    async with connect("openai:gpt-4o", retries=None, limits=None) as model:
        assert model.base_url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    async with connect("openai:gpt-4o", retries=None, limits=None) as model:
        assert model.base_url == "http://127.0.0.1:9/v1"


async def test_what_a_server_can_do_is_declared_or_probed():
    """The options say what is known, or ask for a probe."""
    async with serving(echo=True, tops=True) as server:
        named = f"openai:toy@{server.url}"
        for options, found in {
            "": Capabilities(),
            "?choose=1": Capabilities(choose=True),
            "?probe=1": Capabilities(choose=True),
            "?endpoint=completions&scoring=echo": Capabilities(score=True, choose=True),
            "?endpoint=completions&probe=1": Capabilities(score=True, choose=True),
        }.items():
            async with connect(named + options) as model:
                assert model.capabilities == found


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("smollm2", "local:smollm2"),
        ("", "the forms are"),
        ("local:", "the forms are"),
        ("openai:", "the forms are"),
        ("cohere:command", "the forms are"),
        ("anthropic:", "the forms are"),
        ("anthropic:claude?endpoint=chat", "unknown option 'endpoint'"),
        ("http://127.0.0.1:1/v1", "#NAME"),
        ("openai:toy?endpoint=chat&endpoint=chat", "twice"),
        ("openai:toy?temperature=1", "unknown option 'temperature'"),
        ("openai:toy?probe=yes", "0 or 1"),
        ("openai:toy?timeout=soon", "timeout"),
        ("openai:toy?endpoint=embeddings", "endpoint"),
        ("openai:toy?scoring=echo", "completions"),
        (f"openai:toy@http://u:{SECRET}@host/v1", "api_key"),
        (f"http://u:{SECRET}@host/v1", "#NAME"),
        ("openai:toy?key_env=LANGNET_NO_SUCH_VARIABLE", "LANGNET_NO_SUCH_VARIABLE is not set"),
        ("local:toy.gguf?temperature=1", "unknown option"),
    ],
)
async def test_a_line_that_cannot_be_read_says_what_can(spec, says, tmp_path):
    """A wrong line is found before anything is opened, and the error names the mend."""
    with pytest.raises(SpecError, match=says) as caught:
        async with connect(spec, cache=tmp_path / "cache"):
            pass
    assert isinstance(caught.value, ValueError)
    assert SECRET not in str(caught.value)
    assert not (tmp_path / "cache").exists()


async def test_a_key_comes_from_the_variable_that_is_named(monkeypatch):
    """A server's key is named by its variable, never written into the line."""
    monkeypatch.setenv("MY_SERVERS_KEY", SECRET)
    async with serving() as server:
        async with connect(f"{server.url}#toy?key_env=MY_SERVERS_KEY") as model:
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert server.keys == [f"Bearer {SECRET}"]


async def test_hits_are_no_calls(tmp_path):
    """A cache stands over the meter: what it answers is a hit and reaches no model."""
    meter = Meter()
    async with serving() as server:
        for _ in range(2):
            spec = f"openai:toy@{server.url}"
            async with connect(spec, cache=tmp_path / "cache", meter=meter) as model:
                await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert len(server.requests) == 2
    reading = meter.snapshot()
    assert (reading.sample_calls, reading.texts_drawn, reading.hits) == (1, 2, 2)
    assert reading.prompt_tokens == 2


async def test_what_the_caller_made_the_caller_closes(tmp_path):
    """Models and stores that were handed in stay open; a directory's store is closed."""
    own, store, meter = Own(), DiskStore(tmp_path / "cache"), Meter()
    async with connect(own) as model:
        assert model is own
    async with connect(own, cache=store, meter=meter) as model:
        for _ in range(2):
            assert (await model.choose("Q", [Choice("yes")])).logprobs == (-1.0,)
        assert model.identity == "own"
    assert not own.closed
    # It does not say what it took, so that is estimated: a token of a context, one of a label.
    assert meter.snapshot() == MeterReading(
        choose_calls=1,
        texts_scored=1,
        hits=1,
        prompt_tokens=2,
        estimated_tokens=2,
        unpriced_tokens=2,
    )
    await store.flush()
    assert store.stats().entries == 1
    await store.aclose()


async def test_equal_lines_share_one_model():
    """Names with the same line have the same model, so it is loaded once."""
    async with serving() as server:
        one, other = f"openai:toy@{server.url}", f"openai:other@{server.url}"
        specs = {"default": one, "proposer": one, "judge": other, "own": Own()}
        async with connect_all(specs, cache=MemoryStore()) as models:
            assert list(models) == list(specs)
            assert models["default"] is models["proposer"]
            assert models["judge"] is not models["default"]
            await models["judge"].sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert server.requests[0]["model"] == "other"


async def test_a_model_that_fails_to_open_closes_the_others(monkeypatch):
    """Where one of several models fails, none stays open."""
    closed = []
    close = OpenAIModel.aclose

    async def noting(self):
        closed.append(self.name)
        await close(self)

    monkeypatch.setattr(OpenAIModel, "aclose", noting)
    async with serving() as server:
        server.faults.append(fault(404, "no such model"))
        specs = {"a": f"openai:good@{server.url}", "b": f"openai:bad@{server.url}?probe=1"}
        with pytest.raises(RequestRejected, match="no such model"):
            async with connect_all(specs):
                pass
    assert sorted(closed) == ["bad", "good"]


async def test_weights_that_are_not_there_are_named_with_the_mend(monkeypatch, tmp_path):
    """A model of the catalogue that was not fetched says how to fetch it; a file says its path."""
    monkeypatch.setenv("LANGNET_MODELS", str(tmp_path))
    for spec, says in {
        "local:smollm2": "langnet models pull smollm2",
        "local:smollm3": "langnet models list",
        f"local:{tmp_path}/toy.gguf?threads=1": "there is no file",
    }.items():
        with pytest.raises(DataError, match=says):
            async with connect(spec):
                pass
    assert list(tmp_path.iterdir()) == []


async def test_pulling_can_be_watched_and_cancelled(monkeypatch, tmp_path):
    """A download tells its progress, and a cancelled one ends at its next report."""
    fetched = tmp_path / "toy.gguf"
    seen = []

    def pull(name, progress):
        progress(1, 2)
        seen.append(name)
        if scope.cancel_called:
            progress(2, 2)
            raise AssertionError("not cancelled")
        return fetched

    def told(done, total):
        seen.append((done, total))
        if len(seen) > 2:
            anyio.from_thread.run_sync(scope.cancel)

    monkeypatch.setenv("LANGNET_MODELS", str(tmp_path))
    monkeypatch.setattr("langnet.lm.local.pull", pull)
    with anyio.CancelScope() as scope:
        with pytest.raises(DataError, match="pull smollm2"):  # the weights are still not there
            async with connect("local:smollm2", pull=True, progress=told):
                pass
        assert seen == [(1, 2), "smollm2"]
        async with connect("local:smollm2", pull=True, progress=told):
            pass
    assert scope.cancelled_caught
    assert seen == [(1, 2), "smollm2", (1, 2), "smollm2"]


@pytest.mark.model
async def test_a_file_is_loaded_with_its_options():
    """An embedded model opens from its path, answers, and gives back its thread."""
    try:
        path = find("smollm2")
    except DataError as error:
        pytest.skip(str(error))
    async with connect(f"local:{path}?threads=1&context_size=256", cache=MemoryStore()) as model:
        assert model.capabilities.score
        (text,) = await model.sample("1, 2, 3,", decoding=Decoding(max_tokens=4), keys=KEYS[:1])
        assert text.text
        with pytest.raises(ContextOverflow):
            await model.sample("1, " * 300, decoding=Decoding(), keys=KEYS[:1])
        assert any("langnet" in thread.name for thread in threading.enumerate())
    assert not any("langnet" in thread.name for thread in threading.enumerate())


async def test_calls_of_a_server_are_made_again():
    """What may pass is tried again by default, each attempt a call; None leaves that out."""
    meter = Meter()
    retries = Retries(first_wait=0.0)
    async with serving() as server:
        spec = f"openai:toy@{server.url}"
        server.faults.extend([fault(500), fault(503), None])
        async with connect(spec, meter=meter, retries=retries, cache=MemoryStore()) as model:
            for _ in range(2):
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        reading = meter.snapshot()
        assert (reading.calls, reading.retries, reading.errors, reading.hits) == (3, 2, 2, 1)
        server.faults.append(fault(500))
        async with connect(spec, retries=None) as model:
            with pytest.raises(TransientError):
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        async with connect(spec) as model:
            assert isinstance(model, SingleFlight)
            assert isinstance(model.model, Retrying)


async def test_a_probe_is_made_again():
    """A server that is not ready is probed until it is."""
    async with serving(tops=True) as server:
        server.faults.extend([fault(503), None, fault(500)])
        spec = f"openai:toy@{server.url}?probe=1"
        async with connect(spec, retries=Retries(first_wait=0.0)) as model:
            assert model.capabilities == Capabilities(choose=True)
        server.faults.append(fault(503))
        with pytest.raises(TransientError):
            async with connect(spec, retries=None):
                pass
