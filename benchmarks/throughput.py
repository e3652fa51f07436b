"""How much of the ideal throughput is left: a diamond of four nodes, 50 ms a call, 200 calls open.

    python benchmarks/throughput.py [--examples 2000] [--rounds 3] [--peers DIRECTORY] [--json]

Every example is four calls: one, two at the same time, and one that reads both. A server on the
loopback (`loopback.py`) takes 50 ms for each, however many are open. At 200 open calls the ideal is
4 · examples · 0.05 s / 200. Contestants are processes of their own that take turns, round by round:

- raw: aiohttp with orjson on uvloop and a semaphore;
- langnet: `stream` over the whole stack, its cache on disk, as the command line runs it;
  also with Python's own event loop and garbage collector;
- LangGraph, whose nodes call openai's client (with `--peers`, see `stack.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, TypedDict

from loopback import TEXT, loopback, run
from stack import Contestant, environment

Work = Callable[[int, int], Awaitable[None]]
"""Runs so many examples, from a number on."""

LATENCY = 0.05
OPEN = 200
IN_FLIGHT = 300
"""Examples: more than have calls open, so that a free place is always taken."""
ABOUT = "Example {}: what follows from what was said, and how sure can one be of it?"


async def raw(url: str, stack: AsyncExitStack) -> Work:
    """Raw aiohttp."""
    import aiohttp  # noqa: PLC0415 - each contestant imports what it uses
    import orjson  # noqa: PLC0415

    connector = aiohttp.TCPConnector(limit=0)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    address, places = f"{url}/chat/completions", asyncio.Semaphore(OPEN)

    async def call(text: str) -> str:
        body = {"model": "toy", "messages": [{"role": "user", "content": text}], "max_tokens": 64}
        async with (
            places,
            session.post(address, data=orjson.dumps(body), headers=headers) as response,
        ):
            answer = orjson.loads(await response.read())
        return str(answer["choices"][0]["message"]["content"])

    async def worker(numbers: Any) -> None:
        for number in numbers:
            first = await call(f"Go on.\n\n{ABOUT.format(number)}")
            left, right = await asyncio.gather(
                call(f"Left.\n\n{first}"), call(f"Right.\n\n{first}")
            )
            if await call(f"End.\n\n{left}\n{right}") != TEXT:
                raise RuntimeError("another text than the server's")

    async def work(first: int, count: int) -> None:
        numbers = iter(range(first, first + count))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(IN_FLIGHT):
                tasks.create_task(worker(numbers))

    return work


async def langnet(url: str, stack: AsyncExitStack, *, plain: bool = False) -> Work:
    """The whole stack under `stream`."""
    from langnet import Graph, Input, Key, Meter, Node, Program, connect, stream  # noqa: PLC0415
    from langnet.cli.event_loop import patient_collector  # noqa: PLC0415
    from langnet.data import Example  # noqa: PLC0415
    from langnet.lm.limits import Limits  # noqa: PLC0415

    graph = Graph(
        Input("about"),
        Node("first", "{prompt}\n\n{about}", "Go on."),
        Node("left", "{prompt}\n\n{first}", "Left."),
        Node("right", "{prompt}\n\n{first}", "Right."),
        Node("end", "{prompt}\n\n{left}\n{right}", "End."),
    )
    if not plain:
        stack.enter_context(patient_collector())
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    model = await stack.enter_async_context(
        connect(f"{url}#toy", cache=directory, meter=Meter(), limits=Limits(concurrency=OPEN))
    )
    program = Program(graph, model)

    async def work(first: int, count: int) -> None:
        examples = (
            Example(str(number), {"about": ABOUT.format(number)})
            for number in range(first, first + count)
        )
        async with stream(
            program, examples, key=Key(("benchmark",)), concurrency=IN_FLIGHT
        ) as traces:
            async for trace in traces:
                if trace["end"] != TEXT:
                    raise RuntimeError("another text than the server's")

    return work


async def langgraph(url: str, stack: AsyncExitStack) -> Work:
    """A StateGraph whose nodes call openai's client."""
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    client = await stack.enter_async_context(AsyncOpenAI(base_url=url, api_key="none"))
    places = asyncio.Semaphore(OPEN)
    fields = ("about", "first", "left", "right", "end")
    state = TypedDict("state", dict.fromkeys(fields, str))  # type: ignore[misc]
    builder = StateGraph(state)

    def node(name: str, template: str) -> Callable[[Any], Awaitable[dict[str, str]]]:
        async def visit(values: Any) -> dict[str, str]:
            async with places:
                answer = await client.chat.completions.create(
                    model="toy",
                    messages=[{"role": "user", "content": template.format(**values)}],
                    max_tokens=64,
                )
            return {name: answer.choices[0].message.content}

        return visit

    builder.add_node("at_first", node("first", "Go on.\n\n{about}"))
    builder.add_node("at_left", node("left", "Left.\n\n{first}"))
    builder.add_node("at_right", node("right", "Right.\n\n{first}"))
    builder.add_node("at_end", node("end", "End.\n\n{left}\n{right}"))
    builder.add_edge(START, "at_first")
    builder.add_edge("at_first", "at_left")
    builder.add_edge("at_first", "at_right")
    builder.add_edge(["at_left", "at_right"], "at_end")
    builder.add_edge("at_end", END)
    app = builder.compile()

    async def work(first: int, count: int) -> None:
        inputs = [{"about": ABOUT.format(number)} for number in range(first, first + count)]
        for values in await app.abatch(inputs, config={"max_concurrency": IN_FLIGHT}):
            if values["end"] != TEXT:
                raise RuntimeError("another text than the server's")

    return work


async def _plain(url: str, stack: AsyncExitStack) -> Work:
    return await langnet(url, stack, plain=True)


CONTESTANTS: dict[str, Callable[[str, AsyncExitStack], Awaitable[Work]]] = {
    "raw aiohttp": raw,
    "langnet": langnet,
    "langnet, plain Python": _plain,
    "LangGraph with openai": langgraph,
}
PEERS = ("LangGraph with openai",)


async def take_turns(name: str, url: str) -> None:
    """One contestant: for every number on a line of its input, it runs as many examples."""
    done = 0
    async with AsyncExitStack() as stack:
        work = await CONTESTANTS[name](url, stack)
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            count = int(line)
            wall, cpu = time.perf_counter(), time.process_time()
            await work(done, count)
            done += count
            taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            print(json.dumps(taken), flush=True)


def measured(examples: int, rounds: int, peers: Path | None) -> dict[str, Any]:
    """The share of the ideal throughput that every contestant reached, round by round."""
    pythons = {name: sys.executable for name in CONTESTANTS if name not in PEERS}
    missing: dict[str, str] = {}
    if peers is not None:
        python, missing = environment(peers)
        pythons |= dict.fromkeys(PEERS, python)
    ideal = 4 * LATENCY / OPEN
    shares: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with ExitStack() as stack:
        url = stack.enter_context(loopback(LATENCY))
        ready: list[Contestant] = []
        for name, python in pythons.items():
            contestant = Contestant(name, python, __file__, url)
            stack.callback(contestant.end)
            try:
                contestant.line()
                contestant.round(IN_FLIGHT)  # connections are made, imports are done
            except RuntimeError as error:
                missing[name] = str(error)
            else:
                ready.append(contestant)
        for _ in range(rounds):
            for contestant in ready:
                taken = contestant.round(examples)
                shares.setdefault(contestant.name, []).append(ideal * examples / taken["wall"])
                costs.setdefault(contestant.name, []).append(taken["cpu"] / examples / 4 * 1e6)
    return {
        "examples": examples,
        "rounds": rounds,
        "share_of_ideal": shares,
        "us_of_cpu_per_call": costs,
        "missing": missing,
    }


def main() -> None:
    """Measures, or is one of the contestants."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=2000, help="per round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in turn")
    parser.add_argument("--peers", type=Path, help="directory of the peers' environment")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        run(
            take_turns(arguments.contestant, arguments.url),
            fast="plain" not in arguments.contestant,
        )
        return
    result = measured(arguments.examples, arguments.rounds, arguments.peers)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    costs = result["us_of_cpu_per_call"]
    print(f"{'':26}{'share of the ideal':>20}{'from':>8}{'to':>8}{'µs of CPU per call':>20}")
    for name, shares in result["share_of_ideal"].items():
        middle, cost = statistics.median(shares), statistics.median(costs[name])
        print(f"{name:26}{middle:20.3f}{min(shares):8.3f}{max(shares):8.3f}{cost:20.0f}")
    for name, reason in result["missing"].items():
        print(f"{name:26}{'missing':>20}  {reason}")


if __name__ == "__main__":
    main()
