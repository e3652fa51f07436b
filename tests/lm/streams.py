"""A real server on 127.0.0.1 that streams as it is told, in OpenAI's or Anthropic's protocol."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CUT = object()
"""In a list of pieces: the connection is cut here."""
WAIT = object()
"""In a list of pieces: the server waits for its gate here."""


@dataclass
class Streamer:
    """What the server draws, one list of pieces after the other, and what it has seen.

    Attributes:
        drawn: pieces of the texts; the last one again and again. A piece may be `CUT`, `WAIT`, or
            bytes, which are sent as they are.
        finish: how texts end, in OpenAI's words.
        deaf: whether it answers at once in spite of what it is asked.
        end: whether it marks the end of a stream.
        answers: what to answer at once instead, in turn.
    """

    drawn: list[list[Any]] = field(default_factory=lambda: [[" for", "ty", " two \n"]])
    finish: str = "stop"
    deaf: bool = False
    end: bool = True
    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.open += 1
        self.quiet.clear()
        try:
            if self.answers:
                return self.answers.pop(0)()
            pieces = self.drawn.pop(0) if len(self.drawn) > 1 else self.drawn[0]
            protocol = PROTOCOLS[request.path]
            if self.deaf or not body.get("stream"):
                tokens = [piece for piece in pieces if isinstance(piece, str)]
                finish = "length" if len(tokens) > body["max_tokens"] else self.finish
                tokens = tokens[: body["max_tokens"]]
                return web.json_response(protocol("".join(tokens), finish, len(tokens)))
            return await self.stream(request, pieces, protocol)
        finally:
            self.open -= 1
            if not self.open:
                self.quiet.set()

    async def stream(
        self, request: web.Request, pieces: list[Any], protocol: Any
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        before, piece_of, after = STREAMS[protocol]
        await response.write(before())
        for piece in pieces:
            if piece is CUT:
                assert request.transport is not None
                request.transport.abort()
                return response
            if piece is WAIT:
                await self.gate.wait()
            else:
                await response.write(piece if isinstance(piece, bytes) else piece_of(piece))
        if self.end:
            tokens = sum(isinstance(piece, str) for piece in pieces)
            await response.write(after(self.finish, tokens))
        return response


def chat(text: str, finish: str, tokens: int) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    return {"choices": [{**choice, "finish_reason": finish}], "usage": usage(tokens)}


def completions(text: str, finish: str, tokens: int) -> dict[str, Any]:
    return {
        "choices": [{"index": 0, "text": text, "finish_reason": finish}],
        "usage": usage(tokens),
    }


def messages(text: str, finish: str, tokens: int) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": REASONS.get(finish, finish),
        "usage": {**CLAUDES, "output_tokens": tokens},
    }


def usage(tokens: int) -> dict[str, Any]:
    details = {"prompt_tokens_details": {"cached_tokens": 2}}
    return {"prompt_tokens": 7, "completion_tokens": tokens, **details}


CLAUDES = {"input_tokens": 4, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 2}
REASONS = {"stop": "end_turn", "length": "max_tokens"}
PROTOCOLS = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/messages": messages,
}


def data(event: Any, name: str | None = None) -> bytes:
    """One event."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def _chat_end(finish: str, tokens: int) -> bytes:
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": None}
    return data(last) + data({"choices": [], "usage": usage(tokens)}) + b"data: [DONE]\n\n"


def _completions_end(finish: str, tokens: int) -> bytes:
    last = {"choices": [{"index": 0, "text": "", "finish_reason": finish}], "usage": None}
    return data(last) + data({"choices": [], "usage": usage(tokens)}) + b"data: [DONE]\n\n"


def _named(event: dict[str, Any]) -> bytes:
    return data(event, event["type"])


def _messages_begin() -> bytes:
    usage = {**CLAUDES, "output_tokens": 1}
    message = {"type": "message", "content": [], "stop_reason": None, "usage": usage}
    block = {"type": "text", "text": ""}
    return (
        _named({"type": "message_start", "message": message})
        + _named({"type": "content_block_start", "index": 0, "content_block": block})
        + _named({"type": "ping"})
    )


def _messages_piece(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return _named({"type": "content_block_delta", "index": 0, "delta": delta})


def _messages_end(finish: str, tokens: int) -> bytes:
    delta = {"stop_reason": REASONS.get(finish, finish), "stop_sequence": None}
    return (
        _named({"type": "content_block_stop", "index": 0})
        + _named({"type": "message_delta", "delta": delta, "usage": {"output_tokens": tokens}})
        + _named({"type": "message_stop"})
    )


STREAMS: dict[Any, Any] = {
    chat: (
        lambda: data({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
        lambda text: data({"choices": [{"index": 0, "delta": {"content": text}}], "usage": None}),
        _chat_end,
    ),
    completions: (
        lambda: b": a comment, as some servers send to keep the line open\n\n",
        lambda text: data({"choices": [{"index": 0, "text": text, "finish_reason": None}]}),
        _completions_end,
    ),
    messages: (_messages_begin, _messages_piece, _messages_end),
}


@asynccontextmanager
async def streaming(**settings: Any) -> AsyncIterator[Streamer]:
    """Runs a server at a free port; its `url` ends in "/v1"."""
    server = Streamer(**settings)
    app = web.Application()
    for path in PROTOCOLS:
        app.router.add_post(path, server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    try:
        yield server
    finally:
        server.gate.set()
        await runner.cleanup()


def models(server: Streamer, **arguments: Any) -> dict[str, Any]:
    """A model for each protocol, by name; whoever asks for them closes them."""
    from langnet.lm.anthropic import AnthropicModel
    from langnet.lm.openai import OpenAIModel

    return {
        "chat": lambda: OpenAIModel("toy", base_url=server.url, **arguments),
        "completions": lambda: OpenAIModel(
            "toy", base_url=server.url, endpoint="completions", **arguments
        ),
        "messages": lambda: AnthropicModel("toy", base_url=server.url, **arguments),
    }
