"""What is told of calls: each once, with what it took, whoever made it, however it ended."""

from __future__ import annotations

import logging

import anyio
import pytest

from langnet.errors import RequestRejected, TransientError
from langnet.key import Key
from langnet.lm.base import Capabilities, Choice, Completion, Decoding, LanguageModel
from langnet.lm.budget import Price
from langnet.lm.cache import MemoryStore
from langnet.lm.caller import calling
from langnet.lm.connect import connect
from langnet.lm.limited import Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter, Metered
from langnet.lm.observe import Content, Observed
from langnet.lm.prices import Prices
from langnet.lm.retry import Retries, Retrying
from langnet.testing import TableModel, check_model
from tests.lm.server import fault, serving
from tests.virtual import virtually

KEYS = [Key(("draw", i)) for i in range(3)]
LABELS = [Choice("yes"), Choice("no")]


def table():
    return TableModel(lambda context: {"yes": 0.75, "no": 0.25})


async def test_a_call_is_told_once_with_what_it_took():
    """Three attempts at a server are one call; the second time it is a hit that takes nothing."""
    told = []
    meter = Meter(prices=Prices(models={"toy": Price(1e6, 2e6)}))
    async with serving() as server:
        server.faults.extend([fault(500), fault(503), None])
        async with connect(
            f"openai:toy@{server.url}",
            cache=MemoryStore(),
            meter=meter,
            retries=Retries(first_wait=0.0),
            observe=told.append,
        ) as model:
            for _ in range(2):
                with calling(node="answer", example="e7", purpose="forward"):
                    await model.sample("one two", decoding=Decoding(max_tokens=9), keys=KEYS[:1])
    first, second = told
    assert (first.model, first.kind, first.texts) == ("toy", "sample", 1)
    assert (first.node, first.example, first.purpose) == ("answer", "e7", "forward")
    assert (first.attempts, first.hits, first.error) == (3, 0, "")
    assert (first.prompt_tokens, first.completion_tokens, first.cached_tokens) == (2, 2, 1)
    assert (first.cost, first.finish, first.content) == (2 + 2 * 2, ("stop",), None)
    assert first.seconds > 0
    assert first.decoding == Decoding(max_tokens=9)
    assert (second.attempts, second.hits, second.prompt_tokens, second.cost) == (0, 1, 0, 0)
    assert first.identity == model.identity
    assert sum(event.attempts for event in told) == meter.snapshot().calls


async def test_failures_are_told_with_their_kind():
    """A call that fails is told with the error's class and message; the error goes on as it was."""
    told = []
    async with serving() as server:
        server.faults.append(fault(401, "who are you?"))
        async with connect(f"openai:toy@{server.url}", observe=told.append) as model:
            with pytest.raises(RequestRejected):
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    (event,) = told
    assert (event.error, event.attempts, event.finish) == ("RequestRejected", 1, ())
    assert "who are you?" in event.message


def test_waits_are_told_apart():
    """Time in a rate limit's queue is queued, time before another attempt is waited."""

    class Flaky(TableModel):
        failed = False

        async def choose(self, context, choices):
            if context == "flaky" and not self.failed:
                self.failed = True
                raise TransientError("once")
            return await super().choose(context, choices)

    async def main():
        told = []
        meter = Meter()
        inner = Flaky(lambda context: {"yes": 0.75, "no": 0.25})
        limited = Limited(inner, Limiter(Limits(requests_per_minute=60, concurrency=9)))
        retries = Retries(first_wait=10.0)
        stack = Retrying(Metered(limited, meter), retries, meter=meter, jitter=lambda: 0.5)
        model = Observed(stack, told.append)
        async with anyio.create_task_group() as tasks:
            for context in ("flaky", "steady"):
                tasks.start_soon(model.choose, context, LABELS)
        return told

    steady, flaky = virtually(main)
    # Two labels are two requests, so the next turn comes after two seconds.
    assert steady.queued == pytest.approx(1.0, rel=0.05)
    assert steady.seconds == pytest.approx(steady.queued)
    assert (steady.waited, steady.attempts) == (0.0, 1)
    assert (flaky.waited, flaky.queued, flaky.attempts) == (5.0, 0.0, 2)
    assert flaky.seconds == 5.0


async def test_content_is_told_only_where_it_is_asked_for():
    """Contexts, texts and answers come along with content=True, and never without."""
    for content in (False, True):
        told = []
        model = Observed(table(), told.append, content=content)
        decoding = Decoding(temperature=0)
        await model.sample("a secret context", decoding=decoding, keys=KEYS[:1])
        await model.score("a secret context", ["yes"], decoding=Decoding())
        await model.choose("a secret context", LABELS)
        assert ("secret" in repr(told)) is content
    drawn, scored, chosen = (event.content for event in told)
    assert drawn == Content("a secret context", (), ("yes",))
    assert scored.texts == ("yes",)
    assert scored.answers == pytest.approx([-0.2876], abs=1e-3)
    assert chosen.texts == ("yes", "no")
    assert len(chosen.answers) == 2


async def test_one_that_raises_is_told_no_more(caplog):
    """An observer that raises is logged once and left out, and the calls go on."""

    def broken(event):
        raise ValueError("I cannot watch")

    model = Observed(table(), broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await model.choose("Q", LABELS)
    assert len(caplog.records) == 1


async def test_a_call_that_is_cancelled_is_told():
    """Being cancelled ends a call, too, and the cancellation goes on."""

    class Never:
        identity = "never"
        capabilities = Capabilities(choose=True)

        async def choose(self, context, choices):
            await anyio.sleep_forever()

    told = []
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Observed(Never(), told.append).choose, "Q", LABELS)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert [event.error for event in told] == ["cancelled"]


async def test_a_bug_is_told_without_its_words():
    """What an unexpected error says may be anything, so only its class is told."""

    class Buggy:
        identity = "buggy"
        capabilities = Capabilities()

        async def sample(self, context, *, decoding, keys):
            raise KeyError(context)

    told = []
    with pytest.raises(KeyError):
        await Observed(Buggy(), told.append).sample("words", decoding=Decoding(), keys=KEYS)
    assert (told[0].error, told[0].message) == ("KeyError", "")


async def test_watching_changes_no_answer():
    """An observed model keeps every law that the model keeps, and nothing is in the way unasked."""
    model = Observed(table(), lambda event: None)
    assert isinstance(model, LanguageModel)
    assert model.identity == table().identity
    await check_model(model)
    own = table()
    async with connect(own) as plain:
        assert plain is own


async def test_concurrent_calls_are_told_apart():
    """Calls that overlap do not count for each other."""
    told = []
    meter = Meter()
    gates = {name: anyio.Event() for name in "ab"}

    class Gated:
        identity = "gated"
        capabilities = Capabilities()

        async def sample(self, context, *, decoding, keys):
            await gates[context].wait()
            return [Completion(context)] * len(keys)

    model = Observed(Metered(Gated(), meter), told.append)
    async with anyio.create_task_group() as tasks:
        for name, keys in (("a", KEYS[:1]), ("b", KEYS)):
            with calling(node=name):
                tasks.start_soon(
                    lambda n, k: model.sample(n, decoding=Decoding(), keys=k), name, keys
                )
        await anyio.wait_all_tasks_blocked()
        gates["b"].set()
        await anyio.wait_all_tasks_blocked()
        gates["a"].set()
    assert [(event.node, event.texts, event.attempts) for event in told] == [
        ("b", 3, 1),
        ("a", 1, 1),
    ]
    assert {name: reading.calls for name, reading in meter.by_node().items()} == {"a": 1, "b": 1}
