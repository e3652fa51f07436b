"""Answers of endpoints that are not OpenAI's: read, or a failed call, and never anything else."""

from __future__ import annotations

import json
import math

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import CapabilityError, ModelError
from langnet.lm.answers import completion_of, first_tokens, prefill_logprobs, usage_of
from langnet.lm.base import Usage
from langnet.lm.labels import _named_at_vllm
from langnet.lm.native import ollama_answered, tgi_answered
from langnet.lm.scoring import text_scores
from langnet.lm.server_tokens import Server
from langnet.lm.sglang import named_at_sglang
from tests.lm.test_answers import places, values

TOP = [{"token": " a", "logprob": -1.0, "top_logprobs": [{"token": " a", "logprob": -1.0}]}]
OLLAMA = [
    {"message": {"content": "a"}, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1},
    {"response": "a", "done_reason": "length", "logprobs": TOP},
]
TGI = {
    "generated_text": "a",
    "details": {
        "finish_reason": "eos_token",
        "generated_tokens": 1,
        "prefill": [{"text": "Q", "logprob": None}, {"text": " a", "logprob": -1.0}],
        "top_tokens": [[{"text": " a", "logprob": -1.0}]],
    },
}
SGLANG = [
    {"tokens": [[1, 2], [1, 2, 3]]},
    {
        "meta_info": {
            "input_token_logprobs": [[None, 2, "Q"], [-1.0, 3, " a"]],
            "output_token_ids_logprobs": [[[-1.0, 3, None]]],
            "prompt_tokens": 3,
            "completion_tokens": 1,
            "cached_tokens": 1,
        }
    },
]
LLAMACPP = [
    {"tokens": [1, 2]},
    {"tokens": [1, 2, 3]},
    {
        "completion_probabilities": [{"id": 3, "token": " a", "logprob": -1.0}],
        "timings": {"cache_n": 1},
    },
]


@st.composite
def spoilt(draw, answers):
    """Answers of which one part was replaced by anything."""
    found = json.loads(json.dumps(answers))
    path = draw(st.sampled_from([path for path in places(found) if path]))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = draw(values)
    return found


def check_numbers(numbers):
    """Numbers that were read are log-probabilities that can be added up."""
    assert all(isinstance(number, float) and number < math.inf for number in numbers)


@given(spoilt(OLLAMA), spoilt([TGI]))
def test_no_answer_breaks_the_translation(ollama, tgi):
    """Whatever Ollama or TGI answers is translated, and then read or refused."""
    asked = {"options": {"num_ctx": 9}}
    for answer, translate in [*[(a, ollama_answered) for a in ollama], (tgi[0], tgi_answered)]:
        if not isinstance(answer, dict):
            continue
        try:
            told = translate(asked, answer)
        except ModelError:
            continue
        choices = told.get("choices")
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            continue
        assert isinstance(usage_of(told.get("usage")), Usage)
        for read in (
            lambda choice: completion_of(choice, Usage(), (), where="here"),
            first_tokens,
            lambda choice: prefill_logprobs(choice, "Q", " a"),
        ):
            try:
                found = read(choices[0])
            except ModelError:
                continue
            if isinstance(found, tuple):
                check_numbers(found)


def server(answers):
    """A server that gives these answers in turn, the last one again and again."""
    left = list(answers)

    async def ask(path, body):
        answer = left.pop(0) if len(left) > 1 else left[0]
        if not isinstance(answer, dict):
            raise ModelError("no JSON object")
        return answer

    async def post(body):
        return await ask("completions", body), Usage()

    return Server(post, ask, "toy")


@pytest.mark.parametrize(("way", "answers"), [("logprob_start_len", SGLANG), ("forced", LLAMACPP)])
async def test_the_answers_that_are_spoilt_below_are_sound_before(way, answers):
    """What the next law spoils is read as it stands."""
    ((score, _),) = await text_scores(server(answers), way, "Q", [" a"])
    assert score.token_logprobs == (-1.0,)


@given(spoilt(SGLANG), spoilt(LLAMACPP))
def test_no_answer_breaks_the_scoring(sglang, llamacpp):
    """Whatever SGLang or llama.cpp answers is a score, or a failed call."""

    async def check():
        for way, answers in (("logprob_start_len", sglang), ("forced", llamacpp)):
            try:
                ((score, used),) = await text_scores(server(answers), way, "Q", [" a"])
            except ModelError:
                continue
            check_numbers(score.token_logprobs)
            assert isinstance(used.prompt_tokens + used.cached_tokens, int)
        for ask in (named_at_sglang, _named_at_vllm):
            try:
                found, _ = await ask(server(sglang[1:]), "Q", [3])
            except (ModelError, CapabilityError):
                continue
            check_numbers(found.values())

    anyio.run(check)
