"""Networks along trees: levels are plates, prompts are shared, and exact operators are learnt."""

from __future__ import annotations

import math
import pickle
import re

import pytest

from langnet import tasks
from langnet.data import Example
from langnet.errors import DataError, GraphError
from langnet.evaluate import evaluate
from langnet.fit import fit
from langnet.key import Key
from langnet.metrics import exact
from langnet.node import Node
from langnet.program import Program
from langnet.run import run
from langnet.tasks import Tree, formula, listops, propositional_logic
from langnet.testing import TableModel, enumerate_traces, exact_evidence
from langnet.trees import folded, reduced
from langnet.vi import infer
from langnet.vi.method import Method
from langnet.vi.posterior import Inference, takes_particles

KEY = Key(("trees",))
DIGITS = tuple("0123456789")
OPERATORS = frozenset({"MIN", "MAX", "MED", "SM"})


def value(tree):
    """The value of a tree, by the task's own solver."""
    text = re.sub(r"\((\w+)", r"[\1", str(tree)).replace(")", " ]")
    return listops.answer(text)


def says(context):
    """An operator's table: certain under the right prompt, the first operand under another."""
    prompt, _, rest = context.partition("\n")
    operation = re.search(r"\((\w+) ([\d ]+)\)", rest)
    if operation is None:
        return {"Right.": 0.5, "Wrong.": 0.5}
    found = value(Tree.read(operation[0]))
    chance = {"Right.": 0.91}.get(prompt, 0.1)
    return {digit: chance if digit == found else (1 - chance) / 9 for digit in DIGITS}


def network(depth=3, prompt="Wrong."):
    return folded(
        {
            symbol: Node(symbol.lower(), "{prompt}\n\n{operation} =", prompt, choices=DIGITS)
            for symbol in sorted(OPERATORS)
        },
        parse=listops.parse,
        depth=depth,
    )


async def test_every_expression_is_evaluated_with_one_call_for_each_operator():
    """With exact tables the answer is the solver's, and empty plates cost nothing."""
    for example in tasks.get("listops").generate(20, seed=1):
        model = TableModel(says)
        text = example.inputs["text"]
        trace = await run(
            network(prompt="Right."), {"text": text}, models=model, key=KEY, greedy=True
        )
        assert trace.output == example.targets["answer"]
        assert len([*trace.sites]) == listops.parse(text).operators
        for level in range(4):
            expected = reduced(listops.parse(text), level, value, OPERATORS)
            assert trace[f"tree_{level}"] == expected


async def test_formulas_and_relations_are_evaluated_along_their_trees():
    """Both kinds of logic come out as their solvers say, the relation from all rows."""

    def logic(context):
        tree = formula.parse(context.partition(" is")[0])
        truth = str(formula.truth(tree, {}))
        return {truth: 0.99, {"True": "False", "False": "True"}[truth]: 0.01}

    node = Node("cell", "{operation} is", choices=("True", "False"), trainable=False)
    graph = folded(
        dict.fromkeys(("not", "and", "or"), node),
        parse=propositional_logic.table,
        write=formula.written,
        finish=propositional_logic.conclusion,
        depth=4,
    )
    for name in ("propositional_evaluation", "propositional_logic"):
        task = tasks.get(name, operators=4)
        for example in task.generate(14, seed=2):
            trace = await run(graph, example.inputs, models=TableModel(logic), key=KEY, greedy=True)
            assert trace.output == example.targets["answer"] == task.answer(example.inputs["text"])


async def test_the_local_posterior_holds_and_is_exact():
    """How many texts there are is seen in the tree alone; one level's posterior is enumerated."""
    graph = network(2)
    example = Example("one", {"text": "[MAX [MIN 7 4 ] 2 ]"}, {"answer": "4"})
    settings = Inference(draws=10, sweeps=1)
    assert not takes_particles(graph, example.targets, settings)
    model = TableModel(says)
    found = await infer(Program(graph, model), example, settings=settings, key=KEY)
    # Given the root's 4, the inner value is drawn by p(v) p(4 | MAX v 2).
    (inner,) = [one for one in found.alternatives if one.node == "min_1"]
    raw = {v: says("Wrong.\n(MIN 7 4)")[v] * says(f"Wrong.\n(MAX {v} 2)")["4"] for v in DIGITS}
    total = math.fsum(raw.values())
    for text, weight in zip(inner.texts, inner.weights, strict=True):
        assert weight == pytest.approx(raw[text] / total)
    evidence = exact_evidence(graph, model, example.inputs, example.targets)
    assert evidence == pytest.approx(math.log(total))
    assert len(enumerate_traces(graph, model, example.inputs)) == 100


async def test_a_target_along_the_way_observes_a_whole_level():
    """The levels above read the true values, and each value below is compared for itself."""
    text = "[SM [MIN 7 4 ] [MAX 1 2 ] ]"
    below = reduced(listops.parse(text), 1, value, OPERATORS)
    assert str(below) == "(SM 4 2)"
    example = Example("one", {"text": text}, {"answer": "6", "tree_1": str(below)})
    found = await infer(
        Program(network(2), TableModel(says)), example, settings=Inference(draws=10), key=KEY
    )
    assert {one.node: one.best for one in found.alternatives} == {
        "min_1": "4",
        "max_1": "2",
        "sm_2": "6",
    }
    (shown,) = {row.parents["operation_sm_2"] for row in found.rows if row.node == "sm_2"}
    assert shown == "(SM 4 2)"


async def test_prompts_of_all_kinds_are_learnt_from_answers_alone():
    """A fit finds the right prompt of each operator, and the network then evaluates well."""
    data = tasks.get("listops", depth=2, length=8).splits(train=60, dev=20, test=40, seed=1)
    method = Method(
        steps=2,
        batch_size=30,
        candidates=3,
        inference=Inference(draws=10),
        mix={"paraphrase": 1},
    )
    model = TableModel(says)
    fitted = await fit(
        network(2), data.train, data.dev, models=model, metric=exact, method=method, seed=1
    )
    assert fitted.graph.prompts == dict.fromkeys(("max", "med", "min", "sm"), "Right.")
    before, after = [
        await evaluate(Program(graph, model), data.test, metric=exact, key=KEY)
        for graph in (network(2), fitted.graph)
    ]
    assert before.mean < 0.5
    assert after.mean == 1
    deep = tasks.get("listops", split="depth").splits(train=0, dev=0, test=20, seed=1).test
    deeper = network(6).with_prompts(fitted.graph.prompts)
    assert (await evaluate(Program(deeper, model), deep, metric=exact, key=KEY)).mean == 1


async def test_what_no_tree_can_be_made_of_is_said():
    """Wrong nodes when the graph is made; a tree that is too deep when it is read."""
    cell = Node("cell", "{operation}", trainable=False)
    for kinds in (
        {},
        {"MIN": Node("cell", "{text}")},
        {"MIN": Node("cell", "{operation}", draws=2)},
        {"MIN": cell, "MAX": Node("cell", "{operation} =", trainable=False)},
    ):
        with pytest.raises(GraphError):
            folded(kinds, parse=listops.parse, depth=1)
    with pytest.raises(GraphError):
        folded({"MIN": cell}, parse=listops.parse, depth=0)
    with pytest.raises(DataError, match="depth=2"):
        await run(network(1), {"text": "[MIN [MAX 1 2 ] 3 ]"}, models=TableModel(says), key=KEY)
    assert network() == pickle.loads(pickle.dumps(network()))  # noqa: S301 - made here


@pytest.mark.parametrize("text", ["", "(MAX 2", "MAX 2)", "()", "(MAX 2) 3", "((MAX 2) 3)"])
def test_trees_in_writing(text):
    """A tree is read as it was written, and nothing else is read."""
    tree = listops.parse("[MAX 2 [MIN 7 4 ] ]")
    assert Tree.read(str(tree)) == tree
    with pytest.raises(DataError):
        Tree.read(text)
