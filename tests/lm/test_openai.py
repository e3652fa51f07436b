"""The remote model against a real server on this machine."""

from __future__ import annotations

import asyncio
import math
import traceback
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import (
    CapabilityError,
    ContextOverflow,
    ModelError,
    RateLimited,
    RequestRejected,
    TransientError,
)
from langnet.key import Key
from langnet.lm import http
from langnet.lm.base import Capabilities, Choice, Decoding, LanguageModel, Usage
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.failures import overflow_sizes, retry_seconds
from langnet.lm.logprobs import label_logprobs, log_sum_exp, text_logprobs
from langnet.lm.openai import OpenAIModel
from langnet.lm.partial import Partial, gathered
from langnet.testing.contract import check_model
from tests.lm.server import SECRET, fault, logprob_of, raw, reset, serving, tokens_of, told

KEYS = [Key(("draw", i)) for i in range(3)]
YES_NO = [Choice("yes"), Choice("no")]


@asynccontextmanager
async def model_and_server(*, server=None, **arguments):
    """A server with these settings and a model that talks to it."""
    async with serving(**(server or {})) as running:
        model = OpenAIModel("toy", base_url=running.url, **arguments)
        try:
            yield model, running
        finally:
            await model.aclose()


# Drawing


async def test_draws_are_stripped_and_carry_their_tokens():
    """A drawn text has no surrounding white space, and its usage is the server's."""
    async with model_and_server() as (model, server):
        (completion,) = await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert (completion.text, completion.finish) == ("forty two", "stop")
    assert completion.usage == Usage(1, 2, 1)
    assert server.requests[0]["messages"] == [{"role": "user", "content": "Q"}]


async def test_the_decoding_reaches_the_server():
    """Temperature, nucleus, length, stop strings and seed are sent as the protocol names them."""
    decoding = Decoding(temperature=0.7, top_p=0.9, max_tokens=5, stop=("\n", "END"))
    async with model_and_server(endpoint="completions", extra={"top_k": -1}) as (model, server):
        await model.sample("Q", decoding=decoding, keys=KEYS[:1])
    assert server.requests == [
        {
            "model": "toy",
            "prompt": "Q",
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 5,
            "stop": ["\n", "END"],
            "seed": KEYS[0].seed % 2**31,
            "top_k": -1,
        }
    ]


async def test_draws_differ_in_their_seed_and_run_at_once():
    """Each key is a request with a seed of its own, and all are open at the same time."""
    gate = asyncio.Event()
    async with (
        model_and_server(server={"gate": gate}) as (model, server),
        anyio.create_task_group() as group,
    ):
        group.start_soon(lambda: model.sample("Q", decoding=Decoding(), keys=KEYS))
        await server.waiting(len(KEYS))
        gate.set()
    assert {request["seed"] for request in server.requests} == {k.seed % 2**31 for k in KEYS}
    assert server.most_open == len(KEYS)


async def test_at_temperature_zero_one_request_answers_all_keys():
    """The most probable text is one text: asked once, its tokens counted once."""
    async with model_and_server() as (model, server):
        texts = await model.sample("Q", decoding=Decoding(temperature=0), keys=KEYS)
        assert await model.sample("Q", decoding=Decoding(temperature=0), keys=[]) == []
    assert [t.text for t in texts] == ["forty two"] * 3
    assert len(server.requests) == 1
    assert sum((t.usage for t in texts), Usage()) == Usage(1, 2, 1)


async def test_a_stop_string_that_the_server_left_in_is_cut():
    """A text does not hold its stop strings, and it ended by itself."""
    server = {"finish": "length"}
    async with model_and_server(server=server) as (model, running):
        running.answers.appendleft("one END two \n")
        (cut,) = await model.sample("Q", decoding=Decoding(stop=("END",)), keys=KEYS[:1])
        (whole,) = await model.sample("Q", decoding=Decoding(stop=("END",)), keys=KEYS[:1])
    assert (cut.text, cut.finish) == ("one", "stop")
    assert (whole.text, whole.finish) == ("forty two", "length")


async def test_content_in_parts_is_joined():
    """A server that sends the message in parts is understood."""
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    answer = {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}
    async with model_and_server(server={}) as (model, server):
        server.faults.append(told(answer))
        (completion,) = await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert completion.text == "one two"
    assert completion.usage == Usage()


# Faults


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        (fault(500, "on fire"), TransientError, "500: on fire"),
        (fault(503), TransientError, "503"),
        (fault(408), TransientError, "408"),
        (fault(409), TransientError, "409"),
        (fault(429, "slow down"), RateLimited, "slow down"),
        (fault(401, f"wrong key {SECRET}"), RequestRejected, "check the API key"),
        (fault(404, "no such model"), RequestRejected, "check the model's name"),
        (fault(422, "stop is too long"), RequestRejected, "stop is too long"),
        (raw("", 307), RequestRejected, "base_url"),
        (reset, TransientError, "no answer"),
        (raw("<html>"), TransientError, "no JSON"),
        (raw("[" * 10**5), TransientError, "no JSON"),
        (raw(b"\xff\xfe"), TransientError, "no JSON"),
        (told([1]), TransientError, "no JSON object"),
        (told({}), TransientError, "without a choice"),
        (told({"choices": []}), TransientError, "without a choice"),
        (told({"choices": "text"}), TransientError, "without a choice"),
        (told({"choices": [{"message": None}]}), ModelError, "without text"),
        (told({"choices": [{"message": {"content": [{"type": "image"}]}}]}), ModelError, "without"),
        (told({"choices": [{"finish_reason": "content_filter"}]}), RequestRejected, "filter"),
    ],
)
async def test_each_fault_is_the_error_that_says_whether_to_try_again(what, kind, says):
    """A fault raises the error of its kind, with the server's words and without the key."""
    async with model_and_server(api_key=SECRET) as (model, server):
        server.faults.append(what)
        with pytest.raises(kind, match=says) as caught:
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert type(caught.value) is kind
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        # The model is as good as before.
        assert await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])


async def test_retry_after_is_read_in_both_forms():
    """A number of seconds and a date both say how long to wait; nonsense says nothing."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    waits = []
    async with model_and_server() as (model, server):
        for header in ("7", soon, "soon"):
            server.faults.append(fault(429, Retry_After=header))
            with pytest.raises(RateLimited) as caught:
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
            waits.append(caught.value.retry_after)
    assert waits[0] == 7
    assert 80 < waits[1] <= 90
    assert waits[2] is None


def test_retry_after_never_asks_for_negative_time():
    """A date that has passed means no wait, and a date without a zone is in UTC."""
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert retry_seconds("Thu, 01 Jan 2026 11:00:00 GMT", now=now) == 0
    assert retry_seconds("Thu, 01 Jan 2026 12:00:05 -0000", now=now) == 5
    assert retry_seconds(None, now=now) is None
    assert retry_seconds("-3", now=now) is None


@given(st.text(max_size=40))
def test_no_header_breaks_the_reading(header):
    """Whatever a server writes, the wait is a finite number that is not negative, or unknown."""
    wait = retry_seconds(header, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert wait is None or 0 <= wait < math.inf


@pytest.mark.parametrize(
    ("message", "sizes"),
    [
        ("maximum context length is 4097 tokens, you requested 5029 (4029 and 1000)", (5029, 4097)),
        ("request (1500 tokens) exceeds the available context size (1024 tokens)", (1500, 1024)),
        ("prompt (length 2500) is longer than the maximum model length of 2048.", (2500, 2048)),
        ("prompt is too long: 213,462 tokens > 200,000 maximum", (213462, 200000)),
        ("model toy-20250101 has a context length of 100 tokens", (None, 100)),
        ("the context window is full", (None, None)),
    ],
)
async def test_a_request_that_is_too_long_says_by_how_much(message, sizes):
    """The sizes in a server's message are found, and nothing is made up where they are not."""
    assert overflow_sizes(message) == sizes
    async with model_and_server() as (model, server):
        server.faults.append(fault(400, message, "context_length_exceeded"))
        with pytest.raises(ContextOverflow, match="shorten") as caught:
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert (caught.value.needed, caught.value.available) == sizes


async def test_a_silent_server_is_given_up():
    """Silence longer than the time-out is a failure that may pass."""
    async with model_and_server(server={"gate": asyncio.Event()}, timeout=0.01) as (model, _):
        with pytest.raises(TransientError, match=r"silent for 0\.01 s"):
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])


async def test_no_server_is_a_failure_that_may_pass(unused_tcp_port):
    """A refused connection is transient: servers start late."""
    model = OpenAIModel("toy", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    with pytest.raises(TransientError, match="no answer"):
        await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    await model.aclose()


async def test_an_endless_answer_is_cut(monkeypatch):
    """No answer may fill the memory."""
    monkeypatch.setattr(http, "LONGEST_BODY", 1000)
    async with model_and_server() as (model, server):
        server.faults.append(raw("x" * 5000))
        with pytest.raises(ModelError, match="more than 1000 bytes"):
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])


async def test_one_failed_draw_fails_the_call_as_a_model_error():
    """Of several draws one failure is raised as itself, not in a group."""
    async with model_and_server() as (model, server):
        server.faults.extend([None, fault(429, Retry_After="3"), None])
        with pytest.raises(RateLimited) as caught:
            await model.sample("Q", decoding=Decoding(), keys=KEYS)
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("error", [TransientError("may pass"), RequestRejected("no")])
async def test_draws_under_way_are_kept_where_the_failure_may_pass(error):
    """A passing failure waits for the others and takes them along; a final one ends them."""
    ended = []

    async def fail():
        raise error

    async def answer():
        try:
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
        finally:
            ended.append(anyio.current_effective_deadline() == -math.inf)
        return "text", Usage(2, 1)

    with pytest.raises(type(error)) as caught:
        await gathered([fail, answer, answer])
    assert caught.value is error
    passing = isinstance(error, TransientError)
    assert ended == [not passing] * 2
    kept = Partial({1: "text", 2: "text"}, Usage(4, 2))
    assert caught.value.partial == (kept if passing else Partial({}))


async def test_of_several_failures_the_one_that_says_most_is_raised():
    """A final failure before passing ones, and of those the one with the longest wait."""

    def failing(error):
        async def fail():
            raise error

        return fail

    passing = [TransientError("no"), RateLimited("a", retry_after=3), RateLimited("b")]
    with pytest.raises(RateLimited, match="a"):
        await gathered([failing(error) for error in passing])
    with pytest.raises(RequestRejected):
        await gathered([failing(error) for error in (*passing, RequestRejected("no"))])


async def test_cancelling_leaves_no_task_and_no_connection():
    """A call that is cancelled half-way takes its requests and sockets with it."""
    async with serving(gate=asyncio.Event()) as server:
        before = asyncio.all_tasks()
        model = OpenAIModel("toy", base_url=server.url)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: model.sample("Q", decoding=Decoding(), keys=KEYS))
            await server.waiting(len(KEYS))
            group.cancel_scope.cancel()
        connector = model._connection.session.connector
        assert not connector._acquired
        assert not any(connector._conns.values())
        await model.aclose()
        assert connector.closed
        await server.idle()
        left = {task for task in asyncio.all_tasks() - before if "RequestHandler" not in repr(task)}
        assert not left


async def test_a_session_of_the_caller_stays_open():
    """What the caller owns the caller closes."""
    async with serving() as server, aiohttp.ClientSession() as session:
        model = OpenAIModel("toy", base_url=server.url, session=session)
        await model.sample("Q", decoding=Decoding(), keys=KEYS)
        await model.aclose()
        assert not session.closed
        with pytest.raises(RuntimeError, match="closed"):
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])


# The key


async def test_the_key_is_sent_and_shown_nowhere(monkeypatch):
    """The key is in the request's header and in no text about the model."""
    async with model_and_server(api_key=SECRET) as (model, server):
        await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert server.keys == [f"Bearer {SECRET}"]
        assert SECRET not in repr(model) + model.identity
    with pytest.raises(ValueError, match="header") as caught:
        OpenAIModel("toy", api_key=SECRET + "\nX-Other: 1")
    assert SECRET not in str(caught.value)


async def test_the_key_for_openai_goes_to_no_other_server(monkeypatch):
    """The variable's key belongs to the variable's server."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    async with serving() as server:
        for variable in ("http://127.0.0.1:1/v1", server.url):
            monkeypatch.setenv("OPENAI_BASE_URL", variable)
            model = OpenAIModel("toy", base_url=server.url)
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
            await model.aclose()
        assert server.keys == [None, f"Bearer {SECRET}"]
        assert OpenAIModel("toy").base_url == server.url
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert OpenAIModel("toy").base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "url",
    ["ftp://host/v1", "host:8000", f"http://u:{SECRET}@host/v1", f"http://host/v1?k={SECRET}"],
)
def test_an_address_that_cannot_be_used_is_refused(url):
    """A wrong address is found before the first call, and a secret in it is not repeated."""
    with pytest.raises(ValueError, match="base_url") as caught:
        OpenAIModel("toy", base_url=url)
    assert SECRET not in str(caught.value)


# What the server can do


async def test_nothing_is_assumed():
    """A new model only samples; the error for the rest says what to declare."""
    async with model_and_server(server={"echo": True, "tops": True}) as (model, server):
        assert isinstance(model, LanguageModel)
        assert model.capabilities == Capabilities()
        with pytest.raises(CapabilityError, match="probe"):
            await model.score("a", ["b"], decoding=Decoding())
        with pytest.raises(CapabilityError, match="probe"):
            await model.choose("a", YES_NO)
        assert server.requests == []


@pytest.mark.parametrize(
    ("settings", "endpoint", "found", "scoring"),
    [
        ({}, "chat", (False, False), None),
        ({}, "completions", (False, False), None),
        ({"tops": True}, "chat", (False, True), None),
        ({"tops": True, "most_top": 5}, "completions", (False, True), None),
        ({"tops": True, "most_top": 5}, "chat", (False, True), None),
        ({"echo": True}, "completions", (True, True), "echo"),
        ({"echo": True, "begin": True}, "completions", (True, True), "echo"),
        ({"prompt_logprobs": True}, "completions", (True, True), "prompt_logprobs"),
    ],
)
async def test_a_probe_finds_what_is_there(settings, endpoint, found, scoring):
    """The probe's result is what the server does, and the model acts on it."""
    async with model_and_server(server=settings, endpoint=endpoint) as (model, server):
        plain = model.identity
        result = await model.probe()
        assert (result.capabilities.score, result.capabilities.choose) == found
        assert result.scoring == scoring
        assert model.capabilities == result.capabilities
        assert all(request["max_tokens"] <= 16 for request in server.requests)
        assert set(result.notes) >= {"score"} - ({"score"} if found[0] else set())
        if found[1]:
            assert len((await model.choose("A b", YES_NO)).logprobs) == 2
        # Labels are scored in another way now, so they are other answers.
        widest = {"chat": 20, "completions": 5}[endpoint]
        asked = min(20, settings.get("most_top", 20)) if settings.get("tops") else widest
        assert (model.identity != plain) == (scoring is not None or asked != widest)


async def test_a_probe_of_a_failing_server_fails():
    """A server that is down is not taken for one that can do little."""
    async with model_and_server(server={"tops": True}) as (model, server):
        for before in (0, 1):
            server.faults.extend([None] * before + [fault(500)])
            with pytest.raises(TransientError):
                await model.probe()
        assert model.capabilities == Capabilities()


def test_declarations_that_cannot_be_are_refused():
    """What no server can do, and what is not said fully, is found before the first call."""
    with pytest.raises(ValueError, match="completions"):
        OpenAIModel("toy", scoring="echo")
    with pytest.raises(ValueError, match="scoring="):
        OpenAIModel("toy", endpoint="completions", capabilities=Capabilities(score=True))
    with pytest.raises(ValueError, match="endpoint"):
        OpenAIModel("toy", endpoint="embeddings")
    with pytest.raises(ValueError, match="scoring"):
        OpenAIModel("toy", endpoint="completions", scoring="yes")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"capabilities": Capabilities(choose=True)},
        {"endpoint": "completions", "scoring": "echo"},
        {"endpoint": "completions", "scoring": "prompt_logprobs"},
    ],
)
@pytest.mark.parametrize("cached", [False, True])
async def test_the_contract_of_models_holds(arguments, cached):
    """What every model promises holds for a server's, with a cache over it and without."""
    settings = {"echo": True, "prompt_logprobs": True, "tops": True}
    async with model_and_server(server=settings, **arguments) as (model, _):
        await check_model(
            Cached(model, MemoryStore()) if cached else model, choices=YES_NO, varied=False
        )


# Scores


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        ("echo", {"echo": True}),
        ("echo", {"echo": True, "offsets": False}),
        ("echo", {"echo": True, "begin": True}),
        ("echo", {"echo": True, "end_token": "<|end|>"}),
        ("echo", {"echo": True, "end_token": "<|end|>", "begin": True, "offsets": False}),
        ("echo", {"echo": True, "end_token": ""}),
        ("prompt_logprobs", {"prompt_logprobs": True}),
        ("prompt_logprobs", {"prompt_logprobs": True, "begin": True}),
    ],
)
@pytest.mark.parametrize(
    ("context", "texts"),
    [
        ("The cat", ["sat", "sat on the mat", "", "cat cat"]),
        ("Answer: ", ["yes"]),  # the token reaches over the boundary
        ("Überall\n", ["größer 猫"]),
    ],
)
async def test_a_score_is_that_of_the_tokens_after_the_context(way, settings, context, texts):
    """Both ways of scoring give the toy model's numbers for the text's tokens, and no others."""
    async with model_and_server(server=settings, endpoint="completions", scoring=way) as (model, _):
        scores = await model.score(context, texts, decoding=Decoding())
    for text, score in zip(texts, scores.scores, strict=True):
        joint = context + ("" if context[-1].isspace() else " ") + text
        tokens = tokens_of(joint)
        first = len(tokens_of(context)) - context.endswith((" ", "\n"))
        expected = [logprob_of(tokens[i], i) for i in range(first, len(tokens))] if text else []
        assert score.token_logprobs == pytest.approx(expected)
    assert scores.usage.completion_tokens == sum(map(bool, texts))


async def test_scores_say_that_they_leave_out_the_end():
    """The end of a text has no probability at a server, and the model says so."""
    settings = {"echo": True}
    async with model_and_server(server=settings, endpoint="completions", scoring="echo") as (
        model,
        _,
    ):
        with_end = await model.score("a", ["b c"], decoding=Decoding(), end=True)
        without = await model.score("a", ["b c"], decoding=Decoding(), end=False)
    assert with_end == without
    assert model.scores_end is False


async def test_a_text_without_context_has_no_score_for_its_first_token():
    """What the server does not know is an error, never zero."""
    for way in ("echo", "prompt_logprobs"):
        async with model_and_server(
            server={"echo": True, "prompt_logprobs": True}, endpoint="completions", scoring=way
        ) as (model, _):
            with pytest.raises(ModelError, match="context that is not empty"):
                await model.score("", ["b c"], decoding=Decoding())


async def test_scoring_is_at_temperature_one():
    """Another distribution than the server's own is refused; temperature 0 counts as 1."""
    async with model_and_server(server={"echo": True}, endpoint="completions", scoring="echo") as (
        model,
        _,
    ):
        cold = await model.score("a", ["b"], decoding=Decoding(temperature=0, top_p=0.5))
        assert cold == await model.score("a", ["b"], decoding=Decoding())
        for decoding in (Decoding(temperature=0.5), Decoding(top_p=0.5)):
            with pytest.raises(CapabilityError, match="temperature 1"):
                await model.score("a", ["b"], decoding=decoding)


@pytest.mark.parametrize("way", ["echo", "prompt_logprobs"])
async def test_a_server_that_ignores_scoring_is_found_out(way):
    """A declared way that the server silently ignores is an error, not a wrong number."""
    async with model_and_server(server={"tops": True}, endpoint="completions", scoring=way) as (
        model,
        server,
    ):
        server.answers[0] = " b"
        with pytest.raises(ModelError, match="server"):
            await model.score("a", ["b"], decoding=Decoding())


def test_parts_of_characters_are_placed_by_their_offsets():
    """A character of several tokens counts where offsets place it, and fails where none do."""
    pieces = ["I", " love", "bytes: \\xf0\\x9f", "bytes:\\xa6\\x99", " x"]
    logprobs = [None, -1.0, -2.0, -3.0, -4.0]
    known = {"context": "I love", "text": " 🦙", "after": " x"}
    assert text_logprobs(pieces, logprobs, **known, offsets=[0, 1, 6, 7, 8]) == (-2.0, -3.0)
    with pytest.raises(ModelError, match="do not spell"):
        text_logprobs(pieces, logprobs, **known)
    with pytest.raises(ModelError, match="do not spell"):  # offsets that disagree with the pieces
        text_logprobs(pieces, logprobs, **known, offsets=[3, 4, 9, 10, 11])
    with pytest.raises(ModelError, match="5 tokens but 4"):
        text_logprobs(pieces, logprobs[1:], **known)


words = st.lists(st.text("abc é", min_size=1, max_size=4), min_size=1, max_size=6)


@given(words, words, st.text("ab ", max_size=3))
def test_every_split_into_tokens_gives_the_same_boundary(before, text, after):
    """However context and text are cut, the pieces of the text alone are taken."""
    pieces = [*before, *text, *([after] if after else [])]
    logprobs = [-float(i) for i in range(len(pieces))]
    scored = text_logprobs(
        pieces, logprobs, context="".join(before), text="".join(text), after=after
    )
    assert scored == tuple(logprobs[len(before) : len(before) + len(text)])


# Labels


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
async def test_labels_are_matched_with_the_first_token(endpoint):
    """Without scores a label's number is that of its first token, and a missing one's the floor."""
    async with model_and_server(
        server={"tops": True}, endpoint=endpoint, capabilities=Capabilities(choose=True)
    ) as (model, server):
        scores = await model.choose("Q", [Choice("no"), Choice("yes"), Choice("maybe")])
    assert scores.logprobs == (-1.5, -0.5, -3.0)
    assert scores.usage == Usage(1, 1, 1)
    assert server.requests[0]["temperature"] == 1.0


async def test_labels_are_scored_whole_where_the_server_scores():
    """With scores a label's probability is the sum over its verbalisers' sequences."""
    async with model_and_server(server={"echo": True}, endpoint="completions", scoring="echo") as (
        model,
        server,
    ):
        scores = await model.choose("Q", [Choice("1", ("yes", "of course")), Choice("0", ("no",))])
    yes, no = logprob_of(" yes", 1), logprob_of(" no", 1)
    course = logprob_of(" of", 1) + logprob_of(" course", 2)
    assert scores.logprobs == pytest.approx((math.log(math.exp(yes) + math.exp(course)), no))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ({" No": -1.0, "No": -2.0, " None": -4.0}, (math.log(math.exp(-1) + math.exp(-2)), -4.0)),
        ({"N": -0.1, "Non": -3.0, "No": -5.0}, (-5.0, -3.0)),  # "N" begins both
        ({"  ": -0.1, "Nope": -0.2, "No": -6.0}, (-6.0, -6.0)),
    ],
)
def test_a_token_counts_for_one_label_or_none(top, expected):
    """A spelled verbaliser wins over a begun one, and a token that begins two counts for none."""
    found = label_logprobs(list(top.items()), [Choice("No"), Choice("None")])
    assert found == pytest.approx(expected)


def test_labels_that_are_not_there_are_an_error():
    """Where no label is among the top tokens there is no evidence, and the error shows them."""
    with pytest.raises(ModelError, match="'sure'"):
        label_logprobs([("sure", -0.1), (" ok", -0.2)], YES_NO)


@given(st.lists(st.floats(-1e6, 0), min_size=1, max_size=5))
def test_the_sum_of_exponentials_is_safe(values):
    """The log of a sum lies between the largest term and that plus the log of their number."""
    total = log_sum_exp(values)
    assert max(values) <= total <= max(values) + math.log(len(values)) + 1e-9
    assert log_sum_exp([]) == -math.inf
