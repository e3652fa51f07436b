"""What joining requests brings, and that a lone call does not pay for it.

    python benchmarks/batching.py [--calls 2000] [--open 64] [--json]

A model server on the loopback, in a process of its own, takes 5 ms for a request and 0.2 ms more
for each of its prompts, either for one request after another, as an engine does, or for all at the
same time. It is asked for greedy texts through the whole stack of `connect`, with `batch=16` and
without: by many callers at once, and by one who asks again once it has its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import count
from statistics import median

import anyio
from aiohttp import web
from server_process import server_process

from langnet import Decoding, Key, LanguageModel, connect

REQUEST, PROMPT = 0.005, 0.0002
"""Seconds that the server takes for a request, and more for each of its prompts."""
LONE = 600
"""Calls of one caller, with batches and without in turn."""
GREEDY = Decoding(temperature=0, max_tokens=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured.

    Attributes:
        engine: whether the server takes requests "in turn" or "at once".
        batch: prompts in a request at most; 1 is without batches.
        calls_per_second: of all callers together.
        requests: that the server was sent for them.
        lone_ms: the median of a lone call's time, in milliseconds.
    """

    engine: str
    batch: int
    calls_per_second: float
    requests: int
    lone_ms: float


async def serve(engine: str) -> None:
    """Serves on 127.0.0.1 until the standard input is closed; says its address first."""
    busy, requests = anyio.Semaphore(1 if engine == "in turn" else 10_000), 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        prompt = (await request.json())["prompt"]
        prompts = prompt if isinstance(prompt, list) else [prompt]
        async with busy:
            await asyncio.sleep(REQUEST + PROMPT * len(prompts))
        choices = [
            {"index": place, "text": " yes", "finish_reason": "stop"}
            for place in range(len(prompts))
        ]
        usage = {"prompt_tokens": 8 * len(prompts), "completion_tokens": len(prompts)}
        return web.json_response({"choices": choices, "usage": usage})

    async def report(_request: web.Request) -> web.Response:
        return web.json_response(requests)

    app = web.Application()
    app.router.add_post("/v1/completions", answer)
    app.router.add_get("/report", report)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


def running(engine: str) -> AbstractContextManager[str]:
    """A server in a process of its own; gives its address."""
    return server_process(__file__, "--serve", engine)


async def lone(models: dict[int, LanguageModel]) -> dict[int, float]:
    """The median seconds of a call that is alone, with each model.

    The models are asked in turn, so that whatever else happens on the machine hits all.
    """
    times: dict[int, list[float]] = {batch: [] for batch in models}
    for number in range(LONE):
        for batch, model in sorted(models.items(), reverse=number % 2 == 1):
            began = time.perf_counter()
            await asked(model, f"lone {number}")
            times[batch].append(time.perf_counter() - began)
    return {batch: median(seconds) for batch, seconds in times.items()}


async def asked(model: LanguageModel, name: str) -> None:
    """One greedy call."""
    await model.sample(f"Is {name} a question?", decoding=GREEDY, keys=[Key(("bench",))])


async def together(model: LanguageModel, calls: int, open_: int) -> float:
    """Calls per second of many callers, who share out a number of calls."""
    numbers = count()

    async def worker() -> None:
        while (number := next(numbers)) < calls:
            await asked(model, f"call {number}")

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(open_):
            tasks.start_soon(worker)
    return calls / (time.perf_counter() - began)


async def measured(url: str, engine: str, calls: int, open_: int) -> list[Row]:
    """Asks one server, with batches and without."""
    import aiohttp  # noqa: PLC0415 - only for the report

    line = f"{url}/v1#toy?endpoint=completions"

    async def requests() -> int:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/report") as response:
            found: int = await response.json()
            return found

    rates, sent = {}, {}
    async with connect(line) as plain, connect(f"{line}&batch=16") as joined:
        models = {1: plain, 16: joined}
        for batch, model in models.items():
            before = await requests()
            rates[batch] = await together(model, calls, open_)
            sent[batch] = await requests() - before
        times = await lone(models)
    return [
        Row(
            engine=engine,
            batch=batch,
            calls_per_second=rates[batch],
            requests=sent[batch],
            lone_ms=1000 * times[batch],
        )
        for batch in models
    ]


def main() -> None:
    """Runs the benchmark, or its server."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=2000, help="calls of all callers together")
    parser.add_argument("--open", type=int, default=64, help="callers")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--serve", metavar="ENGINE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve))
        return
    rows: list[Row] = []
    for engine in ("in turn", "at once"):
        with running(engine) as url:
            rows += asyncio.run(measured(url, engine, arguments.calls, arguments.open))
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        print(
            f"requests {row.engine}, batch={row.batch}: {row.calls_per_second:,.0f} calls/s in "
            f"{row.requests:,} requests; a lone call takes {row.lone_ms:.2f} ms"
        )


if __name__ == "__main__":
    main()
