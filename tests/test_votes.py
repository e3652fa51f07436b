"""Votes over draws, alone and in a graph with plates of solutions and verdicts."""

from __future__ import annotations

import dataclasses
import inspect
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.data import Example
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.graph_file import load, save
from langnet.key import Key
from langnet.lm.base import Decoding
from langnet.node import Choices, Function, Input, Node
from langnet.program import Program
from langnet.run import run
from langnet.testing import ScriptedModel, TableModel, exact_evidence
from langnet.vi import bound, infer
from langnet.vi.posterior import Inference
from langnet.votes import (
    after,
    best,
    boxed,
    last_number,
    majority,
    mean_verdict,
    tally,
    weighted,
)

ANSWERS = st.lists(st.sampled_from(["a", "b", "c", "", None]), max_size=8)


@given(ANSWERS)
def test_equal_scores_make_a_weighted_vote_a_majority(answers):
    """Weights that are all alike change nothing."""
    scores = (0.5,) * len(answers)
    assert weighted("a", "s")(a=tuple(answers), s=scores) == majority("a")(a=tuple(answers))


@given(ANSWERS, st.data())
def test_with_one_score_each_a_weighted_vote_is_the_best(answers, data):
    """Of each answer only the highest score counts: the answer of the best solution wins."""
    scores = tuple(
        data.draw(st.lists(st.integers(0, 3), min_size=len(answers), max_size=len(answers)))
    )
    top = weighted("a", "s", top=1)(a=tuple(answers), s=scores)
    winner = best("a", "s")(a=tuple(answers), s=scores)
    weights = tally(answers, scores, top=1)
    assert weights.get(top) == weights.get(winner)


def test_unread_answers_have_no_vote_and_ties_go_to_the_first():
    """However many there are and however well they are scored, the empty answers do not win."""
    assert majority("a")(a=("", "", "", "4", None)) == "4"
    assert best("a", "s")(a=("", "4", "5"), s=(1.0, 0.2, 0.2)) == "4"
    assert weighted("a", "s")(a=("5", "4", "4", ""), s=(1.0, 0.5, 0.5, 9.0)) == "5"
    for vote in (best("a", "s"), weighted("a", "s")):
        assert vote(a=("", None), s=(1.0, 1.0)) == ""


def test_only_the_top_scores_of_an_answer_count():
    """Many mediocre solutions do not outvote few good ones."""
    answers, scores = ("4",) * 5 + ("5",) * 2, (0.3,) * 5 + (0.7, 0.6)
    assert weighted("a", "s")(a=answers, s=scores) == "4"
    assert weighted("a", "s", top=2)(a=answers, s=scores) == "5"


def test_scores_must_be_numbers_that_pair_with_the_answers():
    """Verdicts in place of scores, or the wrong number of them, are said to be so."""
    with pytest.raises(GraphError, match="mean_verdict"):
        best("a", "s")(a=("4",), s=("Yes",))
    with pytest.raises(GraphError, match="2 scores do not pair with 1 answers"):
        weighted("a", "s")(a=("4",), s=(1.0, 2.0))
    with pytest.raises(GraphError, match="top"):
        weighted("a", "s", top=0)


def test_verdicts_are_averaged_over_those_that_can_be_read():
    """What begins with neither word is dropped, and a solution without any verdict gets 0."""
    mean = mean_verdict("v")
    assert mean(v=("Yes.", "no", "perhaps", "Yes, since")) == pytest.approx(2 / 3)
    assert mean(v=(("Yes", "No"), ("?", ""), ("Nothing", "yes"))) == (0.5, 0.0, 1.0)
    assert mean_verdict("v", "Right", "Wrong")(v=("right", "Wrong")) == 0.5


def test_probabilities_are_averaged_as_they_are():
    """p(Yes) in the place of a verdict counts as much as it is."""
    mean = mean_verdict("v")
    assert mean(v=(0.25, 0.75, 0.5)) == pytest.approx(0.5)
    assert mean(v=((0.0, 1.0), (0.2, 0.2))) == pytest.approx((0.5, 0.2))


def test_answers_are_read_out_of_texts():
    """The last number in one form, the last box with its braces, what follows a marker."""
    number = last_number("s")
    assert number(s="it is $1,250.00, no, -3.50 dollars") == "-3.5"
    assert number(s=("1,250.0", "none", "-0", "1e3")) == ("1250", "", "0", "1000")
    box = boxed("s")
    assert box(s=r"\boxed{1} or \boxed{\frac{1}{2}}.") == r"\frac{1}{2}"
    assert box(s=r"\boxed{1") == box(s="1") == ""
    assert after("s")(s="Answer: 3\nanswer:  Four. \nDone") == "four"
    assert after("s", "A:")(s=("A: x", "A:", "none")) == ("x", "", "")


@pytest.mark.parametrize(
    "function", [best("a", "s"), weighted("a", "s", 2), mean_verdict("a"), last_number("a")]
)
def test_votes_are_values_with_named_parents(function):
    """They are equal when made alike, after pickling too, and their parents are their edges."""
    again = pickle.loads(pickle.dumps(function))  # noqa: S301 - made here
    assert again == function
    assert inspect.signature(again) == inspect.signature(function)
    assert Function("f", again).parents == (
        ("a", "s") if isinstance(function, best | weighted) else ("a",)
    )


def network():
    return Graph(
        Input("question"),
        Node("solution", "{question} {prompt}", "Solve:", draws=4),
        Node(
            "verdict",
            "{question} {solution} {prompt}",
            "Correct?",
            choices=["Yes", "No"],
            over="solution",
            draws=3,
            decoding=Decoding(temperature=1.0),
        ),
        Function("answer", last_number("solution")),
        Function("score", mean_verdict("verdict")),
        Function("vote", weighted("answer", "score", top=2)),
        outputs="vote",
    )


async def test_a_plate_of_solutions_with_a_plate_of_verdicts_ends_in_a_vote():
    """S × V verdicts become S scores, and the vote follows from the texts in the trace."""

    def table(context):
        if context.endswith("Solve:"):
            return {"it is 4": 0.5, "it is 5.0": 0.5}
        return {"Yes": 0.9, "No": 0.1} if "5.0" in context else {"Yes": 0.1, "No": 0.9}

    trace = await run(network(), {"question": "2 + 3?"}, models=TableModel(table), key=Key(("t",)))
    assert [len(row) for row in trace["verdict"]] == [3] * 4
    assert trace["score"] == tuple(row.count("Yes") / 3 for row in trace["verdict"])
    assert set(trace["answer"]) == {"4", "5"}
    weights = tally(trace["answer"], trace["score"], top=2)
    assert trace.output == max(weights, key=weights.get) == "5"


async def test_free_verdicts_vote_as_well_as_labels():
    """A model that cannot compare labels writes its verdicts, and they are parsed."""
    model = ScriptedModel(
        lambda context, _: "5" if context.endswith("Solve:") else "No, it is not."
    )
    trace = await run(network(), {"question": "2 + 3?"}, models=model, key=Key(("t",)))
    assert trace["score"] == (0.0,) * 4
    assert trace.output == "5"


def judged():
    """A network whose vote reads p(Yes) and not the verdicts."""
    solution, verdict, answer = network().parts["solution"], network().parts["verdict"], "answer"
    return Graph(
        Input("question"),
        dataclasses.replace(solution, draws=2),
        dataclasses.replace(verdict, draws=None),
        Function(answer, last_number("solution")),
        Function("vote", best(answer, "verdict"), probability_of={"verdict": "Yes"}),
        outputs="vote",
    )


def chances(context):
    """Two answers, of which the second is more likely right than the first, and neither surely."""
    if context.endswith("Solve:"):
        return {"it is 4": 0.5, "it is 5": 0.5}
    return {"Yes": 0.4, "No": 0.6} if "is 5" in context else {"Yes": 0.2, "No": 0.8}


async def test_a_vote_reads_the_probability_of_a_verdict():
    """It weighs by p(Yes) whatever the verdicts say, at no call beyond those that drew them."""
    model = TableModel(chances)
    for number in range(10):
        model.calls.clear()
        key = Key(("t", number))
        trace = await run(judged(), {"question": "2 + 3?"}, models=model, key=key)
        assert trace.output == max(trace["answer"])
        assert model.calls["choose"] == 2


async def test_probabilities_do_not_depend_on_observed_verdicts():
    """Where a verdict is given, the probability is asked for; three labels are asked for, too."""
    model = TableModel(chances)
    given = {"verdict": ("Yes", "No"), "solution": ("it is 4", "it is 5")}
    question = {"question": "2 + 3?"}
    trace = await run(judged(), question, models=model, key=Key(("t",)), given=given)
    assert trace.output == "5"
    assert model.calls["choose"] == 2
    three = judged().replace("verdict", choices=Choices.of(["Yes", "No", "Perhaps"]))
    trace = await run(three, question, models=model, key=Key(("t",)))
    assert trace.output == max(trace["answer"])


async def test_the_bound_through_probabilities_is_exact():
    """Particles agree with enumeration where an observed vote reads probabilities."""
    model = TableModel(chances)
    example = Example("e", {"question": "2 + 3?"}, {"vote": "5"})
    exact = exact_evidence(judged(), model, example.inputs, example.targets)
    assert exact == pytest.approx(math.log(0.75))
    found = await bound(
        Program(judged(), model), [example], draws=1000, guide="prior", key=Key(("t",))
    )
    assert found.iwae.mean == pytest.approx(exact, abs=0.1)


async def test_posteriors_see_solutions_through_their_probabilities():
    """A solution that the vote's probabilities rule out gets no weight, by either posterior."""
    example = Example("e", {"question": "2 + 3?"}, {"vote": "4"})
    for kind, sweeps in (("local", 3), ("particles", 1)):
        found = await infer(
            Program(judged(), TableModel(chances)),
            example,
            settings=Inference(kind=kind, draws=12, guide="prior", sweeps=sweeps),
            key=Key(("t", kind)),
        )
        best_texts = found.best["solution"]
        assert best_texts == ("it is 4", "it is 4")


def test_probabilities_must_be_of_choices_that_are_parents():
    """Each fault is said with its mend."""
    for wrong, words in (
        ({"verdict": "Maybe"}, "no choice of it; there is Yes, No"),
        ({"answer": "Yes"}, "has no choices"),
        ({"solution": "Yes"}, "none of its parents"),
    ):
        with pytest.raises(GraphError, match=words):
            judged().replace("vote", probability_of=wrong)


def test_a_graph_with_probabilities_is_saved(tmp_path: Path):
    """The file holds which label is read of which node."""
    save(judged(), tmp_path / "g.json")
    assert load(tmp_path / "g.json") == judged()
    assert pickle.loads(pickle.dumps(judged())) == judged()  # noqa: S301 - made here


def test_a_graph_with_votes_is_saved_without_trust(tmp_path: Path):
    """Votes are langnet's own functions: a file that names them needs no trust."""
    save(network(), tmp_path / "g.yaml")
    assert load(tmp_path / "g.yaml") == network()
