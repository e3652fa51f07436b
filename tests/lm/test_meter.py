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
from langnet.lm.budget import Price
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.caller import calling
from langnet.lm.meter import Meter, Metered, MeterReading
from langnet.lm.prices import Prices
from langnet.lm.reading import total
from tests.virtual import virtually

KEYS = [Key(("draw", i)) for i in range(3)]


class Fixed:
    """Answers everything, at a known price; fails where the context is "fail"."""

    identity = "fixed"
    capabilities = Capabilities(score=True, choose=True)
    closed = False
    usage = Usage(10, 2, 1)

    async def sample(self, context, *, decoding, keys):
        self._check(context)
        return [Completion("text", "stop", self.usage) for _ in keys]

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
        unpriced_tokens=63,
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


class Named(Fixed):
    """A model with a name, at a server of its own."""

    def __init__(self, name, identity):
        self.name = name
        self.identity = identity


async def test_counts_are_taken_apart_by_who_called_and_by_model():
    """Each call counts for its node, its purpose and its model, and each way adds up to all."""
    meter = Meter(prices=Prices(models={"dear": Price(1.0, 10.0)}))
    stacks = {
        name: Cached(Metered(model, meter), MemoryStore(), meter=meter)
        for name in ("dear", "unknown")
        for model in [Named(name, f"openai:{name}@http://h/v1")]
    }
    for node, purpose, name in (
        ("a", "forward", "dear"),
        ("a", "score", "unknown"),
        ("b", "score", "dear"),
        ("b", "score", "dear"),
    ):
        with calling(node=node, purpose=purpose):
            await ask_all(stacks[name])
    for parts in (meter.by_node(), meter.by_purpose(), meter.by_model()):
        assert total(parts.values()) == meter.snapshot()
    by_node, by_model, by_purpose = meter.by_node(), meter.by_model(), meter.by_purpose()
    assert {name: reading.calls for name, reading in by_node.items()} == {"a": 6, "b": 0}
    assert by_node["b"].hits == 12
    assert {name: reading.calls for name, reading in by_purpose.items()} == {
        "forward": 3,
        "score": 3,
    }
    assert by_model["dear"].cost == pytest.approx((57 * 1 + 6 * 10) / 1e6)
    assert (by_model["unknown"].cost, by_model["unknown"].unpriced_tokens) == (None, 63)
    assert meter.snapshot().cost is None
    assert meter.snapshot().known_cost == by_model["dear"].cost


async def test_one_name_at_two_servers_is_two_models():
    """A second model of the same name is counted by its identity."""
    meter = Meter()
    for server in ("one", "two", "one"):
        await ask_all(Metered(Named("toy", f"openai:toy@http://{server}/v1"), meter))
    calls = {name: reading.calls for name, reading in meter.by_model().items()}
    assert calls == {"toy": 6, "openai:toy@http://two/v1": 3}


@pytest.mark.parametrize(
    ("draws", "temperature", "prompt"), [(3, 1.0, 3), (3, 0.0, 1), (1, 1.0, 1)]
)
async def test_what_a_server_does_not_say_is_estimated(draws, temperature, prompt):
    """Without counts of the server's, contexts and answers are counted here and marked so."""

    class Silent(Named):
        usage = Usage()

        def bounded(self, hear):
            """What servers have: each draw is a request of its own, unless all are one."""

    meter = Meter()
    model = Metered(Silent("toy", "openai:toy@http://h/v1"), meter)
    decoding = Decoding(temperature=temperature)
    await model.sample("four letters are one token", decoding=decoding, keys=KEYS[:draws])
    reading = meter.snapshot()
    drawn = draws if temperature else 1
    assert (reading.prompt_tokens, reading.completion_tokens) == (7 * prompt, drawn)
    assert reading.estimated_tokens == reading.tokens


async def test_a_model_of_ones_own_may_keep_its_name_as_it_likes():
    """A name that is no text, or a text where wrappers have their model, is no trouble."""
    own = Named(None, "mine")
    own.model = "gpt-4o"
    meter = Meter()
    await ask_all(Cached(Metered(own, meter), MemoryStore(), meter=meter))
    assert list(meter.by_model()) == ["mine"]


async def test_what_a_memory_answers_is_not_estimated():
    """A meter over a cache counts no tokens for what the cache had."""
    inner, outer = Meter(), Meter()
    model = Metered(Cached(Metered(Fixed(), inner), MemoryStore(), meter=inner), outer)
    for _ in range(2):
        await model.choose("Q", [Choice("yes")])
    assert (outer.snapshot().calls, outer.snapshot().prompt_tokens) == (2, 7)
    assert outer.snapshot().estimated_tokens == 0


def test_time_in_a_queue_is_counted_for_the_call_that_queued():
    """Seconds that a call waits for its turn are counted with its node; the first has to wait."""
    from langnet.lm.limited import Limited
    from langnet.lm.limiter import Limiter
    from langnet.lm.limits import Limits

    async def main():
        meter = Meter()
        limiter = Limiter(Limits(requests_per_minute=60))
        model = Metered(Limited(Fixed(), limiter), meter)
        for node in ("first", "second"):
            with calling(node=node):
                await model.choose("Q", [Choice("yes")])
        return meter

    meter = virtually(main)
    by_node = meter.by_node()
    assert by_node["first"].queued == 0
    assert by_node["second"].queued == pytest.approx(1.0, rel=0.1)
    assert meter.snapshot().queued == by_node["second"].queued


def test_readings_of_older_versions_have_no_known_price():
    """What was counted before there were prices loads, and its cost is unknown rather than 0."""
    old = {"sample_calls": 2, "prompt_tokens": 30, "completion_tokens": 4, "seconds": 1.5}
    reading = MeterReading.from_json(old)
    assert (reading.sample_calls, reading.queued, reading.cost) == (2, 0.0, None)
    assert MeterReading.from_json(reading.to_json()) == reading
    assert MeterReading.from_json({"hits": 3}).cost == 0
