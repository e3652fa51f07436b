"""Answers of any form: read, or refused by an error of the model, and never anything else."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import ModelError
from langnet.lm.answers import echoed_logprobs, first_tokens, prompt_logprobs, text_of, usage_of
from langnet.lm.base import Usage
from langnet.lm.failures import error_for, words_of

CHOICES = [
    {"message": {"content": "text"}, "text": "text"},
    {"message": {"content": [{"type": "text", "text": "a"}]}},
    {
        "text": "Q a",
        "logprobs": {
            "tokens": ["Q", " a"],
            "token_logprobs": [None, -1.0],
            "text_offset": [0, 1],
            "top_logprobs": [{" a": -1.0, " b": -2}],
        },
    },
    {"logprobs": {"content": [{"top_logprobs": [{"token": " a", "logprob": -1.0}]}]}},
    {"prompt_logprobs": [None, {"7": {"decoded_token": " a", "logprob": -1.0}}]},
]
READERS = [
    text_of,
    first_tokens,
    lambda choice: echoed_logprobs(choice, "Q", " a"),
    lambda choice: prompt_logprobs(choice, "Q", " a"),
    lambda choice: prompt_logprobs(choice, "", "Q a"),
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400)]),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["Q", " a", "Q a"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)


def places(value, path=()):
    """The paths to everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


@given(st.sampled_from(CHOICES), st.data())
def test_no_answer_breaks_the_reading(choice, data):
    """An answer in which anything was replaced is read, or is a failed call: never a bug."""
    choice = json.loads(json.dumps(choice))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([path for path in places(choice) if path]))
        inner = choice
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = data.draw(values)
    for read in READERS:
        try:
            found = read(choice)
        except ModelError:
            continue
        if isinstance(found, tuple):
            assert all(isinstance(number, float) and number < math.inf for number in found)
        elif isinstance(found, list):
            assert all(isinstance(token, str) and number < math.inf for token, number in found)
        else:
            assert found is None or isinstance(found, str)


@given(values)
def test_no_usage_breaks_the_counting(value):
    """What a server says it took is a number of tokens, or nothing."""
    names = ("prompt_tokens", "completion_tokens")
    for usage in (value, dict.fromkeys(names, value)):
        found = usage_of(usage)
        for number in (found.prompt_tokens, found.completion_tokens, found.cached_tokens):
            assert type(number) is int
            assert 0 <= number < 2**53
    assert usage_of({"prompt_tokens": True, "completion_tokens": 3}) == Usage(0, 3)


@given(st.integers(300, 599), values | st.binary(max_size=20), st.text(max_size=9), st.text())
def test_no_refusal_breaks_the_reading(status, body, retry_after, location):
    """Whatever comes with a status, it is one line that can be printed."""
    data = body if isinstance(body, bytes) else json.dumps({"error": body}).encode()
    error = error_for(status, data, url="http://h/v1", retry_after=retry_after, location=location)
    assert isinstance(error, ModelError)
    assert str(error).isprintable()
    str(error).encode()


@pytest.mark.parametrize("depth", [500, 900, 990, 5000])
def test_words_that_are_nested_deeply_are_words(depth):
    """A message that no recursion can follow is shown as it came."""
    assert words_of(b"[" * depth + b"]" * depth).startswith("[[")
