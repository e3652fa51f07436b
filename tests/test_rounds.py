"""Rounds: what is collected is what fits learn from; a killed run comes out the same."""

import pytest

from langnet.collect import Collected, Solution
from langnet.data import Example
from langnet.errors import DataError, GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.lessons import (
    chances,
    given,
    goal_states,
    judged_solutions,
    least_likely,
    observing,
    right_solutions,
)
from langnet.metrics import exact
from langnet.node import Function, Input, Node
from langnet.procedure import Procedure, Round, Stage
from langnet.rounds import run_rounds
from langnet.testing import TableModel
from langnet.vi import Strategy
from langnet.vi.method import Method
from tests.mortal import Killed, Mortal, files

HINT = "Think of a pear."
TRAIN, DEV = (
    [Example(f"{part}{n}", {"x": f"x{n}"}, {"answer": "pear"}) for n in range(4)]
    for part in ("t", "d")
)


def table(context):
    """Pears where the prompt asks for them; a verdict that is right where it says to look."""
    if "Verdict:" in context:
        right = (0.9 if "pear." in context else 0.2) if "Look" in context else 0.5
        return {"Yes": right, "No": 1 - right}
    pear = 0.9 if HINT in context else 0.3
    return {"pear": pear, "plum": 1 - pear}


MODEL = TableModel(table)


def proposing(*prompts):
    """Method settings under which these prompts are proposed."""

    async def propose(request, key):
        return prompts[key.rng().randrange(len(prompts))]

    return Method(
        steps=1,
        batch_size=16,
        candidates=8,
        proposers={"known": Strategy(propose, calls=0)},
        mix={"known": 1},
    )


SOLVE = Graph(
    Input("x"),
    Node("solution", "{prompt} {x}: it is a", "Guess."),
    Function("answer", lambda solution: solution),
    name="solve",
)
VERIFY = Graph(
    Input("x"),
    Input("solution"),
    Node("verdict", "{prompt} {x} {solution}. Verdict:", "", choices=["Yes", "No"]),
    name="verify",
)


def now(pools, graph=VERIFY, examples=TRAIN):
    """A round as a lesson sees it."""
    return Round(len(pools), examples, pools, graph, MODEL, Key(("test",)))


def pool(*texts, draw=0):
    """Solutions of the first example; pears are right."""
    return Collected(
        tuple(
            Solution("t0", draw + n, {"x": "x0"}, "c", text, text, float(text == "pear"))
            for n, text in enumerate(texts)
        )
    )


async def test_lessons_take_each_text_once():
    """Right ones teach the solver, all teach the verifier, and joined pools have distinct ids."""
    pools = [pool("pear", "plum", "plum"), pool("plum", "fig")]
    right = await right_solutions("solution")(now(pools, SOLVE))
    assert [(one.id, one.targets) for one in right] == [
        ("t0#0", {"answer": "pear", "solution": "pear"})
    ]
    judged = await judged_solutions("verdict")(now(pools))
    assert [(one.inputs["solution"], one.targets["verdict"]) for one in judged] == [
        ("pear", "Yes"),
        ("plum", "No"),
        ("fig", "No"),
    ]
    assert len({one.id for one in judged}) == 3


async def test_the_guard_leaves_out_what_the_discriminator_takes_for_a_goal():
    """Of the policy's states those stay that are least like goals, and goals all stay."""
    discriminator = VERIFY.with_prompts({"verdict": "Look"})
    lesson = goal_states("verdict", state="solution", keep=0.5)
    goals = [Example(one.id, one.inputs, {"solution": "pear"}) for one in TRAIN]
    found = await lesson(now([pool("pear", "plum", "pear")], discriminator, goals))
    states = [(one.inputs["solution"], one.targets["verdict"]) for one in found]
    assert states == [("pear", "Yes")] * 4 + [("plum", "No")]
    with pytest.raises(DataError, match="there is no goal"):
        await lesson(now([pool("pear")], discriminator))
    judged = await judged_solutions("verdict")(now([pool("pear", "plum")]))
    assert await chances(
        discriminator, judged, "verdict", "Yes", models=MODEL, key=Key(("c",))
    ) == pytest.approx([0.9, 0.2])


def test_a_share_is_kept_in_order():
    """The least probable stay, one at least, and nothing is kept of nothing."""
    examples = [Example(str(n), {}) for n in range(5)]
    kept = least_likely(examples, [0.5, 0.1, 0.9, 0.2, 0.3], 0.4)
    assert [one.id for one in kept] == ["1", "3"]
    assert len(least_likely(examples, [0.5] * 5, 0.01)) == 1
    assert least_likely([], [], 1.0) == []
    with pytest.raises(ValueError, match="keep"):
        least_likely(examples, [0.5] * 5, 0.0)


def vstar():
    """A solver that learns from right solutions, and a verifier at the end."""
    judged = judged_solutions("verdict")
    return Procedure(
        SOLVE,
        (
            Stage("solver", SOLVE, right_solutions("solution"), given),
            Stage("verifier", VERIFY, judged, judged, metric=exact, last_only=True),
        ),
    )


async def rounds(procedure=None, model=MODEL, **settings):
    settings = {"count": 2, "draws": 3, "method": proposing(HINT, "Look"), **settings}
    return await run_rounds(
        procedure or vstar(), TRAIN, DEV, models=model, proposer=model, **settings
    )


async def test_right_solutions_teach_the_solver_and_all_teach_the_verifier():
    """Each prompt ends as the one that its lessons favour, and later rounds solve more."""
    found = await rounds(draws=8)
    assert found.prompts == {"solution": HINT, "verdict": "Look"}
    assert [(one.number, one.stage) for one in found.fits] == [
        (1, "solver"),
        (2, "solver"),
        (2, "verifier"),
    ]
    before, after = (sum(right for _, right in pool.counts()) for pool in found.pools)
    assert after > before
    assert found.onto(SOLVE).prompts == {"solution": HINT}


async def test_a_policy_learns_goals_that_only_the_discriminator_has_seen():
    """Alternating fits: what the discriminator approves is what the policy comes to do."""
    both = Graph(
        Input("x"),
        Node("solution", "{prompt} {x}: it is a", "Guess.", choices=["pear", "plum"]),
        Node("verdict", "{prompt} {x} {solution}. Verdict:", "", choices=["Yes", "No"]),
    )
    act = both.without("verdict")
    goals = goal_states("verdict", state="solution", keep=0.5)
    approval = observing("verdict", "Yes")
    procedure = Procedure(
        act,
        (
            Stage("discriminator", VERIFY, goals, goals, metric=exact),
            Stage("policy", both, approval, approval, metric=exact, frozen=("verdict",)),
        ),
    )
    examples = [Example(one.id, one.inputs, {"solution": "pear"}) for one in TRAIN]
    found = await run_rounds(
        procedure,
        examples,
        examples,
        models=MODEL,
        proposer=MODEL,
        method=proposing(HINT, "Look"),
        count=2,
        draws=8,
    )
    assert found.prompts == {"solution": HINT, "verdict": "Look"}


async def test_rounds_that_were_killed_come_out_the_same(tmp_path):
    """Resumed rounds leave the same bytes as uninterrupted ones, and other ones are refused."""
    counting = Mortal(MODEL, 10**9)
    await rounds(model=counting, directory=tmp_path / "whole")
    with pytest.raises(Killed):
        await rounds(model=Mortal(MODEL, counting.calls // 2), directory=tmp_path / "killed")
    again = await rounds(directory=tmp_path / "killed", resume=True)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert "round1/train.jsonl" in files(tmp_path / "whole")
    assert again.prompts == (await rounds(directory=tmp_path / "whole", resume=True)).prompts
    with pytest.raises(GraphError, match="draws differs"):
        await rounds(directory=tmp_path / "whole", resume=True, draws=4)


async def test_a_rare_label_fills_its_share():
    """A verifier learns from batches of both labels, though few solutions are right."""
    mostly = TableModel(
        lambda context: table(context) if "Verdict" in context else {"pear": 0.1, "plum": 0.9}
    )
    (verifier,) = (
        one
        for one in (await rounds(model=mostly, draws=8, count=1)).fits
        if one.stage == "verifier"
    )
    assert verifier.fitted is not None
    assert verifier.fitted.graph.prompts == {"verdict": "Look"}


async def test_a_stage_without_lessons_is_left_out():
    """Where no solution is right, the solver stays as it is, and the verifier still learns."""
    never = TableModel(lambda context: table(context) if "Verdict" in context else {"plum": 1.0})
    found = await rounds(model=never, count=1)
    assert [(one.stage, one.fitted is None) for one in found.fits] == [
        ("solver", True),
        ("verifier", False),
    ]
    assert found.prompts["solution"] == "Guess."


def test_one_name_is_one_prompt():
    """Networks that begin with different texts under one name are refused."""
    other = Graph(Input("x"), Node("solution", "{prompt} {x}", "Other."))
    with pytest.raises(GraphError, match="begins otherwise"):
        _ = Procedure(SOLVE, (Stage("s", other, given, given),)).prompts
