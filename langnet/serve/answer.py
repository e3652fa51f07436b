"""What a client is told: documents in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langnet.lm.base import Usage
from langnet.report.result import answer_data
from langnet.trace import Trace

__all__ = ["Cut", "answer_text", "chunk", "completion", "error_document", "event"]


def answer_text(trace: Trace) -> str:
    """The network's answer as one text: a plural output as a JSON list."""
    plain = answer_data(trace.output)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


class Cut:
    """Ends a text that comes in pieces before the first of some texts.

    >>> cut = Cut(["END"])
    >>> [cut(piece) for piece in ("one E", "N", "ough EN", "D and more")], cut.rest()
    (['one ', '', 'ENough ', ''], '')

    Args:
        stop: the texts.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self._is_over = False

    def __call__(self, piece: str) -> str:
        """What may be told once a piece has come: all but what may be the beginning of an end."""
        if self._is_over:
            return ""
        text = self._held + piece
        ends = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        if ends:
            self._is_over, self._held = True, ""
            return text[: min(ends)]
        held = max(
            (
                size
                for stop in self._stop
                for size in range(len(stop))
                if text.endswith(stop[:size])
            ),
            default=0,
        )
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back, where the text ends without any of them."""
        held, self._held = self._held, ""
        return held

    def whole(self, text: str) -> str:
        """The same of a whole text."""
        return self(text) + self.rest()


def completion(
    name: str,
    model: str,
    created: int,
    traces: Sequence[Trace],
    usage: Usage,
    *,
    with_trace: bool,
    stop: Sequence[str] = (),
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
                    "content": Cut(stop).whole(answer_text(trace)),
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
    with_usage: bool = False,
) -> dict[str, Any]:
    """A piece of a streamed answer; with a usage it has no choice, as OpenAI's has none.

    Where a usage is to come, every other piece says that it has none.
    """
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
    if usage is not None or with_usage:
        document["usage"] = usage and _usage(usage)
    return document


def event(document: Mapping[str, Any] | str) -> bytes:
    """A server-sent event."""
    data = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def error_document(
    message: str, kind: str, field: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": field, "code": code}}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _values(trace: Trace) -> dict[str, Any]:
    return {name: answer_data(value) for name, value in trace.values.items()}
