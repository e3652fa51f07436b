"""Budgets: hard limits on what may be spent, and prices to count money by."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Budget", "Price"]

_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What tokens cost, in one currency, per million.

    Attributes:
        prompt: of a million tokens of contexts and given texts; `None` where it is unknown.
        completion: of a million tokens that are drawn; `None` where it is unknown.
        cached: of a million prompt tokens that the model did not compute anew; where it is `None`
            they cost as much as the others.
    """

    prompt: float | None = None
    completion: float | None = None
    cached: float | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "completion", "cached"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"the price of {name} tokens must be at least 0, not {value}")

    @property
    def is_known(self) -> bool:
        """Whether every call has a known price."""
        return self.prompt is not None and self.completion is not None

    def of(
        self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0
    ) -> float | None:
        """What so many tokens cost; `None` where it is unknown, which is not nothing.

        >>> Price(0.15, 0.6).of(2_000_000, 500_000)
        0.6
        >>> Price(2.0, 8.0, cached=0.5).of(2_000_000, 0, 1_000_000)
        2.5

        Args:
            prompt_tokens: all of them, the cached ones included.
            completion_tokens: those that were drawn.
            cached_tokens: how many of the prompt tokens were not computed anew.
        """
        cached = 0 if self.cached is None else cached_tokens
        total = 0.0
        for price, tokens in (
            (self.prompt, prompt_tokens - cached),
            (self.cached, cached),
            (self.completion, completion_tokens),
        ):
            if price is None and tokens:
                return None
            total += (price or 0.0) * tokens / _PER
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that may be spent. A call that could exceed it is not sent.

    Attributes:
        calls: calls that reach a model; answers from a cache are free.
        tokens: of contexts, given texts and draws together. A call is let through if its context
            and the longest answer still fit, so that a little may be left over.
        money: in the currency of `price`, or of the meter's prices.
        price: one price for the tokens of all models; by default each model has its own, by the
            meter's prices (`langnet.lm.prices`).
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        for name in ("calls", "tokens", "money"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"the budget's {name} must be at least 0, not {value}")
        if self.money is not None and self.price is not None and not self.price.is_known:
            raise ValueError(
                "a budget in money needs the price of prompt and of completion tokens: "
                "Budget(money=…, price=Price(prompt=…, completion=…)); leave price out to take "
                "the price of each model"
            )

    @property
    def needs_prices(self) -> bool:
        """Whether money is limited by the price of each model."""
        return self.money is not None and self.price is None

    def exceeded(
        self, calls: int, prompt_tokens: int, completion_tokens: int, money: float = 0.0
    ) -> str | None:
        """Which limit so much would exceed, in words; `None` where it is within all.

        Args:
            calls: all of them.
            prompt_tokens: of all calls.
            completion_tokens: of all calls.
            money: what they cost by the price of each model; not looked at where the budget has
                a price of its own.
        """
        if self.calls is not None and calls > self.calls:
            return f"the budget of {self.calls:,} calls is spent"
        if self.tokens is not None and prompt_tokens + completion_tokens > self.tokens:
            return f"the budget of {self.tokens:,} tokens is spent"
        if self.money is not None:
            cost = money
            if self.price is not None:
                cost = self.price.of(prompt_tokens, completion_tokens) or 0.0
            if cost > self.money:
                return f"the budget of {self.money:g} in money is spent"
        return None
