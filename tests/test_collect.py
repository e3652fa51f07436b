"""Collecting solutions: every draw once, judged, and the same for the same seed."""

import pytest

from langnet.collect import Collected, Solution, collect, read_solutions, write_solutions
from langnet.data import Example
from langnet.errors import DataError, GraphError, ModelError
from langnet.graph import Graph
from langnet.node import Function, Input, Node
from langnet.testing import ScriptedModel, TableModel, hashed_distribution

MODEL = TableModel(hashed_distribution(("1", "2", "3"), seed=3))
EXAMPLES = [Example(f"e{n}", {"x": f"x{n}"}, {"answer": "1"}) for n in range(4)]


def solver(**settings):
    """A text, and the number in it."""
    return Graph(
        Input("x"),
        Node("solution", "{prompt}{x}", "p", **settings),
        Function(
            "answer", lambda solution: solution, over="solution" if "draws" in settings else None
        ),
    )


async def test_more_draws_begin_with_fewer():
    """The same seed gives the same solutions, whatever the concurrency and however many follow."""
    few = await collect(solver(), EXAMPLES, models=MODEL, draws=3, concurrency=1)
    many = await collect(solver(), EXAMPLES, models=MODEL, draws=6, concurrency=8)
    assert few.by_example().keys() == {"e0", "e1", "e2", "e3"}
    for name, solutions in few.by_example().items():
        assert many.by_example()[name][:3] == solutions
    other = await collect(solver(), EXAMPLES, models=MODEL, draws=6, seed=1)
    assert other != many


async def test_solutions_are_judged_by_their_answer():
    """A solution is correct exactly where the metric of its answer is 1."""
    found = await collect(solver(), EXAMPLES, models=MODEL, draws=8)
    assert all(one.is_correct == (one.text == "1") for one in found.solutions)
    right = [sum(one.text == "1" for one in each) for each in found.by_example().values()]
    assert found.counts() == [(8, count) for count in right]
    assert 0 < sum(right) < 32


async def test_every_element_of_a_plate_is_a_solution():
    """A network that draws several solutions itself gives them all, numbered across its runs."""
    found = await collect(solver(draws=3), EXAMPLES, models=MODEL, draws=2)
    assert [one.draw for one in found.solutions] == [*range(6)] * 4
    assert all(one.is_correct == (one.text == "1") for one in found.solutions)


async def test_a_verifier_gets_its_examples():
    """Every solution becomes a question of its own, labelled by what the metric said."""
    found = await collect(solver(), EXAMPLES, models=MODEL, draws=2)
    examples = found.verification()
    assert len({example.id for example in examples}) == 8
    for example, one in zip(examples, found.solutions, strict=True):
        assert example.inputs == {"x": one.inputs["x"], "solution": one.text}
        assert example.targets == {"verdict": "Yes" if one.is_correct else "No"}


async def test_a_failed_run_is_told_and_no_solution():
    """What could not be drawn is missing, with its error, and the others are there."""

    def text(context, key):
        if "x2" in context:
            raise ModelError("no answer")
        return "1"

    found = await collect(solver(), EXAMPLES, models=ScriptedModel(text), draws=2, max_failures=0.9)
    assert found.by_example().keys() == {"e0", "e1", "e3"}
    assert [failure.example for failure in found.failures] == ["e2#0", "e2#1"]


async def test_solutions_can_be_written_and_read(tmp_path):
    """A file holds all that was collected; a line that is no solution is named."""
    found = await collect(solver(), EXAMPLES, models=MODEL, draws=2)
    write_solutions(tmp_path / "pool.jsonl", found.solutions)
    assert read_solutions(tmp_path / "pool.jsonl") == found
    (tmp_path / "bad.jsonl").write_text('{"example": "e"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"bad.jsonl, line 1 is no solution"):
        read_solutions(tmp_path / "bad.jsonl")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"node": "answer"}, "no language node"),
        ({"judged": "reply"}, "no part"),
    ],
)
async def test_what_cannot_be_collected_is_refused(settings, says):
    """A name that is none of the network's is refused before anything is asked."""
    with pytest.raises(GraphError, match=says):
        await collect(solver(), EXAMPLES, models=MODEL, **settings)


async def test_two_nodes_need_a_name():
    """Where the target reads several texts, the user says which are the solutions."""
    graph = Graph(
        Input("x"),
        Node("a", "{prompt}{x}", "p"),
        Node("b", "{prompt}{x}b", "p"),
        Function("answer", lambda a, b: a + b),
    )
    with pytest.raises(GraphError, match="a, b; name one"):
        await collect(graph, EXAMPLES, models=MODEL)


def test_a_solution_is_correct_only_if_nothing_is_missing():
    """A partial credit is not enough."""
    half = Solution("e", 0, {}, "context", "text", "answer", 0.5)
    assert Collected((half,)).counts() == [(1, 0)]


async def test_only_what_is_needed_is_asked_for():
    """Parts that neither the solutions nor their answers depend on call no model."""
    alone = await collect(solver(), EXAMPLES, models=MODEL, draws=2)

    def refusing(context, key):
        raise ModelError("not asked for")

    judge = Node("verdict", "{x} {solution} {prompt}", "Right?", model="judge")
    graph = solver().add(judge, outputs=("answer", "verdict"))
    models = {"default": MODEL, "judge": ScriptedModel(refusing)}
    found = await collect(graph, EXAMPLES, models=models, draws=2, max_failures=0.0)
    assert found == alone


async def test_pools_add_up():
    """Two pools in one have the solutions of both by example, each with an id of its own."""
    few = await collect(solver(), EXAMPLES, models=MODEL, draws=2)
    both = few + await collect(solver(), EXAMPLES, models=MODEL, draws=3, seed=1)
    assert [len(several) for several in both.by_example().values()] == [5] * 4
    assert len({example.id for example in both.verification()}) == 20
