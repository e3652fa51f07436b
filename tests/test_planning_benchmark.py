"""The benchmark of planning: what the published code would ask, and the sums that are compared."""

import argparse
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from langnet import Choice, Completion, Decoding, Key, TextScores
from langnet.lm.base import LabelScores
from langnet.lm.local import Work
from tests.distinct import Distinct

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
EXAMPLES, DRAWS, CANDIDATES = 8, 3, 8


class Engine(Distinct):
    """A model that counts words for tokens, and computes each context once per call."""

    def __init__(self):
        self.work = Work()

    def count_tokens(self, text):
        return len(text.split())

    async def sample(self, context, *, decoding, keys) -> list[Completion]:
        self._add(context, 1, 0)
        return await super().sample(context, decoding=decoding, keys=keys)

    async def score(self, context, texts, *, decoding, end=True) -> TextScores:
        self._add(context, len(texts), sum(map(self.count_tokens, texts)))
        return await super().score(context, texts, decoding=decoding, end=end)

    async def choose(self, context, choices) -> LabelScores:
        self._add(context, len(choices), len(choices))
        return await super().choose(context, choices)

    def _add(self, context, times, own):
        size = self.count_tokens(context)
        self.work += Work(prefilled_tokens=size + own, requested_tokens=times * size + own)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return None


@pytest.fixture(scope="module")
def modules():
    """The benchmark's modules by name; no package holds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        names = ("planning", "planning_table", "published", "recording")
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        for name in names:
            del sys.modules[name]


@pytest.fixture
async def measured(modules):
    """A small step of each variant, and the engines that they ran on."""
    engines = []

    async def load():
        engines.append(Engine())
        return engines[-1]

    sizes = {"examples": EXAMPLES, "draws": DRAWS, "candidates": CANDIDATES}
    outcomes = await modules.planning.measure(
        argparse.Namespace(**sizes, variants=modules.planning.VARIANTS), load
    )
    return outcomes, engines


def test_the_published_count(modules):
    """20·(1+5+5+5) + 2·19 + 20·5·20·2."""
    published = modules.published
    found = published.formula(20, 5, 20)
    assert list(found) == list(published.PARTS)
    assert sum(found.values()) == 20 * (1 + 5 + 5 + 5) + 2 * 19 + 20 * 5 * 20 * 2 == 4358


def test_requests_send_their_whole_context(modules):
    """Each request prefills all its words; classes take one request, or one per label."""
    published = modules.published
    found = published.costs(
        [
            published.Request("draws", "a b c"),
            published.Request("scores", "a b c", "d e"),
            published.Request("scores", "a b", labels=("yes", "no way")),
        ],
        lambda text: len(text.split()),
    )
    assert found["draws"] == published.Cost(1, 3, 1, 3)
    assert found["scores"] == published.Cost(2, 5 + 2, 3, 5 + 3 + 4)
    assert found["forward"] == published.Cost()


async def test_the_published_way_asks_what_its_formula_says(modules, measured):
    """Part by part, for the candidates that there are, with one more for each forward answer."""
    published = modules.published
    for outcome in measured[0]:
        wanted = published.formula(EXAMPLES, DRAWS, CANDIDATES)
        wanted["forward"] += EXAMPLES
        # What was dropped as a duplicate, and proposals that took no call, are not asked for.
        wanted["scores"] = EXAMPLES * DRAWS * sum(outcome.candidates.values())
        wanted["proposals"] = outcome.account.sent["propose"]
        assert {part: cost.requests for part, cost in outcome.published.items()} == wanted
        one_by_one = {part: cost.label_requests for part, cost in outcome.published.items()}
        assert one_by_one["scores"] == EXAMPLES * DRAWS * (
            outcome.candidates["thoughts"] + 2 * outcome.candidates["answer"]
        )


async def test_both_ways_are_of_the_same_step(measured):
    """Racing changes what is sent and not what it is compared with: texts and candidates."""
    (raced, full, _), _ = measured
    assert raced.published == full.published
    assert raced.plan == full.plan
    assert sum(raced.account.sent.values()) < sum(full.account.sent.values())
    assert full.account.raced == 0 < raced.account.raced


async def test_without_pruning_the_published_questions_are_asked(measured):
    """Every other candidate on every draw of every example, the draws of one context in a call."""
    (_, _, unpruned), _ = measured
    others = CANDIDATES - 1
    assert unpruned.account.planned["score"] == EXAMPLES * others * (1 + DRAWS)
    compared = unpruned.candidates
    assert unpruned.account.sent["score"] == EXAMPLES * (
        compared["thoughts"] - 1 + DRAWS * (compared["answer"] - 1)
    )


async def test_nothing_is_lost_between_plan_and_engine(measured):
    """planned = sent + raced + unneeded, and the phases' work adds up to the engine's."""
    for outcome, engine in zip(*measured, strict=True):
        figures = outcome.figures()
        assert figures["planned_calls"] == (
            figures["sent"] + figures["raced"] + figures["unneeded"]
        )
        assert all(count >= 0 for count in outcome.account.unneeded.values())
        assert sum(outcome.work.values(), Work()) == engine.work
        assert figures["prefilled_tokens"] == engine.work.prefilled_tokens
        assert figures["prefilled_over_published"] == pytest.approx(
            engine.work.prefilled_tokens / sum(cost.tokens for cost in outcome.published.values())
        )


async def test_a_recording_counts_what_grouping_saves(modules):
    """Each text and label beyond the first of a call would have been a call of its own."""
    ledger = modules.recording.Recording(Engine())
    model = ledger.model(ledger.engine, "infer")
    keys = [Key(("draw", number)) for number in range(3)]
    await model.sample("a b", decoding=Decoding(), keys=keys)
    await model.sample("a b", decoding=Decoding(), keys=keys)  # known already
    await model.choose("c", [Choice("yes"), Choice("no")])
    assert ledger.contexts("infer") == ["a b"] * 3
    assert [(q.kind, q.texts) for q in ledger.questions] == [("sample", 3), ("choose", 2)]
    assert ledger.work()["infer"] == ledger.engine.work
    assert ledger.work()["score"] == Work()
