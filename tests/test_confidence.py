"""The probability of a label beside the answer."""

from __future__ import annotations

import pytest

from langnet import Graph, GraphError, Input, Key, Node, run
from langnet.confidence import PROBABILITY, with_probability
from langnet.testing import TableModel

KEY = Key(("confidence",))
VERIFIER = Graph(
    Input("solution"),
    Node("verdict", "{solution} {prompt}", "Right?", choices=["Yes", "No"]),
    name="verifier",
)


def table(context):
    right = 0.8 if "4" in context else 0.3
    return {"Yes": right, "No": 1 - right}


@pytest.mark.parametrize("greedy", [True, False])
async def test_the_probability_is_the_models_own(greedy):
    """It is p(label | context) whatever is answered, and the answer stays the first output."""
    for label, solution, expected in (("Yes", "= 4", 0.8), ("No", "= 4", 0.2), ("Yes", "= 5", 0.3)):
        graph = with_probability(VERIFIER, label)
        trace = await run(
            graph, {"solution": solution}, models=TableModel(table), key=KEY, greedy=greedy
        )
        assert trace[PROBABILITY] == pytest.approx(expected)
        assert trace.output == trace["verdict"]
        assert graph.target == "verdict"


async def test_plates_keep_their_shape():
    """Of a node in plates there is a probability for every place."""
    graph = Graph(
        Input("question"),
        Node("solution", "{question}", trainable=False, draws=2),
        Node("verdict", "{solution}{prompt}", "?", choices=["Yes", "No"], over="solution", draws=3),
    )

    def tables(context):
        return table(context) if context.endswith("?") else {"= 4": 0.5, "= 5": 0.5}

    judged = with_probability(graph, "Yes", node="verdict")
    trace = await run(judged, {"question": "2 + 2"}, models=TableModel(tables), key=KEY)
    expected = tuple((0.8,) * 3 if "4" in one else (0.3,) * 3 for one in trace["solution"])
    assert trace[PROBABILITY] == tuple(map(pytest.approx, expected))


def test_a_node_without_choices_has_none():
    """What is asked for must be a node with choices, and one of its labels."""
    free = Graph(Input("x"), Node("y", "{x}", trainable=False), name="free")
    with pytest.raises(GraphError, match="'y' of free is no node with choices"):
        with_probability(free, "Yes")
    with pytest.raises(GraphError, match="Maybe"):
        with_probability(VERIFIER, "Maybe")
