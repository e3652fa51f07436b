"""How a server's model is asked: what its dialect says, and what was said besides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from langnet.lm.base import Capabilities, Decoding, joined, refuse_schema
from langnet.lm.dialects import Dialect, Endpoint, LabelWay, ScoringWay, dialect_of
from langnet.lm.templates import ChatTemplate

__all__ = ["Manner", "manner_of"]

_TOPS: dict[Endpoint, int] = {"chat": 20, "completions": 5}  # OpenAI's limits
_NEW_LENGTH_FIELD = "2024-09"  # from this version on Azure knows max_completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a model is asked.

    Attributes:
        dialect: the kind of server.
        endpoint: whether a context is the user's message or a text to continue.
        scoring: how the server scores given texts, if it does.
        labels: how it gives the probabilities of single tokens, if it does.
        top: how many top log-probabilities to ask for.
        capabilities: what the model can do.
        system: what stands before every context.
        template: what makes a text of messages, at the endpoint "completions".
        length_field: what the longest answer is called.
    """

    dialect: Dialect
    endpoint: Endpoint
    scoring: ScoringWay | None
    labels: LabelWay | None
    top: int
    capabilities: Capabilities
    system: str | None
    template: ChatTemplate | None
    length_field: str

    @property
    def mark(self) -> str:
        """What a model's identity says of it; empty where nothing is set."""
        mark = f"&dialect={self.dialect.name}" if self.dialect.name else ""
        if self.system is not None:
            mark += f"&system={sha256(self.system.encode()).hexdigest()[:16]}"
        if self.template is not None:
            mark += f"&template={self.template.digest}"
        return mark

    def asked(self, context: str) -> dict[str, Any]:
        """The part of a request that holds the context."""
        if self.endpoint == "completions":
            return {"prompt": self.prompt(context)}
        messages = [{"role": "user", "content": context}]
        if self.system is not None:
            messages.insert(0, {"role": "system", "content": self.system})
        return {"messages": messages}

    def prompt(self, context: str) -> str:
        """The raw text that is continued."""
        return context if self.template is None else self.template.text(context, self.system)

    def joined(self, context: str, texts: Sequence[str]) -> tuple[str, list[str]]:
        """The raw text, and texts as they continue it."""
        if self.template is None:
            return context, [joined(context, text) if text else "" for text in texts]
        # An answer follows the template's last mark as it is.
        return self.prompt(context), list(texts)

    def drawn(self, context: str, decoding: Decoding, model: object) -> dict[str, Any]:
        """A request for a text, but for the seed.

        Args:
            context: what the text follows.
            decoding: how it is drawn.
            model: whose text it is, for messages.

        Raises:
            CapabilityError: the text is to follow a schema, and the server cannot hold it to one.
        """
        body: dict[str, Any] = {
            **self.asked(context),
            self.length_field: decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
        }
        if decoding.stop:
            body["stop"] = list(decoding.stop)
        if decoding.schema is not None:
            if self.endpoint not in self.dialect.schemas:
                refuse_schema(decoding, repr(model))
            schema = {"name": "answer", "schema": json.loads(decoding.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def first(self, context: str, number: int) -> dict[str, Any]:
        """A request for the most probable first tokens."""
        chat = self.endpoint == "chat"
        tops = {"logprobs": True, "top_logprobs": number} if chat else {"logprobs": number}
        how = {self.length_field: 1, "temperature": 1.0, "top_p": 1.0, "seed": 0}
        return {**self.asked(context), **tops, **how}


def manner_of(
    dialect: str | None,
    endpoint: Endpoint | None,
    scoring: ScoringWay | None,
    capabilities: Capabilities | None,
    *,
    system: str | None = None,
    template: str | Path | None = None,
    at_openai: bool = False,
    api_version: str | None = None,
) -> Manner:
    """How a model is asked; what is given wins over what the dialect says.

    Args:
        dialect: the kind of server.
        endpoint: see `OpenAIModel`, as for the others.
        scoring: how given texts are scored.
        capabilities: what the model can do.
        system: a system prompt.
        template: a chat template.
        at_openai: whether this is OpenAI itself.
        api_version: of Azure's interface.

    Raises:
        ValueError: the arguments do not go together.
    """
    kind = dialect_of(dialect)
    endpoint = endpoint or ("completions" if template is not None else kind.endpoint)
    if endpoint not in get_args(Endpoint):
        raise ValueError(f'endpoint is "chat" or "completions", not {endpoint!r}')
    if scoring is not None and scoring not in get_args(ScoringWay):
        ways = ", ".join(f'"{way}"' for way in get_args(ScoringWay))
        raise ValueError(f"scoring is one of {ways} or None, not {scoring!r}")
    if scoring is not None and endpoint == "chat":
        raise ValueError('a chat cannot be scored; add endpoint="completions"')
    if template is not None and endpoint == "chat":
        raise ValueError(
            "in a chat the server writes the messages out by itself; leave the template out, or "
            'add endpoint="completions"'
        )
    if system is not None and endpoint == "completions" and template is None:
        raise ValueError(
            'a text to continue has no place for a system prompt; add endpoint="chat", or a '
            "template that has one"
        )
    if scoring is None and endpoint == "completions" and (not capabilities or capabilities.score):
        scoring = kind.scoring
    able = capabilities or kind.capabilities(endpoint, scoring)
    if able.score and scoring is None:
        raise ValueError('say how the server scores: scoring="echo" or "prompt_logprobs"')
    manner = Manner(
        dialect=kind,
        endpoint=endpoint,
        scoring=scoring,
        labels=kind.labels if scoring is not None else None,
        top=kind.tops.get(endpoint, _TOPS[endpoint]),
        capabilities=able,
        system=system,
        template=None if template is None else ChatTemplate.load(template),
        length_field=_length_field(kind, endpoint, api_version, at_openai=at_openai),
    )
    manner.asked("x")  # a template that refuses such messages says so now
    return manner


def _length_field(
    kind: Dialect, endpoint: Endpoint, api_version: str | None, *, at_openai: bool
) -> str:
    # OpenAI's newer models refuse the old name in a chat, other servers do not know the new one.
    if endpoint == "completions" or (api_version or _NEW_LENGTH_FIELD) < _NEW_LENGTH_FIELD:
        return "max_tokens"
    return "max_completion_tokens" if at_openai else kind.length_field
