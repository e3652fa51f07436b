"""What keeping to rate limits costs: throughput, refusals, and how fairly it is shared.

    python benchmarks/limits.py [--seconds 64] [--latency 0.05] [--json]

Two model servers on the loopback, each in a process of its own, count what came within the last
60 s and refuse with 429 what would be more than they allow: one 3,000 requests per minute, the
other 60,000 tokens. They tell their limits in the headers of their answers, and the client is told
nothing else. Both are asked at the same time, for a little longer than a minute:

- the first by two users of one limiter, such as two fits, one with eight times the open calls of
  the other;
- the second by one user, whose calls reserve 16 tokens for an answer of 2 to 12.

The ideal is the limit times the time that was run, evenly spent. What the servers saw, not what the
client believes, is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import anyio
from aiohttp import web
from server_process import server_process

from langnet import Decoding, Key, LanguageModel, Meter, connect
from langnet.lm.limiter import Limiter

MINUTE = 60.0
REQUESTS, TOKENS = 3000, 60_000
OPEN = (160, 20)
"""Calls that the two users of the first server want open."""
RESERVED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one server saw.

    Attributes:
        limited: what it limits.
        limit: how much of it per minute.
        accepted: how much it let through.
        seconds: for how long it was asked.
        ideal_share: `accepted` by `limit` and time.
        most_in_a_minute: the most that any 60 s held, what was refused included.
        refusals: requests that it answered with 429.
        shares: of the users, by the calls that were answered.
        waited: the most calls that waited for their turn at the same time.
    """

    limited: str
    limit: int
    accepted: int
    seconds: float
    ideal_share: float
    most_in_a_minute: int
    refusals: int
    shares: tuple[float, ...]
    waited: int


def tokens_of(text: str) -> int:
    """How the server counts a prompt."""
    return -(-len(text) // 4)


class Server:
    """Counts by a sliding window, and refuses what is too much."""

    def __init__(self, kind: str, limit: int, latency: float) -> None:
        self.kind = kind
        self.limit = limit
        self.latency = latency
        self.window: deque[tuple[float, int]] = deque()
        self.held = 0
        self.seen: list[tuple[float, int]] = []
        self.refusals = 0
        self.accepted = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Answers a request for a completion, or refuses it."""
        body = await request.json()
        now = time.monotonic()
        drawn = random.Random(body["prompt"]).randint(2, 12)
        usage = {"prompt_tokens": tokens_of(body["prompt"]), "completion_tokens": drawn}
        size = 1 if self.kind == "requests" else sum(usage.values())
        self.seen.append((now, size))
        while self.window and self.window[0][0] <= now - MINUTE:
            self.held -= self.window.popleft()[1]
        fits = self.held + size <= self.limit
        if fits:
            self.window.append((now, size))
            self.held += size
        reset = MINUTE - (now - self.window[0][0])
        headers = {
            f"x-ratelimit-limit-{self.kind}": str(self.limit),
            f"x-ratelimit-remaining-{self.kind}": str(self.limit - self.held),
            f"x-ratelimit-reset-{self.kind}": f"{reset:.3f}s",
        }
        if not fits:
            self.refusals += 1
            error = {"error": {"message": "rate limit"}}
            return web.json_response(error, status=429, headers={"Retry-After": "1", **headers})
        self.accepted += size
        await asyncio.sleep(self.latency)
        choice = {"index": 0, "text": " word" * drawn, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": usage}, headers=headers)

    async def report(self, _request: web.Request) -> web.Response:
        """What was seen so far."""
        most = held = begin = 0
        for at, size in self.seen:
            held += size
            while self.seen[begin][0] <= at - MINUTE:
                held -= self.seen[begin][1]
                begin += 1
            most = max(most, held)
        return web.json_response(
            {"accepted": self.accepted, "most_in_a_minute": most, "refusals": self.refusals}
        )


async def serve(kind: str, limit: int, latency: float) -> None:
    """Serves on 127.0.0.1 until the standard input is closed; says its address first."""
    server = Server(kind, limit, latency)
    app = web.Application()
    app.router.add_post("/v1/completions", server.answer)
    app.router.add_get("/report", server.report)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


def running(kind: str, limit: int, latency: float) -> AbstractContextManager[str]:
    """A server in a process of its own; gives its address."""
    return server_process(__file__, "--serve", kind, str(limit), "--latency", str(latency))


async def asked(kind: str, limit: int, url: str, open_: tuple[int, ...], seconds: float) -> Row:
    """Asks a server for some time, by as many users as `open_` has numbers of calls."""
    limiter, meters = Limiter(), [Meter() for _ in open_]
    waited = 0

    async def endless(model: LanguageModel, user: int, worker: int) -> None:
        nonlocal waited
        for number in range(10**6):
            key = Key((f"user{user}", worker, number))
            prompt = f"Example {number} of worker {worker} of user {user}: what is it about?"
            await model.sample(prompt, decoding=Decoding(max_tokens=RESERVED), keys=[key])
            waited = max(waited, limiter.reading().waiting)

    async with AsyncExitStack() as stack:
        models = [
            await stack.enter_async_context(
                connect(f"{url}/v1#toy?endpoint=completions", meter=meter, limits=limiter)
            )
            for meter in meters
        ]
        began = time.monotonic()
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                for user, (model, number) in enumerate(zip(models, open_, strict=True)):
                    for worker in range(number):
                        tasks.start_soon(endless, model, user, worker)
        took = time.monotonic() - began
    async with aiohttp.ClientSession() as session, session.get(f"{url}/report") as response:
        report: dict[str, Any] = await response.json()
    drawn = [meter.snapshot().texts_drawn for meter in meters]
    return Row(
        limited=kind,
        limit=limit,
        seconds=took,
        ideal_share=report["accepted"] / (limit * took / MINUTE),
        shares=tuple(number / sum(drawn) for number in drawn),
        waited=waited,
        **report,
    )


async def measured(seconds: float, latency: float) -> list[Row]:
    """Asks both servers at the same time."""
    plans = (("requests", REQUESTS, OPEN), ("tokens", TOKENS, OPEN[:1]))
    rows: dict[str, Row] = {}

    async def one(kind: str, limit: int, open_: tuple[int, ...], url: str) -> None:
        rows[kind] = await asked(kind, limit, url, open_, seconds)

    with ExitStack() as stack:
        async with anyio.create_task_group() as tasks:
            for kind, limit, open_ in plans:
                url = stack.enter_context(running(kind, limit, latency))
                tasks.start_soon(one, kind, limit, open_, url)
    return [rows[kind] for kind, _, _ in plans]


def main() -> None:
    """Runs the benchmark, or one of its servers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=64.0, help="how long it is run")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per request")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--serve", nargs=2, metavar=("KIND", "LIMIT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve[0], int(arguments.serve[1]), arguments.latency))
        return
    rows = asyncio.run(measured(arguments.seconds, arguments.latency))
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        shares = " : ".join(f"{share:.3f}" for share in row.shares)
        print(
            f"{row.limit:,} {row.limited}/min: {row.ideal_share:.4f} of the ideal in "
            f"{row.seconds:.1f} s; at most {row.most_in_a_minute:,} in any minute; "
            f"{row.refusals} refusals; shares {shares}; up to {row.waited} waited"
        )


if __name__ == "__main__":
    main()
