"""Sweeps: the same examples and seeds for every choice of settings, and what each costs."""

import pytest

from langnet.data import Example
from langnet.errors import CapabilityError, DataError, ModelError
from langnet.functions import majority
from langnet.graph import Graph
from langnet.lm.tokens import count_tokens
from langnet.node import Function, Input, Node
from langnet.report.plot import plot_points
from langnet.sweep import grid, sweep
from langnet.testing import ScriptedModel, TableModel, hashed_distribution

MODEL = TableModel(hashed_distribution(("1", "2", "3"), seed=3))
EXAMPLES = [Example(f"e{n}", {"x": f"x{n}"}, {"vote": "1"}) for n in range(12)]


def network(draws=1):
    return Graph(
        Input("x"),
        Node("a", "{prompt}{x}", "p", draws=draws),
        Function("vote", majority("a")),
    )


async def test_every_point_sees_the_same_examples():
    """Points come in their order, each with a value per example, the same when run again."""
    points = grid({"draws": [1, 3, 9]})
    found = await sweep(network, points, EXAMPLES, models=MODEL)
    assert [dict(point.settings) for point in found] == points
    assert all(len(point.values) == 12 for point in found)
    assert found == await sweep(network, points, EXAMPLES, models=MODEL, concurrency=1)


async def test_more_draws_begin_with_the_same():
    """A larger plate holds the draws of a smaller one, so that a cache answers them."""
    drawn = []

    class Noting(TableModel):
        async def sample(self, context, *, decoding, keys):
            drawn.append([(context, key.path) for key in keys])
            return await super().sample(context, decoding=decoding, keys=keys)

    model = Noting(hashed_distribution(("1", "2", "3"), seed=3))
    await sweep(network, grid({"draws": [2, 5]}), EXAMPLES[:1], models=model)
    few, many = drawn
    assert many[:2] == few


async def test_tokens_count_a_context_once():
    """Contexts are read once however often they are drawn from, and every text is paid for."""
    one, four = await sweep(network, grid({"draws": [1, 4]}), EXAMPLES, models=MODEL)
    assert one.prompt_tokens == four.prompt_tokens == count_tokens("", "px0").count
    assert four.completion_tokens == 4 * one.completion_tokens
    assert one.tokens == one.prompt_tokens + one.completion_tokens


async def test_failed_examples_count_as_wrong():
    """They are told, and the tokens are those of the others."""

    def text(context, key):
        if "x2" in context:
            raise ModelError("no answer")
        return "1"

    model = ScriptedModel(text)
    (point,) = await sweep(network, [{}], EXAMPLES[:4], models=model, max_failures=0.9)
    assert point.values == (1.0, 1.0, 0.0, 1.0)
    assert [failure.example for failure in point.failures] == ["e2"]
    with pytest.raises(DataError, match="no examples"):
        await sweep(network, [{}], [], models=model)


async def test_a_plot_is_drawn(tmp_path):
    """A file appears that holds a picture; an ending that cannot be drawn is refused."""
    pytest.importorskip("matplotlib", reason="plots need the extra langnet[plot]")
    found = await sweep(network, grid({"draws": [1, 3]}), EXAMPLES, models=MODEL)
    plot_points(found, tmp_path / "plot.svg", metric="exact")
    assert "<svg" in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    with pytest.raises(CapabilityError, match="ends in"):
        plot_points(found, tmp_path / "plot.txt", metric="exact")
