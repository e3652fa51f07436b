"""Counts what was asked of models: calls, texts, tokens, money, waits, errors, cached answers.

Everything is counted by who calls (`langnet.lm.caller`) and by model, so that a total can be taken
apart by node, by model and by purpose.

A meter also holds the budget, since it stands where calls go out: above it are caches, whose
answers are free.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from langnet.errors import BudgetExceeded
from langnet.lm.base import Usage
from langnet.lm.budget import Budget, Price
from langnet.lm.caller import NODE, PURPOSE
from langnet.lm.limiter import Limiter
from langnet.lm.metered import Metered
from langnet.lm.prices import Prices, PriceUnknown
from langnet.lm.reading import WATCHED, Counts, MeterReading
from langnet.lm.wrapper import innermost, name_of, stack_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langnet.lm.base import LanguageModel
    from langnet.lm.limits import LimiterReading

__all__ = ["Meter", "MeterReading", "Metered"]


class Meter:
    """Counters that belong to the caller. Give one meter to several models to add them up.

    Not safe between threads: one event loop counts.

    Args:
        prices: what tokens cost; by default what the user's file and the table that comes along
            say (`Prices.usual`).
    """

    __slots__ = (
        "_budget",
        "_counts",
        "_earlier",
        "_limiters",
        "_models",
        "_reserved",
        "_total",
        "prices",
    )

    def __init__(self, *, prices: Prices | None = None) -> None:
        self.prices = Prices.usual() if prices is None else prices
        self._total = Counts()
        self._counts: dict[tuple[str, str, str], Counts] = {}
        self._models: dict[str, tuple[str, Price | None]] = {}
        self._limiters: dict[str, Limiter] = {}
        self._budget: Budget | None = None
        self._earlier = MeterReading()
        self._reserved = (Usage(), 0.0)

    def snapshot(self) -> MeterReading:
        """The counts as they stand now."""
        return self._total.reading()

    @property
    def places(self) -> Mapping[tuple[str, str, str], Counts]:
        """The counters themselves by node, purpose and model: to be looked at often, at no cost."""
        return MappingProxyType(self._counts)

    def limits(self) -> dict[str, LimiterReading]:
        """How the limiter of each model stands that has one, by the model's name."""
        return {name: limiter.reading() for name, limiter in self._limiters.items()}

    def by_node(self) -> dict[str, MeterReading]:
        """The counts by the node whose call it was; "" where none was named."""
        return self._by(0)

    def by_purpose(self) -> dict[str, MeterReading]:
        """The counts by what calls were for (`Caller.purpose`); "" where that was not said."""
        return self._by(1)

    def by_model(self) -> dict[str, MeterReading]:
        """The counts by model: its name, or its identity where it has none."""
        return self._by(2)

    def _by(self, part: int) -> dict[str, MeterReading]:
        found: dict[str, MeterReading] = {}
        for place, counts in self._counts.items():
            name = place[part]
            found[name] = found.get(name, MeterReading()) + counts.reading()
        return found

    def counts(self, model: str) -> tuple[Counts, ...]:
        """Where the present caller's call of a model is counted.

        Args:
            model: its name, as `known` gives it.
        """
        place = (NODE.get().node, PURPOSE.get(), model)
        mine = self._counts.get(place)
        if mine is None:
            mine = self._counts[place] = Counts()
        watched = WATCHED.get()
        return (self._total, mine) if watched is None else (self._total, mine, watched)

    def known(self, model: LanguageModel) -> str:
        """The name that a model's calls are counted by, from now on.

        That is its own name; where another model of this meter has it already, such as at another
        server, its identity.
        """
        inner = innermost(model)
        identity = str(inner.identity)
        name = name_of(inner)
        price = self._price(inner)
        if self._models.setdefault(name, (identity, price))[0] != identity:
            name = identity
            self._models[name] = identity, price
        for part in stack_of(model):
            limiter = getattr(part, "limiter", None)
            if isinstance(limiter, Limiter):
                self._limiters.setdefault(name, limiter)
        return name

    def price(self, name: str) -> Price | None:
        """What a model that is counted costs; `None` where it is unknown."""
        return self._models[name][1]

    def _price(self, model: LanguageModel) -> Price | None:
        listed = self.prices.of(name_of(model))
        declared = getattr(model, "price", None)  # a model of one's own may say it itself
        return listed or (declared if isinstance(declared, Price) else None)

    @contextmanager
    def limited(
        self, budget: Budget | None, *, spent: MeterReading | None = None
    ) -> Iterator[None]:
        """Holds all that is counted from now on to a budget, until the block is left.

        Args:
            budget: the limits; none where it is `None`.
            spent: what counts as spent already, such as by earlier sessions of the same fit.

        Raises:
            PriceUnknown: money is limited, but the price of a model that is counted is unknown.
            BudgetExceeded: in the block, by a call that could exceed the budget: it is not sent.
        """
        spent = spent or MeterReading()
        if budget is not None and budget.needs_prices:
            self._demand_prices(spent)
        before = self._budget, self._earlier
        self._budget = budget
        self._earlier = self.snapshot() - spent
        try:
            yield
        finally:
            self._budget, self._earlier = before

    def _demand_prices(self, spent: MeterReading) -> None:
        unknown = [
            name for name, (_, price) in self._models.items() if price is None or not price.is_known
        ]
        if unknown:
            raise PriceUnknown(_unknown(unknown[0]))
        if spent.unpriced_tokens:
            raise PriceUnknown(
                f"earlier sessions took {spent.unpriced_tokens:,} tokens whose price was unknown, "
                "so what is left of a budget in money is, too; give one price for all tokens, as "
                "in Budget(money=…, price=Price(…)) or --price-in and --price-out"
            )

    @property
    def is_limited(self) -> bool:
        """Whether a budget holds."""
        return self._budget is not None

    @contextmanager
    def reserved(self, usage: Usage, model: str = "") -> Iterator[None]:
        """Sets aside what a call may take, while it is under way.

        Args:
            usage: the most tokens that it may take.
            model: which one it is a call of, as `known` gives it.

        Raises:
            BudgetExceeded: it could exceed the budget.
        """
        budget = self._budget
        if budget is None:
            yield
            return
        money = 0.0
        if budget.needs_prices:
            price = self._models[model][1] if model in self._models else None
            if price is None or not price.is_known:
                raise BudgetExceeded(_unknown(model))
            # As if nothing were cached, which is what it may come to.
            money = price.of(usage.prompt_tokens, usage.completion_tokens) or 0.0
        now, earlier = self._total, self._earlier
        tokens, promised = self._reserved[0] + usage, self._reserved[1] + money
        fault = budget.exceeded(
            now.calls - earlier.calls + 1,
            now.prompt_tokens - earlier.prompt_tokens + tokens.prompt_tokens,
            now.completion_tokens - earlier.completion_tokens + tokens.completion_tokens,
            now.known_cost - earlier.known_cost + promised,
        )
        if fault is not None:
            raise BudgetExceeded(f"{fault}; give a larger one to go on")
        self._reserved = tokens, promised
        try:
            yield
        finally:
            tokens, promised = self._reserved
            self._reserved = (
                Usage(
                    tokens.prompt_tokens - usage.prompt_tokens,
                    tokens.completion_tokens - usage.completion_tokens,
                ),
                promised - money,
            )

    def __repr__(self) -> str:
        return f"Meter({self.snapshot()!r})"


def _unknown(model: str) -> str:
    return (
        f"the price of {model!r} is unknown, so a budget in money cannot be kept; put it into a "
        "file of prices (--prices FILE, $LANGNET_PRICES, Meter(prices=…)), or give one price for "
        "all tokens (--price-in and --price-out, Budget(price=…))"
    )
