"""The contract that every language model keeps, as a check to run on one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from langnet.errors import CapabilityError
from langnet.key import Key
from langnet.lm.base import Choice, Decoding, LanguageModel

__all__ = ["check_model"]

_CONTEXT = "Question: is the sky blue on a clear day?\nAnswer:"
_TEXTS = ("Yes", "No", "No, it is not")
_CHOICES = (Choice("yes", ("Yes",)), Choice("no", ("No",)))
_KEYS = tuple(Key(("check-model", number)) for number in range(6))


async def check_model(
    model: LanguageModel,
    *,
    context: str = _CONTEXT,
    texts: Sequence[str] = _TEXTS,
    choices: Sequence[Choice] = _CHOICES,
    decoding: Decoding | None = None,
    varied: bool = True,
    tolerance: float = 1e-3,
) -> None:
    """Holds a model to the contract of `LanguageModel`; it makes some twenty calls.

    What the model does not declare is not asked of it, except to see that it refuses.

    Args:
        model: the model.
        context: a context that it can continue.
        texts: texts to score after the context.
        choices: labels to compare after the context.
        decoding: how to draw; by default up to 16 tokens at temperature 1.
        varied: whether draws with different keys are expected to differ.
        tolerance: how far two log-probabilities of the same event may lie apart, in nats.

    Raises:
        AssertionError: a law is broken; the message says which.
        ModelError: a call failed.
    """
    decoding = decoding or Decoding(max_tokens=16)
    _require(
        isinstance(model.identity, str) and bool(model.identity),
        f"identity must be a text that is not empty, not {model.identity!r}",
    )
    able = model.capabilities
    if able.sample:
        await _check_sampling(model, context, decoding, varied=varied)
    else:
        await _check_refusal(model, "sample", context, texts, choices)
    if able.score:
        await _check_scores(model, context, texts, tolerance)
    else:
        await _check_refusal(model, "score", context, texts, choices)
    if able.choose:
        await _check_choices(model, context, choices, tolerance)
    else:
        await _check_refusal(model, "choose", context, texts, choices)


async def _check_sampling(
    model: LanguageModel, context: str, decoding: Decoding, *, varied: bool
) -> None:
    drawn = await model.sample(context, decoding=decoding, keys=_KEYS)
    texts = [completion.text for completion in drawn]
    _require(len(drawn) == len(_KEYS), f"{len(_KEYS)} keys gave {len(drawn)} texts")
    for completion in drawn:
        _require(
            completion.text == completion.text.strip(),
            f"the text {completion.text!r} carries surrounding white space",
        )
        _require(
            completion.finish in {"stop", "length"},
            f"finish is {completion.finish!r}, which is neither 'stop' nor 'length'",
        )
    again = await model.sample(context, decoding=decoding, keys=_KEYS[::-1])
    _require(
        [completion.text for completion in again] == texts[::-1],
        "the same keys in another order gave other texts",
    )
    (alone,) = await model.sample(context, decoding=decoding, keys=_KEYS[2:3])
    _require(alone.text == texts[2], "a key gave another text alone than among others")
    if varied:
        _require(len(set(texts)) > 1, f"{len(_KEYS)} different keys all gave {texts[0]!r}")

    greedy = Decoding(temperature=0, max_tokens=decoding.max_tokens)
    best = await model.sample(context, decoding=greedy, keys=_KEYS[:2])
    _require(best[0].text == best[1].text, "at temperature 0 the text depends on the key")

    short = Decoding(max_tokens=1)
    for completion in await model.sample(context, decoding=short, keys=_KEYS[:2]):
        _require(
            completion.usage.completion_tokens <= 1,
            f"max_tokens=1 gave {completion.usage.completion_tokens} tokens: {completion.text!r}",
        )
    longest = max(texts, key=len)
    if len(longest) > 1:
        stop = longest[len(longest) // 2]
        ended = Decoding(max_tokens=decoding.max_tokens, stop=(stop,))
        for completion in await model.sample(context, decoding=ended, keys=_KEYS):
            _require(
                stop not in completion.text,
                f"the text {completion.text!r} holds the stop string {stop!r}",
            )


async def _check_scores(
    model: LanguageModel, context: str, texts: Sequence[str], tolerance: float
) -> None:
    decoding = Decoding()
    together = await _logprobs(model, context, texts, decoding)
    _require(len(together) == len(texts), f"{len(texts)} texts gave {len(together)} scores")
    for text, logprob in zip(texts, together, strict=True):
        _require(
            logprob <= tolerance and not math.isnan(logprob),
            f"the log-probability of {text!r} is {logprob!r}, which is above 0 or no number",
        )
        (alone,) = await _logprobs(model, context, [text], decoding)
        _require(
            _close(alone, logprob, tolerance),
            f"{text!r} scores {alone!r} alone and {logprob!r} among others",
        )
    at_zero = await _logprobs(model, context, texts, Decoding(temperature=0))
    open_ended = await _logprobs(model, context, texts, decoding, end=False)
    for text, logprob, zero, unended in zip(texts, together, at_zero, open_ended, strict=True):
        _require(
            _close(zero, logprob, tolerance),
            f"{text!r} scores {zero!r} at temperature 0, which is to count as 1: {logprob!r}",
        )
        _require(
            unended >= logprob - tolerance,
            f"{text!r} is less probable without its end ({unended!r}) than with it ({logprob!r})",
        )


async def _check_choices(
    model: LanguageModel, context: str, choices: Sequence[Choice], tolerance: float
) -> None:
    logprobs = (await model.choose(context, choices)).logprobs
    _require(len(logprobs) == len(choices), f"{len(choices)} choices gave {len(logprobs)} scores")
    for choice, logprob in zip(choices, logprobs, strict=True):
        _require(
            logprob <= tolerance and not math.isnan(logprob),
            f"the log-probability of choice {choice.label!r} is {logprob!r}, which is above 0 or "
            "no number",
        )
    again = (await model.choose(context, choices[::-1])).logprobs
    _require(
        all(_close(a, b, tolerance) for a, b in zip(again[::-1], logprobs, strict=True)),
        f"the order of the choices changes their scores: {logprobs} and {again[::-1]}",
    )
    if not model.capabilities.score:
        return
    for choice, logprob in zip(choices, logprobs, strict=True):
        scores = await _logprobs(model, context, choice.texts, Decoding(), end=False)
        expected = math.fsum(map(math.exp, scores))
        _require(
            math.isclose(math.exp(logprob), expected, rel_tol=tolerance, abs_tol=1e-12),
            f"the probability of choice {choice.label!r} is {math.exp(logprob)!r}, but its texts' "
            f"scores add up to {expected!r}",
        )


async def _check_refusal(
    model: LanguageModel,
    method: str,
    context: str,
    texts: Sequence[str],
    choices: Sequence[Choice],
) -> None:
    try:
        if method == "sample":
            await model.sample(context, decoding=Decoding(), keys=_KEYS[:1])
        elif method == "score":
            await model.score(context, texts, decoding=Decoding())
        else:
            await model.choose(context, choices)
    except CapabilityError:
        return
    raise AssertionError(
        f"the model is declared unable to {method} but does not raise CapabilityError when asked"
    )


async def _logprobs(
    model: LanguageModel,
    context: str,
    texts: Sequence[str],
    decoding: Decoding,
    *,
    end: bool = True,
) -> list[float]:
    scored = await model.score(context, texts, decoding=decoding, end=end)
    return [score.logprob for score in scored.scores]


def _close(first: float, second: float, tolerance: float) -> bool:
    return first == second or abs(first - second) <= tolerance


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
