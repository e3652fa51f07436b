"""Evaluation: metrics that give a number, and metrics that say why."""

from __future__ import annotations

import pytest

from langnet import DataError, Example, Graph, Input, Key, Marked, Node, Program, evaluate
from langnet.evaluate import marked_of, value_of
from langnet.run import run_all
from langnet.testing import ScriptedModel

EXAMPLES = [Example(f"e{n}", {"x": str(n)}, {"y": str(2 * n)}) for n in range(4)]


def close(prediction, target):
    miss = abs(int(prediction) - int(target))
    return Marked(1 / (1 + miss), f"off by {miss}" if miss else "")


def doubling(context, key):
    n = int(context.split()[0])
    return str(2 * n if n < 3 else n)


def program(draws=None):
    node = Node("y", "{x} doubled is", draws=draws, trainable=False)
    return Program(Graph(Input("x"), node), ScriptedModel(doubling))


async def test_a_metric_may_say_why():
    """Values are what a metric without words gives; the words are there for who asks."""
    key = Key(("evaluate",))
    found = await evaluate(program(), EXAMPLES, metric=close, key=key)
    plain = await evaluate(program(), EXAMPLES, metric=lambda p, t: close(p, t).value, key=key)
    assert found == plain
    assert found.values == (1.0, 1.0, 1.0, 0.25)

    traces = await run_all(program(), EXAMPLES, key=key)
    marks = [marked_of(trace, e, "y", close) for trace, e in zip(traces, EXAMPLES, strict=True)]
    assert [mark.feedback for mark in marks] == ["", "", "", "off by 3"]
    assert [mark.value for mark in marks] == list(found.values)
    assert value_of(traces[3], EXAMPLES[3], "y", close) == 0.25


async def test_feedback_on_a_plate_is_said_once():
    """Over elements the value is the mean, and what was said of several is said once."""
    (trace,) = await run_all(program(draws=3), EXAMPLES[3:], key=Key(("plate",)))
    assert marked_of(trace, EXAMPLES[3], "y", close) == Marked(0.25, "off by 3")
    assert marked_of(trace, EXAMPLES[3], "y", lambda p, t: 1) == Marked(1.0, "")


async def test_a_missing_target_is_named():
    """An example without the target cannot be marked, and the message names both."""
    (trace,) = await run_all(program(), EXAMPLES[:1], key=Key())
    with pytest.raises(DataError, match=r"'e'.*'y'"):
        marked_of(trace, Example("e", {"x": "1"}), "y", close)


async def test_what_is_kept_stands_beside_the_answers():
    """A part that is to be kept has its value on each example, and changes nothing else."""
    key = Key(("keep",))
    found = await evaluate(program(), EXAMPLES, metric=close, key=key, keep="x")
    assert found.kept == ("0", "1", "2", "3")
    plain = await evaluate(program(), EXAMPLES, metric=close, key=key)
    assert (plain.values, plain.predictions, plain.kept) == (found.values, found.predictions, ())
