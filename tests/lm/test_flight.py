"""Single flight: one call for all who ask the same at once, for as long as one of them waits."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from itertools import pairwise

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import ContextOverflow, ModelError, RateLimited, TransientError
from langnet.key import Key
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    TextScore,
    TextScores,
    Usage,
)
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.flight import SingleFlight
from langnet.lm.partial import Partial

A, B, C = (Key((name,)) for name in "abc")
DRAWN = Decoding()
CALLER = ContextVar("CALLER", default="nobody")


class Held:
    """Answers once it is let go; knows what is open, what was asked, and who asked."""

    identity = "held"
    capabilities = Capabilities(score=True, choose=True)

    def __init__(self):
        self.asked = []
        self.callers = []
        self.open = 0
        self.ended = 0
        self.gate = anyio.Event()
        self.error = None
        self.cleanup = None

    async def _held(self, questions):
        self.asked.append(questions)
        self.callers.append(CALLER.get())
        self.open += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            if self.cleanup is not None:
                raise self.cleanup from None
            with anyio.CancelScope(shield=True):
                await asyncio.sleep(0)  # closing a connection takes its time
            raise
        finally:
            self.open -= 1
            self.ended += 1
        if self.error is not None:
            raise self.error

    async def sample(self, context, *, decoding, keys):
        await self._held([*keys])
        return [Completion(f"{context} {key.path}", "stop", Usage(1, 1)) for key in keys]

    async def score(self, context, texts, *, decoding, end=True):
        await self._held([*texts])
        return TextScores(tuple(TextScore((-float(len(text)),)) for text in texts), Usage(7))

    async def choose(self, context, choices):
        await self._held([choice.label for choice in choices])
        return LabelScores(tuple(-1.0 for _ in choices))

    async def aclose(self):
        """Nothing."""


@pytest.fixture
def held():
    """The model below."""
    return Held()


class Asker:
    """Asks in a task of its own, and keeps what came of it."""

    def __init__(self, model, *keys):
        self.model, self.keys = model, keys
        self.scope = anyio.CancelScope()
        self.found = self.error = None
        self.gone = anyio.Event()

    async def __call__(self):
        with self.scope:
            try:
                self.found = await self.model.sample("Q", decoding=DRAWN, keys=self.keys)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self.error = error
            finally:
                self.gone.set()


async def asking(tasks, *askers):
    """Starts askers one after the other, and returns once all wait."""
    for asker in askers:
        tasks.start_soon(asker)
        await anyio.wait_all_tasks_blocked()


async def test_all_kinds_of_questions_are_asked_once(held):
    """A draw, a score and a set of labels that several ask for at once are one call each."""
    model = SingleFlight(held)
    found = []

    async def ask(kind):
        if kind == "sample":
            found.append(await model.sample("Q", decoding=DRAWN, keys=[A]))
        elif kind == "score":
            found.append(await model.score("Q", ["x", "yy"], decoding=DRAWN))
        else:
            found.append(await model.choose("Q", [Choice("yes"), Choice("no")]))

    async with anyio.create_task_group() as tasks:
        for kind in ("sample", "score", "choose") * 3:
            tasks.start_soon(ask, kind)
        await anyio.wait_all_tasks_blocked()
        held.gate.set()
    assert held.asked == [[A], ["x", "yy"], ["yes", "no"]]
    assert len(found) == 9
    # What a call for scores took is told to the one who sent it.
    assert (
        sum(scores.usage.prompt_tokens for scores in found if isinstance(scores, TextScores)) == 7
    )
    assert not model._flights


async def test_other_questions_are_not_held_up(held):
    """Another key, decoding, context or end is another question."""
    model = SingleFlight(held)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Asker(model, A))
        tasks.start_soon(Asker(model, B))
        for context, decoding in (("R", DRAWN), ("Q", Decoding(max_tokens=3))):
            tasks.start_soon(lambda c, d: model.sample(c, decoding=d, keys=[A]), context, decoding)
        for end in (True, False):
            tasks.start_soon(lambda e: model.score("Q", ["x"], decoding=DRAWN, end=e), end)
        await anyio.wait_all_tasks_blocked()
        assert held.open == 6
        held.gate.set()


async def test_the_most_probable_text_is_one_question(held):
    """At temperature 0 every key asks the same."""
    held.gate.set()
    texts = await SingleFlight(held).sample("Q", decoding=Decoding(temperature=0), keys=[A, B, A])
    assert held.asked == [[A]]
    assert len(set(texts)) == 1


async def test_of_several_draws_only_those_that_nobody_asks_are_sent(held):
    """A call is joined for some of its draws; every asker gets its own, in its own order."""
    model = SingleFlight(held)
    one, two, three = Asker(model, A, B), Asker(model, C, B, C), Asker(model, B)
    async with anyio.create_task_group() as tasks:
        await asking(tasks, one, two, three)
        assert held.asked == [[A, B], [C]]
        held.gate.set()
    assert [text.text for text in two.found] == [f"Q {key.path}" for key in (C, B, C)]
    assert three.found == one.found[1:]
    assert await model.sample("Q", decoding=DRAWN, keys=[]) == []


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_cancelling_one_cancels_nothing_for_the_others(held, leaving):
    """Whoever leaves, also the one who sent the call: it goes on, once, for the rest."""
    model = SingleFlight(held)
    askers = [Asker(model, A) for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        await asking(tasks, *askers)
        askers[leaving].scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert askers[leaving].gone.is_set()
        assert held.open == 1
        held.gate.set()
    assert held.asked == [[A]]
    assert [asker.found is None for asker in askers] == [at == leaving for at in range(3)]


async def test_the_last_to_leave_ends_the_call(held):
    """Nobody waits: the call is cancelled, and has ended before the last one leaves."""
    model = SingleFlight(held)
    one, two, later = (Asker(model, A) for _ in range(3))
    before = asyncio.all_tasks()
    async with anyio.create_task_group() as tasks:
        await asking(tasks, one, two)
        one.scope.cancel()
        await anyio.wait_all_tasks_blocked()
        two.scope.cancel()
        tasks.start_soon(later)  # comes while the call is on its way out
        await two.gone.wait()
        assert held.ended == 1
        await anyio.wait_all_tasks_blocked()
        assert held.open == 1
        held.gate.set()
    assert held.asked == [[A], [A]]
    assert later.found is not None
    assert asyncio.all_tasks() == before
    assert not model._flights


async def test_a_cancelled_task_leaves_nothing_behind(held):
    """Plain asyncio cancels as well, and again while the call ends."""
    model = SingleFlight(held)
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(model.sample("Q", decoding=DRAWN, keys=[A]))
    await anyio.wait_all_tasks_blocked()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.open == 0
    assert asyncio.all_tasks() == before
    assert not model._flights


@pytest.mark.parametrize(
    "error",
    [
        TransientError("reset"),
        RateLimited("slow down", retry_after=3.0),
        ContextOverflow("too long", needed=9, available=8),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_is_everybodys_own(held, error):
    """Each gets an error of its own that says the same; the next asker sends the call anew."""
    model = SingleFlight(held)
    error.add_note("tried twice")
    error.__cause__ = OSError("the network")
    held.error = error
    askers = [Asker(model, A) for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        await asking(tasks, *askers)
        held.gate.set()
    errors = [asker.error for asker in askers]
    for one, other in pairwise(errors):
        assert one is not other
        assert (type(one), str(one), one.__cause__) == (type(other), str(other), error.__cause__)
        assert {**vars(one), "__notes__": 0} == {**vars(other), "__notes__": 0}
        one.add_note("mine")
        assert other.__notes__ == ["tried twice"]
    held.error = None
    assert await model.sample("Q", decoding=DRAWN, keys=[A])
    assert held.asked == [[A], [A]]


async def test_one_who_asks_alone_gets_the_error_itself(held):
    """Without others nothing is copied."""
    held.error = ModelError("no")
    held.gate.set()
    with pytest.raises(ModelError) as failed:
        await SingleFlight(held).sample("Q", decoding=DRAWN, keys=[A])
    assert failed.value is held.error


async def test_what_arrived_of_a_call_that_failed_is_an_answer(held):
    """One of two draws fails: who waits for the other has it, and the sender is told of it."""
    model = SingleFlight(held)
    held.error = TransientError("one failed")
    held.error.partial = Partial({1: Completion("there")})
    both, first, second = Asker(model, A, B), Asker(model, C, A), Asker(model, B)
    async with anyio.create_task_group() as tasks:
        await asking(tasks, both, second)
        held.gate.set()
    assert [text.text for text in second.found] == ["there"]
    assert both.error.partial.answers == {1: Completion("there")}
    held.gate, held.error = anyio.Event(), None
    async with anyio.create_task_group() as tasks:
        await asking(tasks, both, first)
        held.gate.set()
    assert first.found is not None
    assert held.asked == [[A, B], [A, B], [C]]


async def test_a_bug_reaches_all_who_wait(held):
    """What is no error of langnet's is raised to each, and not lost."""
    model = SingleFlight(held)
    held.error = ZeroDivisionError("a bug")
    askers = [Asker(model, A) for _ in range(2)]
    async with anyio.create_task_group() as tasks:
        await asking(tasks, *askers)
        held.gate.set()
    assert [type(asker.error) for asker in askers] == [ZeroDivisionError] * 2


async def test_a_bug_on_the_way_out_reaches_the_last_to_leave(held):
    """A call that breaks while it is cancelled tells the one who cancelled it."""
    held.cleanup = ZeroDivisionError("a bug")
    asker = Asker(SingleFlight(held), A)
    async with anyio.create_task_group() as tasks:
        await asking(tasks, asker)
        asker.scope.cancel()
    assert isinstance(asker.error, ZeroDivisionError)


async def test_a_call_runs_in_the_context_of_the_first_asker(held):
    """Who is counted as the caller is the one who sent the call."""
    model = SingleFlight(held)
    async with anyio.create_task_group() as tasks:
        for name in ("first", "second"):
            CALLER.set(name)
            await asking(tasks, Asker(model, A))
        held.gate.set()
    assert held.callers == ["first"]


async def test_nobody_asks_again_between_the_answer_and_the_cache(held):
    """Whenever another one comes, also while the answer is on its way up, one call is sent."""
    for ticks in range(12):
        below = Held()
        below.gate.set()
        model = Cached(SingleFlight(below), MemoryStore())

        async def late(model=model, ticks=ticks):
            for _ in range(ticks):
                await asyncio.sleep(0)
            await model.sample("Q", decoding=DRAWN, keys=[A])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda m: m.sample("Q", decoding=DRAWN, keys=[B, A]), model)
            tasks.start_soon(late)
        assert below.asked == [[B, A]], ticks


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3),
            st.integers(0, 8),  # when it comes
            st.none() | st.integers(0, 8),  # how long it stays
        ),
        max_size=8,
    ),
    st.integers(0, 5),
)
async def test_whoever_comes_and_goes(plan, takes):  # noqa: C901 - a model of two parties
    """No question is open twice, who stays gets its answers, and nothing is left."""
    open_now, wrong = [], []

    class Slow(Held):
        async def sample(self, context, *, decoding, keys):
            wrong.extend(key for key in keys if key in open_now)
            open_now.extend(keys)
            try:
                for _ in range(takes):
                    await asyncio.sleep(0)
            finally:
                for key in keys:
                    open_now.remove(key)
            return [Completion(key.path) for key in keys]

    model = SingleFlight(Slow())
    found = []

    async def one(keys, comes, stays):
        for _ in range(comes):
            await asyncio.sleep(0)
        asker = Asker(model, *keys)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asker)
            if stays is not None:
                for _ in range(stays):
                    await asyncio.sleep(0)
                asker.scope.cancel()
        found.append((keys, stays, asker.found, asker.error))

    before = asyncio.all_tasks()
    async with anyio.create_task_group() as tasks:
        for entry in plan:
            tasks.start_soon(one, *entry)
    assert wrong == []
    assert asyncio.all_tasks() == before
    assert not model._flights
    for keys, stays, texts, error in found:
        assert error is None
        if stays is None or texts is not None:
            assert [text.text for text in texts] == [key.path for key in keys]
