"""Schedules: which prompts a step may change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from langnet import Example, Function, Graph, GraphError, Input, Key, Method, Node
from langnet.metrics import exact
from langnet.vi.context import Context
from langnet.vi.schedule import SCHEDULES, levels
from langnet.vi.step import improve
from tests.laws.graphs import GRAPHS, inputs, model

STEPS = 6


def chosen(name, graph):
    return [SCHEDULES[name](graph, step, STEPS) for step in range(STEPS)]


def test_levels_count_language_nodes_from_the_outputs():
    """A level holds the prompts with as many language nodes below them, functions not counted."""
    assert levels(GRAPHS["chain3"]()) == (("y",), ("b",), ("a",))
    assert levels(GRAPHS["diamond"]()) == (("y",), ("a", "b"))
    assert levels(GRAPHS["plate"]()) == (("y",), ("v",), ("h",))
    assert levels(GRAPHS["shared"]()) == (("shared",),)
    voted = Graph(
        Input("x"),
        Node("h", "{prompt} {x}", "p", draws=2),
        Node("y", "{prompt} {h}", "q", over="h"),
        Function("vote", lambda y: y[0]),
    )
    assert levels(voted) == (("y",), ("h",))


def test_the_named_schedules():
    """Each named schedule takes what its name says."""
    graph = GRAPHS["chain3"]()
    assert chosen("together", graph) == [(("a", "b", "y"),)] * STEPS
    assert chosen("reverse", graph) == [(("y",), ("b",), ("a",))] * STEPS
    assert [groups[0] for groups in chosen("one_at_a_time", graph)] == [("y",), ("b",), ("a",)] * 2
    assert chosen("hidden_only", graph) == [(("a", "b"),)] * STEPS
    grown = [groups[0] for groups in chosen("layer_by_layer", graph)]
    assert grown == [("y",), ("y",), ("b", "y"), ("b", "y"), ("a", "b", "y"), ("a", "b", "y")]


def test_frozen_prompts_are_in_no_schedule():
    """What is frozen belongs to no level."""
    graph = GRAPHS["chain3"]().frozen("b")
    assert levels(graph) == (("y",), ("a",))
    with pytest.raises(GraphError, match="hidden_only"):
        SCHEDULES["hidden_only"](GRAPHS["chain"]().frozen("h"), 0, 1)


async def stepped(schedule, step=0):
    graph = GRAPHS["chain3"]()
    batch = [Example(f"e{n}", inputs(graph) | {"x": str(n)}, {"y": "green"}) for n in range(6)]
    table = model()

    async def listed(request, key):
        return f"candidate {key[-1]}"

    method = Method(
        candidates=6, mix={"listed": 1}, proposers={"listed": listed}, schedule=schedule
    )
    context = Context(
        models=table, proposer=table, metric=exact, method=method, key=Key(("s",)), step=step
    )
    return graph, await improve(graph, batch, context)


@pytest.mark.parametrize("schedule", SCHEDULES)
async def test_a_step_changes_what_the_schedule_names(schedule):
    """A step selects the prompts that its schedule names, in that order, and no others."""
    graph, result = await stepped(schedule)
    groups = SCHEDULES[schedule](graph, 0, Method().steps)
    names = [name for group in groups for name in group]
    assert [selection.prompt for selection in result.selections] == names
    for name, text in graph.prompts.items():
        assert name in names or result.prompts[name] == text


async def test_later_groups_see_what_earlier_ones_chose():
    """In reverse order, a level is chosen under the new prompts of the levels below it."""
    _, whole = await stepped("reverse")
    graph, last = await stepped(lambda graph, step, steps: (("y",),))
    assert whole.selections[0] == last.selections[0]
    batch = [Example(f"e{n}", inputs(graph) | {"x": str(n)}, {"y": "green"}) for n in range(6)]
    table = model()

    async def listed(request, key):
        return f"candidate {key[-1]}"

    method = Method(
        candidates=6,
        mix={"listed": 1},
        proposers={"listed": listed},
        schedule=lambda graph, step, steps: (("b",),),
    )
    context = Context(models=table, proposer=table, metric=exact, method=method, key=Key(("s",)))
    middle = await improve(graph.with_prompts({"y": last.prompts["y"]}), batch, context)
    assert whole.selections[1] == middle.selections[0]


async def test_a_schedule_must_name_trainable_prompts():
    """A schedule of one's own that names nothing, or a stranger, is told which names there are."""
    for groups in ((), (("stranger",),)):
        with pytest.raises(GraphError, match="a, b, y"):
            await stepped(lambda graph, step, steps, groups=groups: groups)
    with pytest.raises(ValueError, match="schedule"):
        replace(Method(), schedule="sideways")
