"""Anthropic's models against a real server on this machine that speaks their protocol."""

from __future__ import annotations

import traceback
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from langnet.errors import (
    CapabilityError,
    ContextOverflow,
    ModelError,
    RateLimited,
    RequestRejected,
    TransientError,
)
from langnet.key import Key
from langnet.lm.anthropic import AnthropicModel
from langnet.lm.base import Capabilities, Choice, Decoding, Usage
from langnet.lm.connect import SpecError, connect
from langnet.lm.failures import overflow_sizes
from langnet.lm.limited import Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.testing.contract import check_model
from tests.lm.server import SECRET
from tests.lm.streams import streaming

KEYS = [Key(("draw", i)) for i in range(3)]


@asynccontextmanager
async def model_and_server(*, server=None, **arguments):
    async with streaming(**(server or {})) as running:
        model = AnthropicModel("claude", base_url=running.url, **arguments)
        try:
            yield model, running
        finally:
            await model.aclose()


async def drawn(model, **decoding):
    (completion,) = await model.sample("Q", decoding=Decoding(**decoding), keys=KEYS[:1])
    return completion


def failing(kind, message, status, **headers):
    """An error in Anthropic's form."""
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return lambda: web.json_response(body, status=status, headers=headers)


def saying(**message):
    """A message with these fields."""
    whole = {"content": [{"type": "text", "text": "so"}], "stop_reason": "end_turn", **message}
    return lambda: web.json_response(whole)


async def test_the_request_is_the_protocols():
    """Headers, the length that must be there, and only what differs from the server's defaults."""
    async with model_and_server(api_key=SECRET, system="Be brief.", extra={"top_k": 4}) as (
        model,
        server,
    ):
        completion = await drawn(model, max_tokens=9)
        await drawn(model, temperature=0.5, top_p=0.9, stop=("\n", "END", " "))
    assert (completion.text, completion.finish) == ("forty two", "stop")
    first, second = server.requests
    common = {
        "model": "claude",
        "messages": [{"role": "user", "content": "Q"}],
        "system": "Be brief.",
        "top_k": 4,
    }
    assert first == {**common, "max_tokens": 9}
    assert second == {
        **common,
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
    }
    headers = {name.lower(): value for name, value in server.headers[0].items()}
    assert headers["x-api-key"] == SECRET
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers


async def test_a_stop_string_of_white_space_is_cut_at_here():
    """The server refuses such a string; the text ends there all the same."""
    async with model_and_server(server={"drawn": [["one\ntwo"]], "finish": "length"}) as (model, _):
        completion = await drawn(model, stop=("\n",))
    assert (completion.text, completion.finish) == ("one", "stop")


async def test_tokens_from_the_servers_cache_are_counted_with_the_others():
    """The server lists them beside the fresh ones; here they are part of the prompt's."""
    async with model_and_server() as (model, _):
        assert (await drawn(model)).usage == Usage(7, 3, 2)


async def test_at_temperature_zero_one_request_answers_all_keys():
    """The most probable text is one text; else every key has a request."""
    async with model_and_server() as (model, server):
        texts = await model.sample("Q", decoding=Decoding(temperature=0), keys=KEYS)
        assert [text.text for text in texts] == ["forty two"] * 3
        assert server.requests[0]["temperature"] == 0
        assert len(server.requests) == 1
        assert sum((text.usage for text in texts), Usage()) == Usage(7, 3, 2)
        await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert len(server.requests) == 4
        assert await model.sample("Q", decoding=Decoding(temperature=0), keys=[]) == []


async def test_what_it_cannot_do_is_an_error_with_the_mend():
    """No scores, no labels, no temperature above one: nothing is sent."""
    async with model_and_server() as (model, server):
        assert model.capabilities == Capabilities()
        with pytest.raises(CapabilityError, match=r"0 to 1, not 1\.5"):
            await drawn(model, temperature=1.5)
        with pytest.raises(CapabilityError, match="schema"):
            await drawn(model, schema={"type": "object"})
        with pytest.raises(CapabilityError, match="no log-probabilities"):
            await model.score("Q", ["a"], decoding=Decoding())
        with pytest.raises(CapabilityError, match="no log-probabilities"):
            await model.choose("Q", [Choice("a")])
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (failing("overloaded_error", "Overloaded", 529), TransientError, "Overloaded"),
        (failing("api_error", "Internal", 500), TransientError, "Internal"),
        (failing("rate_limit_error", "slow", 429), RateLimited, "slow"),
        (failing("authentication_error", "bad key", 401), RequestRejected, "check the API key"),
        (failing("not_found_error", "model: x", 404), RequestRejected, "the model's name"),
        (failing("invalid_request_error", "no", 400), RequestRejected, "no"),
        (failing("request_too_large", "too large", 413), RequestRejected, "too large"),
        (
            failing("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", 400),
            ContextOverflow,
            "shorten",
        ),
        (failing("overloaded_error", "Overloaded", 200), TransientError, "Overloaded"),
        (saying(stop_reason="refusal", content=[]), RequestRejected, "refused"),
        (saying(stop_reason="tool_use", content=[{"type": "tool_use"}]), ModelError, "tool_use"),
        (saying(content=None), TransientError, "without content"),
        (saying(content=["text"]), TransientError, "without content"),
        (saying(content=[{"type": "text", "text": 7}]), TransientError, "no text"),
        (lambda: web.Response(text="<html>"), TransientError, "no JSON"),
    ],
)
async def test_each_fault_is_the_error_that_says_whether_to_try_again(answer, kind, says):
    """Statuses, names of errors and reasons mean what the protocol says."""
    async with model_and_server(server={"answers": [answer]}) as (model, _):
        with pytest.raises(ModelError, match=says) as caught:
            await drawn(model)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("fields", "text", "finish"),
    [
        ({"stop_reason": "max_tokens"}, "so", "length"),
        ({"stop_reason": "model_context_window_exceeded"}, "so", "length"),
        ({"stop_reason": "stop_sequence"}, "so", "stop"),
        ({"content": []}, "", "stop"),
        (
            {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": " x "}]},
            "x",
            "stop",
        ),
    ],
)
async def test_how_a_text_ends(fields, text, finish):
    """Reasons become "stop" or "length", and blocks of other kinds are left out."""
    async with model_and_server(server={"answers": [saying(**fields)]}) as (model, _):
        completion = await drawn(model)
    assert (completion.text, completion.finish, completion.usage) == (text, finish, Usage())


@pytest.mark.parametrize(
    ("message", "sizes"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", (210000, 200000)),
        (
            "input length and `max_tokens` exceed context limit: 198000 + 20000 > 200000",
            (218000, 200000),
        ),
    ],
)
async def test_a_request_that_is_too_long_says_by_how_much(message, sizes):
    """Anthropic's two messages name both sizes."""
    assert overflow_sizes(message) == sizes
    answer = failing("invalid_request_error", message, 400)
    async with model_and_server(server={"answers": [answer]}) as (model, _):
        with pytest.raises(ContextOverflow) as caught:
            await drawn(model)
    assert (caught.value.needed, caught.value.available) == sizes


async def test_the_key_goes_to_no_other_server_and_is_shown_nowhere(monkeypatch):
    """The usual key is for the usual address; no error, name or repr shows it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    answer = failing("authentication_error", f"{SECRET} is wrong", 401)
    async with model_and_server(server={"answers": [answer]}) as (model, server):
        with pytest.raises(RequestRejected):
            await drawn(model)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url.removesuffix("/v1") + "/")
        server.answers.append(answer)
        usual = AnthropicModel("claude")
        with pytest.raises(RequestRejected) as caught:
            await drawn(usual)
        await usual.aclose()
        sent = [{k.lower(): v for k, v in each.items()}.get("x-api-key") for each in server.headers]
        assert sent == [None, SECRET]
        shown = "".join(traceback.format_exception(caught.value))
        for text in (shown, repr(usual), usual.identity, repr(usual._connection)):
            assert SECRET not in text
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    assert AnthropicModel("claude")._url == "https://api.anthropic.com/v1/messages"


async def test_identities_tell_apart_what_answers_otherwise():
    """Whatever is set and can change an answer is part of the name that a cache uses."""
    settings = [{}, {"system": "a"}, {"system": "b"}, {"extra": {"top_k": 1}}, {"version": "x"}]
    names = {AnthropicModel("claude", **each).identity for each in settings}
    assert len(names) == len(settings)


async def test_a_line_names_such_a_model(monkeypatch):
    """The forms are those of other servers, with options of its own; its limits are learnt."""
    monkeypatch.setenv("MY_KEY", SECRET)
    async with streaming() as server:
        line = f"anthropic:claude-x@{server.url}?key_env=MY_KEY&system=Be+brief.&timeout=3"
        async with connect(line, retries=None, limits=Limiter(Limits())) as model:
            assert isinstance(model, Limited)
            assert isinstance(model.model, AnthropicModel)
            server.answers.append(
                lambda: web.json_response(
                    {"content": [], "stop_reason": "end_turn"},
                    headers={"anthropic-ratelimit-requests-limit": "50"},
                )
            )
            await drawn(model)
            assert model.limiter.reading().requests_per_minute == 50
            with pytest.raises(CapabilityError):
                await drawn(model, temperature=2.0)
        assert server.requests[0]["system"] == "Be brief."
        with pytest.raises(SpecError, match="base_url"):
            async with connect("anthropic:claude@http://u:p@host"):
                pass


async def test_the_contract_of_models_holds():
    """What every model promises."""
    async with model_and_server() as (model, _):
        await check_model(model, varied=False)
