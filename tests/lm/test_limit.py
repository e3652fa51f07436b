"""Rate limits: no minute above them, nearly all of them used, shared fairly, learnt."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import UTC, datetime
from functools import partial

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import ContextOverflow, RateLimited, TransientError
from langnet.key import Key
from langnet.lm.base import Capabilities, Choice, Completion, Decoding, LabelScores, Usage
from langnet.lm.connect import connect
from langnet.lm.headers import Quota, quotas, seconds_of
from langnet.lm.limited import SHARED, Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter
from langnet.lm.pace import Pacer
from langnet.lm.quota import Day
from langnet.lm.retry import Retries, Retrying
from langnet.lm.room import Room
from langnet.testing import TableModel, check_model
from tests.lm.server import fault, serving
from tests.virtual import virtually

KEYS = [Key(("draw", i)) for i in range(4)]
OPEN = 10_000  # more calls than any test opens


def most_in_a_minute(sizes):
    """The most that any window of 60 s held, of pairs of a time and a size."""
    sizes = sorted(sizes)
    most = held = begin = 0
    for at, size in sizes:
        held += size
        while sizes[begin][0] <= at - 60:
            held -= sizes[begin][1]
            begin += 1
        most = max(most, held)
    return most


async def calls(limiter, count, *, seconds=0.1, reserved=0, used=None, member=None, sent=None):
    """Makes calls as fast as they are let, all waiting at once; gives the times they were sent."""
    sent = [] if sent is None else sent
    member = member or limiter.member()

    async def one(number):
        turn = await limiter.enter(member, tokens=reserved)
        tokens = None if used is None else used(number)
        sent.append((anyio.current_time(), tokens or 0))
        await anyio.sleep(seconds)
        limiter.leave(turn, tokens=tokens)

    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(one, number)
    return sent


# Pacing


@settings(deadline=None, max_examples=60)
@given(
    requests=st.one_of(st.none(), st.integers(1, 40)),
    tokens=st.one_of(st.none(), st.integers(100, 2000)),
    burst=st.sampled_from([0.0, 3.0, 60.0]),
    seed=st.integers(0, 2**32),
)
def test_no_minute_holds_more_than_is_allowed(requests, tokens, burst, seed):
    """Whatever sizes come, settle and are undone, late or not, no window is above a limit."""
    rng = random.Random(seed)
    pacer = Pacer(burst=burst)
    pacer.limit({"requests": requests or math.inf, "tokens": tokens or math.inf})
    now, open_, sent = 1000.0 * rng.random(), [], []
    for _ in range(150):
        size = rng.randint(1, tokens or 100)
        asked = now
        while (wait := pacer.delay(now, 1, size)) > 0:
            now += wait + rng.choice([0.0, 0.0, rng.random()])  # timers wake late
            while open_ and rng.random() < 0.3:
                taken = open_.pop(rng.randrange(len(open_)))
                pacer.settle(taken, rng.randint(0, taken.tokens))
        taken = pacer.take(now, 1, size, since=asked)
        sent.append(taken)
        open_.append(taken)
        if rng.random() < 0.05:
            pacer.undo(open_.pop())
        now += rng.choice([0.0, 0.0, rng.expovariate(0.2), 100 * rng.random()])
    assert most_in_a_minute([(taken.at, taken.requests) for taken in sent]) <= (requests or OPEN)
    used = most_in_a_minute([(taken.at, taken.tokens) for taken in sent])
    assert used <= (tokens or math.inf)


def test_nearly_all_of_the_requests_are_used():
    """At 3,000 a minute and with slow calls, 0.98 of the ideal rate is reached, without a burst."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=3000, concurrency=OPEN))
        return await calls(limiter, 6000, seconds=2.0)

    sent = virtually(work)
    took = sent[-1][0] - sent[0][0]
    assert took <= 5999 / 50 / 0.98
    assert most_in_a_minute([(at, 1) for at, _ in sent]) <= 3000
    assert sum(at < 1 for at, _ in sent) <= 51


def test_nearly_all_of_the_tokens_are_used():
    """What calls did not use of their reservation is given to others, so the limit is used up."""
    rng = random.Random(1)
    sizes = [rng.randint(20, 200) for _ in range(4000)]

    async def work():
        limiter = Limiter(Limits(tokens_per_minute=100_000, concurrency=OPEN))
        return await calls(limiter, 4000, seconds=0.5, reserved=220, used=lambda i: sizes[i])

    sent = virtually(work)
    took = sent[-1][0] - sent[0][0]
    assert took <= sum(sizes) / 100_000 * 60 / 0.98
    assert most_in_a_minute(sent) <= 100_000


def test_a_burst_is_allowed_where_it_is_asked_for():
    """With a burst of 10 s, that much goes at once; still no minute is above the limit."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=600, burst=10.0, concurrency=OPEN))
        return await calls(limiter, 1500)

    sent = [(at, 1) for at, _ in virtually(work)]
    assert 95 <= sum(at == 0 for at, _ in sent) <= 102
    assert most_in_a_minute(sent) <= 600


def test_a_cancelled_call_gives_its_place_back():
    """Those behind a call that is cancelled while it waits go when it would have gone."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=60, concurrency=OPEN))
        member, gone = limiter.member(), []

        async def one(number, scope):
            with scope:
                limiter.leave(await limiter.enter(member))
                gone.append((number, anyio.current_time()))

        scopes = [anyio.CancelScope() for _ in range(6)]
        async with anyio.create_task_group() as tasks:
            for number, scope in enumerate(scopes):
                tasks.start_soon(one, number, scope)
            await anyio.sleep(0.5)
            for number in (1, 3):  # the first that waits looks at the clock for the others
                scopes[number].cancel()
        assert limiter.reading().waiting == limiter.reading().open == 0
        return gone

    gone = virtually(work)
    assert [number for number, _ in gone] == [0, 2, 4, 5]
    assert [at for _, at in gone] == pytest.approx([0.0, 1.01, 2.02, 3.03], abs=0.01)


def test_a_place_that_was_given_and_not_used_is_given_back():
    """A call that is cancelled in the moment it may go leaves no trace."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=60, concurrency=1))
        member = limiter.member()
        first = await limiter.enter(member)
        waiting = asyncio.ensure_future(limiter.enter(member))
        await anyio.sleep(5)
        limiter.leave(first)  # the other may go now, and does not know yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert limiter.reading().open == 0
        limiter.leave(await limiter.enter(member))
        return anyio.current_time()

    assert virtually(work) == 5.0


def test_a_large_call_that_is_cancelled_lets_small_ones_go():
    """A small call that stood back for a large one goes as soon as that is cancelled."""

    async def work():
        limiter = Limiter(Limits(tokens_per_minute=100, concurrency=OPEN))
        often, seldom = limiter.member("often"), limiter.member("seldom")
        limiter.leave(await limiter.enter(often, tokens=10))
        gone = []

        async def small():
            limiter.leave(await limiter.enter(often, tokens=10))
            gone.append(anyio.current_time())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(small)
            await anyio.sleep(1)
            with anyio.move_on_after(20):
                await limiter.enter(seldom, tokens=100)
        return gone

    assert virtually(work) == [21.0]


def test_a_request_larger_than_the_limit_goes_alone():
    """A call that could take more tokens than a minute has is let through once nothing else is."""

    async def work():
        limiter = Limiter(Limits(tokens_per_minute=100, concurrency=OPEN))
        return await calls(limiter, 2, reserved=500, used=lambda _: 90)

    (first, _), (second, _) = virtually(work)
    assert first == 0
    assert 54 <= second <= 61


# Sharing


@pytest.mark.parametrize(
    ("limits", "reserved"),
    [
        (Limits(requests_per_minute=600, concurrency=OPEN), (0, 0)),
        (Limits(tokens_per_minute=60_000, concurrency=OPEN), (100, 25)),
        (Limits(concurrency=4), (0, 0)),
    ],
    ids=["requests", "tokens", "room"],
)
def test_members_get_equal_shares(limits, reserved):
    """Whatever holds them back, two users get the same within 10 %, whatever they have open."""

    async def endless(limiter, member, tokens, had):
        while True:
            turn = await limiter.enter(member, tokens=tokens)
            had.append(tokens or 1)
            await anyio.sleep(0.2)
            limiter.leave(turn)

    async def shared():
        limiter = Limiter(limits)
        had = [], []
        with anyio.move_on_after(120):
            async with anyio.create_task_group() as tasks:
                for open_, tokens, its in zip((300, 30), reserved, had, strict=True):
                    member = limiter.member()
                    for _ in range(open_):
                        tasks.start_soon(endless, limiter, member, tokens, its)
        return had

    one, other = map(sum, virtually(shared))
    assert one == pytest.approx(other, rel=0.1)
    assert one > 300


def test_nobody_saves_up_a_right_to_a_burst():
    """A user who comes late shares from then on, and does not catch up what it did not ask for."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=600, concurrency=OPEN))
        early, late = [], []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(calls, limiter, 900, sent=early))
            await anyio.sleep(60)
            tasks.start_soon(partial(calls, limiter, 400, sent=late))
        return early, late

    early, late = virtually(work)
    both = [sum(60 < at <= 90 for at, _ in sent) for sent in (early, late)]
    assert both[0] == pytest.approx(both[1], rel=0.1)


# What servers say


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1h2m3.5s", 3723.5),
        ("59.911s", 59.911),
        ("0", 0.0),
        ("2026-01-01T00:00:30Z", 30.0),
        ("2026-01-01T01:00:30.5+01:00", 30.5),
        ("2025-12-31T23:00:00Z", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        (None, None),
    ],
)
def test_resets_are_read_in_every_form(text, seconds):
    """Durations, seconds and dates give seconds; what is none of them is unknown."""
    assert seconds_of(text, now=datetime(2026, 1, 1, tzinfo=UTC)) == seconds


@given(st.text(), st.text(), st.text())
def test_headers_cannot_do_harm(limit, remaining, reset):
    """Whatever a server writes into its headers, reading them gives a quota or nothing."""
    headers = {
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
    }
    for quota in quotas(headers).values():
        assert quota.limit > 0


def test_limits_that_are_not_told_stay_unknown():
    """Both families are read; a limit of a day, −1 and 0 are no limit per minute."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    anthropic = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:02Z",
        "anthropic-ratelimit-tokens-limit": "40000",
    }
    assert quotas(anthropic, now=now) == {"requests": Quota(50, 49, 2.0), "tokens": Quota(40000)}
    apart = {
        "anthropic-ratelimit-input-tokens-limit": "50000",
        "anthropic-ratelimit-input-tokens-remaining": "49000",
        "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:01Z",
        "anthropic-ratelimit-output-tokens-limit": "10000",
    }
    assert quotas(apart, now=now) == {
        "input_tokens": Quota(50000, 49000, 1.0),
        "output_tokens": Quota(10000),
    }
    daily = {"x-ratelimit-limit-requests": "14400", "x-ratelimit-reset-requests": "2m59.56s"}
    unknown = {"x-ratelimit-limit-tokens": "-1", "x-ratelimit-limit-requests": "0"}
    assert quotas(daily) == quotas(unknown) == quotas({}) == {}

    async def work():
        limiter = Limiter()
        limiter.hear(200, unknown)
        return limiter.reading()

    reading = virtually(work)
    assert (reading.requests_per_minute, reading.tokens_per_minute) == (None, None)


def test_tokens_of_contexts_and_answers_are_paced_apart():
    """Where a server limits them apart, each holds, and what was not drawn is given back."""

    async def work():
        limiter = Limiter(Limits(concurrency=OPEN))
        limiter.hear(
            200,
            {
                "anthropic-ratelimit-input-tokens-limit": "6000",
                "anthropic-ratelimit-output-tokens-limit": "600",
            },
        )
        reading = limiter.reading()
        assert (reading.tokens_per_minute, reading.requests_per_minute) == (None, None)
        assert (reading.input_tokens_per_minute, reading.output_tokens_per_minute) == (6000, 600)
        member, drawn, sent = limiter.member(), (2, 40), []

        async def one(number):
            turn = await limiter.enter(member, tokens=90, drawn=40)
            sent.append((anyio.current_time(), drawn[number // 200]))
            limiter.leave(turn, tokens=50 + sent[-1][1], drawn=sent[-1][1])

        async with anyio.create_task_group() as tasks:
            for number in range(260):
                tasks.start_soon(one, number)
        return sent

    sent = virtually(work)
    # 50 of the context each: 120 a minute; then 40 of the answer each: 15 a minute.
    times = [at for at, _ in sent]
    assert times[199] == pytest.approx(100 * 1.01, abs=2)
    assert times[-1] - times[199] == pytest.approx(4 * 60 * 1.01, abs=8)
    assert most_in_a_minute(sent) <= 600
    assert most_in_a_minute([(at, 50) for at in times]) <= 6000


def test_learnt_limits_hold_for_what_was_sent_before():
    """From the first answer that names them on, limits hold, and earlier calls count."""

    async def work():
        limiter = Limiter(Limits(concurrency=OPEN))
        sent = await calls(limiter, 30)
        limiter.hear(200, {"x-ratelimit-limit-requests": "40"})
        return await calls(limiter, 60, sent=sent)

    sent = [(at, 1) for at, _ in virtually(work)]
    assert sum(at == 0 for at, _ in sent) == 30
    assert most_in_a_minute(sent) <= 40


def test_the_smaller_of_what_user_and_server_say_holds():
    """A server's larger limit does not widen the user's, and its smaller one narrows it."""

    async def work():
        for told, holds in (("100", 50), ("20", 20)):
            limiter = Limiter(Limits(requests_per_minute=50))
            limiter.hear(200, {"x-ratelimit-limit-requests": told})
            assert limiter.reading().requests_per_minute == holds
        deaf = Limiter(Limits(learn=False))
        deaf.hear(200, {"x-ratelimit-limit-requests": "20"})
        assert deaf.reading().requests_per_minute is None

    virtually(work)


def test_what_others_use_up_is_waited_for():
    """Where a server says that nothing is left, for whatever reason, calls wait for its reset."""

    async def work():
        limiter = Limiter(Limits(concurrency=OPEN))
        limiter.hear(
            200,
            {
                "x-ratelimit-limit-requests": "600",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "12s",
            },
        )
        return await calls(limiter, 1)

    ((at, _),) = virtually(work)
    assert at == pytest.approx(12.0)


def test_a_refusal_pauses_all_and_slows_down_and_recovers():
    """After a 429 nobody goes before Retry-After; then the pace is lower, and comes back."""

    async def work():
        limiter = Limiter(Limits(requests_per_minute=600, concurrency=OPEN))
        member = limiter.member()
        turns = [await limiter.enter(member) for _ in range(3)]
        for turn in turns:  # of one round: one slow-down
            limiter.leave(turn, error=RateLimited("no", retry_after=20.0))
        reading = limiter.reading()
        assert (reading.refused, reading.speed) == (3, pytest.approx(0.7))
        return anyio.current_time(), await calls(limiter, 1500)

    refused, sent = virtually(work)
    times = [at for at, _ in sent]
    assert times[0] >= refused + 20
    first, later = (sum(begin < at - times[0] <= begin + 10 for at in times) for begin in (0, 100))
    assert first == pytest.approx(72, abs=5)  # 10 a second, at 0.7 and a little more each second
    assert later == pytest.approx(99, abs=2)


# Quotas that take long to be full again


def test_a_quota_that_is_used_up_fails_calls_at_once():
    """A server that asks to come back tomorrow is left alone, and calls say so and do not wait."""

    async def work():
        limiter = Limiter(Limits(concurrency=2))
        member, errors = limiter.member(), []
        turns = [await limiter.enter(member) for _ in range(2)]

        async def waiting():
            with pytest.raises(RateLimited) as caught:
                await limiter.enter(member)
            errors.append(caught.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(waiting)
            await anyio.sleep(1)
            refused = RateLimited("tokens per day are used up", retry_after=30_000.0)
            limiter.leave(turns[0], error=refused)
        limiter.leave(turns[1], error=refused)
        await waiting()
        assert anyio.current_time() == 1.0
        reading = limiter.reading()
        assert (reading.open, reading.waiting, reading.closed_for) == (0, 0, 30_000.0)
        return errors

    errors = virtually(work)
    assert len(errors) == 4
    for error in errors:
        assert error.retry_after == 30_000.0
        assert "not sent: tokens per day are used up; calls go again at 20" in str(error)
        assert "UTC, in 8 h 20 min" in str(error)


def test_a_refusal_for_long_is_not_retried():
    """Nobody waits for tomorrow: the first call fails with the server's words, the next unsent."""

    async def work():
        model = Slow(RateLimited("spent", retry_after=30_000.0))
        retrying = Retrying(Limited(model, Limiter()), Retries())
        for words in ("spent", "not sent: spent; calls go again at"):
            with pytest.raises(RateLimited, match=words) as caught:
                await retrying.choose("Q", [Choice("a")])
            assert "longer than longest_retry_after" in "".join(caught.value.__notes__)
        assert len(model.asked) == 1
        assert anyio.current_time() == 1.0

    virtually(work)


@pytest.mark.parametrize("mended", [True, False])
def test_now_and_then_one_call_finds_out_whether_a_quota_is_still_used_up(mended):
    """After each longest pause one call goes; where it succeeds, so do all."""

    async def work():
        limiter = Limiter(Limits(longest_pause=30.0))
        member, refused = limiter.member(), RateLimited("no", retry_after=86400.0)
        limiter.leave(await limiter.enter(member), error=refused)
        await anyio.sleep(31)
        turn = await limiter.enter(member)
        with pytest.raises(RateLimited):
            await limiter.enter(member)  # one, not all
        limiter.leave(turn, error=None if mended else refused)
        if mended:
            assert limiter.reading().closed_for == 0
            limiter.leave(await limiter.enter(member))
        else:
            with pytest.raises(RateLimited):
                await limiter.enter(member)

    virtually(work)


def test_a_days_limit_that_headers_say_is_used_up_is_believed_once_it_refuses():
    """A header alone closes nothing; with a 429 that names no time, the header's holds."""
    headers = {
        "x-ratelimit-limit-requests": "200",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "7h12m",
    }

    async def work():
        limiter = Limiter()
        member = limiter.member()
        limiter.hear(200, headers)
        turn = await limiter.enter(member)
        limiter.hear(429, headers)
        limiter.leave(turn, error=RateLimited("no"))
        with pytest.raises(RateLimited, match=r"limit of 200 requests is used up.*in 7 h 12 min"):
            await limiter.enter(member)

    virtually(work)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(50, 500))
def test_no_day_holds_more_than_is_allowed(seed, limit):
    """Whatever sizes come and are given back, no window of 24 hours holds more than its limit."""
    rng = random.Random(seed)
    day, now, kept = Day(limit, "tokens"), 1e6 * rng.random(), []
    for _ in range(120):
        size = rng.randint(1, 50)
        wait = day.delay(now, size)
        assert 0 <= wait <= 86400 + 1e-5
        now += wait
        assert day.delay(now, size) == 0
        day.add(now, size)
        kept.append([now, size])
        if rng.random() < 0.5:
            of = rng.choice(kept[-5:])
            back = rng.randint(0, of[1])
            of[1] -= back
            if of[0] > now - 86400:
                day.add(of[0], -back)
        now += rng.choice([0.0, 1.0, 100.0, 20_000.0]) * rng.random()
    for end, _ in kept:
        assert sum(size for at, size in kept if end - 86400 + 1e-5 < at <= end) <= limit


def test_the_users_days_are_kept_to():
    """A call beyond a day's requests or tokens fails at once, and goes when the day has passed."""

    async def work():
        limiter = Limiter(Limits(requests_per_day=3, tokens_per_day=100))
        assert limiter.counts_tokens
        await calls(limiter, 3, reserved=40, used=lambda _: 20)  # the third waits for the others
        member = limiter.member()
        with pytest.raises(RateLimited, match="3 of requests_per_day are used up") as caught:
            await limiter.enter(member, tokens=10)
        await anyio.sleep(caught.value.retry_after)
        await calls(limiter, 1, reserved=60, used=lambda _: 60)
        with pytest.raises(RateLimited, match="100 of tokens_per_day are used up"):
            await limiter.enter(member, tokens=90)
        with pytest.raises(RateLimited, match="could take 101 tokens, more than the 100"):
            await limiter.enter(member, tokens=101)

    virtually(work)


# How many calls are open


def test_room_grows_by_success_and_halves_by_refusal():
    """Doubled in each round up to the first refusal, then halved, then one more in each round."""
    room = Room(4, 100)

    def round_of_successes():
        count = int(room.limit)
        room.enter(count)
        for _ in range(count):
            room.leave(1, succeeded=True)
            while room.has(1):
                room.enter(1)
        room.leave(room.open, succeeded=False)

    round_of_successes()
    assert int(room.limit) == 8
    room.enter(8)
    assert [room.shrink() for _ in range(3)] == [True, False, False]
    assert room.limit == 4
    room.leave(8, succeeded=False)
    for grown in (5, 6):
        round_of_successes()
        assert room.limit == pytest.approx(grown, abs=0.5)
    for _ in range(20):
        room.enter(1)
        room.shrink()
        room.leave(1, succeeded=False)
    assert room.limit == 1
    for _ in range(300):
        room.enter(1)
        room.leave(1, succeeded=True)
    assert room.limit < 3  # what is not used to the full does not grow


def test_a_fixed_number_stays():
    """A number that the user sets is neither grown nor shrunk, nor exceeded."""

    async def work():
        limiter = Limiter(Limits(concurrency=7))
        member, most = limiter.member(), 0

        async def one():
            nonlocal most
            turn = await limiter.enter(member)
            most = max(most, limiter.reading().open)
            await anyio.sleep(1)
            limiter.leave(turn, error=RateLimited("no"))

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(one)
        return most, limiter.reading().concurrency

    assert virtually(work) == (7, 7)


def test_adaptive_room_finds_what_a_server_bears():
    """Against a server that refuses beyond 20 open calls, the number settles about there."""

    async def work():
        limiter = Limiter(Limits())
        member, seen = limiter.member(), []
        serving_now = 0

        async def endless():
            nonlocal serving_now
            while True:
                turn = await limiter.enter(member)
                serving_now += 1
                error = RateLimited("no") if serving_now > 20 else None
                await anyio.sleep(0.01 if error else 1.0)
                serving_now -= 1
                seen.append((anyio.current_time(), error is None))
                limiter.leave(turn, error=error)

        with anyio.move_on_after(400):
            async with anyio.create_task_group() as tasks:
                for _ in range(200):
                    tasks.start_soon(endless)
        return seen

    seen = [good for at, good in virtually(work) if at > 50]
    assert sum(seen) >= 0.7 * 20 * 350
    assert seen.count(False) <= 0.05 * len(seen)


# The model


class Slow:
    """A model behind a server that takes a second, and fails as it is told."""

    identity = "slow"
    capabilities = Capabilities(choose=True)

    def __init__(self, *faults):
        self.faults = list(faults)
        self.asked = []

    async def _answer(self, what):
        self.asked.append((anyio.current_time(), what))
        await anyio.sleep(1)
        fault_ = self.faults.pop(0) if self.faults else None
        if fault_ is not None:
            raise fault_

    async def sample(self, context, *, decoding, keys):
        await self._answer(keys)
        return [Completion(str(key), usage=Usage(5, 3)) for key in keys]

    async def choose(self, context, choices):
        await self._answer(choices)
        return LabelScores(tuple(-1.0 for _ in choices), Usage(5, 1))

    async def aclose(self):
        pass


def test_each_draw_is_a_call_in_its_order():
    """Several draws are sent one by one, each in its turn, and come back in the keys' order."""

    async def work():
        model = Slow()
        limited = Limited(model, Limiter(Limits(requests_per_minute=60, concurrency=2)))
        drawn = await limited.sample("Q", decoding=Decoding(), keys=KEYS)
        assert [completion.text for completion in drawn] == [str(key) for key in KEYS]
        assert [len(keys) for _, keys in model.asked] == [1, 1, 1, 1]
        times = [at for at, _ in model.asked]
        assert times == pytest.approx([0.0, 1.01, 2.02, 3.03], abs=0.01)
        await limited.sample("Q", decoding=Decoding(temperature=0), keys=KEYS)
        assert len(model.asked[-1][1]) == 4  # the same text for all: one request
        assert await limited.sample("Q", decoding=Decoding(), keys=[]) == []

    virtually(work)


def test_draws_that_arrived_go_along_with_the_failure():
    """Of several draws one that is refused loses nothing of the others: only it is asked again."""

    async def work():
        model = Slow(None, RateLimited("no", retry_after=5.0))
        limited = Limited(model, Limiter(Limits(concurrency=8)))
        retrying = Retrying(limited, Retries(), jitter=lambda: 0.0)
        drawn = await retrying.sample("Q", decoding=Decoding(), keys=KEYS)
        assert [completion.text for completion in drawn] == [str(key) for key in KEYS]
        assert len(model.asked) == 5
        assert model.asked[-1][0] >= 6.0

    virtually(work)


def test_a_failure_for_good_is_raised_and_leaves_nothing_open():
    """A draw that fails for good cancels the others, and no place stays taken."""

    async def work():
        error = ContextOverflow("too long", needed=None, available=None)
        limited = Limited(Slow(error), Limiter(Limits(concurrency=1)))
        with pytest.raises(ContextOverflow):
            await limited.sample("Q", decoding=Decoding(), keys=KEYS)
        reading = limited.limiter.reading()
        assert (reading.open, reading.waiting) == (0, 0)
        assert (await limited.choose("Q", [Choice("a")])).logprobs == (-1.0,)

    virtually(work)


def test_a_time_out_halves_the_room():
    """Silence of a server is a sign of too many open calls; a broken answer is none."""

    async def work():
        silent, broken = TransientError("silent"), TransientError("no JSON")
        silent.__cause__ = TimeoutError()
        limited = Limited(Slow(broken, silent), Limiter())
        for halved in (False, True):
            with pytest.raises(TransientError):
                await limited.choose("Q", [Choice("a")])
            assert limited.limiter.reading().concurrency == (4 if halved else 8)

    virtually(work)


def test_time_in_the_queue_is_not_the_calls():
    """A call that waits long for its turn does not run out of the time that it has."""

    async def work():
        limited = Limited(Slow(), Limiter(Limits(requests_per_minute=1)))
        retrying = Retrying(limited, Retries(call_deadline=5.0))
        for _ in range(3):
            await retrying.choose("Q", [Choice("a")])
        return anyio.current_time()

    assert virtually(work) > 120


def test_time_in_the_queue_is_told():
    """Whoever asks is told how long each request waited, and the limiter adds it up."""

    async def work():
        waited = []
        limiter = Limiter(Limits(requests_per_minute=60, concurrency=8))
        limited = Limited(Slow(), limiter, queued=waited.append)
        await limited.sample("Q", decoding=Decoding(), keys=KEYS)
        assert waited == pytest.approx([0.0, 1.01, 2.02, 3.03], abs=0.01)
        assert limiter.reading().queued == pytest.approx(sum(waited))

    virtually(work)


def test_a_refusal_says_that_limiters_are_shared():
    """Who is refused is told what to do where several connections share a server."""

    async def work():
        limited = Limited(Slow(RateLimited("no")), Limiter())
        with pytest.raises(RateLimited) as caught:
            await limited.choose("Q", [Choice("a")])
        assert caught.value.__notes__ == [SHARED]

    virtually(work)


async def test_each_scored_label_takes_its_own_turn():
    """Labels that are scored by their texts are requests, which no turn lets go together."""
    async with serving(echo=True) as server:
        spec = f"openai:toy@{server.url}?endpoint=completions&scoring=echo"
        choices = [Choice("yes", ("yes", "indeed")), Choice("no")]
        async with connect(spec, limits=None) as model:
            plain = await model.choose("Is it so?", choices)
        limiter = Limiter(Limits(concurrency=1))
        async with connect(spec, limits=limiter) as model:
            assert await model.choose("Is it so?", choices) == plain
            server.most_open = 0
            await model.choose("Is it so?", choices)
            assert server.most_open == 1
            server.faults.extend([None, fault(500)])
            with pytest.raises(TransientError) as caught:
                await model.model.model.choose("Is it so?", choices)  # below what tries again
            assert caught.value.partial.usage.prompt_tokens > 0


def test_tokens_are_reserved_and_settled():
    """A call reserves its context and its longest answer, and gives back what it did not take."""

    async def work():
        model = Slow()
        limited = Limited(model, Limiter(Limits(tokens_per_minute=120, concurrency=8)))
        decoding = Decoding(max_tokens=59)
        for _ in range(2):
            await limited.sample("Q", decoding=decoding, keys=KEYS[:1])
        return [at for at, _ in model.asked]

    # 60 tokens were reserved, 8 used: after 8 tokens' time the next may go.
    assert virtually(work) == pytest.approx([0.0, 8 / 120 * 60.6], abs=0.01)


async def test_a_limited_model_is_a_model():
    """It answers as the model below it, whatever it is asked, under every law of a model."""
    below = TableModel(lambda context: {"yes": 0.75, "no": 0.25})
    limits = Limits(requests_per_minute=1e6, tokens_per_minute=1e8)
    await check_model(
        Limited(below, Limiter(limits)).shared("other"), choices=[Choice("yes"), Choice("no")]
    )


async def test_a_probes_answers_teach_limits():
    """Already the requests that find out what a server can do tell the limiter of its limits."""
    limiter = Limiter()
    async with serving() as server:
        server.faults.append(fault(429, "no", retry_after="0", x_ratelimit_limit_tokens="9000"))
        async with connect(f"openai:toy@{server.url}?probe=1", limits=limiter):
            assert limiter.reading().tokens_per_minute == 9000


async def test_headers_reach_the_limiter_through_the_stack():
    """A server's headers set the limits, and its refusal is waited out and tried again."""
    meter = Meter()
    limiter = Limiter()
    async with serving() as server:
        server.faults.append(
            fault(429, "slow down", retry_after="0.01", x_ratelimit_limit_requests="3000")
        )
        async with connect(f"openai:toy@{server.url}", meter=meter, limits=limiter) as model:
            (text,) = await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert text.text == "forty two"
    reading = limiter.reading()
    assert (reading.requests_per_minute, reading.refused, reading.open) == (3000, 1, 0)
    assert meter.snapshot().sample_calls == 2  # every attempt is counted


async def test_no_more_requests_are_open_than_there_is_room():
    """The calls that wait hold no connection: the server sees those alone that have their turn."""
    async with serving() as server:
        limits = Limits(concurrency=3)
        async with connect(f"openai:toy@{server.url}", limits=limits) as model:
            keys = [Key(("draw", i)) for i in range(20)]
            await model.sample("Q", decoding=Decoding(), keys=keys)
        assert server.most_open <= 3
        assert len(server.requests) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_minute": 0},
        {"tokens_per_minute": math.inf},
        {"burst": 61.0},
        {"concurrency": 0},
        {"first_concurrency": 9, "most_concurrency": 8},
        {"longest_pause": math.inf},
        {"input_tokens_per_minute": 0},
        {"tokens_per_day": 0.5},
    ],
)
def test_limits_that_cannot_be_kept_are_refused(wrong):
    """A limit without sense is found when it is written down, and named."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)
