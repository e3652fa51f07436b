"""`diagnose`: its statistics on matrices whose truth is known, and its answers on known models."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from langnet import (
    Capabilities,
    ContextOverflow,
    DataError,
    Decoding,
    Example,
    Graph,
    GraphError,
    Input,
    Key,
    ModelError,
    Node,
    TooManyFailures,
)
from langnet.diagnose import Bars, Effort, Judgement, Variant, diagnose
from langnet.diagnose.bench import Column
from langnet.diagnose.headroom import constant_answer, headroom
from langnet.diagnose.statistics import needed, realisable, simultaneous, spread
from langnet.diagnose.verdict import judge
from langnet.events import PhaseAdvanced
from langnet.lm.budget import Price
from langnet.metrics import Interval, exact
from langnet.testing import ScriptedModel, TableModel
from langnet.vi.method import Method
from langnet.vi.plan import plan_fit

KEY = Key(("diagnose-tests",))
VARIANTS = 12


def answers(rng, examples, means, together=0.5):
    """Right-or-wrong values with these means; examples are easy or hard for all variants alike."""
    means = np.asarray(means)
    noise = math.sqrt(together) * rng.standard_normal((examples, 1)) + math.sqrt(
        1 - together
    ) * rng.standard_normal((examples, len(means)))
    return (noise < norm.ppf(means)).astype(float)


def differing(matrix):
    return matrix[:, 1:] - matrix[:, :1]


def claimed(matrix, number, confidence):
    """Whether the best variant of a matrix is said to gain, as on the screening examples."""
    found = simultaneous(
        differing(matrix),
        confidence=confidence,
        key=KEY / number,
        flips=400,
        least_variance=1 / len(matrix),
    )
    return max(interval.low for interval in found) > 0


class Answering:
    """A bench whose networks' answers are drawn, right or wrong, in place of any model's."""

    def __init__(self, rng, means, together=0.5):
        self.metric = exact
        self.rng, self.means, self.together = rng, means, together
        self.rows = {}

    def phase(self, name, total):
        pass

    async def column(self, graph, examples, *, tolerant=False):
        variant = int(graph.prompts["answer"])
        for example in examples:
            if example.id not in self.rows:
                self.rows[example.id] = answers(self.rng, 1, self.means, self.together)[0]
        values = tuple(float(self.rows[example.id][variant]) for example in examples)
        return Column(values, None, (None,) * len(values))


async def found_by_all_looks(rng, means, number, together=0.5):
    """What `headroom` says with the default effort, where a constant answer is never right."""
    graph = Graph(Input("x"), Node("answer", "{prompt} {x}", "0"))
    examples = [Example(f"e{i}", {"x": ""}, {"answer": "right"}) for i in range(144)]
    return await headroom(
        Answering(rng, means, together),
        graph,
        "answer",
        [Variant(str(variant), "given") for variant in range(len(means))],
        screening=examples[:24],
        confirming=examples[24:],
        constant="wrong",
        bars=Bars(),
        risk=0.05,
        key=KEY / number,
    )


@pytest.mark.parametrize("together", [0.2, 0.8])
@pytest.mark.parametrize("examples", [24, 56])
def test_equal_variants_are_seldom_said_to_gain(examples, together):
    """Where all variants are equal, one look claims a gain in at most 5 % of cases."""
    rng = np.random.default_rng(1)
    times = 300
    wrong = sum(
        claimed(answers(rng, examples, [0.6] * VARIANTS, together), number, 0.90)
        for number in range(times)
    )
    # 0.05 and twice its standard error over so many cases.
    assert wrong / times <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / times)


async def test_all_looks_together_are_seldom_wrong():
    """Screening and confirming together claim a gain that is not there in at most 5 % of cases."""
    rng = np.random.default_rng(2)
    times = 50
    wrong = [
        (await found_by_all_looks(rng, [0.5] * VARIANTS, number)).verdict == "go"
        for number in range(times)
    ]
    assert sum(wrong) / times <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / times)


async def test_a_better_variant_is_mostly_found():
    """A single variant that is worth 0.15 is found in most cases, where variants agree a lot."""
    rng = np.random.default_rng(3)
    means = [0.6] * (VARIANTS - 1) + [0.75]
    times = 30
    found = [
        (await found_by_all_looks(rng, means, number, 0.8)).verdict == "go"
        for number in range(times)
    ]
    assert sum(found) / times > 0.6


def test_a_better_variant_is_found_on_few_examples():
    """56 examples tell a single variant that is worth 0.25 in nearly all cases."""
    rng = np.random.default_rng(4)
    means = [0.5] * (VARIANTS - 1) + [0.75]
    times = 100
    found = sum(claimed(answers(rng, 56, means, 0.8), number, 0.90) for number in range(times))
    assert found / times > 0.85


def test_simultaneous_intervals_hold_at_once():
    """All true gains lie above their lower ends in about the stated share of cases."""
    rng = np.random.default_rng(5)
    means = np.linspace(0.4, 0.8, VARIANTS)
    times, held = 200, 0
    for number in range(times):
        found = simultaneous(
            differing(answers(rng, 56, means)),
            confidence=0.95,
            key=KEY / number,
            flips=400,
            least_variance=1 / 56,
        )
        truth = means[1:] - means[0]
        held += all(interval.low <= gain for interval, gain in zip(found, truth, strict=True))
    assert held / times >= 0.975 - 2 * math.sqrt(0.025 * 0.975 / times)


def test_few_differences_are_not_taken_for_certainty():
    """Where no row or one alone differs, the interval is as wide as normal values would have it."""
    differences = np.zeros((60, 1))
    for _ in range(2):
        (found,) = simultaneous(differences, confidence=0.95, key=KEY, least_variance=1 / 60)
        assert found.high - found.mean == pytest.approx(1.96 / 60, rel=0.02)
        differences[0] = 1.0


def test_the_realisable_gain_is_not_inflated():
    """It averages 0 where variants are equal, although the best of them always looks better."""
    rng = np.random.default_rng(6)
    looks, realised = [], []
    for number in range(150):
        matrix = answers(rng, 32, [0.5] * VARIANTS)
        looks.append(float(differing(matrix).mean(axis=0).max()))
        realised.append(realisable(matrix, key=KEY / number, splits=100))
    assert np.mean(looks) > 0.1
    assert abs(np.mean(realised)) < 3 * np.std(realised) / math.sqrt(len(realised))


def test_the_realisable_gain_of_a_clear_winner_is_its_gain():
    """Where one variant is always right and no other ever, every half chooses it."""
    matrix = np.zeros((20, 4))
    matrix[:, 2] = 1
    assert realisable(matrix, key=KEY) == 1
    matrix = matrix[:, [2, 0, 1, 3]]
    assert realisable(matrix, key=KEY) == 0, "the current prompt is the best already"


def test_spread_is_without_noise():
    """The spread of equal variants is near 0, that of unequal ones near its truth, and covered."""
    rng = np.random.default_rng(7)
    equal = [spread(answers(rng, 40, [0.6] * VARIANTS)) for _ in range(200)]
    assert np.mean([found.raw for found in equal]) > 0.05
    assert np.mean([found.sd for found in equal]) < 0.03
    assert np.mean([found.low == 0 for found in equal]) > 0.9
    covered = []
    for _ in range(200):
        means = np.clip(rng.normal(0.6, 0.1, VARIANTS), 0.05, 0.95)
        found = spread(answers(rng, 40, means))
        covered.append(found.low <= 0.1 <= found.high)
    assert np.mean(covered) > 0.9


def test_needed_examples_grow_with_the_square():
    """Half the gain needs four times the examples; no gain needs more than there are."""
    assert needed(Interval(0.1, -0.1, 0.3, 25, 0.95), 0.0) == 100
    assert needed(Interval(0.05, -0.15, 0.25, 25, 0.95), 0.0) == 400
    assert needed(Interval(-0.1, -0.3, 0.1, 25, 0.95), 0.0) is None


def judged(gain, advantage, *, bars=None, expected=None, n=96):
    gain, advantage = (Interval(*ends, n, 0.95) for ends in (gain, advantage))
    return judge(
        Judgement(
            fresh=True, metric=0.6, current=0.5, gain=gain, advantage=advantage, logprob_gain=None
        ),
        bars or Bars(),
        expected=gain.mean if expected is None else expected,
        tried=12,
        best=Variant("Is it?", "phrasing"),
        constant="no",
    )


@pytest.mark.parametrize(
    ("gain", "advantage", "settings", "verdict", "said"),
    [
        ((0.2, 0.1, 0.3), (0.2, 0.1, 0.3), {}, "go", "gains +0.20"),
        ((0.25, 0.1, 0.4), (0.2, 0.1, 0.3), {"bars": Bars(0.15)}, "unclear", "would tell"),
        ((0.2, 0.1, 0.3), (0.2, 0.1, 0.3), {"bars": Bars(0.2)}, "no-go", "better than the current"),
        ((0.0, -0.1, 0.1), (0.0, -0.1, 0.1), {}, "no-go", "always answering 'no'"),
        ((0.2, 0.1, 0.3), (-0.1, -0.2, 0.0), {}, "no-go", "always answering 'no'"),
        ((0.0, -0.04, 0.04), (0.2, 0.1, 0.3), {}, "no-go", "hardly matters"),
        ((0.02, -0.1, 0.14), (0.2, 0.1, 0.3), {}, "no-go", "clearly better"),
        ((0.1, -0.05, 0.25), (0.2, 0.1, 0.3), {}, "unclear", "about 217 examples would tell"),
        ((0.0, -0.3, 0.3), (0.0, -0.3, 0.3), {"n": 10}, "unclear", "too few"),
    ],
)
def test_the_verdict_follows_from_the_intervals(gain, advantage, settings, verdict, said):
    """Go needs both lower ends; a gain that a constant brings as well, or chance, is none."""
    ruling = judged(gain, advantage, **settings)
    assert ruling.verdict == verdict
    assert said in ruling.reason
    assert (ruling.examples_needed is not None) == (verdict == "unclear")


def test_the_constant_answer_is_the_best_one():
    """The level of chance is the most common target, the first in order among equals."""
    texts = ["b", "a", "b", "c"]
    examples = [Example(f"e{i}", {}, {"y": text}) for i, text in enumerate(texts)]
    assert constant_answer(examples, "y", exact) == "b"
    assert constant_answer(examples[:2], "y", exact) == "a"


def single():
    return Graph(
        Input("text"),
        Node("answer", "{prompt}\n\n{text}\n\nAnswer:", "Say which.", choices=("hot", "icy")),
        name="single",
    )


EXAMPLES = [
    Example(f"e{i}", {"text": f"{('sun', 'snow')[i % 2]} {i}"}, {"answer": ("hot", "icy")[i % 2]})
    for i in range(160)
]


def able(context):
    """Knows the answer on two of three examples, or on nearly all where its labels are named."""
    own = context.split("\n\n")[-2]
    truth = "hot" if "sun" in own else "icy"
    number = int(own.split()[-1])
    is_easy = number % 7 != 0 if "icy" in context.split("\n\n")[0] else number % 3 != 0
    right = 0.8 if is_easy else 0.3
    return {truth: right, "icy" if truth == "hot" else "hot": 1 - right}


def guessing(context):
    """Answers by a coin that depends on the whole context."""
    right = 0.2 + 0.6 * Key((context,)).rng().random()
    return {"hot": right, "icy": 1 - right}


def deaf(context):
    """Pays no heed to its prompt, but knows the answer on two of three examples."""
    return able("\n\n".join(["", *context.split("\n\n")[-2:]]))


async def test_go_where_a_wording_helps():
    """A model that does better when its labels are named has headroom, and the best names them."""
    found = await diagnose(single(), EXAMPLES, models=TableModel(able))
    assert found.verdict == "go"
    (room,) = found.headroom
    best = room.tried[room.best]
    assert "icy" in best.variant.text
    assert best.metric > room.tried[0].metric
    assert best.logprob > room.tried[0].logprob
    assert room.judgement.gain.low > 0
    assert room.spread.sd > 0.05
    assert found.reasons[0].startswith("answer: ")
    assert not found.coupling


@pytest.mark.parametrize("seed", range(6))
async def test_no_go_where_every_prompt_is_at_chance(seed):
    """A model that guesses has nothing to be fitted, whatever it is asked."""
    found = await diagnose(single(), EXAMPLES, models=TableModel(guessing), seed=seed)
    assert found.verdict == "no-go"
    assert "always answering 'hot'" in found.reasons[0]


async def test_no_go_where_prompts_do_not_matter():
    """A model that knows the answers but not its prompt gains nothing by another prompt."""
    found = await diagnose(single(), EXAMPLES, models=TableModel(deaf))
    assert found.verdict == "no-go"
    assert "always answering" not in found.reasons[0]
    assert found.headroom[0].spread.sd == 0


async def test_few_examples_are_told_from_no_headroom():
    """A dozen examples without a gain are too few to say no by."""
    found = await diagnose(single(), EXAMPLES[:12], models=TableModel(guessing))
    assert found.verdict == "unclear"
    assert found.headroom[0].examples_needed >= 20


async def test_calls_are_those_of_the_effort():
    """At most tries · screen + 3 · confirm runs and the demonstrations' reach the model."""
    model = TableModel(guessing)
    effort = Effort(tries=5, screen=10, confirm=20)
    phases = []
    found = await diagnose(
        single(), EXAMPLES, models=model, effort=effort, observers=[phases.append]
    )
    assert found.reading.calls == sum(model.calls.values())
    assert model.calls["choose"] <= 5 * 10 + 3 * 20 + 8
    assert {type(event) for event in phases} == {PhaseAdvanced}
    assert phases[-1].done <= phases[-1].total


async def test_the_seed_decides():
    """The same seed gives the same diagnosis, and it goes through JSON."""
    one, two, three = [
        await diagnose(single(), EXAMPLES, models=TableModel(able), seed=seed) for seed in (1, 1, 2)
    ]
    assert one == two != three
    document = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert document["go"] is one.go is True
    assert document["plan"]["total"]["calls"] == one.plan.total.calls


async def test_a_gain_that_no_instruction_needs_is_told_of():
    """Where leaving the prompt out gains as much as the best wording, the reasons say so."""

    def misled(context):
        return able("icy\n\n" + context if not context.startswith("Say which.") else context)

    found = await diagnose(single(), EXAMPLES, models=TableModel(misled))
    assert found.verdict == "go"
    assert any("bias" in reason for reason in found.reasons)
    helped = await diagnose(single(), EXAMPLES, models=TableModel(able))
    assert not any("bias" in reason for reason in helped.reasons)


async def test_a_network_that_always_fails_is_an_error():
    """Where every run may fail and does, there is no diagnosis but an error that says so."""

    def broken(context, key):
        raise ModelError("the server is down")

    with pytest.raises(TooManyFailures, match="own prompts failed"):
        await diagnose(
            single(),
            EXAMPLES,
            models=ScriptedModel(broken),
            method=Method(max_failures=1.0),
            effort=Effort(tries=3, screen=4, confirm=0),
        )
    with pytest.raises(TooManyFailures, match="max_failures"):
        await diagnose(single(), EXAMPLES, models=ScriptedModel(broken))


async def test_a_variant_that_fails_counts_as_wrong():
    """A prompt that leaves no room for the input loses, and the diagnosis goes on."""

    def crowded(context, key):
        if len(context) > 60:
            raise ContextOverflow("too long", needed=99, available=60)
        return "hot"

    found = await diagnose(
        single(),
        EXAMPLES,
        models=ScriptedModel(crowded),
        extra={"answer": ["long " * 20]},
        effort=Effort(tries=4, screen=12, confirm=0),
    )
    tried = {t.variant.text: t.metric for t in found.headroom[0].tried}
    assert tried["long " * 20] == 0
    assert tried["Say which."] > 0


async def test_own_variants_are_tried():
    """A prompt that the user gives is among the variants, and an unknown name is refused."""
    found = await diagnose(single(), EXAMPLES, models=TableModel(able), extra={"answer": ["Mine?"]})
    assert "Mine?" in [tried.variant.text for tried in found.headroom[0].tried]
    with pytest.raises(GraphError, match="no trainable prompt"):
        await diagnose(single(), EXAMPLES, models=TableModel(able), extra={"other": ["Mine?"]})


async def test_variants_hold_no_example_that_they_are_judged_on():
    """Demonstrations come from examples apart: no variant shows the input that it is run on."""
    seen = []

    def watching(context):
        seen.append(context)
        return able(context)

    await diagnose(single(), EXAMPLES, models=TableModel(watching))
    demonstrated = [context for context in seen if context.count("Answer:") > 1]
    assert demonstrated
    for context in demonstrated:
        *shown, own = [block for block in context.split("\n\n") if block[:2] in {"su", "sn"}]
        assert own not in shown


def pair(thoughts="Think.", answer="Say which."):
    return Graph(
        Input("text"),
        Node(
            "thoughts",
            "{prompt}\n\n{text}\n\nThoughts:",
            thoughts,
            decoding=Decoding(temperature=1.0, max_tokens=4),
        ),
        Node("answer", "{prompt}\n\n{text}\n{thoughts}\n\nAnswer:", answer, choices=("hot", "icy")),
    )


def coupled(context):
    """A changed thought helps where the answer's prompt has changed too, and harms elsewhere."""
    if context.endswith("Thoughts:"):
        return {"plain": 1.0} if context.startswith("Think.") else {"deep": 1.0}
    own = context.split("\n\n")[-2]
    truth = "hot" if "sun" in own else "icy"
    changed, deep = not context.startswith("Say which."), "deep" in own
    number = int(own.split()[1])
    share = {(False, False): 5, (True, False): 7, (False, True): 2, (True, True): 9}[changed, deep]
    right = 0.9 if number * 7 % 10 < share else 0.1
    return {truth: right, "icy" if truth == "hot" else "hot": 1 - right}


async def test_coupled_prompts_are_to_be_fitted_jointly():
    """An interaction that is in the model is found, with its size."""
    found = await diagnose(pair(), EXAMPLES, models=TableModel(coupled))
    (crossed,) = found.coupling
    assert set(crossed.prompts) == {"thoughts", "answer"}
    # (0.9 − 0.2) − (0.7 − 0.5) in truth.
    assert crossed.interaction.low <= 0.5 <= crossed.interaction.high
    assert crossed.verdict == "joint"
    assert crossed.fresh
    assert crossed.logprob_interaction.low > 0
    assert found.starting_sample.draws == Method().inference.draws
    assert 1 <= found.starting_sample.effective <= found.starting_sample.draws
    assert [node.node for node in found.abilities] == ["thoughts", "answer"]


async def test_prompts_that_add_up_are_separate():
    """Where the answer pays no heed to the thought there is no interaction."""

    def separate(context):
        return {"plain": 1.0} if context.endswith("Thoughts:") else coupled(context)

    found = await diagnose(pair(), EXAMPLES, models=TableModel(separate))
    (crossed,) = found.coupling
    assert crossed.interaction.mean == 0
    assert crossed.verdict == "separate"


async def test_a_model_that_only_samples_is_diagnosed_by_rollouts():
    """Without scores there is headroom but no bound, no starting sample and no log p."""
    model = TableModel(able, capabilities=Capabilities())
    found = await diagnose(single(), EXAMPLES, models=model)
    assert found.verdict == "go"
    assert found.objective == "rollout"
    assert found.starting_sample is None
    assert found.headroom[0].tried[0].logprob is None
    assert not found.abilities[0].bound
    assert any("rollouts" in reason for reason in found.reasons)


async def test_scores_without_an_end_are_warned_of():
    """A model that leaves out the end of a text says so through every wrapper."""

    class Cut(ScriptedModel):
        scores_end = False

    model = Cut(lambda context, key: "hot", lambda context, text: (-1.0,))
    found = await diagnose(pair(), EXAMPLES, models=model)
    assert "cut off" in found.abilities[0].warning
    assert found.abilities[1].warning == ""


async def test_the_plan_is_that_of_the_fit():
    """The calls are those that planning the fit gives, and have a price where it is known."""
    model = TableModel(able)
    effort = Effort(tries=3, screen=4, confirm=0)
    train, dev, method = EXAMPLES[:60], EXAMPLES[60:80], Method(steps=2, batch_size=10)

    async def found(price):
        return await diagnose(
            single(), train, dev, models=model, method=method, effort=effort, price=price
        )

    priced = await found(Price(1.0, 2.0))
    plan = await plan_fit(single(), train, dev, models=model, proposer=model, method=method)
    assert priced.plan == plan
    assert priced.money == plan.cost(Price(1.0, 2.0)) > 0
    assert (await found(Price(None, 2.0))).money is None
    assert (await found(None)).money is None


async def test_what_cannot_be_diagnosed_is_refused():
    """Nothing trainable, no target and too few examples are errors that say so."""
    model = TableModel(able)
    with pytest.raises(GraphError, match="nothing to diagnose"):
        await diagnose(single().frozen("answer"), EXAMPLES, models=model)
    with pytest.raises(DataError, match="no target"):
        await diagnose(single(), [Example("bare", {"text": "sun 1"})], models=model)
    with pytest.raises(DataError, match="too few"):
        await diagnose(single(), EXAMPLES[:1], models=model)
    with pytest.raises(ValueError, match="tries"):
        Effort(tries=1)
