"""Networks in an application: calls, streams and events, side by side, with nothing left behind."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from langnet import graph_file
from langnet.data import Example
from langnet.errors import DeadlineExceeded, GraphError, ModelError
from langnet.functions import join
from langnet.graph import Graph
from langnet.lm.listen import Delta, current_listener
from langnet.lm.meter import Meter
from langnet.network import Finished, Network, Piece, Valued
from langnet.node import Function, Input, Node
from langnet.testing import GatedModel, ScriptedModel
from langnet.trace import Failure
from tests.virtual import virtually

ECHO = ScriptedModel(lambda context, key: context)
DIAMOND = Graph(
    Input("x"),
    Node("a", "{x}{prompt}", "|a"),
    Node("b", "{x}{prompt}", "|b"),
    Node("y", "{a}{b}{prompt}", "|y"),
    name="diamond",
)
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")


def examples(count):
    return [Example(f"e{n}", {"x": f"x{n}"}) for n in range(count)]


async def settled():
    """Lets every task that can go on do so."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def test_a_network_is_called_with_its_inputs(tmp_path):
    """A file, opened with a model, answers with a trace of every node."""
    graph_file.save(DIAMOND, tmp_path / "best.yaml")
    async with Network.open(tmp_path / "best.yaml", models=ECHO) as network:
        trace = await network(x="in")
    assert trace.output == "in|ain|b|y"
    assert trace["a"] == "in|a"


async def test_wrong_inputs_are_refused():
    """The message says what the network reads."""
    async with Network.open(ONE, models=ECHO) as network:
        with pytest.raises(GraphError, match="one reads x, but example 'call' brings text"):
            await network(text="in")


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_stream_gives_every_result_once(ordered):
    """Results come for each example, in order where that is asked for."""
    async with Network.open(DIAMOND, models=ECHO) as network:
        found = [trace async for trace in network.stream(examples(50), ordered=ordered)]
    names = [trace.example for trace in found]
    assert sorted(names) == sorted(f"e{n}" for n in range(50))
    if ordered:
        assert names == [f"e{n}" for n in range(50)]


async def test_a_stream_is_read_no_faster_than_its_results():
    """Back-pressure: a reader who waits stops the reading of examples."""
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield Example(f"e{len(read)}", {"x": "x"})

    async with Network.open(ONE, models=ECHO) as network:
        async with network.stream(endless(), concurrency=4) as results:
            await anext(results)
            await settled()
            assert len(read) <= 4 + 2 * 4
        count = len(read)
        await settled()
        assert len(read) == count


async def test_leaving_a_stream_cancels_what_is_in_flight():
    """After the block no call is open, and the network goes on."""
    model = GatedModel(ECHO)
    async with Network.open(ONE, models=model) as network:
        async with network.stream(examples(10), concurrency=3) as results:
            await model.arrived(3)
        assert model.open == 0
        with pytest.raises(RuntimeError, match="closed"):
            await anext(results)
        model.release_all()
        assert (await network(x="in")).output == "in|a"


async def test_a_stream_that_nobody_reads_ends_with_its_network():
    """Closing the network leaves no task and no open call behind."""
    before = asyncio.all_tasks()
    model = GatedModel(ECHO)
    async with Network.open(ONE, models=model) as network:
        results = network.stream(examples(10), concurrency=3)
        async with anyio.create_task_group() as group:
            group.start_soon(anext, results)
            await model.arrived(3)
            group.cancel_scope.cancel()
        assert model.open == 3
    assert model.open == 0
    assert asyncio.all_tasks() == before
    with pytest.raises(RuntimeError, match="closed"):
        await anext(results)


async def test_a_bug_reaches_who_reads_and_not_the_others():
    """A function that raises ends its own stream; other streams and calls go on."""

    def broken(a):
        if a.startswith("x3"):
            raise ZeroDivisionError("a bug")
        return a

    graph = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), Function("f", broken))
    async with Network.open(graph, models=ECHO) as network:
        other = network.stream(examples(3))
        with pytest.raises(ZeroDivisionError):
            async for _ in network.stream(examples(10), concurrency=1):
                pass
        assert len([trace async for trace in other]) == 3


async def test_a_models_error_is_a_failure_of_its_example():
    """Others are answered; the failure says which example it was."""

    def text(context, key):
        if context.startswith("x1"):
            raise ModelError("no answer")
        return context

    async with Network.open(ONE, models=ScriptedModel(text)) as network:
        found = [result async for result in network.stream(examples(3))]
    assert [type(result) is Failure for result in found] == [False, True, False]
    assert found[1].example == "e1"


async def test_cancelling_a_call_cancels_what_it_asked():
    """Nothing that a cancelled call has begun is still open."""
    model = GatedModel(ECHO)
    async with Network.open(DIAMOND, models=model) as network:
        async with anyio.create_task_group() as group:
            group.start_soon(network.run, Example("1", {"x": "in"}))
            await model.arrived(2)
            group.cancel_scope.cancel()
        assert model.open == 0


async def test_calls_beyond_the_limit_wait_their_turn():
    """No more runs than `concurrency` are begun at the same time."""
    model = GatedModel(ECHO)
    async with (
        Network.open(ONE, models=model, concurrency=2) as network,
        anyio.create_task_group() as group,
    ):
        for example in examples(5):
            group.start_soon(network.run, example)
        await model.arrived(2)
        await settled()
        assert model.open == 2
        model.release_all()
    assert model.peak == 2


def test_a_run_that_takes_too_long_is_ended():
    """The timeout raises an error that names the network and the example, and cancels the run."""

    class Slow(ScriptedModel):
        async def sample(self, context, *, decoding, keys):
            await anyio.sleep(3600)

    async def main():
        async with Network.open(ONE, models=Slow(lambda context, key: ""), timeout=30) as network:
            with pytest.raises(DeadlineExceeded, match="one took longer than 30 s on example 'e0'"):
                await network.run(examples(1)[0])
            with pytest.raises(DeadlineExceeded):
                await network.run(examples(1)[0], meter=Meter())
            found = [result async for result in network.stream(examples(2))]
            assert all(isinstance(result.error, DeadlineExceeded) for result in found)
        return anyio.current_time()

    assert virtually(main) == 90


async def test_events_come_as_soon_as_a_node_has_its_value():
    """A node's value is told before its children's calls end; the trace comes last."""
    model = GatedModel(ECHO)
    async with (
        Network.open(DIAMOND, models=model) as network,
        network.watch(Example("1", {"x": "in"})) as events,
    ):
        await model.arrived(2)
        model.release("in|b")
        assert await anext(events) == Valued("b", "in|b")
        model.release("in|a")
        assert await anext(events) == Valued("a", "in|a")
        model.release_all()
        assert await anext(events) == Valued("y", "in|ain|b|y")
        last = await anext(events)
        assert isinstance(last, Finished)
        assert last.trace.output == "in|ain|b|y"
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_texts_are_told_piece_by_piece():
    """Pieces name their node and its place, and add up to its value; nobody hears them unasked."""

    class Speaking(ScriptedModel):
        async def sample(self, context, *, decoding, keys):
            completions = await super().sample(context, decoding=decoding, keys=keys)
            listener = current_listener()
            for key, completion in zip(keys, completions, strict=True):
                for at, letter in enumerate(completion.text if listener else ""):
                    listener(Delta(letter, key, at == 0))
            return completions

    graph = Graph(
        Input("x"),
        Node("a", "{x}{prompt}", "|a", draws=2),
        Function("both", join("a", "&")),
        Node("y", "{both}{prompt}", "|y"),
    )
    model = Speaking(lambda context, key: context)
    async with Network.open(graph, models=model) as network:
        example = Example("1", {"x": "in"})
        async with network.watch(example, pieces=True) as events:
            found = [event async for event in events]
        async with network.watch(example) as events:
            quiet = [event async for event in events]
    assert not any(isinstance(event, Piece) for event in quiet)
    texts = {}
    for event in found:
        if isinstance(event, Piece):
            before = "" if event.first else texts[event.node, event.index]
            texts[event.node, event.index] = before + event.text
    trace = found[-1].trace
    assert texts == {("a", (0,)): "in|a", ("a", (1,)): "in|a", ("y", ()): trace.output}


async def test_watching_raises_what_the_run_raised():
    """A failed call reaches whoever reads the events, as it is."""

    def text(context, key):
        raise ModelError("no answer")

    async with (
        Network.open(ONE, models=ScriptedModel(text)) as network,
        network.watch(Example("1", {"x": "in"})) as events,
    ):
        with pytest.raises(ModelError, match="no answer"):
            await anext(events)


async def test_leaving_the_events_cancels_the_run():
    """Who stops watching stops the run."""
    model = GatedModel(ECHO)
    async with Network.open(DIAMOND, models=model) as network:
        async with network.watch(Example("1", {"x": "in"})):
            await model.arrived(2)
        assert model.open == 0


async def test_networks_side_by_side_do_not_meet():
    """Two networks in one loop keep their own limits, models and streams."""
    first, second = GatedModel(ECHO), GatedModel(ECHO)
    async with (
        Network.open(ONE, models=first, concurrency=1) as one,
        Network.open(DIAMOND, models=second, concurrency=1) as two,
        anyio.create_task_group() as group,
    ):
        group.start_soon(one.run, Example("1", {"x": "in"}))
        group.start_soon(two.run, Example("1", {"x": "in"}))
        await first.arrived(1)
        await second.arrived(2)
        assert set(second.waiting) == {"in|a", "in|b"}
        first.release_all()
        second.release_all()


async def test_a_stream_is_part_of_its_network():
    """Outside a block, too, a stream that is dropped ends when its network is closed."""
    model = GatedModel(ECHO)
    network = Network(ONE, model)
    async with anyio.create_task_group() as group:
        group.start_soon(anext, network.stream(examples(10), concurrency=3))
        await model.arrived(3)
        group.cancel_scope.cancel()
    assert model.open == 3
    await network.aclose()
    assert model.open == 0


async def test_an_error_in_the_block_comes_out_as_it_is():
    """What is raised beside a stream that goes on is no group of errors."""

    async def main():
        async with Network.open(ONE, models=ECHO) as network:
            async for _ in network.stream(examples(10)):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await main()
