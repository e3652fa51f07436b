"""How long it takes to be cancelled in the middle of 200 open calls, and what is left behind.

    python benchmarks/cancellation.py [--rounds 7] [--json]

A stream of examples has 200 calls open at a server on the loopback (`loopback.py`) that answers in
a minute. Then its scope is cancelled. What is measured is the time until the stream has returned,
and until the model is closed, cache and connections included; what is counted then are asyncio's
tasks, open sockets and, when the event loop has ended, threads. psutil is in the `bench` dependency
group.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import psutil
from loopback import loopback, run

from langnet import Graph, Input, Key, Meter, Node, Program, connect, stream
from langnet.data import Example
from langnet.lm.limits import Limits

OPEN = 200
GRAPH = Graph(Input("about"), Node("answer", "{prompt}\n\n{about}\n\nAnswer:", "Say it."))


def sockets() -> int:
    """Open connections of this process."""
    return len(psutil.Process().net_connections(kind="tcp"))


async def cancelled(url: str, directory: Path) -> dict[str, float]:
    """Cancels a stream in the middle; seconds and what is left."""
    before = len(asyncio.all_tasks()), sockets()
    numbers = (Example(str(n), {"about": f"Example {n}"}) for n in range(10 * OPEN))
    limits = Limits(concurrency=OPEN)
    async with connect(f"{url}#toy", cache=directory, meter=Meter(), limits=limits) as model:
        with anyio.CancelScope() as scope:

            async def cancel() -> None:
                while sockets() - before[1] < OPEN:  # noqa: ASYNC110 - the system is asked
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)  # all have sent their requests
                nonlocal began
                began = time.perf_counter()
                scope.cancel()

            began = 0.0
            canceller = asyncio.create_task(cancel())
            program = Program(GRAPH, model)
            async with stream(program, numbers, key=Key(("b",)), concurrency=OPEN) as traces:
                async for _ in traces:
                    raise RuntimeError("the server answered")
        returned = time.perf_counter()
        await canceller
    closed = time.perf_counter()
    await asyncio.sleep(0)  # transports tell their sockets to close in a callback
    return {
        "returned": returned - began,
        "closed": closed - began,
        "tasks": len(asyncio.all_tasks()) - before[0],
        "sockets": sockets() - before[1],
    }


def measured(rounds: int) -> list[dict[str, float]]:
    """Every round in an event loop of its own."""
    results: list[dict[str, float]] = []
    with loopback(60.0) as url, tempfile.TemporaryDirectory() as directory:
        for number in range(rounds):
            threads = set(threading.enumerate())
            result: dict[str, float] = run(cancelled(url, Path(directory) / str(number)))
            for thread in set(threading.enumerate()) - threads:
                thread.join(1.0)  # anyio's have been told to end when the loop did
            result["threads"] = len(set(threading.enumerate()) - threads)
            results.append(result)
    return results


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7, help="how often it is tried")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = measured(arguments.rounds)
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    for name, what in (("returned", "the stream has returned"), ("closed", "all is closed")):
        times = [result[name] * 1e3 for result in results]
        print(f"{statistics.median(times):6.1f} ms ({max(times):.1f} at most) until {what}")
    left = {
        name: max(result[name] for result in results) for name in ("tasks", "sockets", "threads")
    }
    print("left behind: " + ", ".join(f"{number} {name}" for name, number in left.items()))


if __name__ == "__main__":
    main()
