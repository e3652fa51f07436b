"""Puts the chunks of a stream together to the answer that the server gives without a stream.

Both protocols are read into the very objects that they send at once, so that all that reads answers
reads these as well.
"""

from __future__ import annotations

from typing import Any, Protocol

from langnet.errors import TransientError
from langnet.lm.answers import text_of

__all__ = ["ChoiceChunks", "Chunks", "MessageChunks"]


class Chunks(Protocol):
    """What takes chunks in their order."""

    @property
    def is_complete(self) -> bool:
        """Whether the answer needs no further chunk."""
        ...

    def add(self, chunk: dict[str, Any]) -> str:
        """Takes a chunk, and gives the text that it adds.

        Raises:
            TransientError: the chunk is broken.
        """
        ...

    def answer(self, *, done: bool) -> dict[str, Any]:
        """The whole answer.

        Args:
            done: whether the server said in so many words that the stream is over.

        Raises:
            TransientError: the stream ended before it.
        """
        ...


class ChoiceChunks:
    """Chunks of OpenAI's protocol, in chat and for completions."""

    __slots__ = ("_choice", "_is_chat", "_other", "_texts", "_usage")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._choice: dict[str, Any] = {}
        self._usage: object = None
        self._is_chat = False
        self._other = False

    @property
    def is_complete(self) -> bool:
        """Never: the tokens that were counted come last, and then a mark that is no chunk."""
        return False

    def add(self, chunk: dict[str, Any]) -> str:
        """Takes a chunk, and gives the text that it adds.

        Raises:
            TransientError: the text is none.
        """
        self._usage = chunk.get("usage") or self._usage
        match chunk.get("choices"):
            case [dict(choice), *_]:
                pass
            case [] | None:
                return ""
            case _:
                raise TransientError("the server streamed a choice that is none")
        self._choice["finish_reason"] = choice.get("finish_reason") or self._choice.get(
            "finish_reason"
        )
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._is_chat = True
            self._other |= bool(delta.get("tool_calls") or delta.get("refusal"))
            choice = {"message": delta}
        text = text_of(choice)
        if text is None:
            return ""
        self._texts.append(text)
        return text

    def answer(self, *, done: bool) -> dict[str, Any]:
        """The whole answer, with one choice; see `Chunks`.

        Raises:
            TransientError: the stream ended before the text did.
        """
        if not done and not self._choice.get("finish_reason"):
            raise TransientError("the stream ended before the answer did")
        text = "".join(self._texts) if self._texts else None
        if self._other and not text:
            text = None  # it refused or called a tool, as an answer at once would say
        said = {"message": {"content": text}} if self._is_chat else {"text": text}
        return {"choices": [{**self._choice, **said}], "usage": self._usage}


class MessageChunks:
    """Events of Anthropic's protocol."""

    __slots__ = ("_blocks", "_ended", "_message", "_texts", "_usage")

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._texts: dict[int, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._ended = False

    @property
    def is_complete(self) -> bool:
        """Whether the last event has come."""
        return self._ended

    def add(self, chunk: dict[str, Any]) -> str:
        """Takes an event, and gives the text that it adds; unknown ones add none.

        Raises:
            TransientError: the event is broken.
        """
        match chunk:
            case {"type": "message_start", "message": dict(message)}:
                self._message = {**message}
                self._count(message.get("usage"))
            case {"type": "content_block_start", "index": int(at), "content_block": dict(block)}:
                self._blocks[at] = {**block}
                return self._text(at, block.get("text"))
            case {
                "type": "content_block_delta",
                "index": int(at),
                "delta": {"type": "text_delta", "text": text},
            }:
                return self._text(at, text)
            case {"type": "message_delta", "delta": dict(delta), **rest}:
                self._message.update(delta)
                self._count(rest.get("usage"))
            case {"type": "message_stop"}:
                self._ended = True
        return ""

    def answer(self, *, done: bool) -> dict[str, Any]:  # noqa: ARG002  # see `Chunks`
        """The whole message.

        Raises:
            TransientError: the stream ended before it did.
        """
        if not self._message.get("stop_reason"):
            raise TransientError("the stream ended before the answer did")
        content = [
            {**block, "text": "".join(self._texts[at])} if at in self._texts else block
            for at, block in self._blocks.items()
        ]
        return {**self._message, "content": content, "usage": self._usage}

    def _text(self, at: int, text: object) -> str:
        if text is None:
            return ""  # of a block of another kind
        if at not in self._blocks or not isinstance(text, str):
            raise TransientError("the server streamed a text that is none")
        self._texts.setdefault(at, []).append(text)
        return text

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage.update({name: n for name, n in usage.items() if n is not None})
