"""Fits: never worse on validation, reproducible, and the same after a kill."""

from __future__ import annotations

import json

import pytest

from langnet import (
    Capabilities,
    CapabilityError,
    DataError,
    Decoding,
    Example,
    Graph,
    GraphError,
    Inference,
    Input,
    Key,
    Method,
    ModelError,
    Node,
    TooManyFailures,
    compare,
    fit,
    init,
    step,
)
from langnet.events import StepFinished, Validated
from langnet.testing import TableModel
from tests.mortal import Killed, Mortal, files

WORDS = ("alpha", "beta", "gamma", "delta", "warm", "cold")


def distribution(context):
    """A model that answers better the more the prompt speaks of warmth; it writes such prompts."""
    if context.endswith("Answer:"):
        truth = "hot" if "sun" in context else "icy"
        other = "icy" if truth == "hot" else "hot"
        helped = 0.45 + 0.1 * context.count("warm") + 0.03 * context.count("notes warm")
        return {truth: min(helped, 0.95), other: 1 - min(helped, 0.95)}
    rng = Key(("noise", context)).rng()
    raw = {word: rng.random() + 0.05 for word in WORDS}
    norm = sum(raw.values())
    return {word: value / norm for word, value in raw.items()}


def network():
    return Graph(
        Input("text"),
        Node("notes", "{prompt}\n\n{text}\n\nNotes:", "Note it.", decoding=Decoding(max_tokens=4)),
        Node(
            "answer",
            "{prompt}\n\n{text} notes {notes}\n\nAnswer:",
            "Say what it is.",
            choices=("hot", "icy"),
        ),
    )


def data(n, start=0):
    return [
        Example(
            f"e{i}",
            {"text": f"{'sun' if i % 2 else 'snow'} number {i}"},
            {"answer": "hot" if i % 2 else "icy"},
        )
        for i in range(start, start + n)
    ]


METHOD = Method(steps=4, batch_size=8, candidates=4, inference=Inference(draws=3))


async def fitted(tmp_path=None, model=None, **changes):
    settings = {
        "models": model or TableModel(distribution),
        "method": METHOD,
        "seed": 3,
        "directory": tmp_path,
    }
    return await fit(network(), data(24), data(20, 100), **(settings | changes))


async def test_fit_improves_and_is_never_worse():
    """The best prompts validate at least as well as the first, and here better."""
    seen = []
    result = await fitted(observers=[seen.append])
    first, *_ = result.state.validations
    assert result.state.best_metric > first.metric
    assert result.graph.prompts == result.state.best
    assert [event.step for event in seen if isinstance(event, StepFinished)] == [1, 2, 3, 4]
    assert [event.step for event in seen if isinstance(event, Validated)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["local", "particles"])
async def test_same_seed_same_fit(kind):
    """The same seed takes the same steps, and another seed others."""
    from dataclasses import replace

    method = replace(METHOD, inference=Inference(kind=kind, draws=3))
    first = await fitted(method=method)
    assert first.state == (await fitted(method=method)).state
    assert first.state != (await fitted(method=method, seed=4)).state


async def test_killed_and_resumed_is_the_same(tmp_path):
    """Killed at any call and resumed, a fit leaves the same bytes as an uninterrupted one."""
    whole = Mortal(TableModel(distribution), 10**9)
    await fitted(tmp_path / "whole", whole)
    wanted = files(tmp_path / "whole")
    assert "state.json" in wanted
    assert {"steps/0004.json", "steps/0004.traces.jsonl", "validations/0004.jsonl"} <= set(wanted)
    for lives in range(1, whole.calls, max(1, whole.calls // 6)):
        directory = tmp_path / str(lives)
        with pytest.raises(Killed):
            await fitted(directory, Mortal(TableModel(distribution), lives))
        await fitted(directory, Mortal(TableModel(distribution), 10**9), resume=True)
        assert files(directory) == wanted


async def test_a_run_is_not_overwritten_or_mixed_up(tmp_path):
    """A directory with a run is resumed only on request, and only by the same fit."""
    await fitted(tmp_path)
    with pytest.raises(GraphError, match="--resume"):
        await fitted(tmp_path)
    with pytest.raises(GraphError, match="seed"):
        await fitted(tmp_path, resume=True, seed=5)
    again = await fitted(tmp_path, resume=True)
    assert again.state.step == METHOD.steps


async def test_init_and_step_compose_to_fit():
    """`step` depends on the state alone: stepping from a copy through JSON gives the same."""
    from langnet import State

    model = TableModel(distribution)
    state = init(network(), seed=3)
    copied = State.from_json(json.loads(json.dumps(state.to_json())))
    settings = {"models": model, "proposer": model, "method": METHOD}
    one, _ = await step(state, network(), data(24), **settings)
    other, _ = await step(copied, network(), data(24), **settings)
    assert one == other
    assert one.step == 1


async def test_sampling_models_use_rollouts():
    """A model that only samples is fitted by rollouts, named as such; a bound is refused."""
    model = TableModel(distribution, capabilities=Capabilities())
    result = await fitted(model=model)
    assert result.objective == "rollout"
    from dataclasses import replace

    with pytest.raises(CapabilityError, match="rollout objective"):
        await fitted(model=model, method=replace(METHOD, objective="likelihood"))


class Faulty(TableModel):
    """A model whose calls fail on some inputs."""

    def __init__(self, marker):
        super().__init__(distribution)
        self.marker = marker

    async def choose(self, context, choices):
        if context.rsplit("\n\n", 2)[-2].startswith(self.marker):
            raise ModelError("the server hung up")
        return await super().choose(context, choices)


async def test_failures_are_recorded_up_to_the_share():
    """Examples whose calls fail are left out; more than the allowed share ends the fit."""
    from dataclasses import replace

    result = await fitted(model=Faulty("sun number 101 "), method=replace(METHOD, max_failures=0.2))
    assert result.state.step == METHOD.steps
    with pytest.raises(TooManyFailures, match="max_failures"):
        await fitted(model=Faulty("sun"), method=replace(METHOD, max_failures=0.2))


async def test_compare_pairs_the_same_examples():
    """The gain's interval is of paired differences: a network against itself gains exactly 0."""
    found = await compare(network(), network(), data(30), models=TableModel(distribution), seed=1)
    assert (found.gain.mean, found.gain.low, found.gain.high) == (0.0, 0.0, 0.0)
    assert found.before == found.after


async def test_errors_say_what_to_do():
    """No data, nothing trainable: each says so before any call is made."""
    model = TableModel(distribution)
    with pytest.raises(DataError, match="examples to validate on"):
        await fit(network(), data(4), [], models=model)
    with pytest.raises(GraphError, match="trainable"):
        await fit(network().frozen(), data(4), data(4), models=model)
    assert not model.calls


@pytest.mark.parametrize("calls", [0, 5, 60, 200, 10**6])
async def test_a_budget_ends_a_fit_with_the_best_so_far(tmp_path, calls):
    """A fit never spends more than its budget, says that it is spent, and can go on with more."""
    from langnet import Budget, Meter
    from langnet.lm.meter import Metered

    meter = Meter()
    model = Metered(TableModel(distribution), meter)
    found = await fitted(tmp_path, model, meter=meter, budget=Budget(calls=calls))
    spent = meter.snapshot().calls
    assert spent <= calls
    whole = await fitted()
    if found.reason == "all steps are done":
        assert found.state == whole.state
    else:
        assert f"the budget of {calls:,} calls is spent" in found.reason
        assert spent == calls
        assert found.state.best_metric <= whole.state.best_metric
        gone_on = await fitted(tmp_path, Metered(TableModel(distribution), Meter()), resume=True)
        assert gone_on.state == whole.state


async def test_a_budget_needs_a_meter():
    """A budget without the meter that holds it is refused, with the mend."""
    from langnet import Budget

    with pytest.raises(ValueError, match="meter = Meter"):
        await fitted(budget=Budget(calls=1))


async def test_a_fit_says_what_it_will_ask():
    """With `plan`, observers hear of the plan first, and the steps on record keep to it."""
    from langnet.events import FitStarted, Planned

    seen = []
    found = await fitted(plan=True, observers=[seen.append])
    assert isinstance(seen[0], FitStarted)
    assert seen[1] == Planned(
        found.plan.step.total.calls,
        found.plan.step.total.tokens,
        found.plan.total.calls,
        found.plan.total.tokens,
    )
    for event in seen:
        if isinstance(event, StepFinished):
            assert event.calls + event.raced <= found.plan.step.total.calls
