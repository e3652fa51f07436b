"""Verdicts: what a right answer says of solutions and verdicts, and when a vote is sure."""

import math

import pytest

from langnet.data import Example
from langnet.errors import GraphError
from langnet.fit import fit
from langnet.functions import only_if
from langnet.graph import Graph
from langnet.graph_file import load, save
from langnet.node import Function, Input, Node
from langnet.testing import TableModel
from langnet.verdicts import is_sure, rightness, with_verdicts
from langnet.vi import Inference, Strategy
from langnet.vi.method import Method


def test_answers_and_verdicts_are_paired():
    """Every answer keeps its verdict, and a verdict that is missing is told."""
    pairs = with_verdicts("a", "v")
    assert pairs(a=("4", "5"), v=("Yes", "No")) == (("4", "Yes"), ("5", "No"))
    with pytest.raises(GraphError, match="1 verdicts do not pair with 2"):
        pairs(a=("4", "5"), v=("Yes",))


def test_a_vote_is_as_sure_as_its_winner_on_average():
    """The threshold is held against the mean score of the winner's solutions, and is enough."""
    values = {"a": ("4", "5", "4"), "s": (0.5, 0.6, 0.3)}
    assert is_sure("a", "s", threshold=0.4)(**values) == "yes"
    assert is_sure("a", "s", threshold=0.41)(**values) == "no"
    assert is_sure("a", "s", threshold=0.0)(a=("", ""), s=(1.0, 1.0)) == "no"


def test_right_answers_and_right_verdicts_are_likely():
    """Both count by the log-odds of an error, the verdict by its weight; solutions add up."""
    found = {
        (answer, verdict): rightness(error=0.2, verification=0.5)("4", ((answer, verdict),))
        for answer in ("4", "5")
        for verdict in ("Yes", "No")
    }
    reward = math.log(0.8 / 0.2)
    assert found["4", "Yes"] == pytest.approx(1.5 * math.log(0.8))
    assert found["4", "Yes"] - found["4", "No"] == pytest.approx(0.5 * reward)
    assert found["5", "No"] - found["5", "Yes"] == pytest.approx(0.5 * reward)
    assert found["4", "No"] - found["5", "Yes"] == pytest.approx(reward)
    both = rightness(error=0.2, verification=0.5)("4", (("4", "Yes"), ("5", "No")))
    assert both == pytest.approx(found["4", "Yes"] + found["5", "No"])
    assert rightness("number")("4.0", (("4", "Yes"),)) == pytest.approx(2 * math.log(0.9))


def test_settings_out_of_range_are_refused():
    """A metric that is not there, a coin for an error, and a negative weight."""
    for settings in ({"metric": "close"}, {"error": 0.5}, {"verification": -1.0}):
        with pytest.raises(GraphError, match=r"metric|between"):
            rightness(**settings)


HINT, LOOK = "Think of a pear.", "Look closely."


def table(context):
    """Half of the solutions are right; who looks closely sees which."""
    if "Verdict:" in context:
        yes = 0.5
        if LOOK in context:
            yes = 0.9 if "pear." in context else 0.1
        return {"Yes": yes, "No": 1 - yes}
    right = 0.8 if HINT in context else 0.5
    return {"pear": right, "plum": 1 - right}


def solving():
    """A solver, a verifier, and what is observed of both."""
    return Graph(
        Input("x"),
        Node("solution", "{prompt} {x}: it is a", "Guess.", draws=3),
        Node(
            "verdict",
            "{prompt} {x} {solution}. Verdict:",
            "Judge.",
            choices=["Yes", "No"],
            over="solution",
        ),
        Function("sure", is_sure("solution", "verdict"), probability_of={"verdict": "Yes"}),
        Function("doubted", only_if("x", "sure", "no"), plural=True),
        Function("judged", with_verdicts("solution", "verdict"), likelihood=rightness()),
        outputs=("judged", "doubted"),
    )


async def test_answers_alone_teach_the_solver_and_the_verifier():
    """No verdict is observed, yet the verifier ends with the prompt that sees what is right."""

    async def propose(request, key):
        return key.rng().choice([HINT, LOOK])

    examples = [Example(f"e{n}", {"x": f"x{n}"}, {"judged": "pear"}) for n in range(12)]
    method = Method(
        steps=2,
        batch_size=12,
        candidates=6,
        inference=Inference(draws=4),
        proposers={"known": Strategy(propose, calls=0)},
        mix={"known": 1},
    )
    fitted = await fit(solving(), examples, examples, models=TableModel(table), method=method)
    assert fitted.state.prompts == {"solution": HINT, "verdict": LOOK}


def test_a_network_of_approval_is_saved_without_trust(tmp_path):
    """The functions are langnet's own: a file names them, and gives the same network."""
    save(solving(), tmp_path / "net.yaml")
    assert load(tmp_path / "net.yaml") == solving()
