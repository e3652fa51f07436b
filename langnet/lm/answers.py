"""What stands in an answer of OpenAI's protocol, in the forms that servers give it.

Where servers differ, each known form is read. What is in none of them is an error that says so:
nothing is guessed.
"""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING, Any

from langnet.errors import CapabilityError, ModelError, RequestRejected, TransientError
from langnet.lm.base import Completion, Usage
from langnet.lm.failures import cleaned
from langnet.lm.logprobs import text_logprobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "completion_of",
    "count_of",
    "echoed_logprobs",
    "ended",
    "first_tokens",
    "in_order",
    "number_of",
    "prefill_logprobs",
    "prompt_logprobs",
    "text_of",
    "usage_of",
]

_MOST_TOKENS = 2**40  # of one answer; no true count is near
_CUT = ("length", "max_tokens", "model_length")  # what servers call the end at the longest length
_BROKEN_OFF = ("abort", "error")  # at vLLM and SGLang, and at gateways


def text_of(choice: Mapping[str, Any]) -> str | None:
    """The text that was drawn, or None where the answer holds none.

    No text is something that a model says by itself (a refusal, a call of a tool). A text of
    another type is an answer that was broken on its way.

    Raises:
        TransientError: where the text should be stands something else.
    """
    message = choice.get("message")
    if type(message) is dict and type(text := message.get("content")) is str:
        return text  # what nearly all answers are
    match choice:
        case {"text": str(text)}:
            return text
        case {"message": {"content": [*parts]}} if all(isinstance(part, dict) for part in parts):
            texts = [part["text"] for part in parts if _is_text(part)]
            return "".join(texts) if parts and len(texts) == len(parts) else None
        case {"message": dict(message)}:
            found = message.get("content")
        case {"message": other} | {"text": other}:
            found = other
        case _:
            found = None
    if found is None:
        return None
    raise TransientError(f"the server answered with a {type(found).__name__} in place of a text")


def in_order(choices: Sequence[object], count: int, url: str) -> list[dict[str, Any]]:
    """The choices of an answer to several prompts, in the prompts' order.

    Raises:
        CapabilityError: there is not one for each.
    """
    by_place: dict[int, dict[str, Any]] = {}
    for place, choice in enumerate(choices):
        if isinstance(choice, dict):
            index = choice.get("index")
            by_place[index if type(index) is int else place] = choice
    if len(choices) != count or by_place.keys() != set(range(count)):
        raise CapabilityError(
            f"{url} answered {count} prompts in one request with {len(choices)} choices; it does "
            "not take lists of prompts: leave out batch"
        )
    return [by_place[place] for place in range(count)]


def completion_of(
    choice: Mapping[str, Any], usage: Usage, stop: Sequence[str], *, where: str
) -> Completion:
    """The text that was drawn, and how it ended.

    Args:
        choice: the answer's choice.
        usage: what it took.
        stop: strings that end a text; some servers leave them in.
        where: who answered, for messages.

    Raises:
        RequestRejected: the model refused, or a filter of content stopped the answer.
        TransientError: the server broke off.
        ModelError: there is no text.
    """
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        raise RequestRejected(
            f"the content filter of {where} stopped the answer; change the prompt, or the filter"
        )
    if finish in _BROKEN_OFF:
        raise TransientError(f"{where} broke the answer off (finish_reason {finish!r})")
    text = text_of(choice)
    if not text:
        match choice:
            case {"message": {"refusal": str(words)}} if words:
                raise RequestRejected(f"the model at {where} refused: {cleaned(words, None)}")
    cut = finish in _CUT
    if text is None:
        if not cut:
            raise ModelError(
                f"{where} answered without text (finish_reason {finish!r}); the model may "
                "have refused or called a tool"
            )
        text = ""  # all tokens went into reasoning that the server does not show
    return ended(text, stop=stop, is_cut=cut, usage=usage)


def ended(text: str, *, stop: Sequence[str], is_cut: bool, usage: Usage) -> Completion:
    """The completion that a text makes which a server has drawn.

    Args:
        text: as it came. Some servers leave the stop string in, and what comes after it.
        stop: strings that end a text.
        is_cut: whether the text reached its greatest length.
        usage: tokens that it took.
    """
    if stop and (cuts := [at for at in (text.find(string) for string in stop) if at >= 0]):
        return Completion(text[: min(cuts)].strip(), "stop", usage)
    return Completion(text.strip(), "length" if is_cut else "stop", usage)


def usage_of(usage: object) -> Usage:
    """The tokens that a server says it took; zero where it does not say."""
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(
        count_of(usage.get("prompt_tokens")),
        count_of(usage.get("completion_tokens")),
        count_of(cached),
    )


def first_tokens(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The most probable first tokens with their log-probabilities, in nats.

    Raises:
        ModelError: the answer holds none.
    """
    match choice.get("logprobs"):
        case {"content": [{"top_logprobs": [*entries]}, *_]} if entries:
            pairs = [(e.get("token"), e.get("logprob")) for e in entries if isinstance(e, dict)]
        case {"top_logprobs": [dict(entries), *_]} if entries:
            pairs = list(entries.items())
        case _:
            raise ModelError("the server answered without top log-probabilities")
    found = [(token, number_of(value)) for token, value in pairs]
    known = [
        (token, value) for token, value in found if isinstance(token, str) and value is not None
    ]
    if len(known) != len(pairs):
        raise ModelError("the server's top log-probabilities are no tokens with numbers")
    return known


def echoed_logprobs(choice: Mapping[str, Any], context: str, text: str) -> tuple[float, ...]:
    """Log-probabilities, in nats, of a text in a prompt that the server repeats (`echo`).

    One drawn token may follow the prompt.

    Raises:
        ModelError: the prompt is not repeated, or its tokens do not spell it.
    """
    prompt = context + text
    match choice:
        case {
            "text": str(whole),
            "logprobs": {"tokens": [*tokens], "token_logprobs": [*numbers], **rest},
        } if whole.startswith(prompt) and all(isinstance(token, str) for token in tokens):
            offsets = rest.get("text_offset")
        case _:
            raise ModelError("the server does not repeat the prompt with log-probabilities")
    if not (isinstance(offsets, list) and all(isinstance(offset, int) for offset in offsets)):
        offsets = None
    unspelled = whole == prompt and tokens and not whole.endswith(tokens[-1])
    if unspelled and (offsets is None or offsets[-1:] >= [len(whole)]):
        # The drawn token has no text, since it ends the answer, but some servers list it.
        tokens, numbers = tokens[:-1], numbers[:-1]
        offsets = offsets[:-1] if offsets else None
    return text_logprobs(
        tokens,
        [number_of(number) for number in numbers],
        context=context,
        text=text,
        after=whole[len(prompt) :],
        offsets=offsets,
    )


def prompt_logprobs(choice: Mapping[str, Any], context: str, text: str) -> tuple[float, ...]:
    """Log-probabilities, in nats, of a text by vLLM's field `prompt_logprobs` of 0.

    It holds, for each token of the prompt, a mapping with that token alone; None for the first.

    Raises:
        ModelError: the field is missing or of another form, or its tokens do not spell the text.
    """
    entries = choice.get("prompt_logprobs")
    if not isinstance(entries, list) or len(entries) < 2:  # noqa: PLR2004  # None and a token
        raise ModelError("the server answered without prompt_logprobs")
    tokens: list[str] = []
    numbers: list[float | None] = []
    for entry in entries[1:]:
        match list(entry.values()) if isinstance(entry, dict) else entry:
            case [{"decoded_token": str(token), "logprob": number}]:
                tokens.append(token)
                numbers.append(number_of(number))
            case _:
                raise ModelError("the server's prompt_logprobs do not hold one token each")
    if context == "":
        # The first token has no entry: with a begin token that is the one, else the text's own.
        tokens, numbers = _with_first(tokens, numbers, text)
    return text_logprobs(tokens, numbers, context=context, text=text)


def prefill_logprobs(choice: Mapping[str, Any], context: str, text: str) -> tuple[float, ...]:
    """Log-probabilities, in nats, of a text by text-generation-inference's `prefill`.

    It holds each token of the prompt with its string; the first has no number.

    Raises:
        ModelError: it is missing or of another form, or its tokens do not spell the text.
    """
    entries = choice.get("prefill")
    if not isinstance(entries, list) or not entries:
        raise ModelError("the server answered without the details of the prefill")
    tokens: list[str] = []
    numbers: list[float | None] = []
    for entry in entries:
        match entry:
            case {"text": str(token), **rest}:
                tokens.append(token)
                numbers.append(number_of(rest.get("logprob")))
            case _:
                raise ModelError("the details of the server's prefill do not hold one token each")
    return text_logprobs(tokens, numbers, context=context, text=text)


def _with_first(
    tokens: list[str], numbers: list[float | None], text: str
) -> tuple[list[str], list[float | None]]:
    rest = "".join(tokens)
    if rest != text and text.endswith(rest):
        return [text[: len(text) - len(rest)], *tokens], [None, *numbers]
    return tokens, numbers


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)


def count_of(value: object) -> int:
    """A number of tokens; zero for what cannot be one."""
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0


def number_of(value: object) -> float | None:
    """A log-probability, or None where the server gives none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON bounds no integer
        return None
    return None if isnan(number) or number == inf else number
