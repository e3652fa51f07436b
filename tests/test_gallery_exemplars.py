"""The networks of the gallery that show exemplars show what their settings say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from langnet import Key, Program, tasks
from langnet.cli.network import load_network
from langnet.errors import GraphError
from langnet.tasks.arithmetic_check import mistakes
from langnet.testing import TableModel

GRAPHS = Path(__file__).parent.parent / "graphs"
DEMONSTRATION = re.compile(r"Question: (.+)\nSteps: ((?:.|\n)+?)\nThe result is (-?\d+)\.\n\n")
KEY = Key(("exemplars",))


async def shown(name, spec, **settings):
    """What the model is shown of each example's exemplars, and those exemplars."""
    network = load_network(str(GRAPHS / f"{name}.py"))
    task = tasks.get(spec or network.task)
    program = Program(network.graph(task, **settings), TableModel(lambda _: {"said": 1.0}))
    found = []
    for example in task.splits(train=0, dev=0, test=10).test:
        trace = await program.run(example.inputs, key=KEY, example=example.id)
        found.append((trace["shown"], trace.at("answer")[0].context, example.inputs["exemplars"]))
    return found


@pytest.mark.parametrize("shots", [0, 1, 10])
async def test_scan_shows_the_first_exemplars(shots):
    """As many as are set, the first ones, and the command after them."""
    for text, context, exemplars in await shown("scan", "", shots=str(shots)):
        pairs = [(one["text"], one["answer"]) for one in exemplars[:shots]]
        assert text == "".join(f"Command: {c}\nActions: {a}\n\n" for c, a in pairs)
        assert context.count("Command:") == shots + 1
        assert context.endswith("\nActions:")


@pytest.mark.parametrize(("traces", "wrong"), [("right", "0.5"), ("wrong", "0.5"), ("wrong", "1")])
async def test_wrong_traces_are_wrong_by_that_share(traces, wrong):
    """The share of steps is falsified, and a demonstration's result is what its steps come to."""
    for text, _, exemplars in await shown("shape_of_thought", "", traces=traces, wrong=wrong):
        demonstrations = DEMONSTRATION.findall(text)
        assert [question for question, _, _ in demonstrations] == [e["text"] for e in exemplars]
        for question, steps, result in demonstrations:
            expected = 0 if traces == "right" else 1 if wrong == "0.5" else 2
            assert sum(mistakes(question, steps)) == expected
            assert steps.endswith(f"= {result}")


async def test_retold_traces_are_the_models_words_with_the_right_result():
    """A retelling takes the place of the steps, and of them alone."""
    for text, _, exemplars in await shown("shape_of_thought", "", traces="retold"):
        for (question, steps, result), one in zip(
            DEMONSTRATION.findall(text), exemplars, strict=True
        ):
            assert (question, steps, result) == (one["text"], "said", one["answer"])


async def test_an_unknown_kind_of_traces_is_refused():
    """The kinds that there are, are named."""
    with pytest.raises(GraphError, match="right, wrong, retold, not 'bad'"):
        await shown("shape_of_thought", "", traces="bad")
