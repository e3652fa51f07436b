"""Feedback: what a metric says about an answer reaches the model that proposes."""

from __future__ import annotations

import pytest

from langnet import Example, Graph, Input, Key, Marked, Method, Node
from langnet.metrics import contains
from langnet.testing import ScriptedModel
from langnet.vi.context import Context
from langnet.vi.pool import solved
from langnet.vi.step import improve

EXAMPLES = [Example(f"e{n}", {"x": f"{n} apples"}, {"y": str(n)}) for n in range(4)]
GRAPH = Graph(
    Input("x"), Node("h", "{x}\n\n{prompt}", prompt="Think."), Node("y", "{prompt}\n\n{x}\n{h}:")
)


def curt(prediction, target):
    value = contains(prediction, target)
    return Marked(value, "" if value else f"no {target} in {prediction!r}")


async def shown(metric):
    """The contexts of the rewrites that one step asks for, by the prompt's name."""
    contexts = []

    def propose(context, key):
        contexts.append(context)
        return "Count."

    # The nodes' model says the number in a sentence for even ones, and something else for odd ones.
    def answer(context, key):
        n = next(int(word) for word in context.split() if word.isdigit())
        return f"there are {n}" if n % 2 == 0 else "many"

    await improve(
        GRAPH,
        EXAMPLES,
        Context(
            models=ScriptedModel(answer),
            proposer=ScriptedModel(propose),
            metric=metric,
            method=Method(objective="rollout", candidates=4, mix={"rewrite": 1.0}),
            key=Key(("feedback",)),
        ),
    )
    return contexts


async def test_what_a_metric_says_is_shown_to_the_proposer():
    """Each error stands with its feedback, at every node; without words nothing is added."""
    contexts = await shown(curt)
    assert len(contexts) == 8
    assert any("Feedback: no 1 in 'many'" in context for context in contexts)
    assert all(context.count("Feedback:") == context.count("Output: many") for context in contexts)
    assert not any("Feedback" in context for context in await shown(contains))


async def test_the_metric_says_what_a_success_is():
    """An answer that the metric takes for right is no error, though it is not the target's text."""
    for context in await shown(contains):
        right = context.partition("It succeeded")[2].partition("It failed")[0]
        assert context.count("there are") == right.count("there are")


def test_solved_examples_come_from_the_data():
    """The pool of a node holds its contexts with its targets, where the data tell both."""
    assert solved(GRAPH, "h", EXAMPLES) == ()
    assert solved(GRAPH, "y", EXAMPLES) == ()
    one = Graph(Input("x"), Node("y", "{prompt}\n\n{x}\n\nAnswer:"))
    found = solved(one, "y", EXAMPLES)
    assert [(item.context, item.target) for item in found] == [
        (f"{n} apples\n\nAnswer:", str(n)) for n in range(4)
    ]
    assert all(item.is_success for item in found)
    told = [Example("e", {"x": "2 apples"}, {"y": "2", "h": "count them"})]
    assert [item.context for item in solved(GRAPH, "y", told)] == ["2 apples\ncount them:"]


@pytest.mark.parametrize("draws", [2])
def test_nothing_is_solved_on_a_plate(draws):
    """A node whose value runs over a plate has no single context to be shown."""
    plate = Graph(Input("x"), Node("y", "{prompt}\n\n{x}\n\nAnswer:", draws=draws))
    assert solved(plate, "y", EXAMPLES) == ()
