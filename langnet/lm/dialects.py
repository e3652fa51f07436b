"""What servers that speak OpenAI's protocol do beyond it, or instead of it: declared by name.

    OpenAIModel("Qwen/Qwen3-8B", base_url="http://127.0.0.1:8000/v1", dialect="vllm")

A dialect says where a server's endpoints are, how it scores given texts, and which fields make it
draw from the distribution that it scores: several servers cut the distribution by default (`top_k`,
`min_p`, a penalty of repetitions) or take such settings from the model's own files.

Each was read in the server's own source or reference: OpenAI and Azure by their API references
(Azure 2024-10-21 and v1), vLLM at its main branch of 2026 (the first with `logprob_token_ids`),
SGLang 0.5.10, Ollama's server of 2026, text-generation-inference's router. llama.cpp's server was
run: the one that xllamacpp 2026.10 carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from langnet.lm import native
from langnet.lm.base import Capabilities

__all__ = ["DIALECTS", "Dialect", "DialectName", "Endpoint", "LabelWay", "ScoringWay", "dialect_of"]

Endpoint = Literal["chat", "completions"]
"""Whether a context is the user's message, or a text to continue."""
ScoringWay = Literal[
    "echo", "prompt_logprobs", "logprob_start_len", "decoder_input_details", "forced"
]
"""How a server scores given texts: by the field that asks for it, or token by token (`forced`)."""
LabelWay = Literal["logprob_token_ids", "token_ids_logprob"]
"""By which field a server gives the log-probabilities of tokens that are named."""
DialectName = Literal["openai", "azure", "vllm", "sglang", "llamacpp", "ollama", "tgi"]

_PATHS: Mapping[Endpoint, str] = MappingProxyType(
    {"chat": "chat/completions", "completions": "completions"}
)
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_BOTH: frozenset[Endpoint] = frozenset(get_args(Endpoint))


def _as_it_is(body: dict[str, Any]) -> dict[str, Any]:
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a kind of server does.

    Attributes:
        name: as it is called in a line, and in a model's identity.
        endpoint: the one that is used where nothing else is said.
        paths: where the endpoints are, from the base address, or with a slash from the root.
        length_field: what the longest answer is called in a chat.
        scoring: how given texts are scored, at the endpoint "completions".
        labels: how the probabilities of single tokens are had without scoring a prompt.
        tops: how many top log-probabilities there are, by endpoint; none where it is missing.
        schemas: the endpoints that hold an answer to a JSON schema.
        settings: fields that keep the server from drawing otherwise than it scores.
        asked: turns a request in OpenAI's form into the server's.
        answered: turns the server's request and answer into an answer in OpenAI's form.
    """

    name: str
    endpoint: Endpoint = "chat"
    paths: Mapping[Endpoint, str] = field(default_factory=lambda: _PATHS)
    length_field: str = "max_tokens"
    scoring: ScoringWay | None = None
    labels: LabelWay | None = None
    tops: Mapping[Endpoint, int] = field(default_factory=lambda: _NOTHING)
    schemas: frozenset[Endpoint] = frozenset({"chat"})
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    asked: Callable[[dict[str, Any]], dict[str, Any]] = _as_it_is
    answered: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = native.unchanged

    def capabilities(self, endpoint: Endpoint, scoring: ScoringWay | None) -> Capabilities:
        """What a model can do at an endpoint where texts are scored this way."""
        scores = scoring is not None
        return Capabilities(score=scores, choose=scores or endpoint in self.tops)


GENERIC = Dialect(name="")
"""A server of which nothing is known but that it speaks the protocol."""

_OPENAI_TOPS: Mapping[Endpoint, int] = MappingProxyType({"chat": 20, "completions": 5})
_WHOLE = MappingProxyType({"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0})
_ALL = (
    Dialect(name="openai", length_field="max_completion_tokens", tops=_OPENAI_TOPS),
    Dialect(name="azure", length_field="max_completion_tokens", tops=_OPENAI_TOPS),
    Dialect(
        name="vllm",
        endpoint="completions",
        scoring="prompt_logprobs",
        labels="logprob_token_ids",
        tops=MappingProxyType({"chat": 20, "completions": 20}),
        schemas=_BOTH,
        settings=_WHOLE,
    ),
    Dialect(
        name="sglang",
        endpoint="completions",
        scoring="logprob_start_len",
        labels="token_ids_logprob",
        tops=MappingProxyType({"chat": 20, "completions": 20}),
        schemas=_BOTH,
        settings=_WHOLE,
    ),
    Dialect(
        name="llamacpp",
        endpoint="completions",
        scoring="forced",
        tops=MappingProxyType({"chat": 20, "completions": 20}),
        schemas=_BOTH,
        settings=MappingProxyType(
            {"top_k": 0, "min_p": 0.0, "typical_p": 1.0, "repeat_penalty": 1.0}
        ),
        asked=native.llamacpp_asked,
    ),
    Dialect(
        name="ollama",
        paths=MappingProxyType({"chat": "/api/chat", "completions": "/api/generate"}),
        tops=MappingProxyType({"chat": 20, "completions": 20}),
        schemas=_BOTH,
        settings=MappingProxyType({"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}),
        asked=native.ollama_asked,
        answered=native.ollama_answered,
    ),
    Dialect(
        name="tgi",
        endpoint="completions",
        paths=MappingProxyType({"chat": "chat/completions", "completions": "/generate"}),
        scoring="decoder_input_details",
        tops=MappingProxyType({"chat": 5, "completions": 5}),
        schemas=_BOTH,
        asked=native.tgi_asked,
        answered=native.tgi_answered,
    ),
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
"""The dialects by name."""


def dialect_of(name: str | None) -> Dialect:
    """The dialect of this name, or that of a server of which nothing is known.

    Raises:
        ValueError: there is none of this name.
    """
    if name is None:
        return GENERIC
    if name not in DIALECTS:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}, not {name!r}")
    return DIALECTS[name]
