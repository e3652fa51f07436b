"""A real server on 127.0.0.1 that speaks OpenAI's protocol over a toy model with known numbers.

A token is a word with the white space before it. The log-probability of a token is
`-(its length + its place in the prompt) / 10`, so a test can work out every score by hand.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SECRET = "sk-test-4f9c1e77a2"  # noqa: S105  # made up: tests look for it where it must not be


def tokens_of(text: str) -> list[str]:
    """The toy model's tokens."""
    return re.findall(r"\s*\S+|\s+$", text)


def logprob_of(token: str, place: int) -> float:
    """The toy model's log-probability of a token at a place of the prompt, counted from zero."""
    return -(len(token) + place) / 10


@dataclass
class Server:
    """What the server is, does next, and has seen.

    Attributes:
        answers: what it draws, in turn; the last one again and again.
        top: its most probable first tokens.
        echo: whether it obeys `echo`.
        prompt_logprobs: whether it obeys `prompt_logprobs`.
        tops: whether it obeys `logprobs`.
        most_top: how many top log-probabilities it allows.
        begin: whether its prompts begin with a token of their own.
        end_token: a string it lists for a drawn token without text.
        faults: what to do instead with the next requests; None answers as usual.
        requests: the bodies it was sent.
        keys: the authorisation headers it was sent.
        open: requests that wait now; `gate` lets them go on.
    """

    url: str = ""
    answers: deque[str] = field(default_factory=lambda: deque(["\n forty two"]))
    finish: str | None = "stop"
    top: dict[str, float] = field(default_factory=lambda: {" yes": -0.5, " no": -1.5, " oh": -3.0})
    echo: bool = False
    prompt_logprobs: bool = False
    tops: bool = False
    most_top: int = 20
    begin: bool = False
    end_token: str | None = None
    offsets: bool = True
    faults: deque[Callable[[web.Request], web.StreamResponse] | None] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    gate: asyncio.Event | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization"))
        await self._count(1)
        try:
            if self.gate is not None:
                await self.gate.wait()
            fault = self.faults.popleft() if self.faults else None
            if fault is not None:
                return fault(request)
            chat = request.path.endswith("/chat/completions")
            return self.chat(body) if chat else self.completion(body)
        finally:
            await asyncio.shield(self._count(-1))

    async def _count(self, change: int) -> None:
        async with self.changed:
            self.open += change
            self.most_open = max(self.open, self.most_open)
            self.changed.notify_all()

    async def waiting(self, number: int) -> None:
        """Returns once this many requests are open."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.open == number)

    async def idle(self) -> None:
        """Returns once no request is open."""
        await self.waiting(0)

    def drawn(self, body: dict[str, Any]) -> tuple[str, str | None, int]:
        """The next answer, cut at the length that is asked for, how it ended, and its tokens."""
        text = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        tokens = tokens_of(text)
        most = body["max_tokens"]
        finish = "length" if len(tokens) > most else self.finish
        return "".join(tokens[:most]), finish, min(most, len(tokens))

    def chat(self, body: dict[str, Any]) -> web.Response:
        prompt = body["messages"][-1]["content"]
        text, finish, length = self.drawn(body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": finish,
        }
        if self.tops and body.get("logprobs"):
            if body["top_logprobs"] > self.most_top:
                return refused(400, f"top_logprobs is at most {self.most_top}")
            entries = [{"token": t, "logprob": p} for t, p in self.top.items()]
            choice["logprobs"] = {"content": [{**entries[0], "top_logprobs": entries}]}
        return answered(choice, prompt, length)

    def completion(self, body: dict[str, Any]) -> web.Response:
        prompt = body["prompt"]
        text, finish, length = self.drawn(body)
        choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": finish}
        if self.end_token is not None:
            text = choice["text"] = ""
        if body.get("logprobs") is not None and self.tops and not body.get("echo"):
            if body["logprobs"] > self.most_top:
                return refused(400, f"logprobs is at most {self.most_top}")
            choice["logprobs"] = {"tokens": [text], "top_logprobs": [self.top]}
        tokens = tokens_of(prompt)
        logprobs = [logprob_of(token, place) for place, token in enumerate(tokens)]
        if self.begin:
            tokens.insert(0, "<s>")
            logprobs.insert(0, 0.0)
        if body.get("echo") and self.echo:
            choice["text"] = prompt + text
            listed = [*tokens, text] if text else tokens
            if self.end_token is not None:
                listed = [*tokens, self.end_token]
            places = [sum(map(len, listed[:i])) for i in range(len(listed))]
            choice["logprobs"] = {
                "tokens": listed,
                "token_logprobs": [None, *logprobs[1:], *[-9.0] * (len(listed) - len(tokens))],
                "text_offset": places if self.offsets else None,
            }
        if body.get("prompt_logprobs") is not None and self.prompt_logprobs:
            choice["prompt_logprobs"] = [
                None,
                *[
                    {str(place): {"logprob": logprob, "rank": 7, "decoded_token": token}}
                    for place, (token, logprob) in enumerate(zip(tokens, logprobs, strict=True))
                ][1:],
            ]
        return answered(choice, prompt, length)


def answered(choice: dict[str, Any], prompt: str, length: int) -> web.Response:
    """A usual answer with its usage."""
    usage = {
        "prompt_tokens": len(tokens_of(prompt)),
        "completion_tokens": length,
        "prompt_tokens_details": {"cached_tokens": 1},
    }
    return web.json_response({"object": "any", "choices": [choice], "usage": usage})


def refused(status: int, message: str, code: str | None = None, **headers: str) -> web.Response:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


def fault(
    status: int, message: str = "no", code: str | None = None, **headers: str
) -> Callable[[web.Request], web.StreamResponse]:
    """A fault that answers with an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: refused(status, message, code, **named)


def raw(data: bytes | str, status: int = 200) -> Callable[[web.Request], web.StreamResponse]:
    """A fault that answers with these bytes."""
    body = data.encode() if isinstance(data, str) else data
    return lambda request: web.Response(body=body, status=status, content_type="application/json")


def told(answer: Any) -> Callable[[web.Request], web.StreamResponse]:
    """A fault that answers with this JSON."""
    return raw(json.dumps(answer))


def reset(request: web.Request) -> web.StreamResponse:
    """A fault that cuts the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def serving(kind: type[Server] = Server, **settings: Any) -> AsyncIterator[Server]:
    """Runs a server at a free port; its `url` ends in "/v1"."""
    server = kind(**settings)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    app.router.add_post("/v1/completions", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    try:
        yield server
    finally:
        if server.gate is not None:
            server.gate.set()
        await runner.cleanup()
