"""Law 7: staleness 0 is the synchronous loop exactly; staleness s is corrected by the ratio."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import anyio
import pytest

from langnet import Example, Inference, Key, Method, Program, fit, infer, init, step, validate
from langnet.testing import GatedModel, TableModel, exact_evidence
from langnet.vi.correct import corrected
from langnet.vi.local import reweigh_local
from langnet.vi.look import Seen
from langnet.vi.particles import reweigh_particles
from tests.laws.enumeration import ENUMERATED, every_path, expected
from tests.laws.graphs import GRAPHS, TARGETS, inputs, model
from tests.mortal import Killed, Mortal, files
from tests.test_fit import METHOD, data, distribution, fitted, network

TINY = model(words=2)


def moved(graph):
    """The graph with every prompt changed."""
    return graph.with_prompts({name: f"{text} anew" for name, text in graph.prompts.items()})


@pytest.mark.parametrize(
    ("name", "resample"),
    [
        *((name, None) for name in ("chain", "chain3", "diamond", "fan_in", "shared")),
        ("chain3", 1.0),
    ],
)
async def test_corrected_weights_are_unbiased(name, resample):
    """The mean of corrected weights is p(y | x) under the prompts of now, over every path."""
    graph = GRAPHS[name]()
    example = Example("e", inputs(graph), TARGETS)
    settings = Inference(
        kind="particles",
        draws=2 if resample else 1,
        guide="hindsight",
        min_weight=0.0,
        resample=resample,
    )

    async def work():
        then = Program(graph, TINY)
        stale = await infer(then, example, key=ENUMERATED, settings=settings)
        return await reweigh_particles(Program(moved(graph), TINY), stale, settings=settings)

    exact = math.exp(exact_evidence(moved(graph), TINY, inputs(graph), TARGETS))
    before = math.exp(exact_evidence(graph, TINY, inputs(graph), TARGETS))
    assert exact != pytest.approx(before)
    found = await every_path(work)
    assert expected(found, lambda item: math.exp(item.log_evidence)) == pytest.approx(exact)


@pytest.mark.parametrize("name", [*GRAPHS])
async def test_corrected_local_weights_are_those_of_now(name):
    """Corrected alternatives are weighted as if they had been drawn under the prompts of now."""
    graph = GRAPHS[name]()
    example = Example("e", inputs(graph), TARGETS)
    settings = Inference(draws=4, min_weight=0.0, subtract_proposal=False)
    key = Key(("a",))
    stale = await infer(Program(graph, model()), example, key=key, settings=settings)
    same = await reweigh_local(Program(graph, model()), stale, key=key, settings=settings)
    assert same.alternatives == stale.alternatives
    assert same.rows == stale.rows
    fresh = await reweigh_local(Program(moved(graph), model()), stale, key=key, settings=settings)
    assert [found.texts for found in fresh.alternatives] == [
        found.texts for found in stale.alternatives
    ]
    assert fresh.alternatives[0].logits != stale.alternatives[0].logits


async def test_a_corrected_logit_is_the_joint_of_now():
    """On a chain, a corrected logit is log p(h, y | x) under the prompts of now."""
    graph = GRAPHS["chain"]()
    example = Example("e", inputs(graph), TARGETS)
    settings, key = Inference(draws=4), Key(("a",))
    stale = await infer(Program(graph, model()), example, key=key, settings=settings)
    now = Program(moved(graph), model())
    (found,) = (await reweigh_local(now, stale, key=key, settings=settings)).alternatives
    for text, logit in zip(found.texts, found.logits, strict=True):
        trace = await now.run(example.inputs, key=key, given={"h": text, **TARGETS}, score=True)
        assert logit == pytest.approx(trace.log_joint)


async def test_the_correction_says_what_it_did():
    """Unchanged prompts shift nothing; changed ones shift weights and cost effective draws."""
    graph = GRAPHS["chain3"]()
    for kind in ("local", "particles"):
        settings = Inference(kind=kind, draws=6)
        seen = []
        for number in range(5):
            example = Example(f"e{number}", {"x": str(number)}, TARGETS)
            program = Program(graph, model())
            posterior = await infer(program, example, key=Key((number,)), settings=settings)
            seen.append(Seen(example, posterior.forward, 0.0, None, posterior))
        _, same = await corrected(Program(graph, model()), seen, settings, 4)
        assert same.shift == pytest.approx(0, abs=1e-12)
        assert same.effective_share == pytest.approx(1)
        assert same.changed == 0
        _, other = await corrected(Program(moved(graph), model()), seen, settings, 4)
        assert other.examples == 5
        assert other.shift > 0.01
        assert 0 < other.effective_share < 1


async def test_staleness_0_is_the_synchronous_loop(tmp_path):
    """`fit` with staleness 0 takes the steps that a plain loop over `step` takes."""
    found = await fitted(tmp_path)
    table = TableModel(distribution)
    settings = {"models": table, "method": METHOD}
    state, _ = await validate(init(network(), seed=3), network(), data(20, 100), **settings)
    for _ in range(METHOD.steps):
        state, _ = await step(state, network(), data(24), proposer=table, **settings)
        state, _ = await validate(state, network(), data(20, 100), **settings)
    assert found.state == state


@pytest.mark.parametrize("staleness", [1, 2, 9])
async def test_stale_fits_are_reproducible_and_resume(tmp_path, staleness):
    """With staleness, too, a seed gives one result, and a killed fit resumes to the same bytes."""
    method = replace(METHOD, staleness=staleness, validate_every=2)
    whole = Mortal(TableModel(distribution), 10**9)
    await fitted(tmp_path / "whole", whole, method=method)
    wanted = files(tmp_path / "whole")
    for lives in range(1, whole.calls, max(1, whole.calls // 5)):
        directory = tmp_path / str(lives)
        with pytest.raises(Killed):
            await fitted(directory, Mortal(TableModel(distribution), lives), method=method)
        await fitted(directory, method=method, resume=True)
        assert files(directory) == wanted


@pytest.mark.parametrize(("staleness", "at_once"), [(0, 3), (1, 4 + 3), (2, 6 + 3)])
async def test_the_next_batches_are_seen_meanwhile(staleness, at_once):
    """With staleness s the next s batches and the validation are under way beside this batch."""
    gated = GatedModel(TableModel(distribution))
    method = replace(METHOD, steps=4, batch_size=2, staleness=staleness)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(fit, network(), data(24), data(3), models=gated, method=method))
        await gated.arrived(at_once)
        await anyio.wait_all_tasks_blocked()
        assert len(gated.waiting) == at_once
        tasks.cancel_scope.cancel()


def test_staleness_is_no_negative_number():
    """A negative staleness is refused."""
    with pytest.raises(ValueError, match="staleness"):
        Method(staleness=-1)
