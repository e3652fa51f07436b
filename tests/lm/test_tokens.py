"""Counting tokens: exact where the vocabulary lies at hand, never over the network unasked."""

from __future__ import annotations

import hashlib

import pytest
import tiktoken
import tiktoken.load
import tiktoken.registry
from hypothesis import given
from hypothesis import strategies as st

from langnet.lm import tokens
from langnet.lm.meter import Meter, Metered
from langnet.lm.tokens import TokenCount, count_tokens, counter
from langnet.testing import ScriptedModel


class NetworkUsedError(Exception):
    """The library went to the network."""


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    """No vocabulary is loaded or lies on disk, and the network is a failure."""

    def fetch(address):
        raise NetworkUsedError(address)

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setattr(tiktoken.load, "read_file", fetch)
    return tmp_path


@pytest.mark.parametrize("name", ["gpt-4o", "gpt-4", "davinci", "gpt-oss-20b", "smollm2"])
def test_without_a_vocabulary_bytes_are_counted(name):
    """Nothing is fetched: the count is an estimate and says so."""
    assert count_tokens(name, "four byt") == TokenCount(2, exact=False)
    assert count_tokens(name, "four byte") == TokenCount(3, exact=False)
    assert count_tokens(name, "") == TokenCount(0, exact=False)


def test_a_damaged_vocabulary_is_not_fetched_anew(empty_cache):
    """The library would replace such a file over the network; here it is left alone."""
    file = empty_cache / tokens._FILES["o200k_base"][0]
    file.write_bytes(b"damaged")
    assert not count_tokens("gpt-4o", "text").exact
    assert file.read_bytes() == b"damaged"


def test_a_vocabulary_is_found_where_the_library_keeps_it(empty_cache, monkeypatch):
    """The file's name is that of the library, and its content is checked first."""
    for encoding in ("cl100k_base", "o200k_base"):
        with pytest.raises(NetworkUsedError) as caught:
            count_tokens(
                {"cl100k_base": "gpt-4", "o200k_base": "gpt-4o"}[encoding], "", download=True
            )
        (address,) = caught.value.args
        name, _ = tokens._FILES[encoding]
        assert name == hashlib.sha1(address.encode()).hexdigest()  # noqa: S324  # a name
    sound = hashlib.sha256(b"sound").hexdigest()
    monkeypatch.setitem(tokens._FILES, "o200k_base", (name, sound))
    assert not tokens._at_hand("o200k_base")
    (empty_cache / name).write_bytes(b"sound")
    assert tokens._at_hand("o200k_base")
    assert tokens._at_hand("o200k_harmony")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert not tokens._at_hand("o200k_base")


@given(st.text())
def test_with_a_vocabulary_the_count_is_exact(text):
    """A loaded vocabulary counts, and a special token in a text is plain text."""
    by_bytes = tiktoken.Encoding(
        "o200k_base",
        pat_str=r"[\s\S]",
        mergeable_ranks={bytes([i]): i for i in range(256)},
        special_tokens={"<|endoftext|>": 256},
    )
    tiktoken.registry.ENCODINGS["o200k_base"] = by_bytes
    size = len(text.encode())
    assert count_tokens("gpt-4o", text) == TokenCount(size, exact=True)
    assert count_tokens("gpt-4o", text + "<|endoftext|>").count == size + 13


def test_a_model_counts_its_own_tokens():
    """A model's own counter is found beneath its wrappers; without one tokens are estimated."""
    model = ScriptedModel({})
    assert counter(Metered(model, Meter()))("four letters") == 3
    model.count_tokens = len
    assert counter(Metered(model, Meter()))("four letters") == 12
