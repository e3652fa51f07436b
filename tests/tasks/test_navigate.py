"""The walk simulator and the questions made with it."""

import json
import re
from pathlib import Path

import pytest

from langnet.errors import DataError
from langnet.tasks.navigate import answer, generate

REAL = Path(__file__).parents[3] / "shared" / "data" / "bbh" / "navigate.json"


def test_the_simulator_agrees_with_the_published_answers():
    """All 250 published items have the answer that the walk gives."""
    if not REAL.exists():
        pytest.skip("BIG-Bench-Hard's navigate.json is not here")
    items = json.loads(REAL.read_text(encoding="utf-8"))["examples"]
    assert len(items) == 250
    assert [answer(item["input"]) for item in items] == [item["target"] for item in items]


@pytest.mark.parametrize(
    ("walk", "returns"),
    [
        ("Always face forward. Take 2 steps left. Take 1 step right. Take 1 step right.", "Yes"),
        ("Always face forward. Take 2 steps left. Take 2 steps forward.", "No"),
        ("Take 2 steps. Turn left. Take 1 step. Turn left. Take 2 steps. Turn left.", "No"),
        (". ".join(["Take 2 steps", "Turn left"] * 4), "Yes"),
        ("Take 3 steps. Turn right. Turn right. Take 3 steps.", "Yes"),
        ("Take 3 steps. Turn right. Turn left. Take 3 steps.", "No"),
        ("Turn around.", "Yes"),
    ],
)
def test_walks_by_hand(walk, returns):
    """Walks that can be followed with a finger."""
    assert answer(walk) == returns


def test_unknown_instructions_are_refused():
    """The simulator does not skip what it does not know."""
    with pytest.raises(DataError, match="'Jump 2 steps' is no instruction"):
        answer("Take 1 step. Jump 2 steps.")


@pytest.mark.parametrize("options", [True, False])
def test_labels_are_what_the_walk_says(options):
    """Every generated label is the simulator's, in the form of the published questions."""
    form = re.compile(
        r"If you follow these instructions, do you return to the starting point\? "
        r"(Always face forward\. (Take (1 step|[2-9] steps|10 steps) "
        r"(forward|backward|left|right)\. ?){2,9}"
        r"|((Take (1 step|[2-9] steps|10 steps)|Turn (left|right|around))\. ?){2,9})"
        + (r"\nOptions:\n- Yes\n- No" if options else "")
    )
    examples = generate(600, seed=11, options=options)
    questions = [example.inputs["text"] for example in examples]
    assert [answer(question) for question in questions] == [e.targets["answer"] for e in examples]
    assert all(form.fullmatch(question) for question in questions)
    sideways = sum("Always" in question for question in questions)
    assert 200 < sideways < 400


def test_length_does_not_give_the_answer_away():
    """Walks of both answers are about equally long."""
    lengths = {"Yes": [], "No": []}
    for example in generate(1000, seed=12):
        lengths[example.targets["answer"]].append(example.inputs["text"].count(". "))
    means = {label: sum(values) / len(values) for label, values in lengths.items()}
    assert abs(means["Yes"] - means["No"]) < 0.5
