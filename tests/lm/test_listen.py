"""Listening to texts while they are drawn, against real servers on this machine."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from langnet import Graph, Input, Node, run
from langnet.errors import (
    ContextOverflow,
    ModelError,
    RateLimited,
    RequestRejected,
    TransientError,
)
from langnet.key import Key
from langnet.lm import stream
from langnet.lm.answers import ended
from langnet.lm.base import Decoding, Usage
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.chunks import ChoiceChunks, MessageChunks
from langnet.lm.connect import connect
from langnet.lm.listen import Delta, Telling, listening, streamed
from langnet.lm.meter import Meter
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries, Retrying
from langnet.testing.models import TableModel
from tests.lm.server import SECRET, refused
from tests.lm.streams import CUT, WAIT, data, models, streaming

KEY, OTHER = Key(("draw", 0)), Key(("draw", 1))
PROTOCOLS = pytest.mark.parametrize("protocol", ["chat", "completions", "messages"])
AGAIN = Retries(first_wait=0.0)


@asynccontextmanager
async def model_and_server(protocol="chat", *, server=None, **arguments):
    async with streaming(**(server or {})) as running:
        model = models(running, **arguments)[protocol]()
        try:
            yield model, running
        finally:
            await model.aclose()


async def drawn(model, key=KEY, **decoding):
    (completion,) = await model.sample("Q", decoding=Decoding(**decoding), keys=[key])
    return completion


async def heard(model, key=KEY, **decoding):
    """The completion and all that was heard of it."""
    deltas = []
    with listening(deltas.append):
        completion = await drawn(model, key, **decoding)
    return completion, deltas


# What is told


PIECES = st.lists(st.text(alphabet="ab \n", max_size=4), max_size=8)
STOPS = st.lists(st.text(alphabet="ab \n", min_size=1, max_size=3), max_size=3)


@given(PIECES, STOPS)
def test_what_is_told_adds_up_to_the_completion(pieces, stop):
    """However a text comes in pieces, what is told is the completion's text, begun once."""
    deltas = []
    telling = Telling(deltas.append, [KEY], stop)
    for piece in pieces:
        telling.piece(piece)
    completion = ended("".join(pieces), stop=stop, is_cut=False, usage=Usage())
    telling.end(completion.text)
    assert "".join(delta.text for delta in deltas) == completion.text
    assert [delta.first for delta in deltas] == [True] * bool(deltas) + [False] * (len(deltas) - 1)
    assert all(delta.text for delta in deltas)


def test_pieces_are_told_as_soon_as_they_are_sure():
    """Only white space at the end, and what may begin a stop string, is held back."""
    deltas = []
    telling = Telling(deltas.append, [KEY], ["END"])
    told = []
    for piece in ("\n A", " b", "  ", "c E", "N", "T", "EN", "D more"):
        telling.piece(piece)
        told.append("".join(delta.text for delta in deltas))
    assert told == ["A", "A b", "A b", "A b  c", "A b  c", "A b  c ENT", "A b  c ENT", "A b  c ENT"]


@PROTOCOLS
@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_a_stream_gives_the_same_completion(protocol, finish):
    """Text, end and usage are those of an answer that comes at once, and so is the request."""
    async with model_and_server(protocol, server={"finish": finish}) as (model, server):
        plain = await drawn(model)
        completion, deltas = await heard(model)
        first, second = server.requests
    assert completion == plain
    assert plain.usage == Usage(7, 3, 2)
    assert plain.finish == finish
    assert deltas == [Delta("for", KEY, first=True), Delta("ty", KEY), Delta(" two", KEY)]
    assert second.pop("stream") is True
    second.pop("stream_options", None)
    assert first == second


@PROTOCOLS
async def test_pieces_come_before_the_end(protocol):
    """What the server has sent is heard while the rest is still to come."""
    async with model_and_server(protocol, server={"drawn": [["one", WAIT, " two"]]}) as (
        model,
        server,
    ):

        def on_delta(delta):
            texts.append(delta.text)
            server.gate.set()  # only this lets the server go on

        texts = []
        with listening(on_delta):
            completion = await drawn(model)
    assert (completion.text, texts) == ("one two", ["one", " two"])


async def test_at_temperature_zero_every_key_hears():
    """One request answers all keys, and each is told of it."""
    async with model_and_server() as (model, server):
        deltas = []
        with listening(deltas.append):
            await model.sample("Q", decoding=Decoding(temperature=0), keys=[KEY, OTHER])
    for key in (KEY, OTHER):
        assert "".join(delta.text for delta in deltas if delta.key == key) == "forty two"
    assert len(server.requests) == 1


@PROTOCOLS
async def test_a_server_that_does_not_stream_is_understood(protocol):
    """A server that answers at once gives the same completion, and it is heard whole."""
    async with model_and_server(protocol, server={"deaf": True}) as (model, _):
        completion, deltas = await heard(model)
    assert completion.text == "forty two"
    assert deltas == [Delta("forty two", KEY, first=True)]


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "llamacpp"])
async def test_dialects_stream_what_they_ask_at_once(dialect):
    """A dialect's own fields go along with a stream as well."""
    async with streaming() as server:
        model = OpenAIModel("toy", base_url=server.url, dialect=dialect)
        plain = await drawn(model)
        completion, deltas = await heard(model)
        await model.aclose()
        first, second = server.requests
    assert completion == plain
    assert len(deltas) == 3
    assert second == {**first, "stream": True, "stream_options": {"include_usage": True}}


async def test_only_who_listens_hears():
    """A listener hears its own task and those it starts, and no other; a block ends it."""
    async with model_and_server() as (model, server):
        mine, before = [], []

        async def listen():
            with listening(mine.append):
                async with anyio.create_task_group() as inner:
                    inner.start_soon(drawn, model, KEY)

        with listening(before.append):
            pass
        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            group.start_soon(drawn, model, OTHER)
        await drawn(model, OTHER)
        with listening(mine.append), listening(None):
            await drawn(model, OTHER)
    assert {delta.key for delta in mine} == {KEY}
    assert before == []
    assert [bool(body.get("stream")) for body in server.requests].count(True) == 1


# What goes wrong


@PROTOCOLS
async def test_a_stream_that_is_cut_is_asked_again(protocol):
    """A cut may pass; the second attempt is announced, so that the first can be taken back."""
    drawings = [["one", " tw", CUT], ["for", "ty"]]
    async with model_and_server(protocol, server={"drawn": drawings}) as (model, server):
        completion, deltas = await heard(Retrying(model, AGAIN))
    assert completion.text == "forty"
    assert [(delta.text, delta.first) for delta in deltas] == [
        ("one", True),
        (" tw", False),
        ("for", True),
        ("ty", False),
    ]
    assert len(server.requests) == 2


@PROTOCOLS
@pytest.mark.parametrize("pieces", [["one", CUT], ["one"], [], ["one", b"data: {not JSON\n\n"]])
async def test_a_stream_that_ends_early_may_pass(protocol, pieces):
    """A text whose end did not come is no completion."""
    async with model_and_server(protocol, server={"drawn": [pieces], "end": False}) as (model, _):
        with pytest.raises(TransientError):
            await heard(model)


async def test_a_stream_without_its_mark_is_whole_once_the_text_has_ended():
    """Some servers close the connection in place of a last mark."""
    last = data({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    server = {"drawn": [["one", last]], "end": False}
    async with model_and_server(server=server) as (model, _):
        completion, _ = await heard(model)
    assert (completion.text, completion.usage) == ("one", Usage())


@pytest.mark.parametrize(
    ("protocol", "event", "kind"),
    [
        ("chat", {"error": {"message": "no", "code": 503}}, TransientError),
        ("chat", {"error": {"message": "no", "code": 429}}, RateLimited),
        ("chat", {"error": {"message": "no", "code": "busy"}}, TransientError),
        ("chat", {"error": {"type": "invalid_request_error", "code": 503}}, TransientError),
        ("chat", {"error": {"type": "invalid_request_error", "code": None}}, RequestRejected),
        ("chat", {"error": "no"}, TransientError),
        ("completions", {"object": "error", "message": "no", "code": 400}, RequestRejected),
        ("messages", {"type": "overloaded_error", "message": "Overloaded"}, TransientError),
        ("messages", {"type": "rate_limit_error", "message": "no"}, RateLimited),
        ("messages", {"type": "invalid_request_error", "message": "no"}, RequestRejected),
        (
            "messages",
            {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8 maximum"},
            ContextOverflow,
        ),
    ],
)
async def test_an_error_within_a_stream_means_what_it_says(protocol, event, kind):
    """What the server reports in mid-stream is the error that its code or name stands for."""
    event = {"type": "error", "error": event} if protocol == "messages" else event
    name = "error" if protocol == "messages" else None
    async with model_and_server(protocol, server={"drawn": [["one", data(event, name)]]}) as (
        model,
        server,
    ):
        with pytest.raises(ModelError) as caught:
            await heard(model)
        assert type(caught.value) is kind
        await server.quiet.wait()


async def test_a_refusal_before_the_stream_means_what_it_does_without():
    """A status is read as ever, with what the server asks for."""
    async with model_and_server() as (model, server):
        server.answers.append(lambda: refused(429, "slow down", **{"Retry-After": "3"}))
        with pytest.raises(RateLimited) as caught:
            await heard(model)
        assert caught.value.retry_after == 3
        server.answers.append(lambda: web.Response(status=307, headers={"Location": "/elsewhere"}))
        with pytest.raises(RequestRejected, match="redirects are not followed"):
            await heard(model)
        await model.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await heard(model)


async def test_no_error_of_a_stream_shows_the_key():
    """Neither a message nor what hangs on it holds the key."""
    event = data({"error": {"message": f"{SECRET} is wrong", "code": 500}})
    async with model_and_server(api_key=SECRET, server={"drawn": [[event], [CUT]]}) as (model, _):
        for _ in range(2):
            with pytest.raises(TransientError) as caught:
                await heard(model)
            assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("bound", ["LONGEST_BODY", "_LONGEST_EVENT"])
async def test_an_endless_stream_is_cut(monkeypatch, bound):
    """Neither a stream nor one event of it may take all memory."""
    monkeypatch.setattr(stream, bound, 1000)
    pieces = [b"data: " + b"x" * 2000] if bound == "_LONGEST_EVENT" else ["word "] * 100
    async with model_and_server(server={"drawn": [[*pieces, WAIT]]}) as (model, server):
        with pytest.raises(ModelError, match="1000 bytes") as caught:
            await heard(model)
        assert not isinstance(caught.value, TransientError)
        await server.quiet.wait()


async def test_a_silent_stream_is_given_up():
    """A server that goes quiet in the middle is given up after the time-out, which may pass."""
    async with model_and_server(server={"drawn": [["one", WAIT]]}, timeout=0.05) as (model, _):
        with pytest.raises(TransientError, match="silent"):
            await heard(model)


@PROTOCOLS
@pytest.mark.parametrize("error", [BrokenPipeError("the terminal is gone"), KeyError("bug")])
async def test_what_a_listener_raises_ends_the_call(protocol, error):
    """A listener's error is its own: it is not taken for the connection's, nor tried again."""
    async with model_and_server(protocol, server={"drawn": [["one", WAIT]]}) as (model, server):

        def on_delta(_):
            raise error

        with pytest.raises(type(error)) as caught, listening(on_delta):
            await drawn(Retrying(model, AGAIN))
        assert caught.value is error
        await server.quiet.wait()
        assert len(server.requests) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "text", "type", "index", "message", "usage"]
            ),
            inner,
            max_size=4,
        )
    ),
)
EVENTS = st.dictionaries(
    st.sampled_from(["choices", "usage", "type", "index", "delta", "message", "content_block"]),
    st.sampled_from(["message_start", "content_block_start", "content_block_delta"])
    | JSON
    | st.just({"type": "text_delta", "text": 3}),
)


@given(st.sampled_from([ChoiceChunks, MessageChunks]), st.lists(EVENTS, max_size=5))
def test_no_chunk_breaks_the_reading(kind, events):
    """Whatever comes, it is read or it is a failure of the model's."""
    chunks = kind()
    try:
        for event in events:
            assert isinstance(chunks.add(event), str)
        assert isinstance(chunks.answer(done=True), dict)
    except ModelError:
        pass


# One text in pieces


async def pieces_of(model):
    """All pieces of a text."""
    async with streamed(model, "Q", decoding=Decoding(), key=KEY) as coming:
        return [piece async for piece in coming]


async def test_a_text_in_pieces():
    """The pieces come as they are drawn, and add up to the text."""
    async with model_and_server(server={"drawn": [[" one", WAIT, " two "]]}) as (model, server):
        pieces = []
        async with streamed(model, "Q", decoding=Decoding(), key=KEY) as coming:
            async for piece in coming:
                pieces.append(piece)
                server.gate.set()
    assert pieces == ["one", " two"]


async def test_a_text_that_does_not_come_in_pieces_is_one():
    """From a cache, or of a model that cannot stream, the text comes whole; an empty one not."""
    async with model_and_server() as (model, server):
        cached = Cached(model, MemoryStore())
        assert await pieces_of(cached) == ["for", "ty", " two"]
        assert await pieces_of(cached) == ["forty two"]
        assert len(server.requests) == 1
    for text in ("whole", ""):
        table = TableModel(lambda *_: {text: 1.0})  # noqa: B023
        assert await pieces_of(table) == [text] * bool(text)


async def test_a_text_that_breaks_off_goes_on_where_it_was():
    """An attempt that draws the same text again repeats nothing."""
    drawings = [["one", " two", CUT], ["one t", "wo th", "ree"]]
    async with model_and_server(server={"drawn": drawings}) as (model, _):
        assert await pieces_of(Retrying(model, AGAIN)) == ["one", " two", " th", "ree"]


async def test_a_text_that_comes_out_otherwise_is_an_error():
    """What was given cannot be taken back, so that the reader is told; the answer is kept."""
    drawings = [["one", " two", CUT], ["forty"]]
    async with model_and_server(server={"drawn": drawings}) as (model, server):
        stack = Cached(Retrying(model, AGAIN), MemoryStore())
        with pytest.raises(ModelError, match="broke off after 7 characters"):
            await pieces_of(stack)
        assert await pieces_of(stack) == ["forty"]
        assert len(server.requests) == 2


@pytest.mark.parametrize("error", [TransientError("no"), KeyError("bug")])
async def test_a_failed_call_fails_where_the_pieces_are_read(error):
    """The model's own error comes out, and in no group."""

    class Failing(TableModel):
        async def sample(self, context, *, decoding, keys):
            raise error

    with pytest.raises(type(error)) as caught:
        await pieces_of(Failing(lambda *_: {}))
    assert caught.value is error


@pytest.mark.parametrize("how", ["break", "raise", "cancel"])
async def test_leaving_early_closes_the_connection(how):
    """Whoever leaves the block ends the call: no connection and no task stay."""
    async with model_and_server(server={"drawn": [["one", WAIT, "two"]]}) as (model, server):
        before = asyncio.all_tasks()

        async def read():
            async with streamed(model, "Q", decoding=Decoding(), key=KEY) as coming:
                async for piece in coming:
                    assert piece == "one"
                    if how == "raise":
                        raise KeyError(piece)
                    if how == "break":
                        break
                    scope.cancel()

        with anyio.CancelScope() as scope:
            if how == "raise":
                with pytest.raises(KeyError, match="one"):
                    await read()
            else:
                await read()
        assert not model._connection.session.connector._acquired
        await server.quiet.wait()
        left = {task for task in asyncio.all_tasks() - before if "RequestHandler" not in repr(task)}
        assert not left


async def test_the_whole_stack_passes_pieces_on():
    """Nothing between a listener and the server needs to know, and all of it still counts."""
    meter = Meter()
    drawings = [["one", CUT], ["one", " two"]]
    async with streaming(drawn=drawings) as server:
        spec = f"openai:toy@{server.url}"
        async with connect(spec, cache=MemoryStore(), meter=meter, retries=AGAIN) as model:
            for _ in range(2):
                assert "".join(await pieces_of(model)) == "one two"
    reading = meter.snapshot()
    assert (reading.calls, reading.retries, reading.hits) == (2, 1, 1)
    assert (reading.prompt_tokens, reading.completion_tokens) == (7, 2)


async def test_a_whole_network_can_be_listened_to():
    """Every node's text is heard while it is drawn, each under the key of its draw."""
    graph = Graph(
        Input("text"),
        Node("thought", "{text}", trainable=False),
        Node("answer", "{thought}", trainable=False),
    )
    async with model_and_server(server={"drawn": [["a", " thought"], ["an", " answer"]]}) as (
        model,
        _,
    ):
        deltas = []
        with listening(deltas.append):
            trace = await run(graph, {"text": "Q"}, models=model, key=KEY)
    texts = {}
    for delta in deltas:
        texts[delta.key] = texts.get(delta.key, "") + delta.text
    assert list(texts.values()) == ["a thought", "an answer"]
    assert len(deltas) == 4
    assert trace["answer"] == "an answer"


async def test_a_connection_that_streamed_is_used_again():
    """A stream that came to its end leaves its connection for the next call."""
    async with streaming() as server:
        model = OpenAIModel("toy", base_url=server.url)
        await heard(model)
        (waiting,) = model._connection.session.connector._conns.values()
        assert len(waiting) == 1
        await model.aclose()
