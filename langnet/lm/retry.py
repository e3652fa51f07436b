"""Tries again, in one place: nothing below waits and asks again by itself.

What an error means is decided where it is raised (`langnet.lm.http`); here only the kind counts:

- a `TransientError` may pass: the call is made again after a wait;
- a `RateLimited` also says when: not before that, however long the back-off;
- every other error is final: refused, too long, a spent budget, a bug.

Waits grow exponentially with full jitter, so that callers who failed together do not come back
together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015): before attempt
n + 1 a call waits a uniform share of min(longest_wait, first_wait · 2ⁿ⁻¹) seconds, and after
what the server asked for, where it asked.

A draw is named by its key, so asking again asks for the same text. Of a call for several texts only
those that have not arrived are asked for again.

Where it stands: cache → retry → meter → rate limit → server. Above the meter, so that every
attempt is a call that is counted and must fit the budget: a budget ends a call also between two
attempts, since `BudgetExceeded` is no transient error. Above the rate limit, so that every attempt
takes its turn, and a call that waits to try again holds no one else's. Below the cache, so that a
hit has nothing to try again.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from langnet.errors import DeadlineExceeded, RateLimited, TransientError
from langnet.lm.backoff import Retries
from langnet.lm.base import TextScores, Usage
from langnet.lm.clock import current_time
from langnet.lm.deadline import Alarm, CallClock
from langnet.lm.partial import Rest
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScore,
    )
    from langnet.lm.meter import Meter
    from langnet.lm.reading import Counts

__all__ = ["Retries", "Retrying", "retried"]

T = TypeVar("T")


async def retried(
    call: Callable[[], Awaitable[T]],
    retries: Retries,
    *,
    counts: Callable[[], Sequence[Counts]] | None = None,
    jitter: Callable[[], float] = random.random,
    alarm: Alarm | None = None,
) -> T:
    """Makes a call until it succeeds, fails for good, or has no attempt or time left.

    Args:
        call: the call; it can be made several times.
        retries: how often and how long.
        counts: gives the counters of the attempts after the first, and of the seconds waited for
            them, such as `lambda: meter.counts(name)`.
        jitter: a number from 0 up to 1. Waits change no result, and processes that share a seed
            must not wait in step, so these come from no key.
        alarm: ends attempts at their deadlines; calls that share one share a timer.

    Raises:
        ModelError: the last failure, with a note that says how often and how long was tried. A
            wait that would pass the deadline is not begun.
        DeadlineExceeded: the deadline passed in the middle of an attempt.
    """
    # Every call passes here, and hardly any fails: what only failures need is made for them.
    clock = CallClock(retries.call_deadline, alarm=alarm)
    failures: list[str] = []
    last: TransientError | None = None
    running = clock.start()
    try:
        while True:
            with clock.attempt() as attempt:
                try:
                    return await call()
                except TransientError as error:
                    last = error
            if last is None or attempt.cancelled_caught:
                late = f"no answer before {clock.which}; {_tried(failures, clock)}"
                raise DeadlineExceeded(late) from last
            failures.append(type(last).__name__)
            wait, end = _next(last, len(failures), retries, clock, jitter)
            if end:
                last.add_note(f"{_tried(failures, clock)}; {end}")
                raise last
            await _slept(wait, () if counts is None else counts())
    finally:
        clock.stop(running)
        del last  # its traceback holds this frame


def _next(
    error: TransientError,
    failures: int,
    retries: Retries,
    clock: CallClock,
    jitter: Callable[[], float],
) -> tuple[float, str]:
    """Seconds to wait, and why there is to be no further attempt, if so."""
    if failures >= retries.attempts:
        return 0.0, f"no attempt is left of {retries.attempts}"
    asked = (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
    if asked > retries.longest_retry_after:
        return 0.0, (
            f"the server asks to wait {asked:g} s, longer than longest_retry_after, "
            f"{retries.longest_retry_after:g} s"
        )
    wait = asked + jitter() * retries.back_off(failures)
    if wait >= clock.left:
        return 0.0, f"a further wait of {wait:.3g} s would pass {clock.which}"
    return wait, ""


def _tried(failures: Sequence[str], clock: CallClock) -> str:
    often = "once" if len(failures) == 1 else f"{len(failures)} times"
    kinds = ", ".join(f"{number} × {kind}" for kind, number in Counter(failures).items())
    return f"it failed {often} in {clock.taken:.3g} s" + (f" ({kinds})" if kinds else "")


async def _slept(seconds: float, counts: Sequence[Counts]) -> None:
    began = current_time()
    try:
        await anyio.sleep(seconds)
    finally:
        for each in counts:
            each.waited += current_time() - began
    for each in counts:
        each.retries += 1


class Retrying(Wrapper):
    """A model whose failed calls are made again where that can help.

    Args:
        model: the model, with its meter: `Retrying(Metered(model, meter), Retries(), meter=meter)`.
        retries: how often and how long.
        meter: counts the attempts after the first, and the seconds waited for them.
        jitter: see `retried`.
    """

    __slots__ = ("_alarm", "_counts", "_jitter", "_retries")

    def __init__(
        self,
        model: LanguageModel,
        retries: Retries,
        *,
        meter: Meter | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(model)
        self._retries = retries
        self._counts = None if meter is None else partial(meter.counts, meter.known(model))
        self._jitter = jitter
        self._alarm = Alarm()

    def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> Coroutine[Any, Any, list[Completion]]:
        """Draws one text per key, again for those whose draw failed.

        Raises:
            ModelError: it failed for good; see `retried`.
        """
        if len(keys) == 1:
            return self._retried(partial(self.model.sample, context, decoding=decoding, keys=keys))
        return self._sampled(context, decoding, keys)

    async def _sampled(
        self, context: str, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        rest = Rest(len(keys))

        async def ask(places: Sequence[int]) -> list[Completion]:
            wanted = [keys[place] for place in places]
            return await self.model.sample(context, decoding=decoding, keys=wanted)

        return await self._retried(lambda: rest.ask(ask))

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts, again those whose score failed.

        Raises:
            ModelError: it failed for good; see `retried`.
            CapabilityError: the model cannot score.
        """
        rest = Rest(len(texts))
        usage = Usage()

        async def ask(places: Sequence[int]) -> Sequence[TextScore]:
            nonlocal usage
            wanted = [texts[place] for place in places]
            found = await self.model.score(context, wanted, decoding=decoding, end=end)
            usage += found.usage
            return found.scores

        return TextScores(tuple(await self._retried(lambda: rest.ask(ask))), usage)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set.

        Raises:
            ModelError: it failed for good; see `retried`.
            CapabilityError: the model cannot score labels.
        """
        return await self._retried(lambda: self.model.choose(context, choices))

    def _retried(self, call: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
        return retried(
            call,
            self._retries,
            counts=self._counts,
            jitter=self._jitter,
            alarm=self._alarm,
        )
