"""Call planning: what is planned is what is sent, on every graph."""

from __future__ import annotations

from dataclasses import replace

import pytest

from langnet import (
    Decoding,
    Example,
    Function,
    Graph,
    Inference,
    Input,
    Key,
    Meter,
    Method,
    Node,
    Price,
    Racing,
    fit,
    plan_fit,
)
from langnet.functions import only_if
from langnet.lm.meter import Metered
from langnet.metrics import exact
from langnet.testing import TableModel
from langnet.vi import exploration, likelihood
from langnet.vi.context import Context
from langnet.vi.dry import dry_graph
from langnet.vi.ledger import PHASES
from langnet.vi.plan import plan
from langnet.vi.step import improve, observe
from tests.distinct import Distinct
from tests.laws.graphs import GRAPHS, VOCABULARY, branch, inputs, table


def observed(graph, n=3):
    found = []
    for number in range(n):
        values = {name: f"{value} {number}" for name, value in inputs(graph).items()}
        found.append(Example(f"e{number}", values, {"y": f"w{number}"}))
    return found


async def listed(request, key):
    (completion,) = await request.model.sample(
        f"another prompt for {request.current}", decoding=DECODING, keys=(key,)
    )
    return f"{request.current} {completion.text} {key[-1]}"


DECODING = Decoding(max_tokens=4)
METHOD = Method(
    candidates=3,
    memory=0,
    mix={"listed": 1.0},
    proposers={"listed": listed},
    racing=None,
    inference=Inference(draws=4, min_weight=0.0),
)


def context(model, method, step=0):
    return Context(
        models=model, proposer=model, metric=exact, method=method, key=Key(("plan",)), step=step
    )


VARIANTS = {
    "local": METHOD,
    "no prior": replace(
        METHOD, inference=replace(METHOD.inference, prior_term=False, include_forward=False)
    ),
    "corrected": replace(METHOD, inference=replace(METHOD.inference, subtract_proposal=True)),
    "information": replace(METHOD, inference=replace(METHOD.inference, mutual_information=True)),
    "sweeps": replace(METHOD, inference=replace(METHOD.inference, sweeps=2)),
    "particles": replace(METHOD, inference=replace(METHOD.inference, kind="particles")),
    "terms": replace(METHOD, objectives=(likelihood, exploration(1.0))),
    "rollout": replace(METHOD, objective="rollout", rollouts=2),
    "reverse": replace(METHOD, schedule="reverse"),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", GRAPHS)
async def test_planned_calls_are_the_calls_made(name, variant):
    """Law 5: before anything is sent, the plan says call by call what a step sends."""
    graph = GRAPHS[name]()
    method = VARIANTS[variant]
    meter = Meter()
    model = Metered(Distinct(), meter)
    planned = await plan(graph, observed(graph), context(model, method))
    assert meter.snapshot().calls == 0
    result = await improve(graph, observed(graph), context(model, method))
    account = planned.account(result.calls)
    assert planned.exact
    if variant == "reverse":  # what later groups ask again depends on what earlier ones changed
        assert all(count >= 0 for count in account.unneeded.values())
    else:
        assert dict(account.unneeded) == dict.fromkeys(PHASES, 0)
        assert planned.total.calls == result.calls.total
    assert account.raced == 0
    assert result.calls.total == meter.snapshot().calls


async def test_a_plan_takes_every_branch():
    """What a decision may spare is in the plan, which is then no more than a limit."""
    graph, method = branch(), VARIANTS["particles"]
    model = TableModel(table(0, 3.0, 3))
    planned = await plan(graph, observed(graph), context(model, method))
    result = await improve(graph, observed(graph), context(model, method))
    account = planned.account(result.calls)
    assert not planned.exact
    assert all(count >= 0 for count in account.unneeded.values())
    assert account.unneeded["infer"] > 0


async def test_a_decision_that_only_a_branch_reads_is_an_edge_of_the_plan():
    """A plan keeps what a branch reads, though it takes the branch whatever that says."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt} {x}", "a"),
        Function("long", is_long),
        Function("again", only_if("x", "long", "yes"), plural=True),
        Node("more", "{prompt} {again}", "b", over="again", trainable=False),
        Node("y", "{prompt} {h}", "c"),
        outputs=("y", "more"),
    )
    planned = await plan_fit(
        graph,
        observed(graph),
        observed(graph),
        models=TableModel(table),
        proposer=TableModel(table),
        method=replace(METHOD, steps=1),
    )
    assert planned.total.calls > 0


def is_long(h):
    """Whether a text is long."""
    return "yes" if len(h) > 3 else "no"


async def test_savings_are_accounted_for():
    """What racing, repetition and equal texts spare adds up to the plan, call by call."""
    graph = GRAPHS["diamond"]()
    method = replace(METHOD, candidates=9, racing=Racing(), memory=2, inference=Inference(draws=4))
    meter = Meter()
    model = Metered(TableModel(table(0, 3.0, 3)), meter)
    examples = observed(graph, 12)
    for number, example in enumerate(examples):
        word = VOCABULARY[number % 3]
        examples[number] = replace(example, targets={"y": word})
    planned = await plan(graph, examples, context(model, method))
    result = await improve(graph, examples, context(model, method))
    account = planned.account(result.calls)
    assert account.raced > 0
    assert all(count >= 0 for count in account.unneeded.values())
    assert sum(account.unneeded.values()) > 0
    assert sum(result.calls.repeated.values()) > 0
    spared = account.raced + sum(account.unneeded.values())
    assert planned.total.calls == meter.snapshot().calls + spared
    assert {s.evaluated < s.full for s in result.selections} == {True}


@pytest.mark.parametrize("kind", ["local", "particles"])
@pytest.mark.parametrize("name", GRAPHS)
async def test_a_stale_step_is_planned_with_its_correction(name, kind):
    """With staleness a plan counts the correction, call by call, where the prompts have changed."""
    graph = GRAPHS[name]()
    inference = replace(METHOD.inference, kind=kind)
    told = context(Distinct(), replace(METHOD, staleness=1, inference=inference))
    planned = await plan(graph, observed(graph), told)
    looked = await observe(graph, observed(graph), told)
    now = graph.with_prompts({prompt: f"{text} anew" for prompt, text in graph.prompts.items()})
    result = await improve(now, observed(graph), told, looked=looked)
    assert result.correction is not None
    assert planned.phases["correct"].calls > 0 or name == "chain4"
    assert dict(planned.account(result.calls).unneeded) == dict.fromkeys(PHASES, 0)


async def test_racing_spares_what_full_scoring_asks():
    """The calls that racing spares are those that scoring in full would have sent besides."""
    graph = GRAPHS["chain"]()
    found = {}
    for racing in (None, Racing()):
        method = replace(METHOD, candidates=9, racing=racing)
        found[racing] = await improve(graph, observed(graph, 12), context(Distinct(), method))
    full, raced = found.values()
    assert full.calls.raced == 0
    assert full.calls.sent["score"] == raced.calls.sent["score"] + raced.calls.raced


async def test_a_plan_for_functions_that_cannot_read_it():
    """A function that fails on made-up texts stops no plan; one that parts texts makes it vague."""
    graph = Graph(
        Input("x"),
        Node("list", "{prompt} list {x}", "p", decoding=DECODING),
        Function("parts", lambda list: [int(word) for word in list.split()], plural=True),  # noqa: A006
        Node("each", "{prompt} each {parts}", "q", over="parts"),
        Function("joined", lambda each: f"<{each}>"),
        Node("y", "{prompt} y {joined}", "r"),
    )
    examples = [Example("e", {"x": "1"}, {"y": "w"})]
    planned = await plan(graph, examples, context(Distinct(), METHOD))
    assert not planned.exact
    assert planned.phases["forward"].calls == 3


async def test_a_fit_is_planned_with_its_validations():
    """The plan of a fit counts every step and every validation; its cost follows from prices."""
    graph = GRAPHS["chain"]()
    method = replace(METHOD, steps=5, validate_every=2, batch_size=2)
    model = Distinct()
    examples = observed(graph, 4)
    planned = await plan_fit(graph, examples, examples, models=model, proposer=model, method=method)
    assert planned.validations == 4  # before the first step, after 2 and 4, and at the end
    assert planned.validation.calls == 2 * len(examples)
    assert planned.total.calls == 5 * planned.step.total.calls + 4 * planned.validation.calls
    assert planned.cost(Price()) is None
    tokens = planned.total
    assert planned.cost(Price(1.0, 2.0)) == pytest.approx(
        (tokens.prompt_tokens + 2 * tokens.completion_tokens) / 1e6
    )
    meter = Meter()
    await fit(graph, examples, examples, models=Metered(model, meter), method=method, meter=meter)
    assert meter.snapshot().calls <= planned.total.calls


def test_a_dry_branch_keeps_its_edges():
    """Every branch is taken in a dry run, and still reads its value and its decision."""
    graph = Graph(
        Input("question"),
        Node("route", "{prompt}{question}", choices=("hard", "easy")),
        Function("hard", only_if("question", "route", "hard"), plural=True),
        Node("answer", "{prompt}{hard}", over="hard"),
    )
    dry, known = dry_graph(graph)
    assert dry["hard"].parents == ("question", "route")
    assert not known
