"""`credit`: gains are divided among prompts as the model's own arithmetic says."""

from __future__ import annotations

import json
import math

import pytest

from langnet import DataError, Example, Graph, GraphError, Input, Node, compare
from langnet.credit import credit, subsets
from langnet.testing import TableModel

LABELS = ("yes", "no")


def network(*prompts):
    """A chain in which every node passes on how many examples it lets through."""
    names = "abcd"[: len(prompts) - 1]
    nodes = [
        Node(name, "{prompt} {x}", prompt, choices=("old", "new"))
        for name, prompt in zip(names, prompts, strict=False)
    ]
    fields = " ".join(f"{{{name}}}" for name in names)
    last = Node("y", f"{{prompt}} {{x}} {fields}".strip(), prompts[-1], choices=LABELS)
    return Graph(Input("x"), *nodes, last, name="chain")


def model(right):
    """Answers the first `right(news)` of ten examples, where `news` are the changed prompts.

    A hidden node says "new" under its new prompt; the last node's own prompt counts as "y".
    """

    def distribution(context):
        words = context.split()
        if "old" not in words[2:] and "new" not in words[2:]:
            said = "new" if words[0] == "New" else "old"
            return {said: 0.9, "old" if said == "new" else "new": 0.1}
        news = [name for name, word in zip("abcd", words[2:], strict=False) if word == "new"]
        news += ["y"] if words[0] == "New" else []
        is_right = int(words[1]) % 10 < right("".join(news))
        return {"yes": 0.9, "no": 0.1} if is_right else {"yes": 0.1, "no": 0.9}

    return TableModel(distribution)


EXAMPLES = [Example(f"e{i}", {"x": str(i)}, {"y": "yes"}) for i in range(40)]
OLD, NEW = "Old", "New"


def share(found, name):
    return next(share for share in found.shares if share.prompt == name)


async def test_gains_that_add_up_are_divided_as_they_are():
    """Without interaction, swapping back, leaving in and the Shapley value are the same."""
    gains = {"": 2, "a": 5, "y": 4, "ay": 7}
    found = await credit(
        network(OLD, OLD), network(NEW, NEW), EXAMPLES, models=model(gains.__getitem__)
    )
    assert found.before.mean == pytest.approx(0.2)
    assert found.after.mean == pytest.approx(0.7)
    for name, gain in (("a", 0.3), ("y", 0.2)):
        for measured in (
            share(found, name).swap_back,
            share(found, name).leave_in,
            share(found, name).shapley,
        ):
            assert measured.mean == pytest.approx(gain)
            assert measured.low <= gain <= measured.high
    assert found.interaction.mean == pytest.approx(0)


async def test_prompts_that_need_each_other_share_the_gain():
    """A gain that takes both is lost without either, brought by none alone, and halved."""
    found = await credit(
        network(OLD, OLD),
        network(NEW, NEW),
        EXAMPLES,
        models=model({"": 2, "a": 2, "y": 2, "ay": 8}.__getitem__),
    )
    for name in ("a", "y"):
        assert share(found, name).swap_back.mean == pytest.approx(0.6)
        assert share(found, name).leave_in.mean == 0
        assert share(found, name).shapley.mean == pytest.approx(0.3)
    assert found.interaction.mean == pytest.approx(0.6)


async def test_shapley_values_add_up_to_the_gain():
    """With three prompts, whatever they do together, their Shapley values sum to the gain."""
    gains = {"": 1, "a": 3, "b": 2, "y": 0, "ab": 4, "ay": 7, "by": 3, "aby": 9}
    found = await credit(
        network(OLD, OLD, OLD), network(NEW, NEW, NEW), EXAMPLES, models=model(gains.__getitem__)
    )
    assert found.networks == 8
    total = math.fsum(share.shapley.mean for share in found.shares)
    assert total == pytest.approx(found.gain.mean)
    # By hand over the six orders of a, b and y.
    assert share(found, "a").shapley.mean == pytest.approx((2 + 2 + 2 + 7 + 6 + 6) / 60)
    assert share(found, "y").swap_back.mean == pytest.approx(0.5)
    assert share(found, "b").leave_in.mean == pytest.approx(0.1)


async def test_many_prompts_take_one_network_more_each_way():
    """With four changed prompts only the networks that are asked for are run, each once."""
    counted = []
    found = await credit(
        network(OLD, OLD, OLD, OLD),
        network(NEW, NEW, NEW, NEW),
        EXAMPLES,
        models=model(len),
        on_example=counted.append,
    )
    assert found.networks == len(set(counted)) == 2 * 4 + 2
    assert len(counted) == found.networks * len(EXAMPLES)
    assert all(share.shapley is None for share in found.shares)
    assert found.interaction.mean == pytest.approx(0)


@pytest.mark.parametrize(("count", "sets"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 10), (5, 12)])
def test_no_network_is_run_twice(count, sets):
    """The sets of prompts are all different, and hold none and all."""
    names = tuple("abcde"[:count])
    found = subsets(names)
    assert len(found) == len(set(found)) == sets
    assert {frozenset(), frozenset(names)} <= set(found)


async def test_prompts_that_stayed_get_no_credit():
    """Unchanged prompts are named apart; where nothing changed there is nothing to divide."""
    play = model({"": 2, "a": 5}.__getitem__)
    found = await credit(network(OLD, OLD), network(NEW, OLD), EXAMPLES, models=play)
    assert [share.prompt for share in found.shares] == ["a"]
    assert found.unchanged == ("y",)
    assert share(found, "a").swap_back == share(found, "a").leave_in
    assert found.gain.mean == pytest.approx(0.3)
    none = await credit(network(OLD, OLD), network(OLD, OLD), EXAMPLES, models=play)
    assert none.shares == ()
    assert none.gain.mean == 0
    assert none.networks == 1


async def test_the_gain_is_that_of_the_comparison():
    """With the same seed the whole gain is the one that a fit reports, draws included."""
    play = model({"": 2, "a": 5, "y": 4, "ay": 7}.__getitem__)
    before, after = network(OLD, OLD), network(NEW, NEW)
    found = await credit(before, after, EXAMPLES, models=play, seed=3)
    compared = await compare(before, after, EXAMPLES, models=play, seed=3)
    assert (found.before, found.after, found.gain) == (
        compared.before,
        compared.after,
        compared.gain,
    )
    assert json.loads(json.dumps(found.to_json()))["gain"]["mean"] == found.gain.mean


async def test_other_networks_are_refused():
    """Networks that differ in more than prompts cannot share a gain, nor can no examples."""
    play = model(len)
    with pytest.raises(GraphError, match="more than their prompts"):
        await credit(network(OLD, OLD), network(OLD, OLD, OLD), EXAMPLES, models=play)
    changed = network(NEW, NEW).replace("y", choices=("yes", "no", "maybe"))
    with pytest.raises(GraphError, match="more than their prompts"):
        await credit(network(OLD, OLD), changed, EXAMPLES, models=play)
    with pytest.raises(DataError, match="no examples"):
        await credit(network(OLD, OLD), network(NEW, NEW), [], models=play)
