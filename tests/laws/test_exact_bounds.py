"""Laws 1 and 2 without Monte Carlo: the expectation over all that can be drawn, enumerated."""

from __future__ import annotations

import itertools
import math

import pytest

from langnet import Example, Program, infer
from langnet.testing import enumerate_traces, exact_evidence
from langnet.trace import log_mean_exp
from langnet.vi.posterior import Inference
from tests.laws.enumeration import ENUMERATED, every_path, expected
from tests.laws.graphs import GRAPHS, TARGETS, branch, chain3, chain4, inputs, model

CASES = [(name, "hindsight") for name in GRAPHS] + [
    (name, "mixture") for name in ("chain", "chain3", "diamond", "shared")
]
CASES += [("branch", "hindsight"), ("branch", "mixture")]
BRANCHED = GRAPHS | {"branch": branch}


async def particles(graph, targets=TARGETS, **settings):
    """Every posterior that can come out, with its probability."""
    program = Program(graph, model(words=2))
    example = Example("e", inputs(graph), targets)
    chosen = Inference(kind="particles", min_weight=0.0, **settings)
    return await every_path(lambda: infer(program, example, key=ENUMERATED, settings=chosen))


def evidence(graph, targets=TARGETS):
    return exact_evidence(graph, model(words=2), inputs(graph), targets)


@pytest.mark.parametrize(("name", "guide"), CASES)
async def test_weights_are_unbiased_and_more_of_them_bound_better(name, guide):
    """Laws 1 and 2: E[w] = p(y | x), and ELBO = IWAE_1 ≤ IWAE_2 ≤ IWAE_3 ≤ log p(y | x)."""
    graph = BRANCHED[name]()
    found = await particles(graph, draws=1, guide=guide)
    exact = evidence(graph)
    assert expected(found, lambda posterior: math.exp(posterior.log_weights[0])) == pytest.approx(
        math.exp(exact), rel=1e-9
    )
    weights = {}
    for p, posterior in found:
        weight = round(posterior.log_weights[0], 12)
        weights[weight] = weights.get(weight, 0.0) + p
    bounds = [
        math.fsum(
            math.prod(p for _, p in drawn) * log_mean_exp([weight for weight, _ in drawn])
            for drawn in itertools.product(weights.items(), repeat=draws)
        )
        for draws in (1, 2, 3)
    ]
    assert bounds[0] == pytest.approx(expected(found, lambda posterior: posterior.elbo))
    assert bounds[0] < bounds[1] < bounds[2] < exact


@pytest.mark.parametrize(
    ("name", "draws", "resample"),
    [
        (name, draws, resample)
        for draws, resample in ((2, 1.0), (2, 0.95), (3, 1.0))
        for name in GRAPHS
        if draws < 3 or name not in {"chain4", "plate"}  # too many paths
    ],
)
async def test_resampled_evidence_is_unbiased(name, draws, resample):
    """Law 1 with resampling, at every depth or where the weights ask for it: E[Ẑ] = p(y | x)."""
    graph = GRAPHS[name]()
    found = await particles(graph, draws=draws, guide="hindsight", resample=resample)
    exact = evidence(graph)
    assert expected(found, lambda posterior: math.exp(posterior.log_evidence)) == pytest.approx(
        math.exp(exact), rel=1e-9
    )
    assert expected(found, lambda posterior: posterior.log_evidence) < exact
    times = {posterior.resamplings for _, posterior in found}
    assert max(times) == {"chain3": 1, "chain4": 2, "plate": 1}.get(name, 0)
    # Particles that are equal need no resampling, whatever the threshold.
    assert 0 in times


async def test_a_target_on_the_way_is_seen_before_the_next_draw():
    """Law 1 with a target half way: particles are resampled by it, and E[Ẑ] = p(y, a | x)."""
    graph = chain4()
    targets = {"b": "red", "y": "green"}
    found = await particles(graph, targets, draws=2, guide="prior", resample=1.0)
    exact = evidence(graph, targets)
    assert expected(found, lambda posterior: math.exp(posterior.log_evidence)) == pytest.approx(
        math.exp(exact), rel=1e-9
    )
    # The prior guide weighs latents by 1, so it is the target b that makes the weights differ.
    assert expected(found, lambda posterior: posterior.resamplings) > 0.1


async def test_resampled_posteriors_are_consistent():
    """E[Ẑ · Σ W f(h)] = p(y | x) E[f(h) | y]: rows carry the posterior, not just the evidence."""
    graph = chain3()
    found = await particles(graph, draws=2, guide="hindsight", resample=1.0)
    outcomes = enumerate_traces(graph, model(words=2), inputs(graph), TARGETS)
    for node, text in itertools.product(("a", "b"), ("red", "green")):
        exact = math.fsum(math.exp(o.log_joint) for o in outcomes if o.values[node] == text)
        estimate = expected(
            found,
            lambda posterior, node=node, text=text: (
                math.exp(posterior.log_evidence)
                * math.fsum(
                    row.weight for row in posterior.rows if row.node == node and row.text == text
                )
            ),
        )
        assert estimate == pytest.approx(exact, rel=1e-9)


async def test_branches_are_inferred_by_particles():
    """Where a latent text decides how many elements there are, "auto" draws whole particles."""
    graph = branch()
    program = Program(graph, model())
    example = Example("e", inputs(graph), TARGETS)
    found = await infer(program, example, key=ENUMERATED.below("auto"), settings=Inference(draws=4))
    assert found.log_weights is not None
    chain = Example("e", inputs(chain3()), TARGETS)
    local = await infer(
        Program(chain3(), model()), chain, key=ENUMERATED.below("auto"), settings=Inference(draws=4)
    )
    assert local.log_weights is None
