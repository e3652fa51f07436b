"""What a line of text means that names a model: "local:smollm2", "openai:gpt-4o", an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from langnet.errors import LangnetError
from langnet.lm.backoff import Retries
from langnet.lm.budget import Price
from langnet.lm.limits import Limits

__all__ = ["OPTIONS", "Declaration", "SpecError", "Usual", "flag", "parsed"]

_FORMS = """
  local:smollm2                          a model of the catalogue (`langnet models list`)
  local:/path/to/model.gguf              a model file
  openai:gpt-4o                          OpenAI, or the server that OPENAI_BASE_URL names
  openai:NAME@http://127.0.0.1:8000/v1   a server that speaks OpenAI's protocol
  http://127.0.0.1:8000/v1#NAME          the same
  azure:DEPLOYMENT@https://RESOURCE.openai.azure.com   Azure, or where AZURE_OPENAI_ENDPOINT says
  anthropic:claude-sonnet-4-5            Anthropic, or the server that ANTHROPIC_BASE_URL names
  anthropic:NAME@http://127.0.0.1:8000   a server that speaks Anthropic's protocol
  litellm:PROVIDER/NAME                  whatever the package litellm reaches
Options follow a question mark: openai:NAME@http://127.0.0.1:8000/v1?dialect=vllm&timeout=300"""

_NAMED = re.compile(r"(?P<name>[^?#]+?)(@(?P<url>https?://[^?#]+))?(\?(?P<options>.*))?")
_ADDRESS = re.compile(r"(?P<url>https?://[^?#]+)#(?P<name>[^?#]+)(\?(?P<options>.*))?")
_LOCAL = re.compile(r"(?P<name>[^?]+)(\?(?P<options>.*))?")
# First words of a line that name a dialect of a provider's.
_DIALECTS = {"azure": "openai"}

Usual = Literal["usual"]
"""What the caller of `connect` says for all models."""


class SpecError(LangnetError, ValueError):
    """A line that names a model, or a file of models, cannot be read; the message says the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A model, and how it is to be asked. Equal ones are one model.

    Attributes:
        provider: one of `OPTIONS`.
        name: what the provider calls the model.
        options: of the provider, by name. They may hold a key, so they are not shown.
        limits: what the model is held to; `None` for nothing.
        retries: how its calls are made again; `None` for not at all.
        price: of its tokens, where that is said; the model that is opened has it as `price`.
        place: where it is declared, for messages: a line, or a file and the path of its keys.
    """

    provider: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    limits: Limits | Usual | None = "usual"
    retries: Retries | Usual | None = "usual"
    price: Price | None = None
    place: str = field(default="", compare=False)


def flag(text: str) -> bool:
    """Yes or no, as it stands in a line.

    Raises:
        ValueError: it is neither 0 nor 1.
    """
    if text not in {"0", "1"}:
        raise ValueError("it is 0 or 1")
    return text == "1"


OPTIONS: Mapping[str, Mapping[str, Callable[[str], Any]]] = {
    "local": {"context_size": int, "threads": int},
    "openai": {
        "api_version": str,
        "batch": int,
        "choose": flag,
        "dialect": str,
        "endpoint": str,
        "key_env": str,
        "probe": flag,
        "scoring": str,
        "system": str,
        "template": str,
        "timeout": float,
        "top_logprobs": int,
    },
    "anthropic": {"key_env": str, "system": str, "timeout": float, "version": str},
    "litellm": {"key_env": str, "timeout": float},
}
"""The options of each provider, with what reads one from a line."""


def parsed(line: str) -> Declaration:
    """What a line names.

    >>> parsed("http://127.0.0.1:8000/v1#toy?timeout=5") == parsed(
    ...     "openai:toy@http://127.0.0.1:8000/v1?timeout=5"
    ... )
    True

    Raises:
        SpecError: it cannot be read.
    """
    line = line.strip()
    shown = re.sub(r"(?<=//)[^/@]*@", "…@", line)  # a name and a password may stand there
    provider, _, rest = line.partition(":")
    if provider in {"http", "https"}:
        provider, found = "openai", _ADDRESS.fullmatch(line)
    elif provider in {"local", "litellm"}:
        found = _LOCAL.fullmatch(rest)
    else:
        found = _NAMED.fullmatch(rest) if provider in {*OPTIONS, *_DIALECTS} else None
    if found is None:
        raise SpecError(f"{shown!r} names no model; the forms are{_FORMS}")
    fixed = {"dialect": provider} if provider in _DIALECTS else {}
    provider = _DIALECTS.get(provider, provider)
    options = _options(shown, found["options"], OPTIONS[provider])
    if fixed.keys() & options.keys():
        raise SpecError(f"{shown!r} says its dialect by its first word; leave the option out")
    options |= fixed
    if url := found.groupdict().get("url"):
        options["base_url"] = url
    return Declaration(provider=provider, name=found["name"], options=options, place=repr(shown))


def _options(
    spec: str, text: str | None, known: Mapping[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """Options by name, read by the function that `known` has for each."""
    options: dict[str, Any] = {}
    for name, value in parse_qsl(text or "", keep_blank_values=True):
        if name not in known:
            raise SpecError(f"{spec!r} has the unknown option {name!r}; known are {sorted(known)}")
        if name in options:
            raise SpecError(f"{spec!r} has the option {name!r} twice; leave one out")
        try:
            options[name] = known[name](value)
        except ValueError as error:
            raise SpecError(f"{spec!r}: {value!r} is no value of {name!r}: {error}") from error
    return options
