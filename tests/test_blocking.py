"""Networks for code that does not await."""

import threading

import pytest

from langnet.blocking import BlockingNetwork
from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.node import Input, Node
from langnet.testing import ScriptedModel

ECHO = ScriptedModel(lambda context, key: context)
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")


def examples(count):
    return [Example(f"e{n}", {"x": f"x{n}"}) for n in range(count)]


def test_calls_block_until_the_answer_is_there():
    """A plain script calls a network like a function, from any thread."""
    with BlockingNetwork.open(ONE, models=ECHO) as network:
        assert network(x="in").output == "in|a"
        assert [trace.example for trace in network.stream(examples(5))] == [
            f"e{n}" for n in range(5)
        ]
        with pytest.raises(GraphError, match="reads x"):
            network(text="in")


def test_leaving_a_loop_early_leaves_nothing_behind():
    """No thread is left when the block is over, however the stream was left."""
    before = threading.active_count()
    with BlockingNetwork.open(ONE, models=ECHO) as network:
        for trace in network.stream(examples(1000)):
            assert trace.output == "x0|a"
            break
        assert network.run(examples(1)[0]).output == "x0|a"
    assert threading.active_count() == before


async def test_in_a_running_loop_it_refuses_and_says_what_to_do():
    """Blocking an event loop would stop it, so the error names the way that awaits."""
    with (
        pytest.raises(RuntimeError, match=r"langnet\.load there: async with langnet\.load"),
        BlockingNetwork.open(ONE, models=ECHO),
    ):
        pass
