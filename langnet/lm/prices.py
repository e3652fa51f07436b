"""What the tokens of each model cost: a table that comes along, and one of the user's own over it.

The table that comes along (`prices.json`) is as of a date and goes out of date. Nobody is told a
price that nobody has written down: a model is found by its name alone, by an alias, or by its name
with a date where its entry says that dated versions cost the same.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langnet.errors import LangnetError
from langnet.lm.budget import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PriceError", "PriceUnknown", "Prices"]

_VARIABLE = "LANGNET_PRICES"
_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")
_KINDS = ("prompt", "completion", "cached")
_KNOWN = {*_KINDS, "aliases", "dated"}


class PriceError(LangnetError, ValueError):
    """A table of prices cannot be read."""


class PriceUnknown(LangnetError, ValueError):
    """Money is limited, but nobody has said what a model costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices by the name of the model, whichever server it is at.

    Attributes:
        models: the price of each name, aliases included.
        dated: the names whose dated versions (`-2024-08-06`, `-20250514`) cost the same.
        currency: of all of them, such as "USD".
        as_of: when they held.
    """

    models: Mapping[str, Price] = field(default_factory=dict)
    dated: frozenset[str] = frozenset()
    currency: str = "USD"
    as_of: str = ""

    def of(self, name: str) -> Price | None:
        """The price of a model; `None` where it is unknown.

        >>> prices = Prices(models={"gpt-4o": Price(2.5, 10.0)}, dated=frozenset({"gpt-4o"}))
        >>> prices.of("gpt-4o-2024-08-06") == prices.of("gpt-4o"), prices.of("gpt-4o-audio")
        (True, None)
        """
        if name in self.models:
            return self.models[name]
        stem = _DATE.sub("", name)
        return self.models.get(stem) if stem in self.dated else None

    def over(self, other: Prices) -> Prices:
        """These prices, and those of another table where these say nothing.

        Raises:
            PriceError: their currencies differ.
        """
        if self.models and other.models and self.currency != other.currency:
            raise PriceError(
                f"prices in {self.currency} and in {other.currency} cannot be added up; let all "
                "be in one currency"
            )
        # What has a price of its own in this table is no dated version of the other's.
        return Prices(
            models={**other.models, **self.models},
            dated=self.dated | (other.dated - self.models.keys()),
            currency=self.currency if self.models else other.currency,
            as_of=self.as_of or other.as_of,
        )

    @classmethod
    def read(cls, path: str | Path) -> Prices:
        """The prices of a file; `docs/observability.md` shows its form.

        Raises:
            PriceError: it cannot be read; the message says what is wrong where.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PriceError(f"the prices in {path} cannot be read: {error}") from error
        return _parsed(text, str(path))

    @classmethod
    def packaged(cls) -> Prices:
        """The prices that come along."""
        return _packaged()

    @classmethod
    def usual(cls, path: str | Path | None = None) -> Prices:
        """Those of a file, or of the one that $LANGNET_PRICES names, over those that come along.

        A file in another currency stands alone.

        Raises:
            PriceError: the file cannot be read.
        """
        path = path or os.environ.get(_VARIABLE)
        if not path:
            return cls.packaged()
        own = cls.read(path)
        return own if own.currency != cls.packaged().currency else own.over(cls.packaged())


@cache
def _packaged() -> Prices:
    return _parsed((files("langnet.lm") / "prices.json").read_text(encoding="utf-8"), "prices.json")


def _parsed(text: str, where: str) -> Prices:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PriceError(f"{where} is no JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise PriceError(
            f'{where} holds no prices; the form is {{"models": {{"NAME": {{"prompt": 2.5, '
            '"completion": 10.0}}, …}} per million tokens'
        )
    models: dict[str, Price] = {}
    dated: set[str] = set()
    for name, entry in data["models"].items():
        price = _price(entry, f"{where}, model {name!r}")
        aliases = entry.get("aliases", [])
        if not (isinstance(aliases, list) and all(isinstance(alias, str) for alias in aliases)):
            raise PriceError(f"{where}, model {name!r}: aliases is a list of names")
        models.update(dict.fromkeys((name, *aliases), price))
        if entry.get("dated", False):
            dated.add(name)
    return Prices(
        models=models,
        dated=frozenset(dated),
        currency=str(data.get("currency", "USD")),
        as_of=str(data.get("as_of", "")),
    )


def _price(entry: Any, where: str) -> Price:
    if not isinstance(entry, dict) or not {"prompt", "completion"} <= entry.keys():
        raise PriceError(f"{where}: give the price of a million prompt and completion tokens")
    if unknown := sorted(entry.keys() - _KNOWN):
        raise PriceError(f"{where}: {unknown[0]!r} is unknown; known are {sorted(_KNOWN)}")
    numbers = {kind: entry[kind] for kind in _KINDS if entry.get(kind) is not None}
    for kind, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise PriceError(f"{where}: the price of {kind} tokens is no number: {number!r}")
    try:
        return Price(**{kind: float(number) for kind, number in numbers.items()})
    except ValueError as error:
        raise PriceError(f"{where}: {error}") from error
