"""Each kind of server against an imitation of it: what it can do, what is sent, what is read."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager

import pytest

from langnet.errors import ContextOverflow, ModelError, RequestRejected
from langnet.key import Key
from langnet.lm.base import Capabilities, Choice, Decoding, Usage
from langnet.lm.connect import SpecError, connect
from langnet.lm.dialects import DIALECTS, dialect_of
from langnet.lm.listen import Delta, listening
from langnet.lm.openai import OpenAIModel
from langnet.testing.contract import check_model
from tests.lm.dialect_servers import TOP, native
from tests.lm.server import SECRET, logprob_of, serving, tokens_of

KEYS = [Key(("draw", i)) for i in range(2)]
SEED = KEYS[0].seed % 2**31
YES_NO = [Choice("yes"), Choice("no")]
SCORING = ["vllm", "sglang", "llamacpp", "tgi"]
SERVED = [*SCORING, "ollama"]


@asynccontextmanager
async def model_at(kind, *, server=None, **arguments):
    """A server of a kind and a model that talks to it in its dialect."""
    async with native(kind, **(server or {})) as running:
        model = OpenAIModel("toy", base_url=f"{running.url}/v1", dialect=kind, **arguments)
        try:
            yield model, running
        finally:
            await model.aclose()


@pytest.mark.parametrize(
    ("kind", "arguments", "endpoint", "able"),
    [
        ("openai", {}, "chat", (False, True)),
        ("openai", {"endpoint": "completions"}, "completions", (False, True)),
        ("ollama", {}, "chat", (False, True)),
        *[(kind, {}, "completions", (True, True)) for kind in SCORING],
        *[(kind, {"endpoint": "chat"}, "chat", (False, True)) for kind in SCORING],
        ("vllm", {"capabilities": Capabilities()}, "completions", (False, False)),
        ("vllm", {"capabilities": Capabilities(choose=True)}, "completions", (False, True)),
    ],
)
def test_a_dialect_says_what_a_model_can_do(kind, arguments, endpoint, able):
    """The name of a server's kind gives its capabilities, and what is said besides wins."""
    model = OpenAIModel("toy", base_url="http://127.0.0.1:1/v1", dialect=kind, **arguments)
    assert model.endpoint == endpoint
    assert (model.capabilities.score, model.capabilities.choose) == able


@pytest.mark.parametrize("kind", SERVED)
@pytest.mark.parametrize("endpoint", ["chat", "completions"])
async def test_the_contract_of_models_holds(kind, endpoint):
    """What every model promises holds for each kind of server, at both endpoints."""
    async with model_at(kind, endpoint=endpoint) as (model, server):
        await check_model(model, choices=YES_NO, varied=False)
        assert server.requests


@pytest.mark.parametrize("kind", SCORING)
@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize(
    ("context", "texts"),
    [
        ("The cat", ["sat", "sat on the mat", "", "cat cat"]),
        ("Answer: ", ["yes"]),  # the token reaches over the boundary
        ("Überall\n", ["größer 猫"]),
    ],
)
async def test_a_score_is_that_of_the_tokens_after_the_context(kind, begins, context, texts):
    """Each way of scoring gives the toy model's numbers for the text's tokens, and no others."""
    async with model_at(kind, server={"begins": begins}) as (model, _):
        scores = await model.score(context, texts, decoding=Decoding())
    for text, score in zip(texts, scores.scores, strict=True):
        tokens = tokens_of(context + ("" if context[-1].isspace() else " ") + text)
        first = len(tokens_of(context)) - context.endswith((" ", "\n"))
        expected = [logprob_of(tokens[i], i) for i in range(first, len(tokens))] if text else []
        assert score.token_logprobs == pytest.approx(expected)


@pytest.mark.parametrize("kind", SCORING)
async def test_a_text_without_context_needs_a_begin_token(kind):
    """After nothing the first token has a number only where a begin token comes before it."""
    async with model_at(kind, server={"begins": False}) as (model, _):
        with pytest.raises(ModelError, match="context that is not empty"):
            await model.score("", ["b c"], decoding=Decoding())
    async with model_at(kind, server={"begins": True}) as (model, _):
        (score,) = (await model.score("", ["b c"], decoding=Decoding())).scores
    assert score.token_logprobs == pytest.approx((logprob_of("b", 0), logprob_of(" c", 1)))


async def test_sglang_scores_from_the_boundary_on():
    """What lies before the text is left to the server's cache, but for the boundary's token."""
    async with model_at("sglang") as (model, server):
        scores = await model.score("one two three", ["four", "five six"], decoding=Decoding())
    starts = [body["logprob_start_len"] for body in server.bodies("/generate")]
    assert starts == [3, 3]  # a begin token and three words come before the text
    assert len(server.bodies("/tokenize")) == 1
    assert scores.usage == Usage(5 + 6, 2, 4)


async def test_llamacpp_is_asked_for_one_token_at_a_time():
    """Each token is forced after all that come before it, so the server's cache holds the rest."""
    async with model_at("llamacpp") as (model, server):
        scores = await model.score("one two", ["three four"], decoding=Decoding())
    lengths = [len(body["prompt"]) for body in server.bodies("/completion")]
    assert lengths == [3, 4]
    assert scores.usage == Usage(7, 2, 5)


@pytest.mark.parametrize("kind", SCORING)
async def test_a_server_that_does_not_score_as_declared_is_found_out(kind):
    """Where another server answers than was declared, the call fails; no number is made up."""
    other = "vllm" if kind != "vllm" else "sglang"
    async with native(other) as running:
        model = OpenAIModel("toy", base_url=f"{running.url}/v1", dialect=kind)
        with pytest.raises(ModelError):
            await model.score("one", ["two"], decoding=Decoding())
        await model.aclose()


# Labels


@pytest.mark.parametrize(
    ("kind", "field"), [("vllm", "logprob_token_ids"), ("sglang", "token_ids_logprob")]
)
async def test_labels_of_one_token_take_one_drawn_token(kind, field):
    """Labels that are one token each cost one request, and no prompt is scored."""
    choices = [Choice("1", ("yes", "sure")), Choice("0", ("no",))]
    async with model_at(kind) as (model, server):
        scores = await model.choose("Is it so?", choices)
        whole = await model.score("Is it so?", ["yes", "sure", "no"], decoding=Decoding())
    yes, sure, no = (score.logprob for score in whole.scores)
    assert scores.logprobs == pytest.approx((math.log(math.exp(yes) + math.exp(sure)), no))
    asked = [body for path, body in server.requests if path != "/tokenize"]
    assert len(asked[0][field]) == 3
    assert asked[0].get("prompt_logprobs") is None
    assert asked[0].get("logprob_start_len", -1) == -1
    assert len(asked) == 1 + 3


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
async def test_labels_of_several_tokens_are_scored_whole(kind):
    """Where one label takes several tokens all are scored, and the numbers are the same."""
    choices = [Choice("yes"), Choice("not at all")]
    async with model_at(kind) as (model, server):
        scores = await model.choose("Is it so?", choices)
    expected = [
        logprob_of(" yes", 3),
        sum(logprob_of(t, 3 + i) for i, t in enumerate([" not", " at", " all"])),
    ]
    assert scores.logprobs == pytest.approx(expected)
    asked = [path for path, _ in server.requests if path != "/tokenize"]
    assert len(asked) == 2


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
async def test_an_older_server_that_knows_no_named_tokens_is_asked_once(kind):
    """A server that ignores the field is scored instead, and not tried again."""
    async with model_at(kind, server={"names_tokens": False}) as (model, server):
        first = await model.choose("Is it so?", YES_NO)
        again = await model.choose("Is it so?", YES_NO)
    assert first.logprobs == again.logprobs
    assert first.logprobs == pytest.approx((logprob_of(" yes", 3), logprob_of(" no", 3)))
    asked = [body for path, body in server.requests if path != "/tokenize"]
    named = [body for body in asked if {"logprob_token_ids", "token_ids_logprob"} & body.keys()]
    assert len(named) == 1
    assert len(asked) == 1 + 2 + 2


@pytest.mark.parametrize("kind", ["ollama", "tgi", "llamacpp", "vllm", "sglang"])
async def test_labels_in_a_chat_are_matched_with_the_first_token(kind):
    """In a chat every dialect reads the top log-probabilities of one drawn token."""
    async with model_at(kind, endpoint="chat") as (model, server):
        scores = await model.choose("Q", [Choice("no"), Choice("yes"), Choice("maybe")])
    assert scores.logprobs == (TOP[" no"], TOP[" yes"], TOP[" oh"])
    assert len(server.requests) == 1


# Requests


@pytest.mark.parametrize("kind", ["vllm", "sglang", "llamacpp"])
async def test_draws_come_from_the_distribution_that_is_scored(kind):
    """The server's own cuts and penalties are turned off, unless the caller sets them."""
    settings = DIALECTS[kind].settings
    assert settings
    async with model_at(kind, extra={"min_p": 0.1}) as (model, server):
        await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    (body,) = server.bodies("/v1/completions")
    assert {name: body[name] for name in settings} == {**settings, "min_p": 0.1}
    assert body["seed"] == SEED


async def test_ollama_is_asked_in_its_own_form():
    """Ollama gets its options, and is told not to cut a context that is too long."""
    decoding = Decoding(temperature=0.5, top_p=0.9, max_tokens=3, stop=("\n",))
    async with model_at("ollama", extra={"num_ctx": 99, "keep_alive": "5m"}) as (model, server):
        (drawn,) = await model.sample("Q", decoding=decoding, keys=KEYS[:1])
    assert (drawn.text, drawn.finish, drawn.usage) == ("forty two", "stop", Usage(2, 2))
    assert server.requests == [
        (
            "/api/chat",
            {
                "model": "toy",
                "messages": [{"role": "user", "content": "Q"}],
                "keep_alive": "5m",
                "stream": False,
                "truncate": False,
                "shift": False,
                "options": {
                    "top_k": 0,
                    "min_p": 0.0,
                    "repeat_penalty": 1.0,
                    "num_ctx": 99,
                    "num_predict": 3,
                    "temperature": 0.5,
                    "top_p": 0.9,
                    "stop": ["\n"],
                    "seed": SEED,
                },
            },
        )
    ]


@pytest.mark.parametrize("cuts", [False, True])
async def test_a_context_that_ollama_cuts_is_an_error(cuts):
    """A context that does not fit is never answered in part, not even by servers that cut it."""
    server = {"cuts": cuts}
    async with model_at("ollama", server=server, extra={"num_ctx": 4}) as (model, _):
        await model.sample("one two", decoding=Decoding(), keys=KEYS[:1])
        with pytest.raises(ContextOverflow, match="context"):
            await model.sample("one two three four", decoding=Decoding(), keys=KEYS[:1])


async def test_tgi_gets_no_value_that_it_refuses():
    """A temperature of 0 is a greedy draw, and a nucleus of 1 is left out."""
    async with model_at("tgi") as (model, server):
        decoding = Decoding(temperature=0, max_tokens=1)
        (cold,) = await model.sample("Q", decoding=decoding, keys=KEYS[:1])
        warm = Decoding(temperature=0.5, top_p=0.9, stop=("two",))
        (ended,) = await model.sample("Q", decoding=warm, keys=KEYS[:1])
    assert (cold.text, cold.finish) == ("forty", "length")
    assert (ended.text, ended.finish) == ("forty", "stop")
    first, second = (body["parameters"] for body in server.bodies("/generate"))
    assert first == {
        "max_new_tokens": 1,
        "do_sample": False,
        "details": True,
        "return_full_text": False,
    }
    assert (second["temperature"], second["top_p"], second["seed"]) == (0.5, 0.9, SEED)
    assert second["do_sample"] is True
    async with model_at("tgi", endpoint="chat") as (model, server):
        await model.sample("Q", decoding=decoding, keys=KEYS[:1])
    ((_, body),) = server.requests
    assert body["temperature"] == 0
    assert "top_p" not in body


@pytest.mark.parametrize(
    ("base_url", "arguments", "field"),
    [
        ("https://api.openai.com/v1", {}, "max_completion_tokens"),
        ("http://127.0.0.1:1/v1", {}, "max_tokens"),
        ("http://127.0.0.1:1/v1", {"dialect": "openai"}, "max_completion_tokens"),
        ("http://127.0.0.1:1/v1", {"dialect": "openai", "endpoint": "completions"}, "max_tokens"),
        ("http://127.0.0.1:1", {"dialect": "azure"}, "max_completion_tokens"),
        ("http://127.0.0.1:1", {"dialect": "azure", "api_version": "2024-06-01"}, "max_tokens"),
    ],
)
def test_the_longest_answer_is_called_what_the_server_calls_it(base_url, arguments, field):
    """OpenAI's chats have a new name for it, which other servers and old versions do not know."""
    model = OpenAIModel("toy", base_url=base_url, **arguments)
    assert field in model._manner.drawn("Q", Decoding(), "toy")


# Finding out


@pytest.mark.parametrize("kind", SERVED)
async def test_a_probe_names_the_dialect(kind):
    """A server that says what it is is named, and nothing follows from that by itself."""
    async with native(kind) as server:
        model = OpenAIModel("toy", base_url=f"{server.url}/v1")
        if kind == "tgi":  # it refuses what others take, and the error says how to ask it
            with pytest.raises(RequestRejected, match="top_p") as caught:
                await model.probe()
            assert "dialect=tgi" in caught.value.__notes__[0]
        else:
            assert (await model.probe()).dialect == kind
        assert "dialect" not in model.identity
        await model.aclose()


@pytest.mark.parametrize("kind", SERVED)
async def test_a_probe_of_a_declared_dialect_tries_its_own_way(kind):
    """A probe confirms what was declared."""
    async with model_at(kind) as (model, _):
        declared, scoring = model.capabilities, model._scoring
        found = await model.probe()
    assert found.capabilities == declared
    assert (found.scoring, found.dialect) == (scoring, kind)


async def test_a_probe_of_an_unknown_server_names_none():
    """Where no server says what it is, there is no dialect."""
    async with serving() as server:
        model = OpenAIModel("toy", base_url=server.url)
        assert (await model.probe()).dialect is None
        await model.aclose()


def test_an_unknown_dialect_is_refused():
    """A dialect that is not known is found before the first call, and the known ones are named."""
    with pytest.raises(ValueError, match="vllm, sglang"):
        OpenAIModel("toy", dialect="vlm")
    assert dialect_of(None).name == ""


async def test_a_line_names_the_dialect():
    """A dialect in a line gives the model's capabilities without any further option."""
    async with native("vllm") as server:
        line = f"openai:toy@{server.url}/v1?dialect=vllm"
        for options, able in {
            "": Capabilities(score=True, choose=True),
            "&endpoint=chat": Capabilities(choose=True),
            "&choose=1": Capabilities(score=True, choose=True),
            "&probe=1": Capabilities(score=True, choose=True),
        }.items():
            async with connect(line + options) as model:
                assert model.capabilities == able
        with pytest.raises(SpecError, match="dialect is one of"):
            async with connect(f"openai:toy@{server.url}/v1?dialect=other"):
                pass


def test_identities_differ_by_dialect_alone_where_one_is_named():
    """A dialect can change an answer, so it is part of the name; without one that is as ever."""
    plain = OpenAIModel("toy", base_url="http://127.0.0.1:1/v1")
    assert plain.identity == "openai:toy@http://127.0.0.1:1/v1?endpoint=chat&scoring=top20"
    named = [
        OpenAIModel("toy", base_url="http://127.0.0.1:1/v1", dialect=kind) for kind in DIALECTS
    ]
    assert len({plain.identity, *[model.identity for model in named]}) == len(DIALECTS) + 1


# Azure


@asynccontextmanager
async def azure(monkeypatch, **arguments):
    async with native("azure") as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
        model = OpenAIModel("toy", dialect="azure", **arguments)
        try:
            yield model, server
        finally:
            await model.aclose()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (
            {"api_version": "2024-10-21"},
            "/openai/deployments/toy/chat/completions?api-version=2024-10-21",
        ),
        ({}, "/openai/v1/chat/completions"),
    ],
)
async def test_azure_is_asked_at_its_own_address_with_its_own_header(monkeypatch, arguments, path):
    """A deployment's address, the version, and the key in `api-key`, in no other header or text."""
    async with azure(monkeypatch, **arguments) as (model, server):
        await model.sample("Q", decoding=Decoding(max_tokens=9), keys=KEYS[:1])
        await model.choose("Q", YES_NO)
        assert SECRET not in repr(model) + model.identity
        assert "azure" in model.identity
    assert [seen for seen, _ in server.requests] == [path, path]
    assert server.headers[0]["api-key"] == SECRET
    assert "Authorization" not in server.headers[0]
    assert server.requests[0][1]["max_completion_tokens"] == 9


async def test_a_line_names_a_deployment(monkeypatch):
    """`azure:` with a deployment is a model; where no address is known it says so."""
    async with azure(monkeypatch) as (_, server):
        for line in ("azure:toy", f"azure:toy@{server.url}?api_version=2024-10-21"):
            async with connect(line) as model:
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert [headers["api-key"] for headers in server.headers] == [SECRET] * 2
        with pytest.raises(SpecError, match="first word"):
            async with connect("azure:toy?dialect=vllm"):
                pass
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT")
    with pytest.raises(SpecError, match="AZURE_OPENAI_ENDPOINT"):
        async with connect("azure:toy"):
            pass
    with pytest.raises(SpecError, match="api_version is Azure's"):
        async with connect("openai:toy?api_version=2024-10-21"):
            pass


def test_the_key_for_azure_goes_to_no_other_server(monkeypatch):
    """The key belongs to the server that the variable names, or else to Azure's own hosts."""

    def key(url):
        return OpenAIModel("toy", base_url=url, dialect="azure")._connection.address.key

    ours = "https://ours.openai.azure.com"
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
    assert key(ours) == SECRET
    assert key("https://openai.azure.com.example.org") is None
    assert key("http://ours.openai.azure.com") is None
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://theirs.openai.azure.com/")
    assert key(ours) is None
    assert key("https://theirs.openai.azure.com") == SECRET
    model = OpenAIModel("toy", base_url=f"{ours}/openai/v1/", dialect="azure")
    assert model.base_url == f"{ours}/openai/v1"


@pytest.mark.parametrize("kind", ["ollama", "tgi"])
async def test_who_listens_to_a_protocol_of_its_own_hears_the_whole_text(kind):
    """Only OpenAI's protocol is streamed; elsewhere the text is told once it is there."""
    async with model_at(kind) as (model, _):
        (plain,) = await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        heard = []
        with listening(heard.append):
            assert await model.sample("Q", decoding=Decoding(), keys=KEYS[:1]) == [plain]
        assert heard == [Delta(plain.text, KEYS[0], first=True)]
