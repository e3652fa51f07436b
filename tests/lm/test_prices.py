"""Prices: what is written down is known, and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from langnet.lm.budget import Price
from langnet.lm.prices import PriceError, Prices


def written(path, **data):
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_every_price_that_comes_along_is_whole_and_dated():
    """Each model has both prices, cached tokens are not dearer, and the table says as of when."""
    prices = Prices.packaged()
    assert re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", prices.as_of)
    assert prices.currency == "USD"
    assert {"gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"} <= prices.models.keys()
    for name, price in prices.models.items():
        assert price.is_known, name
        assert 0 < price.prompt <= price.completion, name
        assert price.cached is None or 0 < price.cached < price.prompt, name


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("gpt-4o-audio-preview", None),
        ("gpt-4o-2024", None),
        ("ft:gpt-4o:me", None),
        ("GPT-4o", None),
        ("toy", None),
        ("", None),
    ],
)
def test_a_model_is_found_by_what_is_declared_alone(name, like):
    """A date or an alias counts where the table declares it; a likeness never does."""
    prices = Prices.packaged()
    assert prices.of(name) == (None if like is None else prices.of(like))
    assert like is None or prices.of(like) is not None


def test_a_dated_version_may_have_a_price_of_its_own():
    """An exact name comes before the rule for dates."""
    prices = Prices.packaged()
    assert prices.of("gpt-4o-2024-05-13") != prices.of("gpt-4o")


def test_the_users_file_holds_over_what_comes_along(tmp_path, monkeypatch):
    """A file, or the one in the environment, overrides and adds; the rest stays."""
    models = {
        "gpt-4o": {"prompt": 1, "completion": 2},
        "toy": {"prompt": 0, "cached": 0, "completion": 0, "aliases": ["toy-2"]},
    }
    path = written(tmp_path / "prices.json", models=models, as_of="2030-01-01")
    monkeypatch.setenv("LANGNET_PRICES", str(path))
    for prices in (Prices.usual(), Prices.usual(path)):
        assert prices.of("gpt-4o") == Price(1.0, 2.0)
        assert prices.of("gpt-4o-2024-08-06") is None  # this file says nothing of dates
        assert prices.of("toy-2") == Price(0.0, 0.0, 0.0)
        assert prices.of("gpt-4o-mini") == Prices.packaged().of("gpt-4o-mini")
        assert prices.as_of == "2030-01-01"
    monkeypatch.delenv("LANGNET_PRICES")
    assert Prices.usual() == Prices.packaged()


def test_currencies_are_not_mixed(tmp_path):
    """A table in another currency stands alone, and cannot be laid over the other."""
    models = {"toy": {"prompt": 1, "completion": 2}}
    path = written(tmp_path / "prices.json", models=models, currency="EUR")
    prices = Prices.usual(path)
    assert (prices.currency, prices.of("gpt-4o")) == ("EUR", None)
    with pytest.raises(PriceError, match="EUR and in USD"):
        prices.over(Prices.packaged())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[]", "holds no prices"),
        ('{"models": {"toy": 3}}', "'toy'"),
        ('{"models": {"toy": {"prompt": 1}}}', "completion"),
        ('{"models": {"toy": {"prompt": "1", "completion": 1}}}', "no number"),
        ('{"models": {"toy": {"prompt": true, "completion": 1}}}', "no number"),
        ('{"models": {"toy": {"prompt": -1, "completion": 1}}}', "at least 0"),
        ('{"models": {"toy": {"prompt": NaN, "completion": 1}}}', "at least 0"),
        ('{"models": {"toy": {"prompt": 1, "completion": 1, "output": 2}}}', "'output' is unknown"),
        ('{"models": {"toy": {"prompt": 1, "completion": 1, "aliases": "x"}}}', "list of names"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, text, said):
    """The error names the file and what is wrong in it."""
    path = tmp_path / "prices.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PriceError, match=said) as caught:
        Prices.read(path)
    assert "prices.json" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """A missing file is an error, not a table without prices."""
    with pytest.raises(PriceError, match="nowhere"):
        Prices.usual(tmp_path / "nowhere.json")
