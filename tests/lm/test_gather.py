"""Joined requests: what travels together, when it goes, and that nobody is harmed by another."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import CapabilityError, ContextOverflow, RateLimited, TransientError
from langnet.key import Key
from langnet.lm.base import Choice, Decoding, Usage
from langnet.lm.batch import Ask, shares, twin
from langnet.lm.connect import SpecError, connect
from langnet.lm.gather import Gathered
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries
from langnet.testing import TableModel
from tests.lm.server import Server, fault, refused, serving, tokens_of
from tests.virtual import virtually

GREEDY = Decoding(temperature=0)
KEY = Key(("draw",))


@dataclass
class Lists(Server):
    """A server that repeats its prompts, takes lists of them, and none of more than `most` tokens.

    It gives the choices of a list from the last to the first.
    """

    most: int = 1000

    def drawn(self, body):
        return body["prompt"] + "!", "stop", 1

    def completion(self, body):
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        if any(len(tokens_of(prompt)) > self.most for prompt in prompts):
            return refused(400, f"maximum context length is {self.most} tokens")
        answers = [
            json.loads(super(Lists, self).completion({**body, "prompt": prompt}).text)
            for prompt in prompts
        ]
        choices = [{**answer["choices"][0], "index": i} for i, answer in enumerate(answers)]
        used = [answer["usage"] for answer in answers]
        usage = {
            name: sum(one[name] for one in used) for name in ("prompt_tokens", "completion_tokens")
        }
        return web.json_response({"choices": choices[::-1], "usage": usage})

    @property
    def sizes(self):
        """How many prompts each request had; 0 where it was no list."""
        return [len(b["prompt"]) * isinstance(b["prompt"], list) for b in self.requests]


def spec(server, options=""):
    return f"openai:toy@{server.url}?endpoint=completions{options}"


async def all_of(calls):
    """The results of all calls at once, or their errors, in their order."""
    found = {}

    async def one(index, call):
        try:
            found[index] = await call()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            found[index] = error

    async with anyio.create_task_group() as tasks:
        for index, call in enumerate(calls):
            tasks.start_soon(one, index, call)
    return [found[index] for index in range(len(calls))]


def greedy(model, number):
    """As many different greedy draws."""
    return [
        lambda i=i: model.sample(f"Question {i}", decoding=GREEDY, keys=[KEY])
        for i in range(number)
    ]


async def test_calls_of_one_moment_travel_together():
    """Greedy draws that are asked for at once go in full requests, and each gets its own text."""
    meter = Meter()
    async with (
        serving(Lists) as server,
        connect(spec(server, "&batch=8"), meter=meter) as model,
    ):
        found = await all_of(greedy(model, 20))
        assert [drawn[0].text for drawn in found] == [f"Question {i}!" for i in range(20)]
        assert sorted(server.sizes) == [4, 8, 8]
    reading = meter.snapshot()
    assert (reading.sample_calls, reading.prompt_tokens, reading.completion_tokens) == (20, 40, 20)


async def test_a_lone_call_is_sent_as_ever():
    """One prompt is no list, and its request is the same to the letter as without batches."""
    async with serving(Lists) as server:
        for options in ("", "&batch=8"):
            async with connect(spec(server, options)) as model:
                for call in greedy(model, 2):
                    await call()
        assert server.requests[:2] == server.requests[2:]
        assert server.sizes == [0, 0, 0, 0]


async def test_a_draw_keeps_its_seed():
    """Draws with seeds of their own are never joined, whatever else travels together."""
    async with (
        serving(Lists) as server,
        connect(spec(server, "&batch=8"), limits=Limits(concurrency=20)) as model,
    ):
        keys = [Key(("draw", i)) for i in range(6)]
        await all_of(
            [
                lambda: model.sample("Q", decoding=Decoding(), keys=keys),
                lambda: model.sample("R", decoding=Decoding(), keys=keys[:2]),
                *greedy(model, 3),
            ]
        )
        seeds = [body["seed"] for body in server.requests if "seed" in body]
        assert sorted(seeds) == sorted(key.seed % 2**31 for key in [*keys, *keys[:2]])
        assert sorted(server.sizes) == [0] * 8 + [3]


@pytest.mark.parametrize("way", ["echo", "prompt_logprobs"])
async def test_scores_and_labels_are_those_of_single_requests(way):
    """Scores, labels and the tokens that they took do not depend on what travels together."""
    texts = ["forty two", "a", "none of these words", ""]
    choices = [Choice("yes", ("yes", "indeed so")), Choice("no")]

    async def asked(model, meter):
        found = await all_of(
            [
                lambda: model.score("The answer is", texts, decoding=GREEDY),
                lambda: model.score("Well,", texts[:2], decoding=GREEDY),
                lambda: model.choose("Is it so?", choices),
            ]
        )
        return found[0].scores, found[1].scores, found[2].logprobs, meter.snapshot().prompt_tokens

    found = []
    async with serving(Lists, **{way: True}) as server:
        for options in ("", "&batch=16"):
            meter = Meter()
            line = spec(server, f"&scoring={way}{options}")
            async with connect(line, meter=meter) as model:
                found.append(await asked(model, meter))
        assert server.sizes == [0] * 8 + [8]
    assert found[0] == found[1]


async def test_labels_by_their_first_token_travel_together():
    """One-token labels of several examples are one request, and are the same."""
    choices = [Choice("yes"), Choice("no")]
    async with serving(Lists, tops=True) as server:
        found = []
        for options in ("", "&batch=16"):
            async with connect(spec(server, f"&choose=1{options}")) as model:
                asked = [lambda i=i, m=model: m.choose(f"Q{i}", choices) for i in range(5)]
                found.append([scores.logprobs for scores in await all_of(asked)])
        assert server.sizes == [0] * 5 + [5]
    assert found[0] == found[1]


async def test_nobody_is_harmed_by_somebody_elses_prompt():
    """Where one prompt is refused, the others are answered, and it alone fails."""
    async with (
        serving(Lists, most=5) as server,
        connect(spec(server, "&batch=8")) as model,
    ):
        calls = greedy(model, 4)
        calls[2] = lambda: model.sample("word " * 9, decoding=GREEDY, keys=[KEY])
        found = await all_of(calls)
        assert [drawn[0].text for i, drawn in enumerate(found) if i != 2] == [
            f"Question {i}!" for i in (0, 1, 3)
        ]
        assert isinstance(found[2], ContextOverflow)
        assert server.sizes == [4, 0, 0, 0, 0]


async def test_what_may_pass_is_tried_again_by_each():
    """A batch that is refused for now fails all in it, each with an error of its own to note on."""
    async with serving(Lists) as server:
        server.faults.append(fault(429, "slow down", retry_after="0"))
        async with connect(spec(server, "&batch=8"), retries=None) as model:
            errors = await all_of(greedy(model, 3))
        assert all(isinstance(error, RateLimited) for error in errors)
        assert len({id(error) for error in errors}) == 3
        server.faults.append(fault(500))
        patient = Retries(first_wait=0.001)
        async with connect(spec(server, "&batch=8"), retries=patient) as model:
            found = await all_of(greedy(model, 3))
        assert [drawn[0].text for drawn in found] == [f"Question {i}!" for i in range(3)]


async def test_a_server_that_takes_no_lists_is_found_out():
    """Where the choices are not one for each prompt, the error says what to leave out."""
    async with (
        serving() as server,
        connect(spec(server, "&batch=8")) as model,
    ):
        server.faults.append(lambda _: web.json_response({"choices": [{"index": 0, "text": "hm"}]}))
        for error in await all_of(greedy(model, 2)):
            assert isinstance(error, CapabilityError)
            assert "2 prompts in one request with 1 choices" in str(error)
            assert "leave out batch" in str(error)


async def test_cancelling_one_cancels_nothing_for_the_others():
    """Who leaves a batch that is under way leaves it to the others; the last ends the request."""
    async with (
        serving(Lists, gate=anyio.Event()) as server,
        connect(spec(server, "&batch=8")) as model,
    ):
        texts, scopes = [], [anyio.CancelScope() for _ in range(3)]

        async def one(call, scope):
            with scope:
                texts.append((await call())[0].text)

        async with anyio.create_task_group() as tasks:
            for call, scope in zip(greedy(model, 3), scopes, strict=True):
                tasks.start_soon(one, call, scope)
            await server.waiting(1)
            scopes[0].cancel()
            await anyio.lowlevel.checkpoint()
            server.gate.set()
        assert texts == ["Question 1!", "Question 2!"]
        server.gate = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for call in greedy(model, 3):
                tasks.start_soon(call)
            await server.waiting(1)
            tasks.cancel_scope.cancel()
        await server.idle()


async def test_an_error_of_the_caller_stays_as_it_is():
    """What is raised where a model is open is not wrapped into a group."""
    async with serving(Lists) as server:
        with pytest.raises(KeyError):
            async with connect(spec(server, "&batch=8")):
                raise KeyError("mine")


@pytest.mark.parametrize("options", ["?batch=8", "?endpoint=completions&batch=0"])
async def test_a_batch_that_cannot_be_is_refused(options):
    """A chat has no lists, and a batch is at least one; the message says so."""
    with pytest.raises(SpecError, match="a chat takes no list of prompts"):
        async with connect(f"openai:toy@http://127.0.0.1:9/v1{options}"):
            pass


def test_only_a_servers_model_is_gathered():
    """A model that is no server's cannot be joined."""
    with pytest.raises(TypeError, match="cannot take several prompts"):
        Gathered(TableModel(lambda _: {"a": 1.0}))


# In virtual time


class Virtual(OpenAIModel):
    """Takes 1 s for each request, without a server, and notes when each came and its prompts."""

    def __init__(self, batch=4, *faults):
        super().__init__(
            "toy", base_url="http://127.0.0.1:9/v1", endpoint="completions", batch=batch
        )
        self.seen = []
        self.faults = list(faults)

    async def request(self, body, prompts=None):
        prompts = [body["prompt"]] if prompts is None else prompts
        self.seen.append((round(anyio.current_time(), 6), prompts))
        await anyio.sleep(1)
        if self.faults and (error := self.faults.pop(0)) is not None:
            raise error
        choices = [{"text": prompt + "!", "finish_reason": "stop"} for prompt in prompts]
        return choices, Usage(10 * len(prompts), len(prompts))


@asynccontextmanager
async def gathering(model, limits=None, **settings):
    limiter = None if limits is None else Limiter(limits)
    async with Gathered(model, limiter, **settings) as gathered:
        yield gathered
    assert limiter is None or (limiter.reading().open, limiter.reading().waiting) == (0, 0)


def test_who_finds_nothing_under_way_goes_at_once_and_others_wait_two_milliseconds():
    """A lone call waits for nothing; beside others it waits for company, but not for their end."""

    async def work():
        model = Virtual()
        async with gathering(model) as gathered, anyio.create_task_group() as tasks:
            calls = greedy(gathered, 9)
            for number, at in enumerate([0.0, 0.1, 0.101, 0.5, 0.5, 0.5, 0.5, 0.9995, 5.0]):
                await anyio.sleep(at - anyio.current_time())
                tasks.start_soon(calls[number])
        return [(at, len(prompts)) for at, prompts in model.seen]

    assert virtually(work) == [
        (0.0, 1),
        (0.102, 2),  # the window began with the first of the two
        (0.5, 4),  # full
        (1.0015, 1),
        (5.0, 1),
    ]


def test_what_waits_for_nobody_any_more_goes():
    """Where the last request under way ends, what gathers goes without waiting for its window."""

    async def work():
        model = Virtual()
        async with gathering(model) as gathered, anyio.create_task_group() as tasks:
            first, second = greedy(gathered, 2)
            tasks.start_soon(first)
            await anyio.sleep(0.9999)
            tasks.start_soon(second)
        return [at for at, _ in model.seen]

    assert virtually(work) == [0.0, 1.0]


def test_a_batch_takes_one_turn_and_fills_up_while_it_waits_for_it():
    """Under a limit of requests, those who come meanwhile join the batch that is next."""

    async def work():
        model, waited = Virtual(4), []
        limits = Limits(requests_per_minute=60, concurrency=100)
        async with gathering(model, limits, queued=waited.append) as gathered:
            async with anyio.create_task_group() as tasks:
                for call in greedy(gathered, 10):
                    tasks.start_soon(call)
                    await anyio.sleep(0.1)
            assert gathered.limiter.reading().queued == pytest.approx(0.91 + 1.52 + 2.13, abs=0.01)
        assert len(waited) == 10
        return [(at, len(prompts)) for at, prompts in model.seen], waited

    seen, waited = virtually(work)
    assert [size for _, size in seen] == [1, 4, 4, 1]
    assert [at for at, _ in seen] == pytest.approx([0, 1.01, 2.02, 3.03], abs=0.01)
    assert waited[:3] == pytest.approx([0, 0.91, 0.81], abs=0.01)


def test_a_batch_reserves_the_tokens_of_all_and_never_more_than_a_minute_has():
    """A request that a server must refuse for its size is not made, and the sum is settled."""

    async def work():
        model = Virtual(100)
        limits = Limits(tokens_per_minute=700, concurrency=100)
        decoding = Decoding(temperature=0, max_tokens=97)  # with 3 of the prompt: 100
        async with gathering(model, limits) as gathered, anyio.create_task_group() as tasks:
            for i in range(12):
                tasks.start_soon(
                    lambda i=i: gathered.sample(f"Prompt {i:03}", decoding=decoding, keys=[KEY])
                )
        return model.seen

    (first, prompts), (second, others) = virtually(work)
    assert (len(prompts), len(others)) == (7, 5)
    # The first reserved 700 and took 77, so after 77 tokens' time there is room for 500 more.
    assert first == 0
    assert second == pytest.approx(77 / 700 * 60.6, abs=0.1)


def test_who_leaves_before_the_turn_takes_its_tokens_along():
    """A prompt that is cancelled while its batch waits is not sent, nor reserved for."""

    async def work():
        model = Virtual(8)
        limits = Limits(requests_per_minute=60, concurrency=100)
        async with gathering(model, limits) as gathered, anyio.create_task_group() as tasks:
            scopes = [anyio.CancelScope() for _ in range(5)]

            async def one(call, scope):
                with scope:
                    await call()

            for call, scope in zip(greedy(gathered, 5), scopes, strict=True):
                tasks.start_soon(one, call, scope)
                await anyio.sleep(0.01)
            for number in (1, 3):
                scopes[number].cancel()
            await anyio.sleep(5)
            with anyio.move_on_after(0.2):  # alone in its batch: nothing is sent at all
                await gathered.sample("Question 9", decoding=GREEDY, keys=[KEY])
            with anyio.move_on_after(0.2):
                await gathered.sample("Question 10", decoding=GREEDY, keys=[KEY])
        return model.seen

    assert virtually(work)[:2] == [
        (0.0, ["Question 0"]),
        (pytest.approx(1.01, abs=0.001), ["Question 2", "Question 4"]),
    ]


def test_a_quota_that_is_used_up_fails_all_in_the_batch():
    """A refusal of the limiter reaches everybody who waits for it."""

    async def work():
        model = Virtual(8, RateLimited("spent", retry_after=9999.0))
        async with gathering(model, Limits(concurrency=1)) as gathered:
            found = await all_of(greedy(gathered, 12))
            assert all(isinstance(error, RateLimited) for error in found)
            assert sum("not sent" in str(error) for error in found) == 4
        assert anyio.current_time() == 1.0

    virtually(work)


def test_closing_fails_what_is_under_way():
    """Nobody waits for ever for a model that is closed."""

    async def work():
        errors = []

        async def one(call):
            try:
                await call()
            except RuntimeError as error:
                errors.append(str(error))

        async with (
            anyio.create_task_group() as tasks,
            gathering(Virtual(), Limits()) as gathered,
        ):
            for call in greedy(gathered, 6):
                tasks.start_soon(one, call)
            await anyio.sleep(0.5)
        assert len(errors) == 6
        assert all("closed before its answer came" in error for error in errors)

    virtually(work)


# Shares


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=9))
def test_the_shares_of_a_request_add_up(pairs):
    """What each prompt is said to have taken adds up to what the server says."""

    async def work():
        asks = [Ask(prompt, 16, 0) for prompt, _ in pairs]
        return shares(Usage(977, 31, 5), asks, [{"text": text} for _, text in pairs])

    found = virtually(work)
    assert sum(found, Usage()) == Usage(977, 31, 5)
    assert all(used.prompt_tokens >= 0 for used in found)


def test_a_twin_is_the_same_error_with_notes_of_its_own():
    """Kind, words, fields and cause are kept, and notes are not shared."""
    error = ContextOverflow("too long", needed=9, available=5)
    error.__cause__ = cause = TransientError("no")
    error.add_note("here")
    other = twin(error)
    other.add_note("there")
    assert type(other) is ContextOverflow
    assert (str(other), other.needed, other.available) == ("too long", 9, 5)
    assert other.__cause__ is cause
    assert (error.__notes__, other.__notes__) == (["here"], ["here", "there"])
