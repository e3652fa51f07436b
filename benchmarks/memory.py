"""Whether memory grows with a stream: 100,000 examples through HTTP and the whole stack.

    python benchmarks/memory.py [--examples 100000] [--json]

Each example is one call to a server on the loopback (`loopback.py`), a miss of the cache, which is
kept on disk. What is compared is the resident memory after a tenth of the examples and after all,
with what SQLite maps of its file. psutil is in the `bench` dependency group.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from typing import Any

import psutil
from loopback import loopback, run

from langnet import Graph, Input, Key, Meter, Node, Program, connect, stream
from langnet.data import Example

IN_FLIGHT = 64
GRAPH = Graph(Input("about"), Node("answer", "{prompt}\n\n{about}\n\nAnswer:", "Say it."))
ABOUT = "Example {}: what follows from what was said, and how sure can one be of it?"


async def measured(examples: int) -> dict[str, Any]:
    """Resident memory in MiB, before and on the way."""
    process = psutil.Process()
    points: list[tuple[int, float]] = []

    def look(done: int) -> None:
        gc.collect()
        points.append((done, process.memory_info().rss / 2**20))

    meter = Meter()
    with loopback() as url, tempfile.TemporaryDirectory() as directory:
        async with connect(f"{url}#toy", cache=directory, meter=meter) as model:
            look(0)
            began = time.perf_counter()
            numbers = (Example(str(n), {"about": ABOUT.format(n)}) for n in range(examples))
            done = 0
            async with stream(
                Program(GRAPH, model), numbers, key=Key(("benchmark",)), concurrency=IN_FLIGHT
            ) as traces:
                async for _ in traces:
                    done += 1
                    if done % (examples // 10) == 0:
                        look(done)
            took = time.perf_counter() - began
    reading = meter.snapshot()
    if (done, reading.calls) != (examples, examples):
        raise RuntimeError(f"{done} results of {reading.calls} calls, not {examples}")
    return {
        "examples": examples,
        "resident_mib": points,
        "growth_mib": max(size for _, size in points[2:]) - points[1][1],
        "seconds": took,
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=100_000, help="length of the stream")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    result = run(measured(arguments.examples))
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for done, size in result["resident_mib"]:
        print(f"after {done:9,} examples {size:8.1f} MiB")
    print(f"growth after the first tenth: {result['growth_mib']:.1f} MiB")
    print(f"{result['seconds'] / result['examples'] * 1e6:.0f} µs per example")


if __name__ == "__main__":
    main()
