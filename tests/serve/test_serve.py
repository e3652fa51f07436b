"""A network behind an endpoint, called by the official client and by worse ones."""

from __future__ import annotations

import itertools
import json
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import openai
import pytest

from langnet.errors import ContextOverflow, ModelError, RateLimited
from langnet.graph import Graph
from langnet.lm.listen import Delta, current_listener
from langnet.network import Network
from langnet.node import Input, Node
from langnet.serve import ServeSettings, application, serving
from langnet.serve.answer import Cut
from langnet.testing import GatedModel, ScriptedModel

ROOT = Path(__file__).parents[2]
ECHO = ScriptedModel(lambda context, key: context)
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")
TWO = Graph(Input("x"), Input("z"), Node("a", "{x}{z}{prompt}", "|a"), name="two")


@asynccontextmanager
async def served(graph=ONE, model=ECHO, *, concurrency=32, **settings):
    async with (
        Network.open(graph, models=model, concurrency=concurrency) as network,
        serving(application(network, ServeSettings(**settings))) as url,
    ):
        yield url


@asynccontextmanager
async def client(url, key="any", **settings):
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, **settings) as made:
        yield made


def says(text):
    return [{"role": "user", "content": text}]


async def test_the_official_client_gets_an_answer():
    """A chat completion is the network's first output, in OpenAI's form."""
    async with served() as url, client(url) as made:
        found = await made.chat.completions.create(model="one", messages=says("in"))
        assert found.choices[0].message.content == "in|a"
        assert found.choices[0].finish_reason == "stop"
        assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
        assert [model.id async for model in await made.models.list()] == ["one"]


async def test_the_official_client_reads_a_stream():
    """The pieces add up to the same answer, and the usage comes last where it is asked for."""
    async with served() as url, client(url) as made:
        stream = await made.chat.completions.create(
            model="one",
            messages=says("in"),
            n=2,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    texts = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {0: "in|a", 1: "in|a"}
    assert chunks[-1].usage is not None
    assert not chunks[-1].choices
    assert {chunk.usage for chunk in chunks[:-1]} == {None}


async def test_what_clients_send_by_habit_is_taken():
    """Settings of a model's drawing, and empty ones, change nothing; an ending text is heeded."""
    habits = {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 5,
        "presence_penalty": 0.5,
        "tools": [],
        "logprobs": False,
        "response_format": {"type": "text"},
        "user": "me",
    }
    async with served() as url, client(url) as made:
        ask = made.chat.completions.create
        found = await ask(model="one", messages=says("in END out"), stop=["END", "|"], **habits)
        assert found.choices[0].message.content == "in "
        told = [{"role": "assistant", "content": None}, *says("in")]
        found = await ask(model="one", messages=told)
        assert found.choices[0].message.content == "Assistant: \nUser: in|a"
        stream = await ask(model="one", messages=says("in END"), stop="ND", stream=True)
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(parts) == "in E"


async def test_an_unknown_model_and_a_wrong_format_are_the_clients_own_errors():
    """The official client raises what it raises at OpenAI, and its code says what is wrong."""
    async with served(name="org/one") as url, client(url, max_retries=0) as made:
        assert (await made.models.retrieve("org/one")).id == "org/one"
        with pytest.raises(openai.NotFoundError, match="'org/one'") as error:
            await made.chat.completions.create(model="gpt-4o", messages=says("in"))
        assert error.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as error:
            await made.chat.completions.create(
                model="org/one", messages=says("in"), response_format={"type": "json_object"}
            )
        assert error.value.param == "response_format"


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (4, 1, 1), (9,)])
def test_a_text_in_pieces_ends_where_the_whole_does(sizes):
    """However a text is cut into pieces, what is told of it is the same."""
    for text in ("one END two", "one EN", "EEND", "no end", "one END two EN"):
        cut, place, said = Cut(["END", "two"]), 0, ""
        for size in itertools.cycle(sizes):
            said += cut(text[place : place + size])
            place += size
            if place >= len(text):
                break
        assert said + cut.rest() == Cut(["END", "two"]).whole(text) == text.split("END")[0]


async def test_a_stream_comes_as_the_text_is_drawn():
    """The first piece is there before the model has drawn the rest."""
    may_go_on = anyio.Event()

    class Slow(ScriptedModel):
        async def sample(self, context, *, decoding, keys):
            current_listener()(Delta("on", keys[0], first=True))
            await may_go_on.wait()
            current_listener()(Delta("ce", keys[0]))
            return await super().sample(context, decoding=decoding, keys=keys)

    async with served(model=Slow(lambda context, key: "once")) as url, client(url) as made:
        stream = await made.chat.completions.create(model="one", messages=says("in"), stream=True)
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if text == "on":
                may_go_on.set()
    assert text == "once"


async def test_a_stream_that_comes_out_otherwise_ends_with_an_error():
    """What was told cannot be taken back, so a text that was begun anew and differs is an error."""

    class Twice(ScriptedModel):
        async def sample(self, context, *, decoding, keys):
            current_listener()(Delta("on", keys[0], first=True))
            current_listener()(Delta("tw", keys[0], first=True))
            return await super().sample(context, decoding=decoding, keys=keys)

    async with served(model=Twice(lambda context, key: "twice")) as url, client(url) as made:
        stream = await made.chat.completions.create(model="one", messages=says("in"), stream=True)
        with pytest.raises(openai.APIError, match="broke off after 2 characters"):
            async for _ in stream:
                pass


async def test_a_conversation_becomes_one_text():
    """Several messages say who spoke; parts of text are joined."""
    async with served() as url, client(url) as made:
        found = await made.chat.completions.create(
            model="one",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Hel"}]},
                {"role": "assistant", "content": "Yes?"},
                {"role": "user", "content": "in"},
            ],
        )
    said = "System: Be brief.\nUser: Hel\nAssistant: Yes?\nUser: in|a"
    assert found.choices[0].message.content == said


async def test_further_inputs_and_the_trace_are_asked_for_by_name():
    """A network with several inputs takes the others from a field of the request."""
    async with served(TWO) as url, client(url) as made:
        found = await made.chat.completions.create(
            model="two", messages=says("in"), extra_body={"inputs": {"z": "!"}, "trace": True}
        )
        assert found.choices[0].message.content == "in!|a"
        assert found.trace == [{"x": "in", "z": "!", "a": "in!|a"}]
        with pytest.raises(openai.BadRequestError, match="also reads z"):
            await made.chat.completions.create(model="two", messages=says("in"))


BAD = [
    ([], 400, "no JSON object"),
    ({}, 400, "messages is a list"),
    ({"messages": [{"role": "king", "content": "x"}]}, 400, "role is one of"),
    ({"messages": [{"role": "user", "content": 3}]}, 400, "content is a text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        400,
        "text alone",
    ),
    ({"messages": says("x"), "n": 0}, 400, "n lies between"),
    ({"messages": says("x"), "n": "2"}, 400, "n is a int"),
    ({"messages": says("x"), "inputs": {"w": "?"}}, 400, "no input 'w'"),
    ({"messages": says("x"), "model": "two"}, 404, "there is no model 'two' here; there is 'one'"),
    ({"messages": says("x"), "stop": 3}, 400, "stop is a text"),
    ({"messages": says("x"), "tools": [{"type": "function"}]}, 400, "calls no tools"),
    ({"messages": says("x"), "logprobs": True}, 400, "tells no log-probabilities"),
    ({"messages": says("x"), "response_format": {"type": "json_object"}}, 400, "no other form"),
    ({"messages": says("x"), "modalities": ["text", "audio"]}, 400, "text alone"),
]


@pytest.mark.parametrize(("body", "status", "says_so"), BAD)
async def test_bad_requests_are_told_what_is_wrong(body, status, says_so):
    """The answer has OpenAI's form of an error, and the server goes on."""
    async with served() as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            assert response.status == status
            assert says_so in (await response.json())["error"]["message"]
        async with session.get(f"{url}/health") as response:
            assert (await response.json())["status"] == "ok"


async def test_what_is_no_json_or_too_long_or_nowhere_is_refused():
    """Each has its own status; none of them reaches the network."""
    async with served(longest_body=1000) as url, aiohttp.ClientSession() as session:
        post, get = session.post, session.get
        address = f"{url}/v1/chat/completions"
        for sent, status in ((post(address, data=b"{"), 400), (get(address), 405)):
            async with sent as response:
                assert response.status == status
        async with post(address, json={"messages": says("x" * 2000)}) as response:
            assert response.status == 413
        async with get(f"{url}/v1/nothing") as response:
            assert response.status == 404
            assert "error" in await response.json()


async def test_a_key_is_asked_for():
    """Without the right key nothing is answered but the health of the server."""
    async with served(api_key="sesame") as url:
        async with client(url, "wrong", max_retries=0) as made:
            with pytest.raises(openai.AuthenticationError):
                await made.chat.completions.create(model="one", messages=says("in"))
        async with client(url, "sesame") as made:
            await made.chat.completions.create(model="one", messages=says("in"))
        async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelError("no answer"), 502),
        (RateLimited("busy", retry_after=7.0), 429),
        (ContextOverflow("too long", needed=9, available=4), 400),
    ],
)
async def test_a_models_error_is_told_with_its_node(error, status):
    """The client learns what failed and where; a stream ends with the same error."""

    def fail(context, key):
        raise error

    body = {"messages": says("in")}
    async with served(model=ScriptedModel(fail)) as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            assert response.status == status
            assert "at node 'a'" in (await response.json())["error"]["message"]
            if status == 429:
                assert response.headers["Retry-After"] == "7"
        body["stream"] = True
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            last = (await response.text()).strip().splitlines()[-1]
            assert "at node 'a'" in json.loads(last.removeprefix("data: "))["error"]["message"]


async def test_five_hundred_requests_at_once_are_all_answered():
    """Each gets its own answer, and no more runs than allowed are begun at the same time."""
    model = GatedModel(ECHO)
    model.release_all()
    async with served(model=model, concurrency=50) as url:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            answers = {}

            async def ask(number):
                body = {"messages": says(f"q{number}")}
                async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                    found = await response.json()
                    answers[number] = found["choices"][0]["message"]["content"]

            async with anyio.create_task_group() as group:
                for number in range(500):
                    group.start_soon(ask, number)
    assert answers == {number: f"q{number}|a" for number in range(500)}
    assert model.peak <= 50


async def test_who_waits_too_long_a_queue_is_told_to_come_back():
    """Beyond the room and the queue a request is refused at once."""
    model = GatedModel(ECHO)
    async with (
        served(model=model, concurrency=1, most_waiting=1) as url,
        aiohttp.ClientSession() as session,
        anyio.create_task_group() as group,
    ):
        body = {"messages": says("in")}
        statuses = []

        async def ask():
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                statuses.append(response.status)

        group.start_soon(ask)
        await model.arrived(1)
        group.start_soon(ask)
        while True:
            async with session.get(f"{url}/health") as response:
                if (await response.json())["open_requests"] == 2:
                    break
        await ask()
        assert statuses == [429]
        model.release_all()
    assert statuses == [429, 200, 200]


async def test_a_client_that_hangs_up_cancels_its_calls():
    """Nothing goes on for somebody who is gone, and the next request is answered."""
    model = GatedModel(ECHO)
    async with served(model=model) as url:
        async with anyio.create_task_group() as group, client(url) as made:

            async def ask():
                await made.chat.completions.create(model="one", messages=says("in"))

            group.start_soon(ask)
            await model.arrived(1)
            group.cancel_scope.cancel()
        with anyio.fail_after(10):
            while model.open:
                await anyio.lowlevel.checkpoint()
        model.release_all()
        async with client(url) as made:
            found = await made.chat.completions.create(model="one", messages=says("in"))
            assert found.choices[0].message.content == "in|a"


async def test_a_client_that_never_ends_its_request_harms_nobody():
    """Others are answered while half a request hangs; in the end it is told off or cut off."""
    async with served(read_timeout=0.05) as url:
        port = int(url.rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port) as slow:
            await slow.send(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
            )
            async with client(url) as made:
                found = await made.chat.completions.create(model="one", messages=says("in"))
                assert found.choices[0].message.content == "in|a"
            assert b"408" in await slow.receive()


async def test_ending_waits_for_what_is_being_answered():
    """A request that was taken is answered, though the server is asked to end meanwhile."""
    model = GatedModel(ECHO)
    async with anyio.create_task_group() as group, aiohttp.ClientSession() as session:
        answers = []
        ended = anyio.Event()

        async def ask(url):
            body = {"messages": says("in")}
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                answers.append((await response.json())["choices"][0]["message"]["content"])
                assert not ended.is_set()

        async def release():
            await anyio.lowlevel.checkpoint()
            model.release_all()

        async with served(model=model) as url:
            group.start_soon(ask, url)
            await model.arrived(1)
            group.start_soon(release)
        ended.set()
    assert answers == ["in|a"]


async def test_counts_are_there_for_prometheus():
    """Requests are counted by path and status, and unknown paths make one series."""
    async with served() as url, aiohttp.ClientSession() as session:
        for path in ("/a", "/b", "/health"):
            async with session.get(url + path):
                pass
        async with session.get(f"{url}/metrics") as response:
            text = await response.text()
    assert 'langnet_requests_total{path="other",status="404"} 2' in text
    assert 'langnet_requests_total{path="/health",status="200"} 1' in text
    assert "langnet_open_requests 0" in text
