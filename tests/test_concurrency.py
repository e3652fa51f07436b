"""Structured concurrency: order kept, failures kept, one error raised."""

import asyncio

import anyio
import pytest

from langnet.concurrency import concurrently, each, task_group
from langnet.errors import ModelError


async def fail(error):
    """Fails as it is told to."""
    raise error


async def test_no_calls_give_no_results():
    """Nothing to do is done at once."""
    assert await concurrently([]) == []


async def test_results_come_in_the_order_of_the_calls():
    """The order of completion does not show."""
    gates = [anyio.Event() for _ in range(3)]

    async def wait(number):
        await gates[number].wait()
        if number:
            gates[number - 1].set()
        return number

    gates[2].set()
    assert await each(wait, range(3)) == [0, 1, 2]


async def test_one_call_needs_no_task():
    """A single call runs in the task of its caller."""

    async def current():
        return asyncio.current_task()

    assert await concurrently([current]) == [asyncio.current_task()]


async def test_the_first_failure_cancels_the_rest():
    """No call outlives the group that it belongs to."""
    ended = []

    async def forever():
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    async def later():
        await anyio.lowlevel.checkpoint()
        raise ModelError("down")

    with pytest.raises(ModelError, match="down"):
        await concurrently([forever, later, forever])
    assert ended == [True, True]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("bug_first", [True, False])
async def test_a_bug_wins_over_a_failed_call(bug_first):
    """Where both happen at once the bug is raised, and a note tells of the failed call."""
    errors = [ZeroDivisionError("bug"), ModelError("down")]
    with pytest.raises(ZeroDivisionError) as caught:
        await each(fail, errors if bug_first else errors[::-1])
    assert any("ModelError('down')" in note for note in caught.value.__notes__)


async def test_an_interrupt_wins_over_a_bug():
    """Leaving the program comes before all else."""

    class Leave(BaseException):
        pass

    with pytest.raises(Leave):
        await each(fail, [ZeroDivisionError("bug"), Leave()])


async def test_the_cause_of_an_error_is_kept():
    """An error that has a cause still has it when the group is left."""

    async def caused():
        raise ModelError("down") from ConnectionError("reset")

    with pytest.raises(ModelError) as caught:
        await concurrently([caused, anyio.sleep_forever])
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert caught.value.__context__ is None


async def test_an_error_of_the_body_is_raised_itself():
    """What the body raises comes out as it is, not in a group."""
    error = ValueError("body")

    async def body():
        async with task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise error

    with pytest.raises(ValueError, match="body") as caught:
        await body()
    assert caught.value is error


async def test_nested_groups_raise_one_error():
    """Groups within groups come down to the one error, too."""

    async def inner():
        await each(fail, [ModelError("a"), ZeroDivisionError("bug")])

    with pytest.raises(ZeroDivisionError):
        await concurrently([inner, anyio.sleep_forever])
