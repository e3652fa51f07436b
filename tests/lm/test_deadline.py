"""Deadlines of many calls share one timer, and each ends where it would have ended alone."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from langnet.lm.deadline import Alarm, Attempt, CallClock, off_the_clock
from tests.virtual import virtually


def test_each_attempt_ends_at_its_own_deadline():
    """Whatever the order in which they begin, and although they share an alarm."""

    async def work():
        alarm, ended = Alarm(), {}

        async def attempt(seconds):
            with Attempt(anyio.current_time() + seconds, alarm) as block:
                await anyio.sleep(5.5)
            ended[seconds] = (anyio.current_time(), block.cancelled_caught)

        async with anyio.create_task_group() as tasks:
            for seconds in (7, 2, 5, 1, 9, 2.5):
                tasks.start_soon(attempt, seconds)
        return ended, alarm

    ended, alarm = virtually(work)
    late = {seconds: (seconds, True) for seconds in (1, 2, 2.5, 5)}
    assert ended == late | {7: (5.5, False), 9: (5.5, False)}
    assert alarm._timer is None


def test_who_is_cancelled_is_not_late():
    """A cancellation from outside at the moment of the deadline stays a cancellation."""

    async def work():
        alarm, after = Alarm(), []

        async def attempt():
            with Attempt(3.0, alarm):
                await anyio.sleep(9)
            after.append("went on")

        task = asyncio.get_running_loop().create_task(attempt())
        asyncio.get_running_loop().call_at(3.0, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        with anyio.move_on_at(4.0) as scope:
            await attempt()  # its deadline has passed already
            await anyio.sleep(9)
        return after, scope.cancelled_caught, alarm._timer

    assert virtually(work) == (["went on"], True, None)


def test_a_clock_that_stands_still_moves_its_deadline():
    """Time off the clock is added, also where another call's deadline rings meanwhile."""

    async def work():
        alarm = Alarm()

        async def other():
            with Attempt(1.5, alarm):
                await anyio.sleep(9)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            clock = CallClock(2.0, alarm=alarm)
            running = clock.start()
            with clock.attempt() as attempt:
                await anyio.sleep(1)
                with off_the_clock():
                    await anyio.sleep(5)
                await anyio.sleep(9)
            clock.stop(running)
            return anyio.current_time(), attempt.cancelled_caught

    assert virtually(work) == (7.0, True)
