"""Laws of the embedded model, on real weights."""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import TYPE_CHECKING

import anyio
import numpy as np
import pytest

from langnet.errors import ContextOverflow, DataError, ModelError
from langnet.key import Key
from langnet.lm.base import Choice, Decoding, LanguageModel
from langnet.lm.local import LocalModel, Work
from langnet.lm.local.llama import Llama, Row
from langnet.lm.local.requantise import requantised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.model

PROMPT = "Decide whether the review is positive or negative.\n\n"
REVIEWS = [
    "A warm and funny film.",
    "Two hours that I want back.",
    "A warm and clever film, with a slow end.",
    "Not bad at all!",
]
CONTEXTS = [f"{PROMPT}Review: {review}\n\nAnswer:" for review in REVIEWS]
TEXTS = [" positive", " negative", " It is hard to say.", " positively glowing"]
ONE = Decoding(max_tokens=1)


def keys(count: int, name: str = "draw") -> list[Key]:
    """So many keys."""
    return [Key((name, index)) for index in range(count)]


@pytest.fixture(scope="module")
def oracle(smollm2_path: Path) -> Iterator[Llama]:
    """The bare engine on the same weights, without anything that shares or batches."""
    copy = requantised(smollm2_path, hashlib.sha256(smollm2_path.read_bytes()).hexdigest())
    assert copy is not None
    llama = Llama(copy, threads=2, context_size=128, streams=2, batch=128)
    yield llama
    llama.close()


def oracle_score(llama: Llama, context: str, text: str, *, block: int) -> list[float]:
    """The log-probability of each token of a text, with so many tokens in each decode."""
    before, tokens = llama.tokenise(context), llama.tokenise(context + text)
    llama.clear()
    rows: list[np.ndarray] = []
    for start in range(0, len(tokens), block):
        part = [
            Row(token, start + index, 0, wanted=True)
            for index, token in enumerate(tokens[start : start + block])
        ]
        rows += [row.astype(np.float64) for _, row in llama.decode(part)]
    assert tokens[: len(before)] == before
    return [
        float(rows[at - 1][tokens[at]] - np.logaddexp.reduce(rows[at - 1]))
        for at in range(len(before), len(tokens))
    ]


async def flat_scores(
    model: LanguageModel, context: str, texts: Sequence[str]
) -> list[tuple[float, ...]]:
    """The scores of texts without their ends."""
    scores = await model.score(context, texts, decoding=Decoding(), end=False)
    return [score.token_logprobs for score in scores.scores]


async def test_it_is_a_language_model_that_can_do_everything(smollm2: LocalModel) -> None:
    """The embedded model satisfies the interface and names its weights and its engine."""
    assert isinstance(smollm2, LanguageModel)
    can = smollm2.capabilities
    assert (can.sample, can.score, can.choose) == (True, True, True)
    assert "b179c9523d0e" in smollm2.identity
    assert "xllamacpp=2026.10.11549" in smollm2.identity
    assert "requantised=q8_0" in smollm2.identity
    assert smollm2.exact


async def test_scores_are_those_of_a_plain_computation(smollm2: LocalModel, oracle: Llama) -> None:
    """A score is the sum of the log-softmax over each token, computed without any sharing."""
    for context in CONTEXTS[:2]:
        found = await flat_scores(smollm2, context, TEXTS)
        for text, score in zip(TEXTS, found, strict=True):
            expected = oracle_score(oracle, context, text, block=128)
            assert score == pytest.approx(expected, abs=1e-5)


async def test_scores_token_by_token_agree_within_what_the_engine_rounds(
    smollm2: LocalModel, oracle: Llama
) -> None:
    """Computing every token alone rounds otherwise, by much less than a nat."""
    (score,) = await flat_scores(smollm2, CONTEXTS[0], TEXTS[2:3])
    expected = oracle_score(oracle, CONTEXTS[0], TEXTS[2], block=1)
    assert score == pytest.approx(expected, abs=0.25)


async def test_scores_do_not_depend_on_company_or_history(smollm2: LocalModel) -> None:
    """The same score to the last bit: alone, among others, in another order, and once more."""
    together = await asyncio.gather(*[flat_scores(smollm2, c, TEXTS) for c in CONTEXTS])
    backwards = await asyncio.gather(*[flat_scores(smollm2, c, TEXTS) for c in CONTEXTS[::-1]])
    assert backwards[::-1] == together
    for context, expected in zip(CONTEXTS, together, strict=True):
        alone = [(await flat_scores(smollm2, context, [text]))[0] for text in TEXTS]
        assert alone == expected
    unrelated = await flat_scores(smollm2, "Rain fell on the", [" plain", " hill and the town."])
    assert unrelated == await flat_scores(
        smollm2, "Rain fell on the", [" plain", " hill and the town."]
    )


async def test_fifty_mixed_requests_equal_the_same_one_by_one(
    smollm2: LocalModel, smollm2_path: Path
) -> None:
    """Requests that are computed together are answered as a fresh model answers each alone."""
    decoding = Decoding(max_tokens=3, temperature=0.9, top_p=0.9, stop=("\n",))
    choices = [Choice("positive"), Choice("negative", ("negative", "poor"))]

    async def ask(model: LocalModel, index: int) -> object:
        context = CONTEXTS[index % 4]
        match index % 3:
            case 0:
                return await model.sample(context, decoding=decoding, keys=keys(2, f"m{index}"))
            case 1:
                texts = TEXTS[index % 2 :: 2]
                return await model.score(context, texts, decoding=decoding)
            case _:
                return await model.choose(context, choices)

    together = await asyncio.gather(*[ask(smollm2, index) for index in range(50)])
    async with await LocalModel.load(smollm2_path, threads=1, context_size=256) as fresh:
        alone = [await ask(fresh, index) for index in reversed(range(50))]
    assert together == alone[::-1]


async def test_the_weights_as_they_came_are_exact_too(smollm2_path: Path) -> None:
    """Without 8-bit copies the model is another one, by name and in its scores, and as exact."""
    async with await LocalModel.load(
        smollm2_path, threads=1, context_size=256, requantise=False
    ) as model:
        assert model.exact
        assert "requantised" not in model.identity
        together = await asyncio.gather(*[flat_scores(model, c, TEXTS) for c in CONTEXTS])
        alone = [await flat_scores(model, context, TEXTS) for context in CONTEXTS[::-1]]
        assert together == alone[::-1]


async def test_draws_follow_the_scores(smollm2: LocalModel) -> None:
    """At any temperature and nucleus, first tokens are drawn as often as their scores say."""
    context, count = "The colour of the sky is", 2000
    for decoding in (ONE, Decoding(max_tokens=1, temperature=0.6, top_p=0.8)):
        drawn = await smollm2.sample(context, decoding=decoding, keys=keys(count))
        texts = [completion.text for completion in drawn]
        for text in ("blue", "the", "a"):
            scores = await smollm2.score(context, [text], decoding=decoding, end=False)
            probability = math.exp(scores.scores[0].logprob)
            error = math.sqrt(max(probability * (1 - probability), 1e-4) / count)
            assert texts.count(text) / count == pytest.approx(probability, abs=4.5 * error)


async def test_an_end_is_drawn_as_often_as_it_is_scored(smollm2: LocalModel) -> None:
    """The score of an empty text is the log-probability that a draw ends at once."""
    context, count = "He came home.", 1500
    decoding = Decoding(max_tokens=2, stop=("\n",))
    scores = await smollm2.score(context, [""], decoding=decoding)
    probability = math.exp(scores.scores[0].logprob)
    drawn = await smollm2.sample(
        context, decoding=Decoding(max_tokens=1, stop=("\n",)), keys=keys(count)
    )
    ended = sum(one.finish == "stop" and not one.text for one in drawn)
    error = math.sqrt(probability * (1 - probability) / count)
    assert 0.01 < probability < 0.99
    assert ended / count == pytest.approx(probability, abs=4.5 * error)


async def test_the_nucleus_excludes_what_it_cannot_draw(smollm2: LocalModel) -> None:
    """Outside the nucleus a text has probability 0; inside it has more than without one."""
    context = "The capital of France is"
    narrow = Decoding(top_p=0.5, max_tokens=1)
    scores = await smollm2.score(context, ["Paris", "yesterday"], decoding=narrow)
    wide = await smollm2.score(context, ["Paris"], decoding=ONE)
    assert scores.scores[1].logprob == -math.inf
    assert scores.scores[0].logprob > wide.scores[0].logprob


async def test_keys_decide_the_draws(smollm2: LocalModel) -> None:
    """A draw depends on its own key: the same again, in another order, or without the others."""
    decoding = Decoding(max_tokens=5)
    drawn = await smollm2.sample("Once upon a time", decoding=decoding, keys=keys(10))
    again = await smollm2.sample("Once upon a time", decoding=decoding, keys=keys(10)[::-1])
    single = await smollm2.sample("Once upon a time", decoding=decoding, keys=keys(4)[3:])
    assert [one.text for one in drawn] == [one.text for one in again[::-1]]
    assert single[0].text == drawn[3].text
    assert len({one.text for one in drawn}) > 5


async def test_usage_counts_the_prompt_once(smollm2: LocalModel) -> None:
    """Over the draws of one request, the prompt's tokens are counted once."""
    drawn = await smollm2.sample("Once upon a time", decoding=Decoding(max_tokens=3), keys=keys(3))
    prompt = smollm2.count_tokens("Once upon a time")
    assert [one.usage.prompt_tokens for one in drawn] == [prompt, 0, 0]
    assert all(one.usage.completion_tokens <= 3 for one in drawn)
    scores = await smollm2.score("Once upon a time", [" there", ""], decoding=ONE)
    assert scores.usage.prompt_tokens == prompt + 1


async def test_a_stop_string_ends_a_text_and_is_not_in_it(smollm2: LocalModel) -> None:
    """The text is what a draw without the stop string holds before its first occurrence."""
    context = "Count: one, two, three,"
    greedy = Decoding(temperature=0, max_tokens=12)
    (whole,) = await smollm2.sample(context, decoding=greedy, keys=keys(1))
    assert whole.finish == "length"
    assert whole.usage.completion_tokens == 12
    stop = whole.text[7:11]  # it begins and ends inside tokens
    decoding = Decoding(temperature=0, max_tokens=12, stop=(stop, "never said"))
    (cut,) = await smollm2.sample(context, decoding=decoding, keys=keys(1))
    assert cut.text == whole.text[: whole.text.index(stop)].strip()
    assert cut.finish == "stop"


async def test_greedy_texts_need_no_luck(smollm2: LocalModel) -> None:
    """At temperature 0 every key gives the same text, and it is scored as at temperature 1."""
    greedy = Decoding(temperature=0, max_tokens=3)
    drawn = await smollm2.sample("The capital of France is", decoding=greedy, keys=keys(3))
    assert len({one.text for one in drawn}) == 1
    scored = await smollm2.score("The capital of France is", ["Paris"], decoding=greedy)
    warm = await smollm2.score(
        "The capital of France is", ["Paris"], decoding=Decoding(max_tokens=3)
    )
    assert scored == warm


async def test_choices_add_their_verbalisers(smollm2: LocalModel) -> None:
    """A label's log-probability is that of its verbalisers, added up, without their ends."""
    labels = await smollm2.choose(
        CONTEXTS[0], [Choice("positive"), Choice("bad", ("negative", "a bad one"))]
    )
    scores = await smollm2.score(
        CONTEXTS[0], ["positive", "negative", "a bad one"], decoding=Decoding(), end=False
    )
    good, *bad = [score.logprob for score in scores.scores]
    assert labels.logprobs == pytest.approx((good, np.logaddexp(*bad)), abs=1e-12)


async def test_nested_choices_are_scored_with_their_ends(smollm2: LocalModel) -> None:
    """Where one label begins another, both are scored up to their ends: the events are disjoint."""
    labels = await smollm2.choose(CONTEXTS[0], [Choice("very"), Choice("very good")])
    scores = await smollm2.score(
        CONTEXTS[0], ["very", "very good"], decoding=Decoding(stop=("\n",)), end=True
    )
    assert labels.logprobs == pytest.approx([score.logprob for score in scores.scores])


async def test_an_end_is_scored_for_short_texts_alone(smollm2: LocalModel) -> None:
    """A text of `max_tokens` tokens was cut and has no end; a shorter one has."""
    scores = await smollm2.score("I say", ["yes", "yes, yes"], decoding=Decoding(max_tokens=3))
    assert [len(score.token_logprobs) for score in scores.scores] == [2, 3]


async def test_an_empty_context_can_be_continued(smollm2: LocalModel) -> None:
    """The empty context has a first token to draw and to score."""
    (drawn,) = await smollm2.sample("", decoding=Decoding(max_tokens=2), keys=keys(1))
    scores = await smollm2.score("", ["The"], decoding=ONE)
    assert drawn.usage.completion_tokens > 0
    assert -20 < scores.scores[0].logprob < 0


async def test_special_tokens_in_a_text_are_text(smollm2: LocalModel) -> None:
    """The name of a control token, written in a prompt, is not interpreted."""
    assert smollm2.count_tokens("<|im_end|>") > 1


async def test_what_does_not_fit_is_refused_with_both_sizes(smollm2_path: Path) -> None:
    """An overflow names what is needed and what there is; the model goes on afterwards."""
    async with await LocalModel.load(smollm2_path, threads=1, context_size=64) as model:
        long = "word " * 60
        with pytest.raises(ContextOverflow, match="holds 64") as overflow:
            await model.sample(long, decoding=Decoding(max_tokens=10), keys=keys(1))
        assert overflow.value.available == 64
        assert overflow.value.needed == model.count_tokens(long) + 10
        with pytest.raises(ContextOverflow):
            await model.score("Say", [long + long], decoding=ONE)
        with pytest.raises(ContextOverflow):
            await model.choose(long + long, [Choice("yes")])
        brim = "word" + " word" * 63
        assert model.count_tokens(brim) == 64
        scores = await model.score(brim[:-5], ["word"], decoding=Decoding(max_tokens=9))
        assert scores.scores[0].logprob < 0


async def test_work_counts_what_is_shared_once(smollm2: LocalModel) -> None:
    """What texts have in common is computed once, and what is at hand not at all."""
    context = "To count is to be sure of a thing that others guess at, is it not?"
    size = smollm2.count_tokens(context)

    async def cost(texts: Sequence[str]) -> Work:
        before = smollm2.work
        await smollm2.score(context, texts, decoding=Decoding(), end=False)
        return smollm2.work - before

    first, second = await cost(["yes", "no"]), await cost(["maybe", "never"])
    assert first.requested_tokens == 2 * size  # the last token's logits give one-token texts
    assert first.prefilled_tokens == size
    assert second.prefilled_tokens < first.prefilled_tokens / 2  # the context is at hand
    assert second.requested_tokens >= first.requested_tokens
    assert (first.drawn_tokens, second.drawn_tokens) == (0, 0)
    assert first.decode_calls >= 1


async def test_work_counts_every_token_that_is_drawn(smollm2: LocalModel) -> None:
    """Texts that run to their limit cost so many tokens each, and a usage says the same."""
    before = smollm2.work
    drawn = await smollm2.sample("Once upon a time", decoding=Decoding(max_tokens=4), keys=keys(6))
    cost = smollm2.work - before
    ends = sum(one.finish == "stop" for one in drawn)
    assert cost.drawn_tokens == sum(one.usage.completion_tokens for one in drawn) + ends
    assert cost.requested_tokens == drawn[0].usage.prompt_tokens


async def test_cancelled_work_is_dropped(smollm2: LocalModel) -> None:
    """A cancelled request stops at once, and leaves the next ones as they would have been."""
    before = await flat_scores(smollm2, CONTEXTS[0], TEXTS)
    with anyio.fail_after(60):  # what is cancelled would take much longer
        async with anyio.create_task_group() as group:
            for index in range(20):
                group.start_soon(long_request, smollm2, index)
            await flat_scores(smollm2, CONTEXTS[1], TEXTS)
            group.cancel_scope.cancel()
        assert await flat_scores(smollm2, CONTEXTS[0], TEXTS) == before


async def long_request(model: LocalModel, index: int) -> None:
    """Asks for more than anyone waits for."""
    await model.sample("Once", decoding=Decoding(max_tokens=1900), keys=keys(8, f"long{index}"))


async def test_the_loop_goes_on_while_the_engine_computes(smollm2: LocalModel) -> None:
    """Other tasks run while an answer is computed."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await smollm2.score("A new beginning of " + PROMPT, TEXTS, decoding=Decoding())
    counting.cancel()
    assert turns > 100


async def test_closing_fails_what_is_pending(smollm2_path: Path) -> None:
    """Who waits for a model that is closed is told so, and so is who asks afterwards."""
    model = await LocalModel.load(smollm2_path, threads=1, context_size=2048)
    pending = asyncio.create_task(long_request(model, 0))
    await asyncio.sleep(0)
    await model.aclose()
    with pytest.raises(ModelError, match="closed"):
        await pending
    with pytest.raises(ModelError, match="closed"):
        await model.score("a", ["b"], decoding=ONE)
    with pytest.raises(ModelError, match="closed"):
        model.count_tokens("a")
    await model.aclose()


async def test_one_model_serves_several_loops(smollm2: LocalModel) -> None:
    """A model answers in whichever event loop asks."""
    here = await flat_scores(smollm2, CONTEXTS[0], TEXTS)

    def elsewhere() -> list[tuple[float, ...]]:
        return asyncio.run(flat_scores(smollm2, CONTEXTS[0], TEXTS))

    assert await anyio.to_thread.run_sync(elsewhere) == here


async def test_a_file_that_is_cut_short_is_refused(smollm2_path: Path, tmp_path: Path) -> None:
    """Weights that llama.cpp cannot read raise an error that names the file."""
    cut = tmp_path / "cut.gguf"
    with smollm2_path.open("rb") as file:
        cut.write_bytes(file.read(100_000))
    with pytest.raises(ModelError, match=r"cut\.gguf"):
        await LocalModel.load(cut)


async def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    """A file of another format is refused before the engine sees it."""
    other = tmp_path / "model.gguf"
    other.write_bytes(b"PK\x03\x04 a zip file")
    with pytest.raises(DataError, match="not a GGUF"):
        await LocalModel.load(other)
