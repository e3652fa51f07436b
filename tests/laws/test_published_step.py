"""One step of the published two-layer implementation comes out of the general pass."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from langnet import (
    Capabilities,
    Choice,
    Completion,
    Example,
    Graph,
    Input,
    Key,
    LabelScores,
    Node,
    TextScore,
    TextScores,
)
from langnet.metrics import exact
from langnet.vi import exploration, likelihood, nce, trust_region
from langnet.vi.context import Context
from langnet.vi.method import Method
from langnet.vi.posterior import Inference
from langnet.vi.proposal import Request
from langnet.vi.step import improve

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "dln" / "published_step.json"

# By hand: two examples, two draws, two candidates a layer. With uniform log p(h) the weights are
# the likelihoods p(y | h) normalised, and every score below follows by mental arithmetic.
SMALL = {
    "x": ["x0", "x1"],
    "y": ["yes", "no"],
    "h_forward": ["h0", "h1"],
    "y_hat": ["no", "no"],
    "p1": ["a", "b"],
    "p2": ["c", "d"],
    "h_draws": [["h0.0", "h0.1"], ["h1.0", "h1.1"]],
    "logp_h": {
        f"x{i}|{h}|{p}": math.log(0.5 if p == "a" else value)
        for i in range(2)
        for h, value in ((f"h{i}", 0.5), (f"h{i}.0", 0.8), (f"h{i}.1", 0.2))
        for p in ("a", "b")
    },
    "p_yes": {
        f"x{i}|{h}|{p}": value
        for i in range(2)
        for p, rows in (("c", (0.25, 0.75, 0.25)), ("d", (0.5, 0.5, 0.5)))
        for h, value in zip((f"h{i}", f"h{i}.0", f"h{i}.1"), rows, strict=True)
    },
    "cases": [
        {
            "options": {},
            # x0 is "yes": weights 0.75 : 0.25; x1 is "no": weights 0.25 : 0.75
            "weights": [[0.75, 0.25], [0.25, 0.75]],
            "h_star": ["h0.0", "h1.1"],
            "p1_scores": [math.log(0.5), 0.5 * math.log(0.8) + 0.5 * math.log(0.2)],
            "p2_scores": [0.75 * math.log(0.75) + 0.25 * math.log(0.25), math.log(0.5)],
            "best_p1": "a",
            "best_p2": "c",
        },
        {
            "options": {"posterior_temp": math.inf},
            "weights": [[0.5, 0.5], [0.5, 0.5]],
            "h_star": ["h0.0", "h1.0"],
            "p1_scores": [math.log(0.5), 0.5 * math.log(0.16)],
            "p2_scores": [0.5 * math.log(0.1875), math.log(0.5)],
            "best_p1": "a",
            "best_p2": "d",
        },
    ],
}


class Recorded:
    """A model that looks its log-probabilities up: contexts read `h: x | prompt`, `y: …`."""

    identity = "recorded"
    capabilities = Capabilities(sample=True, score=True, choose=True)

    def __init__(self, data):
        self.data = data

    async def sample(self, context, *, decoding, keys):
        x, _ = context.removeprefix("h: ").split(" | ")
        number = self.data["x"].index(x)
        if decoding.temperature == 0:
            return [Completion(self.data["h_forward"][number])]
        return [Completion(self.data["h_draws"][number][key[-1]]) for key in keys]

    async def score(self, context, texts, *, decoding, end=True):
        x, prompt = context.removeprefix("h: ").split(" | ")
        table = self.data["logp_h"]
        return TextScores(tuple(TextScore((table[f"{x}|{h}|{prompt}"],)) for h in texts))

    async def choose(self, context, choices):
        x, h, prompt = context.removeprefix("y: ").split(" | ")
        p_yes = self.data["p_yes"][f"{x}|{h}|{prompt}"]
        assert choices == (Choice("yes"), Choice("no"))
        return LabelScores((math.log(p_yes), math.log(1 - p_yes)))

    async def aclose(self):
        pass


def network(data):
    return Graph(
        Input("x"),
        Node("h", "h: {x} | {prompt}", data["p1"][0]),
        Node("y", "y: {x} | {h} | {prompt}", data["p2"][0], choices=("yes", "no")),
    )


def method(data, options):
    async def listed(request: Request, key: Key) -> str:
        prompts = data["p1"] if request.current == data["p1"][0] else data["p2"]
        return prompts[1 + key[-1]]

    return Method(
        candidates=len(data["p1"]) - 1,
        inference=Inference(
            draws=len(data["h_draws"][0]),
            guide="prior",
            include_forward=False,
            min_weight=0.0,
            temperature=options.get("posterior_temp", 1.0),
            prior_term=options.get("posterior_sharpening_include_prior", True),
            hard=options.get("use_h_argmax", False),
        ),
        mix={"listed": 1.0},
        proposers={"listed": listed},
        objectives=(likelihood,),
    )


async def stepped(data, objectives, settings):
    from dataclasses import replace

    graph = network(data)
    batch = [Example(x, {"x": x}, {"y": y}) for x, y in zip(data["x"], data["y"], strict=True)]
    model = Recorded(data)
    return await improve(
        graph,
        batch,
        Context(
            models=model,
            proposer=model,
            metric=exact,
            method=replace(settings, objectives=objectives, racing=None),
            key=Key(("published",)),
        ),
    )


async def check(data, case):
    options = case["options"]
    settings = method(data, options)
    plain = await stepped(data, (nce if options.get("use_nce") else likelihood,), settings)
    # nce is an option of the hidden layer alone in the published code.
    p2 = await stepped(data, (likelihood,), settings)
    scores = {
        "h": [candidate.score for candidate in plain.selections[0].candidates],
        "y": [candidate.score for candidate in p2.selections[1].candidates],
    }
    assert [s.prompt for s in plain.selections] == ["h", "y"]
    assert [c.text for c in plain.selections[0].candidates] == data["p1"]
    assert scores["h"] == pytest.approx(case["p1_scores"], abs=1e-9)
    assert scores["y"] == pytest.approx(case["p2_scores"], abs=1e-9)

    terms = {
        "h": (
            nce if options.get("use_nce") else likelihood,
            exploration(options.get("logp_penalty", 0.0)),
        ),
        "y": (likelihood, trust_region(options.get("trust_factor", 0.0))),
    }
    for position, name in enumerate(("h", "y")):
        result = await stepped(data, terms[name], settings)
        chosen = result.selections[position]
        assert chosen.text == case["best_p1" if name == "h" else "best_p2"]
        if name == "y" and "best_p2_reward" in case:
            best = chosen.candidates[chosen.chosen].score
            assert best == pytest.approx(case["best_p2_reward"], abs=1e-9)


async def posteriors(data, case):
    from langnet import Program, infer

    program = Program(network(data), Recorded(data))
    found = []
    for x, y in zip(data["x"], data["y"], strict=True):
        found.append(
            await infer(
                program,
                Example(x, {"x": x}, {"y": y}),
                key=Key(("published", x)),
                settings=method(data, case["options"]).inference,
            )
        )
    return found


async def check_posterior(data, case):
    for posterior, weights, star in zip(
        await posteriors(data, case), case["weights"], case["h_star"], strict=True
    ):
        (alternatives,) = posterior.alternatives
        assert posterior.best["h"] == star
        if case["options"].get("use_h_argmax"):
            assert [w for w in alternatives.weights if w] == weights
            assert [row.text for row in posterior.rows if row.node == "h"] == [star]
        else:
            assert alternatives.weights == pytest.approx(weights, abs=1e-9)


def published_cases():
    if not PUBLISHED.exists():
        return [pytest.param(None, None, marks=pytest.mark.skip(f"{PUBLISHED.name} is not here"))]
    data = json.loads(PUBLISHED.read_text())
    return [
        pytest.param(data, case, id=json.dumps(case["options"]) or "plain")
        for case in data["cases"]
    ]


@pytest.mark.parametrize(("data", "case"), published_cases())
async def test_published_step(data, case):
    """Weights, h*, every candidate's score and the choice agree with published code to 1e-9."""
    await check_posterior(data, case)
    await check(data, case)


@pytest.mark.parametrize("case", SMALL["cases"], ids=["plain", "uniform"])
async def test_step_by_hand(case):
    """The same pass agrees with a two-layer step worked out by hand."""
    await check_posterior(SMALL, case)
    await check(SMALL, case)
