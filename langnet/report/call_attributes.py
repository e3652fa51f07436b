"""What a span says of a call, with the names of the semantic conventions for generative AI."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from langnet.lm.observe import CallFinished

__all__ = ["call_attributes"]

_OPERATIONS = {"chat": "chat", "completions": "text_completion"}


def call_attributes(event: CallFinished) -> dict[str, Any]:
    """The attributes of a call's span; `None` where there is nothing to say."""
    provider, _, rest = event.identity.partition(":")
    place, _, endpoint = rest.partition("?endpoint=")
    address = place.rpartition("@")[2]
    url = urlsplit(address if address.startswith("http") else "")
    operation = _OPERATIONS.get(endpoint.partition("&")[0], "chat")
    decoding = event.decoding
    found: dict[str, Any] = {
        # Scores and labels are no operation that the conventions know.
        "gen_ai.operation.name": operation if event.kind == "sample" else event.kind,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": event.model,
        "gen_ai.usage.input_tokens": event.prompt_tokens,
        "gen_ai.usage.output_tokens": event.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": event.cached_tokens or None,
        "gen_ai.response.finish_reasons": event.finish or None,
        "server.address": url.hostname,
        "server.port": url.port or {"https": 443, "http": 80}.get(url.scheme),
        "error.type": event.error or None,
        "langnet.node": event.node or None,
        "langnet.example": event.example or None,
        "langnet.purpose": event.purpose or None,
        "langnet.attempts": event.attempts,
        "langnet.hits": event.hits,
        "langnet.queued": event.queued,
        "langnet.waited": event.waited,
        "langnet.cost": event.cost,
    }
    if event.kind == "sample":
        found["gen_ai.request.choice.count"] = event.texts if event.texts != 1 else None
        if decoding is not None:
            found["gen_ai.request.temperature"] = float(decoding.temperature)
            found["gen_ai.request.top_p"] = float(decoding.top_p)
            found["gen_ai.request.max_tokens"] = decoding.max_tokens
            found["gen_ai.request.stop_sequences"] = decoding.stop or None
    if event.content is not None:
        said = event.content
        found["gen_ai.input.messages"] = _messages("user", [said.context])
        if event.kind == "sample":
            found["gen_ai.output.messages"] = _messages("assistant", said.answers, event.finish)
        else:
            found["langnet.texts"] = said.texts
            found["langnet.logprobs"] = said.answers
    return found


def _messages(role: str, texts: Any, finish: tuple[str, ...] = ()) -> str:
    """Messages in the conventions' JSON form."""
    messages: list[dict[str, Any]] = [
        {"role": role, "parts": [{"type": "text", "content": text}]} for text in texts
    ]
    for message, reason in zip(messages, finish, strict=False):
        message["finish_reason"] = reason
    return json.dumps(messages, ensure_ascii=False)
