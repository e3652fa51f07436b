"""Retries: what is asked again, when, how often, and what is counted. All in virtual time."""

from __future__ import annotations

import asyncio
import random
from functools import wraps
from math import inf

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import (
    BudgetExceeded,
    CapabilityError,
    ContextOverflow,
    DeadlineExceeded,
    LangnetError,
    ModelError,
    RateLimited,
    RequestRejected,
    RunDeadlineExceeded,
    TransientError,
)
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
from langnet.lm.budget import Budget
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.deadline import off_the_clock
from langnet.lm.meter import Meter, Metered
from langnet.lm.partial import Partial
from langnet.lm.retry import Retries, Retrying, retried
from langnet.lm.until import Until
from langnet.testing import TableModel, check_model
from tests.virtual import virtually

KEYS = [Key(("draw", i)) for i in range(4)]
PATIENT = Retries(call_deadline=inf)


def in_virtual_time(test):
    """Runs an async test in virtual time."""

    @wraps(test)
    def run(*args, **kwargs):
        virtually(lambda: test(*args, **kwargs))

    return run


class Failing:
    """Fails with given errors first, each after some seconds, and then answers in capitals.

    A draw is of its key; `script` holds errors, or functions of the keys or texts that are asked.
    """

    identity = "failing"
    capabilities = Capabilities(score=True, choose=True)

    def __init__(self, *script, seconds=0.0):
        self.script = list(script)
        self.seconds = seconds
        self.asked = []
        self.times = []

    async def _turn(self, asked):
        self.asked.append(list(asked))
        self.times.append(anyio.current_time())
        await anyio.sleep(self.seconds)
        if self.script:
            error = self.script.pop(0)
            raise error if isinstance(error, Exception) else error(asked)

    async def sample(self, context, *, decoding, keys):
        await self._turn(keys)
        return [drawn(key) for key in keys]

    async def score(self, context, texts, *, decoding, end=True):
        await self._turn(texts)
        return TextScores(tuple(scored(text) for text in texts), Usage(len(texts)))

    async def choose(self, context, choices):
        await self._turn(choices)
        return LabelScores(tuple(-1.0 for _ in choices), Usage(1))

    async def aclose(self):
        pass


def drawn(key):
    return Completion(f"text of {key[-1]}", "stop", Usage(2, 1))


def scored(text):
    return TextScore((-float(len(text)),))


async def ask(model, context="Q"):
    (completion,) = await model.sample(context, decoding=Decoding(), keys=KEYS[:1])
    return completion.text


def stack(model, retries=PATIENT, *, jitter=lambda: 1.0, **settings):
    meter = Meter()
    return Retrying(Metered(model, meter), retries, meter=meter, jitter=jitter, **settings), meter


# When


@in_virtual_time
async def test_a_call_that_succeeds_is_made_once():
    """Without a failure nothing is repeated and nothing waits."""
    model, meter = stack(Failing())
    assert await ask(model) == "text of 0"
    reading = meter.snapshot()
    assert (reading.calls, reading.retries, reading.waited, reading.errors) == (1, 0, 0, 0)


@in_virtual_time
async def test_waits_double_up_to_the_longest():
    """Before attempt n + 1 lies the jitter's share of min(longest, first · 2ⁿ⁻¹)."""
    below = Failing(*[TransientError("no")] * 4)
    retries = Retries(first_wait=1.0, longest_wait=3.0, call_deadline=inf)
    model, meter = stack(below, retries, jitter=lambda: 0.5)
    assert await ask(model) == "text of 0"
    assert below.times == [0, 0.5, 1.5, 3.0, 4.5]
    reading = meter.snapshot()
    assert (reading.calls, reading.retries, reading.waited, reading.errors) == (5, 4, 4.5, 4)


@given(st.integers(1, 5000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_back_off_stays_in_its_bounds(failures, first, longest):
    """However often a call failed, the range of the wait is finite and no longer than allowed."""
    retries = Retries(first_wait=first, longest_wait=longest)
    assert 0 <= retries.back_off(failures) <= longest
    assert retries.back_off(failures) <= retries.back_off(failures + 1)


@in_virtual_time
async def test_callers_that_failed_together_come_back_apart():
    """Full jitter spreads the second attempts over the whole range."""
    rng = random.Random(0)
    times = []

    async def one():
        below = Failing(TransientError("no"))
        await ask(stack(below, Retries(first_wait=1.0), jitter=rng.random)[0])
        times.append(below.times[1])

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(one)
    assert all(0 <= time <= 1 for time in times)
    tenths = [sum(n / 10 <= time < (n + 1) / 10 for time in times) for n in range(10)]
    assert min(tenths) > 5


@in_virtual_time
async def test_a_server_that_says_when_is_not_asked_before():
    """Retry-After is waited for in full, and the jitter comes on top."""
    below = Failing(RateLimited("wait", retry_after=20.0), RateLimited("wait"))
    model, _ = stack(below, jitter=lambda: 0.5)
    await ask(model)
    assert below.times == [0, 20.25, 20.75]


@in_virtual_time
async def test_a_server_that_asks_for_too_long_fails_the_call_at_once():
    """A wait until tomorrow is not begun, and the error says how long it would be."""
    error = RateLimited("quota", retry_after=7200.0)
    below = Failing(error)
    with pytest.raises(RateLimited, match="quota") as caught:
        await ask(stack(below)[0])
    assert caught.value is error
    assert "7200 s, longer than longest_retry_after" in error.__notes__[0]
    assert anyio.current_time() == 0


# What


@pytest.mark.parametrize(
    "error",
    [
        RequestRejected("no"),
        ContextOverflow("long", needed=5, available=4),
        DeadlineExceeded("late"),
        ModelError("a refusal"),
        CapabilityError("cannot"),
        BudgetExceeded("spent"),
        ValueError("a bug"),
    ],
)
@in_virtual_time
async def test_what_is_final_is_raised_at_once(error):
    """Nothing but a transient error is worth another call."""
    below = Failing(error)
    with pytest.raises(type(error)) as caught:
        await ask(stack(below)[0])
    assert caught.value is error
    assert (len(below.asked), anyio.current_time()) == (1, 0)


@in_virtual_time
async def test_a_final_error_ends_the_attempts():
    """What a later attempt says counts, whatever the earlier ones were."""
    below = Failing(TransientError("once"), RequestRejected("no"))
    with pytest.raises(RequestRejected):
        await ask(stack(below)[0])
    assert len(below.asked) == 2


@in_virtual_time
async def test_the_last_error_says_what_was_tried():
    """When no attempt is left the last error is raised as it is, with a note and no more wait."""
    cause = OSError("reset")
    last = RateLimited("slow down")
    last.__cause__ = cause
    below = Failing(TransientError("one"), TransientError("two"), last, seconds=2.0)
    with pytest.raises(RateLimited) as caught:
        await ask(stack(below, Retries(attempts=3))[0])
    assert caught.value is last
    assert last.__cause__ is cause
    assert last.__notes__ == [
        "it failed 3 times in 7.5 s (2 × TransientError, 1 × RateLimited); no attempt is left of 3"
    ]
    assert anyio.current_time() == 7.5


# How long


@in_virtual_time
async def test_a_wait_beyond_the_deadline_is_not_begun():
    """The last error comes at once, not when the time is over."""
    below = Failing(*[TransientError("no")] * 9, seconds=1.0)
    retries = Retries(attempts=9, first_wait=4.0, call_deadline=10.0)
    with pytest.raises(TransientError) as caught:
        await ask(stack(below, retries)[0])
    assert below.times == [0, 5]  # the next wait of 8 s would end at 14 s
    assert anyio.current_time() == 6
    assert "wait of 8 s would pass the call's deadline of 10 s" in caught.value.__notes__[0]


@in_virtual_time
async def test_an_attempt_ends_at_the_deadline():
    """A call takes no longer than it may, and says what went before."""
    below = Failing(TransientError("first"), seconds=6.0)
    model, meter = stack(below, Retries(first_wait=1.0, call_deadline=10.0))
    with pytest.raises(DeadlineExceeded, match="call's deadline of 10 s") as caught:
        await ask(model)
    assert anyio.current_time() == 10
    assert str(caught.value.__cause__) == "first"
    assert "failed once" in str(caught.value)
    assert meter.snapshot().calls == 2


@in_virtual_time
async def test_after_the_end_of_a_run_nothing_is_sent():
    """The deadline of a run cuts what is under way and lets nothing new out, a wait included."""
    below = Failing(seconds=6.0)
    model, meter = stack(below)
    model = Until(model, 5.0)
    for _ in range(2):
        with pytest.raises(RunDeadlineExceeded, match="deadline of the run has passed"):
            await ask(model)
        assert anyio.current_time() == 5
    assert meter.snapshot().calls == len(below.asked) == 1
    waiting, _ = stack(Failing(RateLimited("no", retry_after=60.0)))
    with pytest.raises(RunDeadlineExceeded):
        await ask(Until(waiting, 9.0))
    assert anyio.current_time() == 9


async def test_a_model_with_an_end_is_a_model():
    """It answers as the model below it, under every law of a model, and its cache answers later."""
    below = TableModel(lambda context: {"yes": 0.75, "no": 0.25})
    end = anyio.current_time() + 60
    await check_model(Until(below, end), choices=[Choice("yes"), Choice("no")])
    store = MemoryStore()
    first = await ask(Cached(Until(below, end), store))
    assert await ask(Cached(Until(below, anyio.current_time()), store)) == first


class Queueing(Failing):
    """Waits for its turn before each call, off the clock."""

    async def _turn(self, asked):
        with off_the_clock():
            await anyio.sleep(100)
            with off_the_clock():
                await anyio.sleep(100)
        await super()._turn(asked)


@in_virtual_time
async def test_a_queue_does_not_count():
    """Time for which a rate limit holds a call back is no time of the call's, but of the run's."""
    below = Queueing(TransientError("no"), seconds=3.0)
    retries = Retries(first_wait=1.0, call_deadline=8.0)
    assert await ask(stack(below, retries)[0]) == "text of 0"
    assert below.times == [200, 404]
    with pytest.raises(DeadlineExceeded, match="call's deadline of 2 s"):
        await ask(stack(Queueing(seconds=3.0), Retries(call_deadline=2.0))[0])
    assert anyio.current_time() == 407 + 202
    with pytest.raises(RunDeadlineExceeded):
        await ask(Until(stack(Queueing())[0], anyio.current_time() + 150))
    assert anyio.current_time() == 609 + 150


@in_virtual_time
async def test_without_a_clock_there_is_nothing_to_stop():
    """A queue may stand where nobody retries."""
    assert await ask(Queueing()) == "text of 0"


@pytest.mark.parametrize("when", [0.5, 1.5], ids=["attempt", "wait"])
@in_virtual_time
async def test_a_cancelled_call_ends_at_once_and_leaves_nothing(when):
    """Whether it waits for an answer or for its next attempt."""
    below = Failing(TransientError("no"), seconds=1.0)
    model, meter = stack(below, Retries(first_wait=10.0))
    before = asyncio.all_tasks()
    with anyio.move_on_after(when) as scope:
        await ask(model)
    assert scope.cancelled_caught
    assert anyio.current_time() == when
    assert asyncio.all_tasks() == before
    assert meter.snapshot().waited == pytest.approx(max(0, when - 1))
    assert (len(below.asked), meter.snapshot().retries) == (1, 0)


failures = st.sampled_from([TransientError, RateLimited, RequestRejected, ModelError])


@given(
    st.lists(st.tuples(failures, st.floats(0, 9)), max_size=8),
    st.integers(1, 6),
    st.floats(0.1, 60),
    st.floats(0, 20),
    st.randoms(use_true_random=False),
)
def test_every_call_ends_in_time_and_is_counted(script, attempts, limit, seconds, rng):
    """Whatever fails: the call ends by its deadline, and attempts, errors and waits add up."""

    async def main():
        errors = [
            kind("no", retry_after=wait) if kind is RateLimited else kind("no")
            for kind, wait in script
        ]
        below = Failing(*errors, seconds=seconds)
        model, meter = stack(
            below, Retries(attempts=attempts, call_deadline=limit), jitter=rng.random
        )
        try:
            text = await ask(model)
        except ModelError as error:
            text = error
        reading = meter.snapshot()
        assert anyio.current_time() <= limit + 1e-6
        assert reading.calls == len(below.asked) == 1 + reading.retries <= attempts
        if text == "text of 0":
            assert reading.errors == reading.retries == len(errors)
        elif not isinstance(text, DeadlineExceeded):
            assert reading.errors == reading.calls
            assert text is errors[reading.errors - 1]

    virtually(main)


# What is paid


@in_virtual_time
async def test_a_budget_is_a_hard_stop_between_attempts():
    """An attempt is a call: one that the budget does not hold is not sent."""
    below = Failing(*[TransientError("no")] * 4)
    model, meter = stack(below)
    with meter.limited(Budget(calls=2)), pytest.raises(BudgetExceeded, match="2 calls"):
        await ask(model)
    assert meter.snapshot().calls == len(below.asked) == 2


@in_virtual_time
async def test_a_hit_has_nothing_to_try_again():
    """What succeeded at last is cached, and failures are not."""
    below = Failing(TransientError("no"))
    model, meter = stack(below)
    cached = Cached(model, MemoryStore(), meter=meter)
    assert [await ask(cached) for _ in range(2)] == ["text of 0"] * 2
    assert (meter.snapshot().calls, meter.snapshot().hits) == (2, 1)


def losing(*places):
    """An error by which the answers at these places are lost, and the others arrive."""

    def error(asked):
        answers = {
            place: drawn(item) if isinstance(item, Key) else scored(item)
            for place, item in enumerate(asked)
            if place not in places
        }
        found = TransientError("some are lost")
        usage = Usage(2 * len(answers), len(answers)) if isinstance(asked[0], Key) else Usage(7)
        found.partial = Partial(answers, usage)
        return found

    return error


@in_virtual_time
async def test_draws_that_arrived_are_not_asked_for_again():
    """Only lost draws are repeated; all come back in order, each counted once."""
    below = Failing(losing(0, 2, 3), losing(1))
    model, meter = stack(below)
    texts = await model.sample("Q", decoding=Decoding(), keys=KEYS)
    assert texts == [drawn(key) for key in KEYS]
    assert below.asked == [KEYS, [KEYS[0], KEYS[2], KEYS[3]], [KEYS[2]]]
    reading = meter.snapshot()
    assert (reading.texts_drawn, reading.prompt_tokens, reading.completion_tokens) == (4, 8, 4)


@in_virtual_time
async def test_scores_that_arrived_are_not_asked_for_again():
    """The same holds for given texts."""
    below = Failing(losing(1))
    model, meter = stack(below)
    found = await model.score("Q", ["a", "bb", "ccc"], decoding=Decoding())
    assert [score.logprob for score in found.scores] == [-1, -2, -3]
    assert below.asked == [["a", "bb", "ccc"], ["bb"]]
    assert (meter.snapshot().texts_scored, meter.snapshot().prompt_tokens) == (3, 7 + 1)


@in_virtual_time
async def test_what_arrived_goes_along_with_the_last_error():
    """Whoever stands above may keep it; its tokens are counted already."""
    below = Failing(losing(0, 1), losing(1))
    with pytest.raises(TransientError) as caught:
        await stack(below, Retries(attempts=2))[0].sample("Q", decoding=Decoding(), keys=KEYS)
    answers = {place: drawn(KEYS[place]) for place in (0, 2, 3)}
    assert caught.value.partial == Partial(answers, Usage())


@in_virtual_time
async def test_choices_are_asked_again():
    """A closed set is one question."""
    below = Failing(TransientError("no"))
    model, meter = stack(below)
    scores = await model.choose("Q", [Choice("yes"), Choice("no")])
    assert (scores.logprobs, meter.snapshot().retries) == ((-1.0, -1.0), 1)


async def test_the_contract_of_models_holds():
    """A model that is asked again is a model like any other."""
    below = TableModel(lambda context: {"yes": 0.75, "no": 0.25})
    await check_model(Retrying(below, Retries()), choices=[Choice("yes"), Choice("no")])


# Settings


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"first_wait": -1},
        {"longest_wait": inf},
        {"longest_retry_after": float("nan")},
        {"call_deadline": 0},
        {"call_deadline": float("nan")},
    ],
)
def test_settings_that_cannot_be_are_refused(settings):
    """A wrong setting is named before anything is called."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        Retries(**settings)


@in_virtual_time
async def test_any_call_can_be_retried():
    """The same decision serves what is no method of a model, such as a probe."""
    left = [TransientError("no")]

    async def probe():
        if left:
            raise left.pop()
        return "found"

    assert await retried(probe, Retries()) == "found"
    assert not issubclass(DeadlineExceeded, TransientError)
    assert issubclass(DeadlineExceeded, LangnetError)
