"""Who calls: known at every call of a fit, and of no consequence for what it finds."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from langnet import (
    Function,
    Graph,
    Inference,
    Input,
    Key,
    Method,
    Node,
    Program,
    evaluate,
    fit,
)
from langnet.lm.caller import Caller, caller, calling
from langnet.lm.wrapper import Wrapper
from langnet.metrics import exact
from langnet.testing import TableModel
from tests.test_fit import data, distribution, network

METHOD = Method(steps=2, batch_size=8, candidates=4, inference=Inference(draws=3))


class Asking(Wrapper):
    """Notes who calls."""

    def __init__(self, model):
        super().__init__(model)
        self.callers = []

    async def sample(self, context, *, decoding, keys):
        self.callers.append(caller())
        return await super().sample(context, decoding=decoding, keys=keys)

    async def score(self, context, texts, *, decoding, end=True):
        self.callers.append(caller())
        return await super().score(context, texts, decoding=decoding, end=end)

    async def choose(self, context, choices):
        self.callers.append(caller())
        return await super().choose(context, choices)


@pytest.mark.parametrize("kind", ["local", "particles"])
@pytest.mark.parametrize("staleness", [0, 1])
async def test_every_call_of_a_fit_says_who_makes_it(kind, staleness):
    """Each has its node and its purpose, and its example wherever there is one."""
    model = Asking(TableModel(distribution))
    method = Method(
        steps=2,
        batch_size=8,
        candidates=4,
        staleness=staleness,
        inference=Inference(kind=kind, draws=3),
    )
    await fit(network(), data(24), data(10, 100), models=model, method=method)
    assert {call.node for call in model.callers} == {"notes", "answer"}
    purposes = {"forward", "infer", "propose", "score", "validate"}
    assert purposes <= {call.purpose for call in model.callers} <= purposes | {"correct"}
    ids = {example.id for example in (*data(24), *data(10, 100))}
    for call in model.callers:
        assert call.purpose == "propose" if not call.example else call.example in ids


async def test_rollouts_say_who_makes_them():
    """Where candidates are run anew, their calls have their nodes and examples, too."""
    model = Asking(TableModel(distribution))
    method = Method(steps=1, batch_size=6, candidates=3, objective="rollout")
    await fit(network(), data(12), data(6, 100), models=model, method=method)
    scored = [call for call in model.callers if call.purpose == "score"]
    assert {call.node for call in scored} == {"notes", "answer"}
    assert all(call.example for call in scored)


async def test_a_run_names_its_node_and_example_and_leaves_nothing_behind():
    """A node's call is made in its name; afterwards nobody calls."""
    model = Asking(TableModel(distribution))
    program = Program(network(), model)
    with calling(purpose="mine", example="outer"):
        await program.run({"text": "sun"}, key=Key(("k",)), example="e1")
        await program.run({"text": "sun"}, key=Key(("k",)))
        assert caller() == Caller("", "outer", "mine")
    assert model.callers[:2] == [Caller("notes", "e1", "mine"), Caller("answer", "e1", "mine")]
    assert model.callers[2].example == "outer"
    await evaluate(program, data(3), metric=exact, key=Key(("k",)))
    assert {call.purpose for call in model.callers[4:]} == {"evaluate"}
    assert caller() == Caller()


async def test_walks_that_run_beside_each_other_are_told_apart():
    """In a diamond and in a plate each call has its own node, and so has a function's own call."""
    found = []

    class Noting(TableModel):
        async def sample(self, context, *, decoding, keys):
            await anyio.lowlevel.checkpoint()  # so that the walks take turns
            found.append((context[-1], caller().node))
            return await super().sample(context, decoding=decoding, keys=keys)

    async def asking(left, right):
        await anyio.lowlevel.checkpoint()
        found.append(("function", caller().node))
        return left + "".join(right)

    graph = Graph(
        Input("text"),
        Node("left", "{prompt} {text} l", "Say."),
        Node("right", "{prompt} {text} r", "Say.", draws=3),
        Node("chained", "{prompt} {left} c", "Say."),
        Function("asked", asking),
        Node("last", "{prompt} {asked} {chained} z", "Say."),
        outputs=["last"],
    )
    model = Noting(lambda context: {"said": 1.0})
    await Program(graph, model).run({"text": "x"}, key=Key(("k",)))
    names = {"l": "left", "r": "right", "c": "chained", "z": "last", "function": "asked"}
    assert dict(found) == names
    assert len(found) == len(names)


async def test_who_calls_changes_nothing():
    """A fit in somebody's name finds what it finds in nobody's."""
    found = []
    for node in (None, "somebody"):
        with calling(node=node, example=node, purpose=node):
            model = TableModel(distribution)
            fitted = await fit(network(), data(24), data(10, 100), models=model, method=METHOD)
        found.append((fitted.graph.prompts, fitted.state.to_json(), model.calls))
    assert found[0] == found[1]
