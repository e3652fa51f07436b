"""The laws on random small networks: plates, functions, shared prompts, targets anywhere."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from langnet import Example, Key, Meter, Method, Program, infer
from langnet.lm.meter import Metered
from langnet.metrics import exact
from langnet.testing.strategies import small_networks
from langnet.trace import log_mean_exp
from langnet.vi.context import Context
from langnet.vi.plan import plan
from langnet.vi.posterior import Inference
from langnet.vi.proposal import Strategy
from langnet.vi.step import improve
from tests.distinct import Distinct
from tests.laws.em import exact_rows, scores, total_evidence, updated
from tests.laws.enumeration import ENUMERATED, every_path, expected

MODEST = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


async def posteriors(network, **chosen):
    """Every posterior that can come out, with its probability."""
    program = Program(network.graph, network.model())
    inference = Inference(kind="particles", min_weight=0.0, **chosen)
    return await every_path(
        lambda: infer(program, network.example, key=ENUMERATED, settings=inference)
    )


@MODEST
@given(small_networks(most_outcomes=32), st.sampled_from(["prior", "hindsight", "mixture"]))
async def test_weights_are_unbiased_and_bound_the_evidence(network, guide):
    """Laws 1 and 2: E[w] = p(y | x), and ELBO = IWAE_1 ≤ IWAE_2 ≤ log p(y | x)."""
    components = 2 if guide == "mixture" else 1
    assume((components * network.words) ** network.latent_texts <= 128)
    found = await posteriors(network, draws=1, guide=guide)
    exact = network.evidence()
    assert expected(found, lambda posterior: math.exp(posterior.log_weights[0])) == pytest.approx(
        math.exp(exact), rel=1e-9
    )
    weights = [(p, posterior.log_weights[0]) for p, posterior in found]
    elbo = math.fsum(p * weight for p, weight in weights)
    iwae = math.fsum(
        p * q * log_mean_exp([one, other])
        for (p, one), (q, other) in itertools.product(weights, repeat=2)
    )
    assert elbo == pytest.approx(expected(found, lambda posterior: posterior.elbo))
    assert elbo <= iwae + 1e-9
    assert iwae <= exact + 1e-9


@MODEST
@given(small_networks(most_outcomes=9), st.sampled_from([0.9, 1.0]))
async def test_resampled_evidence_is_unbiased(network, resample):
    """Law 1 with resampling: E[Ẑ] = p(y | x), and E[log Ẑ] ≤ log p(y | x)."""
    assume(network.words**network.latent_texts <= 9)
    found = await posteriors(network, draws=2, guide="hindsight", resample=resample)
    exact = network.evidence()
    assert expected(found, lambda posterior: math.exp(posterior.log_evidence)) == pytest.approx(
        math.exp(exact), rel=1e-9
    )
    assert expected(found, lambda posterior: posterior.log_evidence) <= exact + 1e-9


@MODEST
@given(small_networks(), st.data())
async def test_simultaneous_updates_never_lower_the_evidence(network, data):
    """Law 3: with the exact posterior, all prompts chosen at once raise the evidence or keep it."""
    word = st.sampled_from(network.vocabulary)
    batch = [
        network.example,
        Example("other", {"x": "two"}, {name: data.draw(word) for name in network.targets}),
    ]
    table = network.model()
    graph = network.graph
    for _ in range(2):
        after = await updated(graph, table, batch, ["first", "second"])
        assert total_evidence(after, table, batch) >= total_evidence(graph, table, batch) - 1e-9
        graph = after


async def listed(request, key):
    return f"candidate {key[-1]}"


@MODEST
@given(small_networks(), st.sampled_from(["local", "particles"]), st.booleans())
async def test_planned_calls_are_the_calls_made(network, kind, distinct):
    """Law 5: a plan says what a step sends; where texts come out the same, what falls away."""
    model = Distinct() if distinct else network.model()
    method = Method(
        candidates=2,
        memory=0,
        mix={"listed": 1.0},
        proposers={"listed": Strategy(listed, calls=0)},
        racing=None,
        inference=Inference(kind=kind, draws=2, min_weight=0.0, max_rows=10_000),
    )
    meter = Meter()
    context = Context(
        models=Metered(model, meter),
        proposer=model,
        metric=exact,
        method=method,
        key=Key(("law 5",)),
    )
    graph = network.graph
    targets = dict.fromkeys(network.example.targets, "elsewhere") if distinct else None
    batch = [replace(network.example, targets=targets or network.example.targets)]
    assume(graph.target in batch[0].targets)
    planned = await plan(graph, batch, context)
    assert meter.snapshot().calls == 0
    result = await improve(graph, batch, context)
    unneeded = planned.account(result.calls).unneeded
    assert result.calls.total == meter.snapshot().calls
    assert planned.total.calls == result.calls.total + sum(unneeded.values())
    assert all(count >= 0 for count in unneeded.values())
    # An observed function rules texts out, which a plan cannot know.
    if distinct and not set(batch[0].targets) & set(graph.functions):
        assert not any(unneeded.values())


@MODEST
@given(small_networks())
async def test_a_prompts_score_is_the_sum_of_its_nodes_terms(network):
    """Law 8: S(π) = Σ over the nodes that show π of Σ w log p, worked out apart from langnet."""
    graph, table = network.graph, network.model()
    candidates = ["incumbent", "another"]
    rows = exact_rows(graph, table, [network.example])
    for prompt in graph.prompts:
        found = await scores(graph, table, prompt, candidates, rows, 1)
        for candidate, score in zip(candidates, found, strict=True):
            terms = []
            for row in rows:
                if row.node in graph.sharing(prompt):
                    shown = " ".join(row.parents.values())
                    context = f"{candidate} {row.node} {shown}"
                    terms.append(row.weight * math.log(table.distribution(context)[row.text]))
            assert score == pytest.approx(math.fsum(terms), abs=1e-9)
