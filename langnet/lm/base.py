"""What a language model is to langnet: the only interface between a graph and a model.

A model can do up to three things, and says which in its `capabilities`:

- `sample`: draw texts that continue a context;
- `score`: give the log-probability of given texts after a context;
- `choose`: give the log-probability of each label of a closed set after a context.

Texts are normalised: what `sample` returns carries no surrounding white space, and `score` and
`choose` join a text to its context with one space where the context does not end in white space
(labels meet a layout such as "…\\nAnswer:" that way). A model wraps the context as it needs: a
completion model continues it, a chat model sends it as the user's message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from langnet.errors import CapabilityError
from langnet.key import Key

__all__ = [
    "Capabilities",
    "Choice",
    "Completion",
    "Decoding",
    "LabelScores",
    "LanguageModel",
    "TextScore",
    "TextScores",
    "Usage",
    "joined",
    "refuse_schema",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a node's text is drawn; it defines the distribution that is scored, too.

    Attributes:
        temperature: of the softmax over tokens; 0 takes the most probable token.
        max_tokens: the longest text, in tokens.
        stop: strings that end a text; the text does not hold them.
        top_p: the nucleus that tokens are drawn from; 1 keeps all.
        schema: a JSON schema that the text must follow, as a mapping or as JSON; it is kept as
            JSON. The order of its properties is kept too, since servers write them in it. A text
            that was cut at `max_tokens` follows it only as far as it goes.
    """

    temperature: float = 1.0
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    top_p: float = 1.0
    schema: str | None = None

    # Only so that a mapping and one string may be given where a text and a tuple are kept.
    def __init__(
        self,
        *,
        temperature: float = 1.0,
        max_tokens: int = 64,
        stop: str | Sequence[str] = (),
        top_p: float = 1.0,
        schema: str | Mapping[str, Any] | None = None,
    ) -> None:
        """Checks the settings.

        Raises:
            ValueError: one of them cannot be.
        """
        put = object.__setattr__
        put(self, "temperature", temperature)
        put(self, "max_tokens", max_tokens)
        put(self, "stop", _strings(stop))
        put(self, "top_p", top_p)
        put(self, "schema", _schema(schema))
        if self.temperature < 0:
            raise ValueError(f"temperature must be at least 0, not {self.temperature}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], not {self.top_p}")
        if "" in self.stop:
            raise ValueError("an empty stop string would end every text at once; leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do: declared or probed, never assumed.

    Attributes:
        sample: draws texts.
        score: gives exact log-probabilities of given texts, in nats.
        choose: gives log-probabilities of labels; exact where `score` is, else from the first
            token of each verbaliser among the server's top log-probabilities.
    """

    sample: bool = True
    score: bool = False
    choose: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call took.

    Attributes:
        prompt_tokens: tokens of contexts and of given texts.
        completion_tokens: tokens that were drawn.
        cached_tokens: those of `prompt_tokens` that were not computed anew.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that was drawn.

    Attributes:
        text: without surrounding white space and without the stop string.
        finish: "stop" where the text ended by itself or at a stop string, "length" where it was
            cut at `max_tokens`.
        usage: tokens of this draw; draws of one context share its prompt tokens.
    """

    text: str
    finish: str = "stop"
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class TextScore:
    """The log-probability of one text.

    Attributes:
        token_logprobs: in nats, one per token of the text, and one more for its end where that
            was asked for and the text is shorter than `max_tokens`.
    """

    token_logprobs: tuple[float, ...]

    @property
    def logprob(self) -> float:
        """The log-probability of the whole text, in nats: the exact sum."""
        return sum(self.token_logprobs)

    def per_token(self, skip: float = 0.0) -> float:
        """The mean over tokens, in nats per token, after leaving out the first `skip` share.

        This is how published implementations of Deep Language Networks score hidden texts. It is
        no log-probability, and no bound may be built on it.
        """
        kept = self.token_logprobs[int(skip * len(self.token_logprobs)) :]
        return sum(kept) / len(kept) if kept else 0.0


@dataclass(frozen=True, slots=True)
class TextScores:
    """The scores of several texts after one context, in their order, and what they took."""

    scores: tuple[TextScore, ...]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Choice:
    """One label of a closed set, with the texts that stand for it.

    Attributes:
        label: the value that the node takes.
        verbalisers: texts whose probabilities are added up; the label itself where none is given.
    """

    label: str
    verbalisers: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that stand for the label."""
        return self.verbalisers or (self.label,)


@dataclass(frozen=True, slots=True)
class LabelScores:
    """The log-probabilities of labels after a context.

    Attributes:
        logprobs: in nats, one per choice, not normalised over the choices.
        usage: tokens that the call took.
    """

    logprobs: tuple[float, ...]
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class LanguageModel(Protocol):
    """A language model. Wrappers (cache, meter) are models over a model.

    Every method raises `ModelError` where the call fails, `ContextOverflow` where it does not fit
    the context, and `CapabilityError` where the model cannot do it.
    """

    @property
    def identity(self) -> str:
        """Names all that can change an answer besides the request: weights, server, wrapping."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        ...

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key. The same context, decoding and key give the same text."""
        ...

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts under the distribution that `decoding` draws from.

        Args:
            context: what comes before each text.
            texts: the texts.
            decoding: temperature 0 is scored as 1, since the most probable token has no density.
            end: whether the text's end (a stop string or the end token) is part of the event.
        """
        ...

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set at temperature 1."""
        ...

    async def aclose(self) -> None:
        """Gives back what the model holds: threads, connections, files."""
        ...


def refuse_schema(decoding: Decoding, model: str, *, scoring: bool = False) -> None:
    """Refuses a decoding with a schema where it cannot be had.

    Args:
        decoding: how a text is drawn, or scored.
        model: the model's identity.
        scoring: whether a text is scored: under a schema no server and no engine does that.

    Raises:
        CapabilityError: the decoding has a schema.
    """
    if decoding.schema is None:
        return
    if scoring:
        raise CapabilityError(
            f"{model} draws under a JSON schema from another distribution than it scores, so a "
            "text has no score; leave the decoding's schema out, or fit with objective='rollout'"
        )
    raise CapabilityError(
        f"{model} cannot hold a text to a JSON schema; leave the decoding's schema out and ask "
        "for the form in the template, or use a server that can (docs/providers.md lists them)"
    )


def _schema(value: str | Mapping[str, Any] | None) -> str | None:
    """A JSON schema as JSON without white space, its order kept."""
    if value is None:
        return None
    try:
        found = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(dict(found), separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"schema must be a JSON schema, an object: {error}") from error
    return text


def _strings(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def joined(context: str, text: str) -> str:
    """The text as it continues its context: with one space where no white space parts them."""
    if not context or context[-1].isspace() or text[:1].isspace():
        return text
    return " " + text
