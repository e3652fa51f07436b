"""The meter: what is counted, and what is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import TransientError
from langnet.key import Key
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScore,
    TextScores,
    Usage,
)
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.meter import Meter, Metered, MeterReading

KEYS = [Key(("draw", i)) for i in range(3)]


class Fixed:
    """Answers everything, at a known price; fails where the context is "fail"."""

    identity = "fixed"
    capabilities = Capabilities(score=True, choose=True)
    closed = False

    async def sample(self, context, *, decoding, keys):
        self._check(context)
        return [Completion("text", "stop", Usage(10, 2, 1)) for _ in keys]

    async def score(self, context, texts, *, decoding, end=True):
        self._check(context)
        return TextScores(tuple(TextScore((-1.0,)) for _ in texts), Usage(20, 0, 5))

    async def choose(self, context, choices):
        self._check(context)
        return LabelScores(tuple(-1.0 for _ in choices), Usage(7))

    async def aclose(self):
        self.closed = True

    def _check(self, context):
        if context == "fail":
            raise TransientError("no")


async def ask_all(model, context="Q"):
    """One call of each kind."""
    await model.sample(context, decoding=Decoding(), keys=KEYS)
    await model.score(context, ["a", "b"], decoding=Decoding())
    await model.choose(context, [Choice("yes"), Choice("no")])


async def test_every_call_is_counted_once():
    """Calls, texts and tokens add up to what the model said."""
    meter = Meter()
    model = Metered(Fixed(), meter)
    assert isinstance(model, LanguageModel)
    await ask_all(model)
    assert meter.snapshot() == MeterReading(
        sample_calls=1,
        score_calls=1,
        choose_calls=1,
        texts_drawn=3,
        texts_scored=3,
        prompt_tokens=57,
        completion_tokens=6,
        cached_tokens=8,
    )
    assert meter.snapshot().calls == 3


async def test_the_difference_of_two_readings_is_what_happened_between():
    """A step's own counts are a subtraction, and a reading does not change afterwards."""
    meter = Meter()
    model = Metered(Fixed(), meter)
    await ask_all(model)
    before = meter.snapshot()
    await ask_all(model)
    assert meter.snapshot() - before == before


async def test_failures_are_counted_and_passed_on():
    """A failed call is a call and an error, and has drawn nothing."""
    meter = Meter()
    model = Metered(Fixed(), meter)
    for call in (
        model.sample("fail", decoding=Decoding(), keys=KEYS),
        model.score("fail", ["a"], decoding=Decoding()),
        model.choose("fail", [Choice("yes")]),
    ):
        with pytest.raises(TransientError):
            await call
    assert meter.snapshot() == MeterReading(sample_calls=1, score_calls=1, choose_calls=1, errors=3)


async def test_hits_are_no_calls():
    """What a cache answers is a hit: no call, no tokens."""
    meter = Meter()
    model = Cached(Metered(Fixed(), meter), MemoryStore(), meter=meter)
    await ask_all(model)
    first = meter.snapshot()
    assert first.hits == 0
    await ask_all(model)
    assert meter.snapshot() - first == MeterReading(hits=6)


async def test_the_model_shows_through():
    """Counting changes neither identity nor capabilities, and closing goes through."""
    inner = Fixed()
    model = Metered(inner, Meter())
    assert (model.identity, model.capabilities) == (inner.identity, inner.capabilities)
    await model.aclose()
    assert inner.closed


readings = st.builds(MeterReading, **dict.fromkeys(MeterReading().to_json(), st.integers(0, 2**40)))


@given(readings, readings)
def test_readings_add_and_subtract(one, other):
    """Subtraction undoes addition, and JSON holds every count."""
    assert one + other - other == one
    assert MeterReading(**json.loads(json.dumps(one.to_json()))) == one
