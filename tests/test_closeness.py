"""Closeness: the model's own log-probability per token, of texts that are given."""

from __future__ import annotations

import math

import pytest

from langnet import Decoding, Example, Graph, Input, Key, Node, Program
from langnet.closeness import closeness
from langnet.errors import CapabilityError, DataError, GraphError
from langnet.lm.base import Capabilities, TextScore
from langnet.testing import TableModel

KEY = Key(("closeness",))


def graph():
    return Graph(
        Input("x"),
        Node("plan", "plan {x}", trainable=False),
        Node("steps", "{x} by {plan}", trainable=False),
        Node("answer", "{x} {steps}", trainable=False, choices=("yes", "no")),
    )


def distribution(context):
    match context.split():
        case ["plan", _]:
            return {"short": 0.6, "long": 0.4}
        case [_, "by", "short"]:
            return {"one": 0.9, "two": 0.1}
        case [_, "by", "long"]:
            return {"one": 0.2, "two": 0.8}
    return {"yes": 1.0}


def example(name, **targets):
    return Example(name, {"x": "1"}, targets)


async def test_it_is_the_logprob_of_the_given_text():
    """Hidden texts above are the most probable ones or the observed ones; none below is drawn."""
    model = TableModel(distribution)
    found = await closeness(
        Program(graph(), model),
        [
            example("a", steps="one"),
            example("b", steps="two", answer="no"),
            example("c", steps="two", plan="long"),
            example("d", steps="three"),
        ],
        "steps",
        key=KEY,
    )
    assert found[:3] == pytest.approx([math.log(0.9), math.log(0.1), math.log(0.8)])
    assert found[3] == -math.inf
    assert not model.calls["choose"]


class Letters(TableModel):
    """A model whose tokens are letters, each with a probability of its own."""

    async def score(self, context, texts, *, decoding):
        found = await super().score(context, texts, decoding=Decoding())
        scores = tuple(TextScore(tuple(-float(letter) for letter in text)) for text in texts)
        return type(found)(scores, found.usage)


async def test_length_does_not_count():
    """The mean over tokens; with `skip` the first ones are left out."""
    program = Program(graph(), Letters(distribution))
    texts = [example("a", steps="1234"), example("b", steps="22222222")]
    assert await closeness(program, texts, "steps", key=KEY) == (-2.5, -2.0)
    assert await closeness(program, texts, "steps", key=KEY, skip=0.5) == (-3.5, -2.0)


async def test_every_element_of_a_plate_counts():
    """A text that is observed in a plate is scored at each of its places."""
    plates = Graph(
        Input("x"),
        Node("plan", "plan {x}", trainable=False, draws=2),
        Node("y", "{x} by {plan}", over="plan", trainable=False),
    )
    given = {"plan": ("short", "long")}
    program = Program(plates, TableModel(distribution))
    trace = await program.run({"x": "1"}, key=KEY, given=given, only=["plan"])
    assert trace["plan"] == ("short", "long")
    (found,) = await closeness(program, [example("a", y="one", plan="short")], "y", key=KEY)
    assert found == pytest.approx(math.log(0.9))
    whole = [await closeness(program, [example(str(n), y="one")], "y", key=KEY) for n in range(40)]
    both = (math.log(0.9) + math.log(0.2)) / 2
    assert {round(value, 9) for (value,) in whole} >= {round(both, 9), round(math.log(0.9), 9)}


async def test_what_cannot_be_scored_is_said():
    """Labels, missing texts and models that only sample are refused by name."""
    program = Program(graph(), TableModel(distribution))
    with pytest.raises(GraphError, match="name one of plan, steps"):
        await closeness(program, [example("a", answer="yes")], "answer", key=KEY)
    with pytest.raises(DataError, match="'a' observes no text at node 'steps'"):
        await closeness(program, [example("a", answer="yes")], "steps", key=KEY)
    only = TableModel(distribution, capabilities=Capabilities(sample=True))
    with pytest.raises(CapabilityError, match="'steps' needs log-probabilities"):
        await closeness(Program(graph(), only), [example("a", steps="one")], "steps", key=KEY)
