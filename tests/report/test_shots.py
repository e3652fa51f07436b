"""k-shot, KATE and APE: what the node that answers is shown, and what is chosen."""

from __future__ import annotations

import pytest

from langnet import Example, Function, Graph, Input, Key, Method, Node, Program
from langnet.evaluate import evaluate
from langnet.functions import majority
from langnet.metrics import exact
from langnet.report.ape import ape, no_ape
from langnet.report.seeds import over_seeds
from langnet.report.shots import k_shot, kate, no_shots, shots
from langnet.testing import ScriptedModel, TableModel

KEY = Key(("shots",))
ONE = Graph(
    Input("text"),
    Node("answer", "{prompt}\n\n{text}\n\nAnswer:", "Say which.", choices=("yes", "no")),
)
TWO = Graph(
    Input("text"),
    Node("notes", "{prompt}\n\n{text}\n\nNotes:", "Note."),
    Node("answer", "{prompt}\n\n{text} ({notes})\n\nAnswer:", "Say.", choices=("yes", "no")),
)
WORDS = ("apples", "boats", "clouds", "doves", "engines", "ferns")
TRAIN = [
    Example(f"t{i}", {"text": f"We saw {word} today"}, {"answer": "yes" if i % 2 else "no"})
    for i, word in enumerate(WORDS)
]


def scripted():
    """Notes the last word but one of its context's last line but one."""
    return ScriptedModel(lambda context, key: "n" + context.split()[-3])


async def test_shots_have_the_layout_of_the_node_and_cost_nothing_where_it_reads_inputs():
    """A shot is the node's own template without its prompt, with the target."""
    model = TableModel(lambda context: {"x": 1.0})
    found = await shots(ONE, TRAIN, models=model, key=KEY)
    assert [shot.text for shot in found] == [
        f"{example.inputs['text']}\n\nAnswer: {example.targets['answer']}" for example in TRAIN
    ]
    assert sum(model.calls.values()) == 0


async def test_hidden_texts_of_shots_are_written_or_observed():
    """What the answer reads besides inputs is what the network writes, unless it is observed."""
    model = scripted()
    observed = Example("o", {"text": "We saw owls"}, {"answer": "yes", "notes": "seen"})
    found = await shots(TWO, [TRAIN[0], observed], models=model, key=KEY)
    assert found[0].text == "We saw apples today (napples)\n\nAnswer: no"
    assert found[1].text == "We saw owls (seen)\n\nAnswer: yes"
    assert model.calls["sample"] == 1


async def test_k_shot_shows_each_label_in_turn():
    """K examples follow the prompt, each label as often as another, the same for the same key."""
    found = await shots(ONE, TRAIN, models=scripted(), key=KEY)
    prompt = k_shot(ONE, found, 4, KEY).prompts["answer"]
    first, *shown = prompt.split("\n\nWe saw")
    assert first == "Say which."
    assert sum(text.endswith("yes") for text in shown) == 2
    assert sum(text.endswith("no") for text in shown) == 2
    assert k_shot(ONE, found, 4, KEY).prompts["answer"] == prompt
    assert k_shot(ONE, found, 99, KEY).prompts["answer"].count("Answer:") == len(TRAIN)


async def test_kate_shows_what_is_most_like_each_input_last():
    """Every input has examples of its own, so a model that copies the last one answers as it."""

    def distribution(context):
        said = context.rsplit("Answer: ", 1)[-1].split()[0]
        return {"yes": 0.9, "no": 0.1} if said == "yes" else {"yes": 0.1, "no": 0.9}

    model = TableModel(distribution)
    found = await shots(ONE, TRAIN, models=model, key=KEY)
    graph = kate(ONE, found, 2)
    tests = [
        Example(f"e{i}", {"text": f"There are many {word}"}, TRAIN[i].targets)
        for i, word in enumerate(WORDS)
    ]
    evaluation = await evaluate(Program(graph, model), tests, metric=exact, key=KEY)
    assert evaluation.mean == 1.0
    (site,) = (await Program(graph, model).run(tests[0].inputs, key=KEY)).sites
    assert site.context.startswith("Say which.\n\nWe saw ")
    assert site.context.count("Answer:") == 3
    assert graph.prompts == ONE.prompts


async def test_kate_leaves_other_parts_as_they_are():
    """A graph with a plate keeps its outputs and its target, and the prompt its place."""
    graph = Graph(
        Input("text"),
        Node("notes", "{prompt} {text}", "Note.", draws=2),
        Node("answer", "{{prompt}} {prompt} {text} {notes}", "Say.", over="notes"),
        Function("vote", majority("answer")),
        target="answer",
    )
    found = await shots(graph, TRAIN[:3], models=scripted(), key=KEY)
    made = kate(graph, found, 1)
    assert made.outputs == ("vote",)
    assert made.target == "answer"
    assert made.nodes["answer"].template.startswith("{{prompt}} {prompt}\n\n{nearest_examples}")


def test_where_they_do_not_apply_it_is_said_why():
    """A function has neither prompt nor examples; a node without a prompt has no place for them."""
    vote = Graph(Input("text"), Node("a", "{prompt} {text}", draws=2), Function("v", majority("a")))
    assert "is a function" in no_shots(vote)
    assert "is a function" in no_ape(vote)
    bare = Graph(Input("text"), Node("a", "{text}", trainable=False))
    assert "shows no prompt" in no_shots(bare)
    assert "not to be changed" in no_ape(ONE.frozen("answer"))
    assert no_shots(ONE) is no_ape(ONE) is None


async def test_ape_takes_the_best_induced_instruction():
    """Instructions come from solved examples alone, and the best on the sample wins."""
    asked = []

    def induced(context, key):
        asked.append(context)
        return key.rng().choice(["Guess.", "Odd ones are yes.", "Be brief."])

    def distribution(context):
        right = "yes" if "odd" in context.rsplit("\n\n", 2)[-2] else "no"
        p = 0.95 if "Odd ones are yes." in context else 0.5
        return {right: p, ("no" if right == "yes" else "yes"): 1 - p}

    train = [
        Example(f"t{i}", {"text": f"{'odd' if i % 2 else 'even'} {i}"}, TRAIN[i % 6].targets)
        for i in range(12)
    ]
    graph = await ape(
        ONE,
        train,
        models=TableModel(distribution),
        proposer=ScriptedModel(induced),
        metric=exact,
        method=Method(batch_size=8, memory=2, schedule="reverse", staleness=1),
        seed=0,
        proposals=15,
    )
    assert graph.prompts == {"answer": "Odd ones are yes."}
    assert len(asked) == 15
    assert all("Say which." not in context for context in asked)
    assert all("Input: " in context and "Output: " in context for context in asked)


def test_the_mean_over_seeds_has_students_interval():
    """Of 1, 2 and 3 the 95 % interval is 2 ± 4.303 / √3, and of one value none."""
    found = over_seeds([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    assert over_seeds([0.5]).low is None
