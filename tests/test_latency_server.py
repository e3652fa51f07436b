"""The benchmarks' model server: one model, whether it draws, scores or answers labels."""

import importlib.util
import math
from pathlib import Path

import pytest

from langnet import Choice, Decoding, Key
from langnet.lm.openai import OpenAIModel

SOURCE = Path(__file__).parent.parent / "benchmarks" / "latency_server.py"


@pytest.fixture(scope="module")
def server():
    """The benchmark's module, which no package holds."""
    spec = importlib.util.spec_from_file_location("latency_server", SOURCE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SOURCE.parent)  # as where it is run
        spec.loader.exec_module(module)
    return module


def test_words_have_probabilities(server):
    """After any context the known words' probabilities sum to 1."""
    for context in ("", "warm", "sun number 1 notes warm\n\nAnswer:", "Notes:", "cold cold"):
        assert math.fsum(server.next_word(context).values()) == pytest.approx(1)


async def test_scores_are_of_what_is_drawn(server):
    """A text's score is the product of its words' probabilities, and the labels' sum to 1."""
    with server.latency_server(0.0) as url:
        model = OpenAIModel("table", base_url=url, endpoint="completions", scoring="echo")
        try:
            context = "Note it.\n\nsun number 3\n\nNotes:"
            (drawn,) = await model.sample(context, decoding=Decoding(), keys=[Key(("a", 1))])
            again = await model.sample(context, decoding=Decoding(), keys=[Key(("a", 1))] * 2)
            assert {text.text for text in again} == {drawn.text}
            words = drawn.text.split()
            assert len(words) == server.LENGTH
            (score,) = (await model.score(context, [drawn.text], decoding=Decoding())).scores
            expected, before = 0.0, context
            for word in words:
                expected += math.log(server.next_word(before)[word])
                before += f" {word}"
            assert score.logprob == pytest.approx(expected)
            question = "Say.\n\nsun number 3 notes warm\n\nAnswer:"
            labels = await model.choose(question, [Choice("hot"), Choice("icy")])
            assert math.fsum(map(math.exp, labels.logprobs)) == pytest.approx(1)
            warm = await model.choose(f"warm {question}", [Choice("hot"), Choice("icy")])
            assert warm.logprobs[0] > labels.logprobs[0]
        finally:
            await model.aclose()
