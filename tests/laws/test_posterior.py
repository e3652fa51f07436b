"""The E-step against exact enumeration (laws 1, 2, 4 and 6 of the method)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from langnet import (
    Example,
    Graph,
    GraphError,
    Input,
    Key,
    Node,
    Program,
    infer,
)
from langnet.plate import at, replaced
from langnet.testing import GatedModel, enumerate_traces, exact_evidence
from langnet.vi.posterior import Inference
from tests.laws.graphs import (
    GRAPHS,
    TARGETS,
    chain,
    diamond,
    inputs,
    model,
    plate,
)

PARTICLES = Inference(kind="particles", draws=4, min_weight=0.0)
EXACT = Inference(include_forward=False, min_weight=0.0)


def example(graph, targets=TARGETS):
    return Example("e", inputs(graph), targets)


async def log_weights(graph, guide, repeats, draws):
    program = Program(graph, model())
    settings = replace(PARTICLES, guide=guide, draws=draws)
    found = []
    for repeat in range(repeats):
        posterior = await infer(
            program, example(graph), key=Key(("unbiased", guide, repeat)), settings=settings
        )
        found.append(posterior.log_weights)
    return np.array(found)


@pytest.mark.parametrize("guide", ["prior", "hindsight", "edit", "mixture"])
@pytest.mark.parametrize("name", GRAPHS)
async def test_weights_are_unbiased(name, guide):
    """Law 1: the mean importance weight is p(y | x), for every guide on every graph."""
    graph = GRAPHS[name]()
    weights = np.exp(await log_weights(graph, guide, repeats=12, draws=25)).ravel()
    exact = math.exp(exact_evidence(graph, model(), inputs(graph), TARGETS))
    error = weights.std() / math.sqrt(len(weights))
    assert abs(weights.mean() - exact) < 4 * error + 1e-12


@pytest.mark.parametrize("name", GRAPHS)
async def test_more_particles_tighten_the_bound(name):
    """Law 2: ELBO = IWAE_1 ≤ IWAE_2 ≤ … ≤ log p(y | x), in expectation."""
    graph = GRAPHS[name]()
    rows = (await log_weights(graph, "mixture", repeats=60, draws=8)).astype(float)
    exact = exact_evidence(graph, model(), inputs(graph), TARGETS)
    bounds = []
    for size in (1, 2, 4, 8):
        groups = rows.reshape(-1, size)
        bounds.append(np.logaddexp.reduce(groups, axis=1) - math.log(size))
    means = [bound.mean() for bound in bounds]
    slack = 3 * bounds[-1].std() / math.sqrt(len(bounds[-1]))
    assert means == sorted(means)  # of the same draws, so that no error can turn them round
    assert means[-1] <= exact + slack
    assert bounds[0].mean() < exact


async def test_bounds_of_one_posterior():
    """`elbo`, `log_evidence` and ESS are those of the particles' weights."""
    graph = diamond()
    posterior = await infer(
        Program(graph, model()), example(graph), key=Key(("one",)), settings=PARTICLES
    )
    logs = np.array(posterior.log_weights)
    weights = np.exp(logs)
    assert posterior.elbo == pytest.approx(logs.mean())
    assert posterior.log_evidence == pytest.approx(math.log(weights.mean()))
    assert posterior.effective_sample_size == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert posterior.elbo <= posterior.log_evidence


ONE_LATENT = {
    "chain": ("h", ["y"]),
    "chain3": ("b", ["a", "y"]),
    "chain4": ("a", ["b", "c", "y"]),
    "diamond": ("a", ["b", "y"]),
    "fan_in": ("b", ["a", "y"]),
    "plate": ("h", ["v", "y"]),
    "shared": ("h", ["y"]),
}


@pytest.mark.parametrize("guide", ["prior", "hindsight", "mixture"])
@pytest.mark.parametrize("name", GRAPHS)
async def test_one_latent_local_equals_particles(name, guide):
    """Law 4: with one latent, log importance weights are local logits and what is fixed.

    Both count the texts that read the latent one. Particles count the other targets as well, which
    are the same for all draws: nothing is left of them in the weights.
    """
    latent, observed = ONE_LATENT[name]
    graph = GRAPHS[name]()
    if name == "plate":
        graph = graph.replace("h", draws=1)
    program = Program(graph, model())
    item = example(graph, dict.fromkeys(observed, "green"))
    settings = replace(PARTICLES, guide=guide, draws=40, resample=0.5)
    particles = await infer(program, item, key=Key(("law4",)), settings=settings)
    local = await infer(
        program,
        item,
        key=Key(("law4", "local")),
        settings=replace(
            settings, kind="local", resample=None, subtract_proposal=True, include_forward=False
        ),
    )
    (alternatives,) = local.alternatives
    fixed = {
        "chain3": ["a"],
        "chain4": ["c", "y"],
        "diamond": ["b"],
        "fan_in": ["a"],
        "plate": ["y"],
    }
    constant = {
        math.fsum(site.logprob for other in fixed.get(name, ()) for site in trace.at(other))
        for trace in particles.particles
    }
    weight_of = {
        trace.at(latent)[0].text: weight - min(constant)
        for trace, weight in zip(particles.particles, particles.log_weights, strict=True)
    }
    common = set(alternatives.texts) & set(weight_of)
    assert len(common) > 1
    assert max(constant) == pytest.approx(min(constant))
    for text, logit in zip(alternatives.texts, alternatives.logits, strict=True):
        if text in common:
            assert logit == pytest.approx(weight_of[text], abs=1e-12)


def conditional(graph, settled, node, place):
    """Exact p(text at a place | everything else, targets), by enumeration."""
    outcomes = enumerate_traces(graph, model(), inputs(graph), TARGETS)
    found = {}
    for outcome in outcomes:
        same = all(
            replaced(outcome.values[name], place, None) == replaced(value, place, None)
            if name == node
            else outcome.values[name] == value
            for name, value in settled.items()
        )
        if same:
            text = at(outcome.values[node], place)
            found[text] = found.get(text, 0.0) + math.exp(outcome.log_joint)
    total = sum(found.values())
    return {text: p / total for text, p in found.items()}


@pytest.mark.parametrize("name", GRAPHS)
async def test_blanket_weights_are_the_exact_conditional(name):
    """A latent's Markov blanket, reached through functions and plates, gives its exact conditional.

    Two sweeps: in the last place of the second one, every other text has its final value.
    """
    graph = GRAPHS[name]()
    posterior = await infer(
        Program(graph, model()),
        example(graph),
        key=Key(("blanket",)),
        settings=replace(EXACT, draws=60, guide="prior", sweeps=2),
    )
    last = posterior.alternatives[-1]
    exact = conditional(graph, posterior.best, last.node, last.index)
    logits = dict(zip(last.texts, last.logits, strict=True))
    texts = sorted(logits)
    assert len(texts) > 1
    for one in texts:
        for other in texts:
            assert logits[one] - logits[other] == pytest.approx(
                math.log(exact[one]) - math.log(exact[other]), abs=1e-9
            )


async def test_choices_are_enumerated():
    """A latent node with choices is not drawn from: its weights are the exact posterior."""
    labels = ("red", "green", "blue")
    graph = Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p", choices=labels),
        Node("y", "{prompt} y {x} {h}", "q"),
    )
    posterior = await infer(
        Program(graph, model()), example(graph), key=Key(("enumerate",)), settings=EXACT
    )
    (alternatives,) = posterior.alternatives
    exact = conditional(graph, {}, "h", ())
    assert dict(zip(alternatives.texts, alternatives.weights, strict=True)) == pytest.approx(exact)
    assert math.fsum(math.exp(logit) for logit in alternatives.logits) == pytest.approx(
        math.exp(exact_evidence(graph, model(), inputs(graph), TARGETS))
    )


async def test_rows_marginalise_what_they_read():
    """The rows of a text sum to 1, and a child's rows carry its parent's posterior."""
    graph = chain()
    posterior = await infer(
        Program(graph, model()),
        example(graph),
        key=Key(("rows",)),
        settings=replace(EXACT, draws=30),
    )
    (alternatives,) = posterior.alternatives
    merged = {}
    for text, weight in zip(alternatives.texts, alternatives.weights, strict=True):
        merged[text] = merged.get(text, 0.0) + weight
    for node, read in (("h", lambda row: row.text), ("y", lambda row: row.parents["h"])):
        rows = [row for row in posterior.rows if row.node == node]
        assert {read(row): row.weight for row in rows} == pytest.approx(merged)
    assert {row.text for row in posterior.rows if row.node == "y"} == {"green"}


@pytest.mark.parametrize("kind", ["local", "particles"])
async def test_plates_give_a_row_to_each_element(kind):
    """Every element of every plate gets evidence whose weights sum to 1."""
    graph = plate()
    posterior = await infer(
        Program(graph, model()),
        example(graph),
        key=Key(("plates",)),
        settings=Inference(kind=kind, draws=5, max_rows=7),
    )
    sums = {}
    for row in posterior.rows:
        sums[row.node, row.index] = sums.get((row.node, row.index), 0.0) + row.weight
    assert set(sums) == {("h", (0,)), ("h", (1,)), ("v", (0,)), ("v", (1,)), ("y", ())}
    assert all(total == pytest.approx(1) for total in sums.values())


@pytest.mark.parametrize("kind", ["local", "particles"])
async def test_barren_nodes_drop_out(kind):
    """A node that no observation hangs on gets no evidence and changes nobody's weights."""
    lean = chain()
    extra = lean.add(Node("aside", "{prompt} aside {h}", "s"), outputs=("y", "aside"))
    found = []
    for graph in (lean, extra):
        posterior = await infer(
            Program(graph, model()),
            example(graph),
            key=Key(("barren",)),
            settings=Inference(kind=kind, draws=5),
        )
        found.append([(row.node, row.text, row.weight) for row in posterior.rows])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "settings",
    [
        Inference(kind="local", draws=4),
        Inference(kind="local", draws=4, mutual_information=True, subtract_proposal=True),
        Inference(kind="particles", draws=4),
        Inference(kind="particles", draws=4, resample=1.0),
    ],
    ids=["local", "mutual information", "particles", "resampled"],
)
@pytest.mark.parametrize("name", GRAPHS)
async def test_completion_order_does_not_matter(name, settings):
    """Law 6: the same key gives the same posterior, whatever the order in which calls finish."""
    import anyio

    graph = GRAPHS[name]()

    async def inferred(order):
        gated = GatedModel(model())
        found = []

        async def work():
            found.append(
                await infer(
                    Program(graph, gated), example(graph), key=Key(("order",)), settings=settings
                )
            )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            rng = Key(("release", order)).rng()
            while not found:
                await anyio.lowlevel.checkpoint()
                if gated.waiting:
                    gated.release(rng.randrange(len(gated.waiting)))
        return found[0]

    first, second, third = [await inferred(order) for order in range(3)]
    assert first == second == third


async def test_impossible_targets_give_no_evidence():
    """Where every particle contradicts the target there is no row and the bound is −inf."""
    graph = chain()
    posterior = await infer(
        Program(graph, model()),
        example(graph, {"y": "unheard"}),
        key=Key(("impossible",)),
        settings=PARTICLES,
    )
    assert posterior.rows == ()
    assert posterior.log_evidence == -math.inf


async def test_an_example_must_observe_something():
    """An example without targets is refused with the mend."""
    graph = chain()
    with pytest.raises(GraphError, match=r"observes no node.*'y'"):
        await infer(
            Program(graph, model()),
            example(graph, {}),
            key=Key(("nothing",)),
            settings=PARTICLES,
        )
