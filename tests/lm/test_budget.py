"""Budgets: a call that could exceed them is not sent, and a fit keeps the best so far."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import Budget, BudgetExceeded, Choice, Decoding, Key, Meter, Price
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.meter import Metered, MeterReading
from langnet.lm.prices import Prices, PriceUnknown
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


class Priced(TableModel):
    """A model with a name, which prices go by."""

    def __init__(self, name):
        super().__init__(lambda context: {"yes": 0.75, "no": 0.25}, identity=name)
        self.name = name


PRICES = Prices(models={"cheap": Price(1.0, 1.0), "dear": Price(1000.0, 1000.0)})


async def test_money_is_counted_by_the_price_of_each_model():
    """A budget in money without a price of its own takes each model's, and is never exceeded."""
    meter = Meter(prices=PRICES)
    cheap, dear = (Metered(Priced(name), meter) for name in ("cheap", "dear"))
    refused = []

    async def ask(number):
        try:
            await dear.choose(f"number {number}", LABELS)
        except BudgetExceeded as error:
            refused.append(str(error))

    with meter.limited(Budget(money=0.01)):
        for number in range(20):
            await cheap.choose(f"cheap {number}", LABELS)
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ask, number)
    assert 0 < meter.snapshot().cost <= 0.01
    assert 0 < meter.by_model()["dear"].calls < 20
    assert len(refused) == 20 - meter.by_model()["dear"].calls
    assert "0.01 in money" in refused[0]


async def test_money_cannot_be_limited_where_a_price_is_unknown():
    """A model without a price is refused, before a call or at it, and the error names it."""
    meter = Meter(prices=PRICES)
    late = Metered(Priced("cheap"), meter)
    with meter.limited(Budget(money=1.0)):
        await late.choose("known", LABELS)
        unknown = Metered(Priced("stranger"), meter)
        with pytest.raises(BudgetExceeded, match="stranger"):
            await unknown.choose("unknown", LABELS)
    with pytest.raises(PriceUnknown, match="stranger"), meter.limited(Budget(money=1.0)):
        pass
    with meter.limited(Budget(money=1.0, price=Price(1.0, 1.0))):
        await unknown.choose("one price holds for all", LABELS)
    earlier = MeterReading(prompt_tokens=10, unpriced_tokens=10)
    with (
        pytest.raises(PriceUnknown, match="earlier sessions"),
        (fresh := Meter(prices=PRICES)).limited(Budget(money=1.0), spent=earlier),
    ):
        pass
    assert not fresh.is_limited


async def test_a_model_may_declare_its_own_price():
    """A model that computes here costs nothing by its own word, unless a table says otherwise."""
    own = Priced("mine")
    own.price = Price(0.0, 0.0)
    meter = Meter(prices=PRICES)
    await Metered(own, meter).choose("free", LABELS)
    assert meter.snapshot().cost == 0
    priced = Meter(prices=Prices(models={"mine": Price(5.0, 5.0)}))
    await Metered(own, priced).choose("not free", LABELS)
    assert priced.snapshot().cost > 0


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_cached_tokens_have_their_own_price(prompt, completion, share):
    """Cached tokens cost their price and the others theirs; without one they cost the same."""
    cached = int(prompt * share)
    apart = Price(4.0, 8.0, cached=1.0).of(prompt, completion, cached)
    assert apart == pytest.approx(((prompt - cached) * 4 + cached + completion * 8) / 1e6)
    assert Price(4.0, 8.0).of(prompt, completion, cached) == Price(4.0, 8.0).of(prompt, completion)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_unknown_prices_are_unknown(prompt, completion):
    """A missing price makes the cost unknown, not nothing, unless none of its tokens were used."""
    assert Price(1.0, None).of(prompt, 0) == prompt / 1e6
    assert (Price(1.0, None).of(prompt, completion) is None) == (completion > 0)
