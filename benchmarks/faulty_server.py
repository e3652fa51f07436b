"""A model server on the loopback that misbehaves on purpose, and knows what it did.

It speaks OpenAI's protocol for chats. What goes wrong is decided by a plan: a function of the
request and of how often that request has come, so that the same run meets the same faults in
whatever order its calls finish, and what must become of each call is known beforehand.

It counts every request that arrives, answered or not: that is what a provider may bill.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from aiohttp import web

Plan = Callable[[str, int], str | None]
"""The fault of a request: by its text and the number of times that it came before."""


def answer_to(text: str) -> str:
    """What the model says to a request."""
    return f"answer {hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def script(*faults: str | None) -> Plan:
    """The first times that a request comes, these faults in turn; then none."""
    return lambda _, times: faults[times] if times < len(faults) else None


def mixed(rate: float, kinds: Sequence[str], seed: int = 0) -> Plan:
    """Each time, a fault with this probability, each kind as likely as the others."""

    def plan(text: str, times: int) -> str | None:
        digest = hashlib.blake2b(f"{seed} {times} {text}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") / 2**64 / rate * len(kinds) if rate else math.inf
        return kinds[int(place)] if place < len(kinds) else None

    return plan


class FaultyServer:
    """What the server does, and what it saw.

    Attributes:
        url: ends in "/v1".
        plan: what goes wrong.
        pause: seconds that its Retry-After asks for.
        elsewhere: where its redirects lead.
        arrivals: how often each request came; their sum is what may be billed.
        faults: how often each fault was made.
        keys: the authorisation headers that came.
        stalled: requests that wait in the middle of their answer.
    """

    def __init__(self, plan: Plan, *, pause: float = 0.0) -> None:
        self.url = ""
        self.plan = plan
        self.pause = pause
        self.elsewhere = "http://127.0.0.1:9/v1/chat/completions?session=1"
        self.arrivals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.keys: set[str | None] = set()
        self.stalled = 0

    @property
    def billed(self) -> int:
        """All requests that came."""
        return self.arrivals.total()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request, or does what the plan says instead."""
        body = await request.json()
        text = body["messages"][-1]["content"]
        drawn = f"{text} {body['seed']}" if "seed" in body else text
        fault = self.plan(drawn, self.arrivals[drawn])
        self.arrivals[drawn] += 1
        self.keys.add(request.headers.get("Authorization"))
        choice = {"message": {"content": answer_to(drawn)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        data = json.dumps({"choices": [choice], "usage": usage}).encode()
        if fault is None:
            return _json(data)
        self.faults[fault] += 1
        return await FAULTS[fault](self, request, data)


Fault = Callable[[FaultyServer, web.Request, bytes], Any]


def _json(data: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")


def _refusing(status: int, wait: Callable[[float], str] | None = None) -> Fault:
    async def fault(server: FaultyServer, request: web.Request, _: bytes) -> web.Response:
        # A server may well say what it was sent.
        message = f"status {status} for {request.headers.get('Authorization')}"
        headers = {} if wait is None else {"Retry-After": wait(server.pause)}
        if 300 <= status < 400:
            headers["Location"] = server.elsewhere
        return _json(json.dumps({"error": {"message": message}}).encode(), status, headers)

    return fault


def _saying(change: Callable[[bytes], bytes]) -> Fault:
    async def fault(_server: FaultyServer, _request: web.Request, data: bytes) -> web.Response:
        return _json(change(data))

    return fault


async def _half(request: web.Request, data: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(data)
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    return response


def _cut(request: web.Request) -> None:
    if request.transport is not None:  # else the client was quicker
        request.transport.abort()


async def _reset_before(_: FaultyServer, request: web.Request, _data: bytes) -> web.Response:
    _cut(request)
    return web.Response()


async def _reset_within(_: FaultyServer, request: web.Request, data: bytes) -> web.StreamResponse:
    response = await _half(request, data)
    _cut(request)
    return response


async def _stall(server: FaultyServer, request: web.Request, data: bytes) -> web.StreamResponse:
    response = await _half(request, data)
    server.stalled += 1
    try:
        await asyncio.sleep(60)  # until the client hangs up
    finally:
        server.stalled -= 1
    return response


def _date(seconds: float) -> str:
    return formatdate(time.time() + math.ceil(seconds), usegmt=True)


def _other(**choice: Any) -> Fault:
    return _saying(lambda _: json.dumps({"choices": [choice]}).encode())


PASSING: dict[str, Fault] = {
    "429": _refusing(429),
    "429, Retry-After in seconds": _refusing(429, lambda pause: f"{pause:g}"),
    "429, Retry-After as a date": _refusing(429, _date),
    "500": _refusing(500),
    "503": _refusing(503),
    "503, Retry-After in seconds": _refusing(503, lambda pause: f"{pause:g}"),
    "reset before the body": _reset_before,
    "reset within the body": _reset_within,
    "truncated JSON": _saying(lambda data: data[: len(data) // 2]),
    "invalid JSON": _saying(lambda _: b"<html>bad gateway</html>"),
    "empty list of choices": _saying(lambda _: b'{"choices": []}'),
    "choices of a wrong type": _saying(lambda _: b'{"choices": {"0": 1}}'),
    "text of a wrong type": _other(message={"content": 42}),
    "error with status 200": _saying(lambda _: b'{"error": {"code": 502, "message": "upstream"}}'),
    "stall within the body": _stall,
}
"""Faults that may pass."""

FINAL: dict[str, Fault] = {
    "redirect": _refusing(307),
    "400": _refusing(400),
    "401": _refusing(401),
}
"""Faults that asking again does not mend."""

FAULTS = {**PASSING, **FINAL}


@asynccontextmanager
async def serving(plan: Plan, *, pause: float = 0.0) -> AsyncIterator[FaultyServer]:
    """Runs a server on 127.0.0.1 at a free port."""
    server = FaultyServer(plan, pause=pause)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    # A client that hangs up ends its request, so that nothing stalls for ever.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}/v1"
        yield server
    finally:
        await runner.cleanup()
