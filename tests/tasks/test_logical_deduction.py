"""Objects in a row: what sentences say of them, and questions with one answer."""

from __future__ import annotations

from itertools import permutations

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks.arrangement import SCENES, condition
from langnet.tasks.logical_deduction import answer

ROW = ("oak", "elm", "ash", "fir", "yew")
QUESTION = (
    "On a branch, there are three birds: a jay, an owl, and a wren. {told}\nOptions:\n"
    "(A) The jay is the leftmost\n(B) The owl is the leftmost\n(C) The wren is the leftmost"
)


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("The fir is the leftmost.", 0),
        ("The fir is the second from the left.", 1),
        ("The fir is the second from the right.", 3),
        ("The fir is the third-newest.", 2),
        ("The fir is the second-oldest.", 1),
        ("The fir are the second-most expensive.", 3),
        ("The fir are the second-cheapest.", 1),
        ("fir finished second.", 1),
        ("fir finished second-to-last.", 3),
        ("fir finished last.", 4),
        ("The fir is the newest.", 4),
        ("The fir are the most expensive.", 4),
    ],
)
def test_places_by_hand(sentence, place):
    """What a sentence says of a place holds there and nowhere else."""
    holds = condition(sentence, ROW)
    for places in permutations(range(5)):
        order = dict(zip(ROW, places, strict=True))
        assert holds(order) == (order["fir"] == place)


@pytest.mark.parametrize(
    "sentence",
    [
        "The oak is to the left of the elm.",
        "The elm is to the right of the oak.",
        "The oak are less expensive than the elm.",
        "The elm are more expensive than the oak.",
        "The oak is older than the elm.",
        "The elm is newer than the oak.",
        "oak finished above elm.",
        "elm finished below oak.",
    ],
)
def test_comparisons_by_hand(sentence):
    """All of them say that the oak comes before the elm."""
    holds = condition(sentence, ROW)
    assert holds({"oak": 0, "elm": 1})
    assert not holds({"oak": 4, "elm": 1})


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.intro)
@pytest.mark.parametrize("count", [3, 5, 7])
def test_what_a_scene_says_is_understood(scene, count):
    """Each place has words of its own, which say just that place."""
    objects = scene.objects[:count]
    for place in range(count):
        holds = condition(
            f"{scene.told(objects[0], capital=True)} {scene.says(place, count)}", objects
        )
        assert [holds({objects[0]: at}) for at in range(count)] == [
            at == place for at in range(count)
        ]


def test_questions_without_one_answer_are_refused():
    """Too little said, a contradiction, and unknown objects are faults of the question."""
    assert (
        answer(QUESTION.format(told="The owl is the leftmost. The jay is the rightmost.")) == "(B)"
    )
    with pytest.raises(DataError, match="2 orders"):
        answer(QUESTION.format(told="The owl is the leftmost."))
    with pytest.raises(DataError, match="0 orders"):
        answer(QUESTION.format(told="The owl is the leftmost. The jay is the leftmost."))
    with pytest.raises(DataError, match="'The hen' is none of jay, owl, wren"):
        answer(QUESTION.format(told="The hen is the leftmost."))
    with pytest.raises(DataError, match="says nothing"):
        answer(QUESTION.format(told="The owl sings."))


def test_statements_rule_something_out_each():
    """No question says more than its objects need: at most one statement short of all pairs."""
    for example in tasks.get("logical_deduction", objects=5).generate(50, seed=14):
        story = example.inputs["text"].partition("\nOptions:")[0]
        assert 2 <= story.count(". ") - 2 <= 10
