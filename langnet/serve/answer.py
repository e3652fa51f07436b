"""What a client is told: documents in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langnet.lm.base import Usage
from langnet.report.result import answer_data
from langnet.trace import Trace

__all__ = ["answer_text", "chunk", "completion", "error_document", "event"]


def answer_text(trace: Trace) -> str:
    """The network's answer as one text: a plural output as a JSON list."""
    plain = answer_data(trace.output)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def completion(
    name: str,
    model: str,
    created: int,
    traces: Sequence[Trace],
    usage: Usage,
    *,
    with_trace: bool,
) -> dict[str, Any]:
    """A whole answer."""
    return {
        "id": name,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": answer_text(trace),
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
            for index, trace in enumerate(traces)
        ],
        "usage": _usage(usage),
        **({"trace": [_values(trace) for trace in traces]} if with_trace else {}),
    }


def chunk(
    name: str,
    model: str,
    created: int,
    *,
    index: int = 0,
    role: str | None = None,
    text: str | None = None,
    finish: str | None = None,
    usage: Usage | None = None,
) -> dict[str, Any]:
    """A piece of a streamed answer; with a usage it has no choice, as OpenAI's has none."""
    delta = {} if role is None else {"role": role}
    if text is not None:
        delta["content"] = text
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    document: dict[str, Any] = {
        "id": name,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [choice] if usage is None else [],
    }
    if usage is not None:
        document["usage"] = _usage(usage)
    return document


def event(document: Mapping[str, Any] | str) -> bytes:
    """A server-sent event."""
    data = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def error_document(message: str, kind: str, field: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": field, "code": None}}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _values(trace: Trace) -> dict[str, Any]:
    return {name: answer_data(value) for name, value in trace.values.items()}
