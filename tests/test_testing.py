"""The public fakes keep the contract, and the contract check finds who does not."""

import itertools
import math
from collections import Counter
from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import CapabilityError, ModelError
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import Capabilities, Choice, Completion, Decoding, LanguageModel, TextScores
from langnet.node import Function, Input, Node
from langnet.testing import (
    GatedModel,
    ScriptedModel,
    TableModel,
    check_model,
    enumerate_traces,
    exact_evidence,
    hashed_distribution,
)

WORDS = ("Yes", "No", "No, it is not", "Perhaps so")
KEYS = [Key(("draw", number)) for number in range(3000)]


def table_model(**settings):
    """A table with a random but fixed distribution for every context."""
    return TableModel(hashed_distribution(WORDS), **settings)


@pytest.mark.parametrize("able", [*itertools.product([True, False], repeat=3)])
async def test_the_table_keeps_the_contract(able):
    """With any capabilities the table does what it declares and refuses the rest."""
    sample, score, choose = able
    model = table_model(capabilities=Capabilities(sample=sample, score=score, choose=choose))
    assert isinstance(model, LanguageModel)
    await check_model(model)


async def test_the_script_keeps_the_contract():
    """A script with and without scores passes, where its draws are not said to vary."""
    await check_model(ScriptedModel(lambda context, key: "Yes"), varied=False)
    scored = ScriptedModel(lambda context, key: "x", lambda context, text: [-1.0] * len(text))
    await check_model(scored, varied=False)


async def test_an_open_gate_keeps_the_contract():
    """A gated model is as good as the one behind it."""
    gated = GatedModel(table_model())
    gated.release_all()
    await check_model(gated)
    await gated.aclose()
    assert gated.identity == "table"


class Faulty(TableModel):
    """A table with one fault, for the contract check to find."""

    def __init__(self, fault):
        super().__init__(hashed_distribution(WORDS))
        self.fault = fault
        self.drawn = 0
        if fault == "identity":
            self.identity = ""
        if fault.startswith("refusal"):
            self.capabilities = Capabilities(sample=False, score=False, choose=False)

    async def sample(self, context, *, decoding, keys):  # noqa: C901 - one branch per fault
        if self.fault == "refusal of sample":
            return []
        if self.fault == "same":
            keys = [KEYS[0]] * len(keys)
        if self.fault == "order":
            keys = [*sorted(keys)]
        if self.fault == "company" and len(keys) == 1:
            keys = [keys[0] / "alone" / 4]
        if self.fault == "greedy" and decoding.temperature == 0:
            decoding = replace(decoding, temperature=1.0)
            keys = [key / 1 for key in keys]
        if self.fault == "stop":
            decoding = replace(decoding, stop=())
        drawn = await super().sample(context, decoding=decoding, keys=keys)
        if self.fault == "fewer":
            return drawn[1:]
        if self.fault == "space":
            return [replace(completion, text=completion.text + " ") for completion in drawn]
        if self.fault == "finish":
            return [replace(completion, finish="done") for completion in drawn]
        if self.fault == "tokens":
            return [
                replace(completion, usage=replace(completion.usage, completion_tokens=9))
                for completion in drawn
            ]
        return drawn

    async def score(self, context, texts, *, decoding, end=True):
        if self.fault == "refusal of score":
            return TextScores(())
        if self.capabilities.score and self.fault == "cold":
            decoding = replace(decoding, temperature=decoding.temperature or 0.1)
        scored = await super().score(context, texts, decoding=decoding, end=end)
        shift = {
            "positive": 9.0,
            "batch": -float(len(texts)),
            "end": 0.0 if end else -1.0,
            "nan": math.nan,
        }.get(self.fault, 0.0)
        moved = [replace(score, token_logprobs=(score.logprob + shift,)) for score in scored.scores]
        return replace(scored, scores=tuple(moved[1:] if self.fault == "missing" else moved))

    async def choose(self, context, choices):
        if self.fault == "refusal of choose":
            return None
        scored = await super().choose(context, choices)
        logprobs = scored.logprobs
        if self.fault == "choice":
            logprobs = tuple(logprob - 0.1 for logprob in logprobs)
        if self.fault == "choice positive":
            logprobs = tuple(logprob + 9 for logprob in logprobs)
        if self.fault == "choice missing":
            logprobs = logprobs[1:]
        if self.fault == "choice order":
            logprobs = (logprobs[0] - 1, *logprobs[1:])
        return replace(scored, logprobs=logprobs)


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        ("identity", "identity must be a text"),
        ("refusal of sample", "unable to sample"),
        ("refusal of score", "unable to score"),
        ("refusal of choose", "unable to choose"),
        ("same", "different keys all gave"),
        ("order", "in another order"),
        ("company", "another text alone"),
        ("greedy", "at temperature 0 the text depends on the key"),
        ("stop", "holds the stop string"),
        ("fewer", "keys gave 5 texts"),
        ("space", "surrounding white space"),
        ("finish", "finish is 'done'"),
        ("tokens", "max_tokens=1 gave 9 tokens"),
        ("positive", "above 0"),
        ("nan", "no number"),
        ("batch", "alone and"),
        ("cold", "at temperature 0, which is to count as 1"),
        ("end", "less probable without its end"),
        ("missing", "3 texts gave 2 scores"),
        ("choice", "scores add up to"),
        ("choice positive", "above 0"),
        ("choice missing", "2 choices gave 1 scores"),
        ("choice order", "the order of the choices"),
    ],
)
async def test_the_check_names_the_broken_law(fault, law):
    """Every law of the contract is broken by some model, and the message says which."""
    with pytest.raises(AssertionError, match=law):
        await check_model(Faulty(fault))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
async def test_the_table_draws_as_it_scores(temperature):
    """Shares of draws come to exp(score) = p^(1/T) / Z."""
    model = table_model()
    decoding = Decoding(temperature=temperature)
    raw = {text: p ** (1 / temperature) for text, p in model.distribution("c").items()}
    drawn = Counter(
        completion.text for completion in await model.sample("c", decoding=decoding, keys=KEYS)
    )
    scored = await model.score("c", WORDS, decoding=decoding)
    for text, score in zip(WORDS, scored.scores, strict=True):
        assert math.exp(score.logprob) == pytest.approx(raw[text] / sum(raw.values()))
        assert drawn[text] / len(KEYS) == pytest.approx(math.exp(score.logprob), abs=0.04)


async def test_stop_strings_add_up_texts_that_become_the_same():
    """What ends at a stop string is drawn and scored as the text before it."""
    model = TableModel(lambda context: {"No": 0.25, "No, never": 0.25, "Yes": 0.5})
    assert model.probabilities("c", Decoding(stop=(",",))) == {"No": 0.5, "Yes": 0.5}
    assert model.probabilities("c", Decoding(top_p=0.5)) == {"Yes": 1.0}


async def test_the_table_counts_calls_and_tokens():
    """Draws of one context share its prompt tokens; every call is counted by its name."""
    model = table_model()
    await model.sample("three little words", decoding=Decoding(), keys=KEYS[:4])
    await model.score("a b", ["Yes"], decoding=Decoding())
    await model.choose("a b", [Choice("Yes")])
    assert model.calls == {"sample": 1, "score": 1, "choose": 1}
    assert (model.usage.prompt_tokens, model.usage.completion_tokens) == (3 + 3 + 3, 4)


async def test_a_table_that_does_not_sum_to_one_is_refused():
    """A distribution is checked where it is used."""
    with pytest.raises(ValueError, match=r"sum to 0\.9"):
        await TableModel(lambda context: {"a": 0.9}).score("c", ["a"], decoding=Decoding())


@given(st.text(), st.integers(), st.floats(0.01, 100))
def test_hashed_distributions_are_fixed_and_positive(context, seed, concentration):
    """The same context has the same distribution, with every text possible."""
    first, second = (
        hashed_distribution(WORDS, seed=seed, concentration=concentration)(context)
        for _ in range(2)
    )
    assert first == second
    assert math.fsum(first.values()) == pytest.approx(1)
    assert min(first.values()) > 0


async def test_a_script_says_what_it_lacks():
    """A context without an answer and a score without a script are no failures of an example."""
    model = ScriptedModel({"2 + 2 =": "4"})
    assert (
        await model.sample("2 + 2 =", decoding=Decoding(), keys=KEYS[:2]) == [Completion("4")] * 2
    )
    with pytest.raises(CapabilityError, match="no answer to '3'"):
        await model.sample("3", decoding=Decoding(), keys=KEYS[:1])
    with pytest.raises(CapabilityError, match="cannot choose"):
        await model.choose("3", [Choice("a")])


async def test_a_script_may_fail_as_a_call_does():
    """What the script's function raises is what the call raises."""

    def answer(context, key):
        raise ModelError("down")

    with pytest.raises(ModelError, match="down"):
        await ScriptedModel(answer).sample("c", decoding=Decoding(), keys=KEYS[:1])


async def test_gates_open_in_any_order():
    """A call goes on when it is released, and not before; a cancelled one is forgotten."""
    gated = GatedModel(ScriptedModel(lambda context, key: context))
    done = []

    async def call(context):
        await gated.sample(context, decoding=Decoding(), keys=KEYS[:1])
        done.append(context)

    async with anyio.create_task_group() as tasks:
        for context in "abc":
            tasks.start_soon(call, context)
        await gated.arrived(3)
        assert (gated.waiting, gated.open, gated.peak) == (("a", "b", "c"), 3, 3)
        assert gated.release("b") == "b"
        while done != ["b"]:
            await anyio.lowlevel.checkpoint()
        assert gated.release(1) == "c"
        while done != ["b", "c"]:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert (gated.waiting, gated.open, gated.peak) == ((), 0, 3)


async def test_gates_do_not_wait_for_ever():
    """A call that never comes is an error that shows what did come."""
    gated = GatedModel(table_model())
    with pytest.raises(TimeoutError, match="0 of 1 calls arrived within 0 s"):
        await gated.arrived(1, patience=0)


def test_the_evidence_of_a_chain_by_hand():
    """p(y | x) = Σ_h p(h | x) p(y | x, h), written out."""
    model = table_model()
    graph = Graph(
        Input("x"),
        Node("h", "{prompt}{x}", "think "),
        Node("y", "{x} {h}{prompt}", " so"),
    )
    first = model.distribution("think 2")
    expected = sum(p * model.distribution(f"2 {h} so")["No"] for h, p in first.items())
    assert exact_evidence(graph, model, {"x": "2"}, {"y": "No"}) == pytest.approx(
        math.log(expected)
    )


def test_the_evidence_of_a_plate_by_hand():
    """Independent draws multiply, and a function of all sees them as a tuple."""
    model = TableModel(lambda context: {"a": 0.25, "b": 0.75})
    graph = Graph(
        Input("x"),
        Node("h", "{prompt}{x}", draws=3),
        Function("count", lambda h: str(h.count("a"))),
    )
    assert math.exp(exact_evidence(graph, model, {"x": "2"}, {"count": "2"})) == pytest.approx(
        3 * 0.25**2 * 0.75
    )
    assert exact_evidence(graph, model, {"x": "2"}, {"h": "b"}) == pytest.approx(3 * math.log(0.75))
    assert exact_evidence(graph, model, {"x": "2"}, {"count": "4"}) == -math.inf


def test_all_assignments_have_probability_one_together():
    """Without targets the enumeration covers everything exactly once."""
    model = TableModel(hashed_distribution(["a", "b"]))
    graph = Graph(
        Input("xs", plural=True),
        Node("h", "{prompt}{xs}", over="xs", draws=2),
        Node("g", "{h}{prompt}", over="h", choices=["a", "b"]),
    )
    outcomes = enumerate_traces(graph, model, {"xs": ["1", "2"]})
    assert len(outcomes) == 2**8 == len({str(outcome.values) for outcome in outcomes})
    assert math.fsum(math.exp(outcome.log_joint) for outcome in outcomes) == pytest.approx(1)
