"""What is told of a call when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langnet.lm.base import Decoding

__all__ = ["CallFinished", "Content", "Kind"]

Kind = Literal["sample", "score", "choose"]


@dataclass(frozen=True, slots=True)
class Content:
    """What was said in a call.

    Attributes:
        context: what the model was given.
        texts: the texts that were to be scored, or the labels.
        answers: the texts that were drawn, or the log-probabilities in nats; empty where the call
            failed.
    """

    context: str
    texts: tuple[str, ...]
    answers: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFinished:
    """A call of a model has ended, well or not.

    Attributes:
        model: the model's name, or its identity where it has none.
        identity: the model's identity.
        kind: "sample", "score" or "choose".
        node: the node that called; "" where that was not said, and so below.
        example: the example that was worked on.
        purpose: what the call was for; see `langnet.lm.caller.Caller`.
        started: when it began, in seconds since 1970.
        seconds: how long it took, with all its attempts and waits.
        queued: seconds that its requests waited for their turn, added up.
        waited: seconds that it waited to be made again.
        attempts: how often the model itself was called; 0 where a cache had all the answers.
        texts: texts or labels that were asked for.
        hits: texts, scores and sets of labels that came from a cache.
        prompt_tokens: tokens that the model was given; of what a cache answered there are none.
        completion_tokens: tokens that were drawn.
        cached_tokens: those of `prompt_tokens` that were not computed anew.
        estimated_tokens: those of both that langnet counted, since the server did not say.
        cost: what they cost in the currency of the prices; `None` where that is unknown.
        decoding: how a text was drawn or scored; `None` of labels.
        finish: how each drawn text ended, such as "stop" or "length".
        error: the kind of the error, such as "RateLimited", or "cancelled"; "" where all is well.
        message: the error's message, in one line.
        content: what was said, where that was asked for.
    """

    model: str
    identity: str
    kind: Kind
    node: str = ""
    example: str = ""
    purpose: str = ""
    started: float
    seconds: float
    queued: float = 0.0
    waited: float = 0.0
    attempts: int = 0
    texts: int = 1
    hits: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated_tokens: int = 0
    cost: float | None = None
    decoding: Decoding | None = None
    finish: tuple[str, ...] = ()
    error: str = ""
    message: str = ""
    content: Content | None = None
