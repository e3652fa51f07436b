"""Answers of any form: read, or refused by an error of the model, and never anything else."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import ContextOverflow, ModelError, RequestRejected, TransientError
from langnet.lm.answers import (
    completion_of,
    echoed_logprobs,
    first_tokens,
    prefill_logprobs,
    prompt_logprobs,
    text_of,
    usage_of,
)
from langnet.lm.base import Completion, Usage
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
    {"prefill": [{"text": "Q", "logprob": None}, {"text": " a", "logprob": -1.0}]},
    {"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"},
]
READERS = [
    text_of,
    first_tokens,
    lambda choice: echoed_logprobs(choice, "Q", " a"),
    lambda choice: prompt_logprobs(choice, "Q", " a"),
    lambda choice: prompt_logprobs(choice, "", "Q a"),
    lambda choice: prefill_logprobs(choice, "Q", " a"),
    lambda choice: completion_of(choice, Usage(), (), where="here").text,
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


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ({"text": " a ", "finish_reason": "stop"}, "stop"),
        ({"text": " a", "finish_reason": None}, "stop"),
        ({"text": " a", "finish_reason": "eos"}, "stop"),
        ({"text": " a", "finish_reason": "length"}, "length"),
        ({"text": " a", "finish_reason": "max_tokens"}, "length"),
        ({"text": " a END", "finish_reason": "length"}, "stop"),
        ({"message": {"content": "a", "refusal": None}, "finish_reason": "stop"}, "stop"),
        ({"message": {"content": "a", "refusal": ""}, "finish_reason": "stop"}, "stop"),
    ],
)
def test_a_text_says_how_it_ended(choice, finish):
    """A text ended by itself, or it was cut at the longest length, whatever a server calls it."""
    assert completion_of(choice, Usage(), ("END",), where="here") == Completion("a", finish)


def test_reasoning_that_took_every_token_is_an_empty_text_that_was_cut():
    """Where no token was left for the text, it is empty, and cut."""
    choice = {"message": {"content": None}, "finish_reason": "length"}
    assert completion_of(choice, Usage(1, 9), (), where="here") == Completion(
        "", "length", Usage(1, 9)
    )


@pytest.mark.parametrize(
    ("choice", "kind", "says"),
    [
        ({"text": "a", "finish_reason": "content_filter"}, RequestRejected, "content filter"),
        (
            {"message": {"content": None, "refusal": "I\ncannot\x1b."}, "finish_reason": "stop"},
            RequestRejected,
            "refused: I cannot�",
        ),
        (
            {"message": {"content": "", "refusal": "x" * 10**4}, "finish_reason": "length"},
            RequestRejected,
            "x…",
        ),
        ({"text": "a", "finish_reason": "abort"}, TransientError, "broke the answer off"),
        ({"text": "", "finish_reason": "error"}, TransientError, "broke the answer off"),
        ({"message": {"content": None}, "finish_reason": "tool_calls"}, ModelError, "tool"),
        ({"finish_reason": "stop"}, ModelError, "without text"),
    ],
)
def test_what_is_no_text_is_never_one(choice, kind, says):
    """A refusal and a filter are final; what was broken off may pass; the rest is a fault."""
    with pytest.raises(kind, match=says) as caught:
        completion_of(choice, Usage(), (), where="here")
    assert type(caught.value) is kind
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("code", ["content_filter", "ResponsibleAIPolicyViolation"])
def test_a_prompt_that_azure_filters_says_what_to_do(code):
    """The filter's refusal is final, and names the filter."""
    inner = {"code": code, "content_filter_result": {"hate": {"filtered": True}}}
    error = {"code": "content_filter", "message": "The response was filtered", "innererror": inner}
    data = json.dumps({"error": error if code == "content_filter" else inner}).encode()
    found = error_for(400, data, url="https://ours.openai.azure.com")
    assert type(found) is RequestRejected
    assert "filter of the deployment" in str(found)


@pytest.mark.parametrize(
    ("message", "sizes"),
    [
        (
            "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 and 200",
            (None, 4096),
        ),
        ("`inputs` must have less than 1024 tokens. Given: 1500", (1500, 1024)),
    ],
)
def test_what_tgi_says_of_a_long_request_is_an_overflow(message, sizes):
    """A request that is too long for text-generation-inference is known as one."""
    data = json.dumps({"error": message, "error_type": "validation"}).encode()
    found = error_for(422, data, url="http://h")
    assert isinstance(found, ContextOverflow)
    assert (found.needed, found.available) == sizes
