"""Selection in a step: races, tests of acceptance, held-out halves, failures, feedback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from langnet import Example, Graph, Input, Key, Method, ModelError, Node, TooManyFailures
from langnet.metrics import exact
from langnet.testing import TableModel
from langnet.vi.context import Context
from langnet.vi.memory import Remembered
from langnet.vi.step import improve


def network():
    return Graph(Input("x"), Node("y", "{prompt} | {x}", "p0", choices=("yes", "no")))


def distribution(context):
    """Prompt "pN" makes the right answer N tenths of a tenth likelier."""
    number = int(context.split(" | ")[0].removeprefix("p"))
    p = 0.5 + number / 100
    return {"yes": p, "no": 1 - p}


def examples(n=12):
    return [Example(f"e{number}", {"x": f"{number}"}, {"y": "yes"}) for number in range(n)]


async def listed(request, key):
    return f"p{1 + key[-1]}"


METHOD = Method(candidates=8, mix={"listed": 1}, proposers={"listed": listed})


async def stepped(method=METHOD, model=None, batch=None, **told):
    model = model or TableModel(distribution)
    context = Context(
        models=model, proposer=model, metric=exact, method=method, key=Key(("select",)), **told
    )
    return await improve(network(), batch or examples(), context)


async def test_a_race_takes_what_full_scoring_takes():
    """Racing and full scoring pick the same prompt; racing evaluates fewer pairs."""
    (raced,) = (await stepped()).selections
    (full,) = (await stepped(replace(METHOD, racing=None))).selections
    assert raced.text == full.text == "p8"
    assert raced.evaluated <= full.full / 3 < full.evaluated == full.full
    assert {candidate.examples for candidate in full.candidates} == {12}
    assert full.gain == pytest.approx(full.candidates[8].score - full.candidates[0].score)


@pytest.mark.parametrize(("level", "text"), [(None, "p8"), (0.05, "p8"), (1e-6, "p0")])
async def test_acceptance_asks_for_evidence(level, text):
    """At a level that few examples cannot reach the incumbent stays; the winner is on record."""
    (found,) = (await stepped(replace(METHOD, accept=level))).selections
    assert found.text == text
    assert found.candidates[found.winner].text == "p8"


async def test_held_out_halves_do_not_meet():
    """With `held_out`, proposers see one half of the batch, and the other half decides."""
    shown = []

    async def looking(request, key):
        shown.extend(item.context for item in request.observations)
        return f"p{1 + key[-1]}"

    model = TableModel(distribution)
    method = replace(METHOD, held_out=True, proposers={"listed": looking}, racing=None)
    (found,) = (await stepped(method, model)).selections
    assert len(set(shown)) == 6
    assert {candidate.examples for candidate in found.candidates} == {6}


class Faulty(TableModel):
    """A model that fails on one input under new prompts."""

    def __init__(self, marker):
        super().__init__(distribution)
        self.marker = marker

    async def choose(self, context, choices):
        if context.endswith(self.marker) and not context.startswith("p0"):
            raise ModelError("the server hung up")
        return await super().choose(context, choices)


async def test_an_example_that_fails_counts_for_nobody():
    """A call that fails while candidates are scored loses its example, and no other."""
    result = await stepped(replace(METHOD, racing=None), Faulty(" 3"))
    assert [failure.example for failure in result.failures] == ["e3"]
    whole = await stepped(replace(METHOD, racing=None))
    for one, other in zip(
        result.selections[0].candidates, whole.selections[0].candidates, strict=True
    ):
        assert one.score == pytest.approx(other.score)
    with pytest.raises(TooManyFailures, match="server hung up"):
        await stepped(replace(METHOD, max_failures=0.0), Faulty(" 3"))


@pytest.mark.parametrize("number", range(12))
async def test_a_failed_example_favours_nobody_in_a_race(number):
    """Whichever example fails for the challengers, none that is worse takes the place."""

    class Worse(TableModel):
        async def choose(self, context, choices):
            if not context.startswith("p0") and context.endswith(f" {number}"):
                raise ModelError("the server hung up")
            return await super().choose(context, choices)

    def slightly(context):
        p = 0.05 if context.startswith("p0") else 0.049
        return {"yes": p, "no": 1 - p}

    result = await stepped(model=Worse(slightly))
    (found,) = result.selections
    assert found.text == "p0"
    assert [failure.example for failure in result.failures] in ([], [f"e{number}"])


async def test_memory_prompts_are_candidates_once():
    """Remembered prompts are scored like any other, each once."""
    memory = tuple(Remembered({"y": f"p{n}"}, 0.5, (1.0,)) for n in (0, 5, 40))
    (found,) = (await stepped(memory=memory)).selections
    texts = [candidate.text for candidate in found.candidates]
    assert len(texts) == len(set(texts))
    assert found.text == "p40"
    assert found.candidates[found.chosen].origin == "memory"


async def test_proposers_hear_what_people_say():
    """A person's words on a prompt reach its proposers; a Pareto parent is where they start."""
    heard = []

    async def listening(request, key):
        heard.append((request.feedback, request.parent))
        return ""

    method = replace(
        METHOD,
        candidates=1,
        proposers={"listed": listening},
        feedback={"y": ("too curt",)},
        remember="pareto",
    )
    await stepped(method, memory=(Remembered({"y": "p5"}, 0.5, (1.0, 0.0)),))
    assert heard == [(("too curt",), "p5")]
    await stepped(replace(method, feedback={}, remember="best"))
    assert heard[-1] == ((), None)


async def test_the_incumbents_scores_cost_nothing():
    """What a race asks about the incumbent has been asked before: by inference or as a rollout."""
    for objective in ("likelihood", "rollout"):
        model = TableModel(distribution)
        result = await stepped(replace(METHOD, objective=objective), model)
        (found,) = result.selections
        assert found.full == 8 * 12  # without the incumbent
        assert result.calls.sent["score"] == found.evaluated
        assert sum(model.calls.values()) == result.calls.total
