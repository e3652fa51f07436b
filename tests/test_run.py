"""Streams of examples: bounded, ordered if wanted, and nothing left behind."""

import asyncio
import gc
import itertools
import weakref

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.data import Example
from langnet.errors import DataError, GraphError, ModelError, TooManyFailures
from langnet.graph import Graph
from langnet.key import Key
from langnet.node import Function, Input, Node
from langnet.program import Program
from langnet.run import run, run_all, stream
from langnet.testing import GatedModel, ScriptedModel, TableModel, hashed_distribution
from langnet.trace import Failure, Trace

KEY = Key(("test",))
CHAIN = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), Node("b", "{a}{prompt}", "|b"))
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"))
ECHO = ScriptedModel(lambda context, key: context)


def examples(count):
    """So many examples, made one at a time."""
    return (Example(str(n), {"x": f"x{n}"}, {"b": "text"}) for n in range(count))


def endless(read):
    """Examples without end; what was read is noted."""
    for n in itertools.count():
        read.append(n)
        yield Example(str(n), {"x": f"x{n}"})


async def settle():
    """Lets every task go as far as it can."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


def failing(*contexts):
    """A model that repeats the context, and fails at some."""

    def answer(context, key):
        if context in contexts:
            raise ModelError(f"down at {context}")
        return context

    return ScriptedModel(answer)


def alone():
    """Whether no other task is left."""
    return asyncio.all_tasks() == {asyncio.current_task()}


async def test_run_is_a_program_run_once():
    """`run` gives what the program gives, under the same key."""
    table = TableModel(hashed_distribution(["a", "b", "c"]))
    once = await run(CHAIN, {"x": "1"}, models=table, key=KEY, example="e", score=True)
    assert once == await Program(CHAIN, table).run({"x": "1"}, key=KEY, example="e", score=True)


@pytest.mark.parametrize("concurrency", [1, 3, 100])
async def test_every_example_comes_out_once_and_in_order(concurrency):
    """Results come in the order of the examples, under keys made of their ids."""
    table = TableModel(hashed_distribution(["a", "b", "c"]))
    program = Program(CHAIN, table)
    found = await run_all(program, examples(40), key=KEY, concurrency=concurrency)
    assert [trace.example for trace in found] == [str(n) for n in range(40)]
    for example, trace in zip(examples(40), found, strict=True):
        assert trace == await program.run(example.inputs, key=KEY / example.id, example=example.id)


async def test_no_examples_give_no_results():
    """An empty stream ends at once."""
    assert await run_all(Program(CHAIN, ECHO), [], key=KEY) == []


async def test_targets_are_observed_on_demand():
    """With `observe` each example's targets are given to its run."""
    program = Program(CHAIN, ECHO)
    (trace,) = await run_all(program, examples(1), key=KEY, observe=True)
    assert (trace.output, trace.sites[1].source) == ("text", "given")
    (trace,) = await run_all(program, examples(1), key=KEY)
    assert (trace.output, trace.sites[1].source) == ("x0|a|b", "prior")


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_an_endless_stream_is_read_only_as_far_as_results_are_taken(asynchronous):
    """In flight ≤ concurrency, begun and not taken ≤ twice that, whatever the source."""
    read = []
    source = endless(read)

    async def slowly():
        for example in source:
            await anyio.lowlevel.checkpoint()
            yield example

    gated = GatedModel(ECHO)
    program = Program(ONE, gated)
    outer = slowly() if asynchronous else source
    async with stream(program, outer, key=KEY, concurrency=3) as outcomes:
        await gated.arrived(3)
        await settle()
        assert (gated.open, len(read)) == (3, 3)
        gated.release_all()
        for taken in range(1, 20):
            assert (await anext(outcomes)).example == str(taken - 1)
            await settle()
            assert len(read) <= taken + 6
            assert gated.peak <= 3
    assert alone()


async def test_the_first_example_holds_back_order_but_not_work():
    """A slow example delays what comes after it only as far as the window reaches."""
    gated = GatedModel(ECHO)
    read = []
    async with stream(Program(ONE, gated), endless(read), key=KEY, concurrency=2) as outcomes:
        await gated.arrived(2)
        for _ in range(10):
            await settle()
            if len(gated.waiting) > 1:
                gated.release(1)
        assert gated.waiting == ("x0|a",)
        assert len(read) == 4
        gated.release_all()
        assert [(await anext(outcomes)).example for _ in range(6)] == [str(n) for n in range(6)]


async def test_unordered_results_come_as_they_finish():
    """A slow example holds nothing back."""
    gated = GatedModel(ECHO)
    program = Program(ONE, gated)
    async with stream(program, examples(3), key=KEY, concurrency=3, ordered=False) as outcomes:
        await gated.arrived(3)
        gated.release("x2|a")
        assert (await anext(outcomes)).example == "2"
        gated.release("x0|a")
        assert (await anext(outcomes)).example == "0"
        gated.release_all()
        assert [outcome.example async for outcome in outcomes] == ["1"]


async def test_there_is_no_barrier_between_examples():
    """A fast example goes on to its next node while a slow one waits at its first."""
    gated = GatedModel(ECHO)
    async with stream(Program(CHAIN, gated), examples(2), key=KEY, concurrency=2):
        await gated.arrived(2)
        gated.release("x1|a")
        await gated.arrived(2)
        assert set(gated.waiting) == {"x0|a", "x1|a|b"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 5), st.booleans())
def test_the_order_of_completion_does_not_show(order, concurrency, ordered):
    """The same key gives the same traces, whatever finishes first (law 6)."""
    program_of = TableModel(hashed_distribution(["a", "b", "c"]))

    async def collect(places):
        gated = GatedModel(program_of)
        found = []

        async def go():
            async with stream(
                Program(CHAIN, gated),
                examples(6),
                key=KEY,
                concurrency=concurrency,
                ordered=ordered,
                score=True,
            ) as outcomes:
                found.extend([outcome async for outcome in outcomes])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go)
            for place in places:
                await settle()
                if gated.waiting:
                    gated.release(place % len(gated.waiting))
            gated.release_all()
        assert gated.peak <= concurrency
        return found if ordered else sorted(found, key=lambda trace: trace.example)

    assert anyio.run(collect, order) == anyio.run(collect, [])


# Failures.


async def test_a_failed_call_is_recorded_where_it_is_allowed():
    """The example yields a failure whose notes name node and example; the others go on."""
    program = Program(CHAIN, failing("x1|a|b"))
    found = await run_all(program, examples(4), key=KEY, max_failures=0.3)
    assert [type(outcome) for outcome in found] == [Trace, Failure, Trace, Trace]
    assert found[1].example == "1"
    assert str(found[1].error) == "down at x1|a|b"
    assert found[1].error.__notes__ == ["at node 'b' of example '1'"]


@pytest.mark.parametrize("share", [0.0, 0.1])
async def test_too_many_failures_stop_the_stream(share):
    """The first failure is the cause, and nothing is left running."""
    program = Program(CHAIN, failing("x1|a", "x2|a"))
    with pytest.raises(TooManyFailures, match="the first was '1': down at x1") as caught:
        await run_all(program, examples(1000), key=KEY, max_failures=share, concurrency=1)
    assert str(caught.value.__cause__) == "down at x1|a"
    assert alone()


async def test_all_may_fail_if_that_is_allowed():
    """A share of 1 records every failure."""
    program = Program(ONE, failing(*(f"x{n}|a" for n in range(9))))
    found = await run_all(program, examples(9), key=KEY, max_failures=1)
    assert [outcome.error.args[0] for outcome in found] == [f"down at x{n}|a" for n in range(9)]


async def test_a_bug_is_never_recorded_as_a_failure():
    """Whatever is not a model's error ends the stream, whatever failures are allowed."""

    def broken(x):
        return 1 / (x != "x2")

    graph = Graph(Input("x"), Function("y", broken))
    with pytest.raises(ZeroDivisionError) as caught:
        await run_all(Program(graph, {}), examples(9), key=KEY, max_failures=1)
    assert caught.value.__notes__[0] == "at node 'y' of example '2'"
    assert alone()


async def test_data_that_does_not_fit_is_no_failure_either():
    """An example that lacks an input, and a source that cannot be read, end the stream."""
    program = Program(CHAIN, ECHO)
    with pytest.raises(GraphError, match="example 'e' has no input 'x'"):
        await run_all(program, [Example("e", {})], key=KEY, max_failures=1)

    def torn():
        yield from examples(3)
        raise DataError("line 4")

    with pytest.raises(DataError, match="line 4"):
        await run_all(program, torn(), key=KEY, max_failures=1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"concurrency": 0}, "concurrency must be"), ({"max_failures": 2}, "a share from 0 to 1")],
)
async def test_settings_out_of_range_are_refused(setting, message):
    """A stream that could do nothing is not begun."""
    with pytest.raises(ValueError, match=message):
        await run_all(Program(CHAIN, ECHO), examples(3), key=KEY, **setting)


# Leaving.


async def test_leaving_early_cancels_what_is_in_flight():
    """After the block no task is left and no call is open."""
    gated = GatedModel(ECHO)
    async with stream(Program(CHAIN, gated), endless([]), key=KEY, concurrency=4) as outcomes:
        await gated.arrived(4)
        gated.release("x0|a")
        await gated.arrived(4)
        gated.release("x0|a|b")
        assert (await anext(outcomes)).example == "0"
        assert gated.open >= 3
    assert gated.open == 0
    assert alone()
    with pytest.raises(RuntimeError, match="inside the async with block"):
        await anext(outcomes)


async def test_an_error_of_the_consumer_comes_out_itself():
    """What the block raises is raised, and what is in flight is cancelled."""
    gated = GatedModel(ECHO)
    error = ValueError("enough")

    async def consume():
        async with stream(Program(CHAIN, gated), endless([]), key=KEY):
            await gated.arrived(1)
            raise error

    with pytest.raises(ValueError, match="enough") as caught:
        await consume()
    assert caught.value is error
    assert gated.open == 0
    assert alone()


async def test_cancellation_in_the_middle_leaves_no_task():
    """Whoever stops waiting for the stream stops its workers and calls."""
    gated = GatedModel(ECHO)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: run_all(Program(CHAIN, gated), endless([]), key=KEY))
        await gated.arrived(32)
        tasks.cancel_scope.cancel()
    assert gated.open == 0
    assert alone()


async def test_memory_does_not_grow_with_the_stream():
    """However many examples pass through, no more traces are alive than the window holds."""
    table = TableModel(lambda context: {"x": 1.0})
    living = weakref.WeakSet()
    most = 0

    class Text(str):
        """A text that can be referred to weakly, one per example."""

        __slots__ = ("__weakref__",)

    def source():
        for n in range(2000):
            text = Text(n)
            living.add(text)
            yield Example(str(n), {"x": text})

    async with stream(Program(CHAIN, table), source(), key=KEY, concurrency=4) as outcomes:
        async for outcome in outcomes:
            assert outcome["b"] == "x"
            most = max(most, len(living))
    gc.collect()
    del outcome
    assert most <= 2 * 4 + 2
    assert len(living) <= 1
