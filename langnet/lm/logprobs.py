"""Log-probabilities in a server's answer: which belong to a text, which to a label.

A server returns strings and numbers token by token. The strings are matched with the text that
was sent, and where they do not spell it an error says so: a wrong boundary would be a wrong score.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

from langnet.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langnet.lm.base import Choice

__all__ = ["label_logprobs", "log_sum_exp", "text_logprobs"]


def text_logprobs(
    pieces: Sequence[str],
    logprobs: Sequence[float | None],
    *,
    context: str,
    text: str,
    after: str = "",
    offsets: Sequence[int] | None = None,
) -> tuple[float, ...]:
    """The log-probabilities, in nats, of the tokens that cover a text after its context.

    A token that reaches over the boundary (a space that ends the context and joins the text's
    first word) covers a part of the text and counts in full.

    Args:
        pieces: the strings of the last tokens, or of all.
        logprobs: one per piece; None where the server gives none.
        context: what comes before the text.
        text: the text as it was joined to its context.
        after: what the server drew after it.
        offsets: where each piece begins in the whole string, where the server says so. They are
            believed only where they agree with the pieces.

    Raises:
        ModelError: the pieces do not spell the text, or one of its tokens has no number.
    """
    if len(pieces) != len(logprobs):
        raise ModelError(
            f"the server gave {len(pieces)} tokens but {len(logprobs)} log-probabilities"
        )
    whole = context + text + after
    span = (len(context), len(context) + len(text))
    taken = _spelled(pieces, whole, span)
    if taken is None and offsets is not None and len(offsets) == len(pieces):
        taken = _placed(pieces, offsets, whole, span)
    if taken is None:
        raise ModelError(
            "the server's tokens do not spell the text that was sent, so the end of the context "
            "cannot be found; use the other way of scoring, or a model that draws labels only"
        )
    values = [logprobs[index] for index in taken]
    known = tuple(float(value) for value in values if value is not None)
    if len(known) != len(values):
        raise ModelError(
            "the server gives no log-probability for the first token of a text without context; "
            "give the node a context that is not empty"
        )
    return known


def _spelled(pieces: Sequence[str], whole: str, span: tuple[int, int]) -> list[int] | None:
    """Indices of the pieces that cover the span, by walking back from the end of the whole.

    From the end, because what stands at the beginning differs between servers (a begin token,
    with or without a string).
    """
    start, end = span
    taken: list[int] = []
    right = len(whole)
    for index in range(len(pieces) - 1, -1, -1):
        if right <= start:
            break
        left = right - len(pieces[index])
        if left < 0 or not whole.startswith(pieces[index], left):
            return None
        if left == right:
            if start < right < end:  # a part of a character, which only offsets can place
                return None
        elif left < end:
            taken.append(index)
        right = left
    return taken[::-1] if right <= start else None


def _placed(
    pieces: Sequence[str], offsets: Sequence[int], whole: str, span: tuple[int, int]
) -> list[int] | None:
    """Indices of the pieces that cover the span, by their offsets."""
    start, end = span
    ends = [*offsets[1:], len(whole)]
    taken: list[int] = []
    for index, (piece, left, right) in enumerate(zip(pieces, offsets, ends, strict=True)):
        # OpenAI writes a part of a character as "bytes:\xe2\x80".
        if left > right or not (piece.startswith("bytes:") or whole.startswith(piece, left)):
            return None
        if start <= left < end or left < start < right:
            taken.append(index)
    return taken


def label_logprobs(
    top: Sequence[tuple[str, float]], choices: Sequence[Choice]
) -> tuple[float, ...]:
    """The log-probability of each label, in nats, by the first token: an approximation.

    A token counts for the label whose verbaliser it spells, white space around it aside, or else
    for the only label that has a verbaliser beginning with it; a token that begins verbalisers of
    several labels counts for none. Tokens of one label add up. A label without a token gets the
    smallest log-probability in `top`, which is an upper bound of its own.

    Args:
        top: the most probable first tokens with their log-probabilities.
        choices: the labels.

    Raises:
        ModelError: none of the labels is among them.
    """
    shares: list[list[float]] = [[] for _ in choices]
    for token, logprob in top:
        spelled = token.strip()
        if not spelled:
            continue
        texts = [[text.strip() for text in choice.texts] for choice in choices]
        owners = [i for i, own in enumerate(texts) if spelled in own]
        if not owners:
            owners = [
                i for i, own in enumerate(texts) if any(text.startswith(spelled) for text in own)
            ]
        if len(owners) == 1:
            shares[owners[0]].append(logprob)
    if not any(shares):
        labels = ", ".join(repr(text) for choice in choices for text in choice.texts)
        seen = ", ".join(repr(token) for token, _ in top)
        raise ModelError(
            f"none of {labels} is among the most probable first tokens {seen}; let the "
            "prompt ask for the labels, add verbalisers, or use a model that scores"
        )
    floor = min(logprob for _, logprob in top)
    return tuple(log_sum_exp(share) if share else floor for share in shares)


def log_sum_exp(values: Sequence[float]) -> float:
    """The logarithm of a sum of exponentials; of no values, minus infinity."""
    greatest = max(values, default=-float("inf"))
    if greatest == -float("inf"):
        return greatest
    return greatest + log(sum(exp(value - greatest) for value in values))
