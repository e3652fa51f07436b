"""Budgets: a call that could exceed them is not sent, and a fit keeps the best so far."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import Budget, BudgetExceeded, Choice, Decoding, Key, Meter, Price
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.meter import Metered, MeterReading
from langnet.testing import TableModel

LABELS = [Choice("yes"), Choice("no")]


def metered(meter):
    return Metered(TableModel(lambda context: {"yes": 0.75, "no": 0.25}), meter)


@pytest.mark.parametrize("limit", [0, 1, 7])
async def test_no_call_beyond_the_limit_goes_out(limit):
    """However many ask at once, exactly as many calls go out as the budget has."""
    meter = Meter()
    model = metered(meter)
    refused = []

    async def ask(number):
        try:
            await model.choose(f"context {number}", LABELS)
        except BudgetExceeded as error:
            refused.append(str(error))

    with meter.limited(Budget(calls=limit)):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ask, number)
    assert meter.snapshot().calls == limit
    assert len(refused) == 20 - limit
    assert f"the budget of {limit} calls is spent" in refused[0]
    await model.choose("outside the block there is no limit", LABELS)


async def test_answers_from_a_cache_are_free():
    """What a cache answers is no call."""
    meter = Meter()
    model = Cached(metered(meter), MemoryStore(), meter=meter)
    with meter.limited(Budget(calls=1)):
        for _ in range(3):
            await model.choose("the same", LABELS)
        with pytest.raises(BudgetExceeded):
            await model.choose("another", LABELS)


async def test_tokens_are_set_aside_before_a_call():
    """A draw whose longest answer does not fit the budget is not sent."""
    meter = Meter()
    model = metered(meter)
    keys = [Key(("a",))]
    with meter.limited(Budget(tokens=50)):
        with pytest.raises(BudgetExceeded, match="50 tokens"):
            await model.sample("some words", decoding=Decoding(max_tokens=50), keys=keys)
        await model.sample("some words", decoding=Decoding(max_tokens=20), keys=keys)
    reading = meter.snapshot()
    assert reading.calls == 1
    assert reading.prompt_tokens + reading.completion_tokens <= 50


async def test_earlier_sessions_count():
    """What was spent before is part of the budget."""
    meter = Meter()
    model = metered(meter)
    with meter.limited(Budget(calls=5), spent=MeterReading(choose_calls=4)):
        await model.choose("one", LABELS)
        with pytest.raises(BudgetExceeded):
            await model.choose("two", LABELS)


async def test_money_needs_prices():
    """A budget in money with half a price is refused; with a whole one it holds."""
    with pytest.raises(ValueError, match="price=Price"):
        Budget(money=1.0, price=Price(prompt=1.0))
    with pytest.raises(ValueError, match="at least 0"):
        Budget(calls=-1)
    meter = Meter()
    model = metered(meter)
    budget = Budget(money=0.01, price=Price(1000.0, 1000.0))
    with meter.limited(budget):
        for number in range(2):
            await model.choose(f"number {number}", LABELS)
        with pytest.raises(BudgetExceeded, match=r"0\.01 in money"):
            await model.choose("one that would cost too much", LABELS)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_unknown_prices_are_unknown(prompt, completion):
    """A missing price makes the cost unknown, not nothing, unless none of its tokens were used."""
    assert Price(1.0, None).of(prompt, 0) == prompt / 1e6
    assert (Price(1.0, None).of(prompt, completion) is None) == (completion > 0)
