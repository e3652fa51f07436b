"""Budgets: hard limits on what may be spent, and prices to count money by."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Budget", "Price"]

_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What tokens cost, in a currency of the user's per million.

    Attributes:
        prompt: of a million tokens of contexts and given texts; `None` where it is unknown.
        completion: of a million tokens that are drawn; `None` where it is unknown.
    """

    prompt: float | None = None
    completion: float | None = None

    def of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What so many tokens cost; `None` where it is unknown, which is not nothing.

        >>> Price(0.15, 0.6).of(2_000_000, 500_000)
        0.6
        """
        total = 0.0
        for price, tokens in ((self.prompt, prompt_tokens), (self.completion, completion_tokens)):
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
        money: in the currency of `price`.
        price: of tokens; needed where money is limited.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    price: Price = Price()

    def __post_init__(self) -> None:
        for name in ("calls", "tokens", "money"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"the budget's {name} must be at least 0, not {value}")
        if self.money is not None and None in {self.price.prompt, self.price.completion}:
            raise ValueError(
                "a budget in money needs the price of prompt and of completion tokens: "
                "Budget(money=…, price=Price(prompt=…, completion=…))"
            )

    def exceeded(self, calls: int, prompt_tokens: int, completion_tokens: int) -> str | None:
        """Which limit so much would exceed, in words; `None` where it is within all."""
        if self.calls is not None and calls > self.calls:
            return f"the budget of {self.calls:,} calls is spent"
        if self.tokens is not None and prompt_tokens + completion_tokens > self.tokens:
            return f"the budget of {self.tokens:,} tokens is spent"
        if self.money is not None:
            cost = self.price.of(prompt_tokens, completion_tokens)
            if cost is not None and cost > self.money:
                return f"the budget of {self.money:g} in money is spent"
        return None
