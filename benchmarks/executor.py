"""What the executor costs per node visit, beside plain asyncio tasks and two peers.

    python benchmarks/executor.py [--json] [--rounds 7] [--examples 100000] [--uvloop]

Every runner visits the same nodes, which do nothing, on a chain of ten nodes and on a diamond of
four. The runners take turns, round by round, so that a busy machine slows all of them alike, and
the medians over rounds are compared. The last part streams many examples through the chain and
reads the memory of the process on the way.

langgraph, sf-hamilton, psutil and uvloop are in the `bench` dependency group. What is not
installed is reported as such. Nothing is sent anywhere: the peers' telemetry is turned off.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

from langnet.data import Example
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import Completion, Decoding
from langnet.node import Function, Input, Node
from langnet.program import Program
from langnet.run import stream
from langnet.testing import ScriptedModel

Shape = Mapping[str, tuple[str, ...]]
"""The parents of each node, parents first; "n0" is the input."""

Runner = Callable[[int], Awaitable[None]]
"""Runs a graph on so many examples."""

CHAIN: Shape = {f"n{number + 1}": (f"n{number}",) for number in range(10)}
DIAMOND: Shape = {"n1": ("n0",), "n2": ("n1",), "n3": ("n1",), "n4": ("n2", "n3")}
SHAPES: Mapping[str, Shape] = {"chain of 10": CHAIN, "diamond of 4": DIAMOND}

IN_FLIGHT = 32
KEY = Key(("benchmark",))
ANSWER = Completion("x")


class NoOp(ScriptedModel):
    """A language model that answers at once."""

    async def sample(
        self,
        context: str,  # noqa: ARG002 - nothing is read
        *,
        decoding: Decoding,  # noqa: ARG002 - nothing is read
        keys: Sequence[Key],
    ) -> list[Completion]:
        """The same text for every key."""
        return [ANSWER] * len(keys)


def functions(shape: Shape) -> dict[str, Callable[..., Awaitable[str]]]:
    """One async function per node that does nothing; its parameters are the node's parents."""
    scope: dict[str, Any] = {}
    for name, parents in shape.items():
        parameters = ", ".join(f"{parent}: str" for parent in parents)
        exec(f"async def {name}({parameters}) -> str:\n    return 'x'", scope)  # noqa: S102
    return {name: scope[name] for name in shape}


def examples(count: int) -> Iterator[Example]:
    """So many examples, made one at a time."""
    return (Example(str(number), {"n0": "x"}) for number in range(count))


def language_graph(shape: Shape) -> Graph:
    """The shape with language nodes."""
    return Graph(
        Input("n0"),
        *(
            Node(name, "{prompt} " + " ".join(f"{{{parent}}}" for parent in parents), "Go on.")
            for name, parents in shape.items()
        ),
    )


def function_graph(shape: Shape) -> Graph:
    """The shape with function nodes."""
    return Graph(Input("n0"), *(Function(name, call) for name, call in functions(shape).items()))


def langnet_stream(graph: Graph) -> Runner:
    """Streams examples through a langnet program."""
    program = Program(graph, NoOp({}))

    async def run(count: int) -> None:
        async with stream(program, examples(count), key=KEY, concurrency=IN_FLIGHT) as outcomes:
            async for _ in outcomes:
                pass

    return run


def langnet_run(graph: Graph) -> Runner:
    """Runs a langnet program on one example after another."""
    program = Program(graph, NoOp({}))

    async def run(count: int) -> None:
        for example in examples(count):
            await program.run(example.inputs, key=KEY / example.id, example=example.id)

    return run


def plain_tasks(shape: Shape) -> Runner:
    """One asyncio task per node visit, which waits for the tasks of its parents."""
    calls = functions(shape)

    async def visit(call: Callable[..., Awaitable[str]], parents: list[asyncio.Task[str]]) -> str:
        return await call(*[await parent for parent in parents])

    async def given() -> str:
        return "x"

    async def one() -> None:
        tasks = {"n0": asyncio.create_task(given())}
        for name, parents in shape.items():
            tasks[name] = asyncio.create_task(visit(calls[name], [tasks[p] for p in parents]))
        for task in tasks.values():
            await task

    async def run(count: int) -> None:
        for start in range(0, count, IN_FLIGHT):
            await asyncio.gather(*(one() for _ in range(min(IN_FLIGHT, count - start))))

    return run


def langgraph_batch(shape: Shape) -> Runner:
    """A StateGraph whose nodes are the shape's, run with `abatch`."""
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415 - may not be installed

    state = TypedDict("state", dict.fromkeys(("n0", *shape), str))  # type: ignore[misc]
    builder = StateGraph(state)
    calls = functions(shape)

    def node(name: str, parents: tuple[str, ...]) -> Callable[[Any], Awaitable[dict[str, str]]]:
        async def visit(values: Any) -> dict[str, str]:
            return {name: await calls[name](*[values[parent] for parent in parents])}

        return visit

    for name, parents in shape.items():
        builder.add_node(f"at_{name}", node(name, parents))
        if parents == ("n0",):
            builder.add_edge(START, f"at_{name}")
        else:
            builder.add_edge([f"at_{parent}" for parent in parents], f"at_{name}")
    builder.add_edge(f"at_{list(shape)[-1]}", END)
    app = builder.compile()

    async def run(count: int) -> None:
        await app.abatch([{"n0": "x"}] * count, config={"max_concurrency": IN_FLIGHT})

    return run


async def hamilton_execute(shape: Shape) -> Runner:
    """Hamilton's async driver over a module that holds the shape's functions."""
    from hamilton import ad_hoc_utils, async_driver  # noqa: PLC0415 - may not be installed

    module = ad_hoc_utils.create_temporary_module(*functions(shape).values())
    driver = await async_driver.Builder().with_modules(module).build()
    last = list(shape)[-1]

    async def run(count: int) -> None:
        for start in range(0, count, IN_FLIGHT):
            batch = min(IN_FLIGHT, count - start)
            await asyncio.gather(
                *(driver.execute([last], inputs={"n0": "x"}) for _ in range(batch))
            )

    return run


async def runners(shape: Shape) -> tuple[dict[str, tuple[Runner, int]], dict[str, str]]:
    """Each runner with its number of examples per round, and why others are missing."""
    found: dict[str, tuple[Runner, int]] = {
        "langnet run": (langnet_run(language_graph(shape)), 1280),
        "langnet stream": (langnet_stream(language_graph(shape)), 1280),
        "langnet stream, functions": (langnet_stream(function_graph(shape)), 1280),
        "asyncio, a task per visit": (plain_tasks(shape), 1280),
    }
    missing: dict[str, str] = {}
    try:
        found[f"LangGraph {version('langgraph')}"] = (langgraph_batch(shape), 32)
    except ImportError as error:
        missing["LangGraph"] = str(error)
    try:
        found[f"Hamilton {version('sf-hamilton')}"] = (await hamilton_execute(shape), 64)
    except ImportError as error:
        missing["Hamilton"] = str(error)
    return found, missing


def version(distribution: str) -> str:
    """The version of an installed distribution; an `ImportError` where there is none."""
    return importlib.metadata.version(distribution)


async def measure(shape: Shape, rounds: int) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """The microseconds per node visit of every runner: the median and the least over rounds."""
    found, missing = await runners(shape)
    for run, _ in found.values():
        await run(8)
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, (run, count) in found.items():
            gc.collect()
            start = time.perf_counter()
            await run(count)
            elapsed = time.perf_counter() - start
            times[name].append(elapsed / count / len(shape) * 1e6)
    measured = {
        name: {"median": statistics.median(values), "least": min(values)}
        for name, values in times.items()
    }
    return measured, missing


async def memory(count: int) -> dict[str, float | int | str]:
    """Resident memory in MiB after a tenth and after all of a long stream."""
    try:
        import psutil  # noqa: PLC0415 - may not be installed
    except ImportError as error:
        return {"missing": str(error)}
    process = psutil.Process()
    run = langnet_stream(language_graph(CHAIN))

    def resident() -> float:
        gc.collect()
        return float(process.memory_info().rss) / 2**20

    before = resident()
    await run(count // 10)
    tenth = resident()
    start = time.perf_counter()
    await run(count)
    elapsed = time.perf_counter() - start
    after = resident()
    return {
        "examples": count,
        "before_mib": before,
        "after_a_tenth_mib": tenth,
        "after_all_mib": after,
        "growth_mib": after - tenth,
        "us_per_visit": elapsed / count / len(CHAIN) * 1e6,
    }


async def report(rounds: int, count: int) -> dict[str, Any]:
    """Everything that is measured."""
    shapes = {}
    for name, shape in SHAPES.items():
        times, missing = await measure(shape, rounds)
        shapes[name] = {"us_per_visit": times, "missing": missing}
    return {
        "python": platform.python_version(),
        "loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
        "rounds": rounds,
        "shapes": shapes,
        "memory": await memory(count),
    }


def show(result: Mapping[str, Any]) -> None:
    """Prints the tables."""
    print(
        f"Python {result['python']}, {result['loop']}, medians of {result['rounds']} rounds in turn"
    )
    for name, measured in result["shapes"].items():
        times = measured["us_per_visit"]
        unit = times["langnet stream"]["median"]
        print(f"\n{name:28}{'µs per visit':>14}{'least':>10}{'× langnet stream':>18}")
        for runner, value in times.items():
            median, least = value["median"], value["least"]
            print(f"{runner:28}{median:14.2f}{least:10.2f}{median / unit:18.2f}")
        for runner, reason in measured["missing"].items():
            print(f"{runner:28}{'not installed':>14}  ({reason})")
    used = result["memory"]
    if "missing" in used:
        print(f"\nmemory: not measured ({used['missing']})")
        return
    print(
        f"\nmemory over a stream of {used['examples']:,} examples through the chain: "
        f"{used['before_mib']:.1f} MiB before, {used['after_a_tenth_mib']:.1f} after a tenth, "
        f"{used['after_all_mib']:.1f} after all ({used['us_per_visit']:.2f} µs per visit)"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    parser.add_argument("--rounds", type=int, default=7, help="rounds per shape")
    parser.add_argument("--examples", type=int, default=100_000, help="length of the long stream")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    arguments = parser.parse_args()
    # Before the peers are imported: they would otherwise report usage.
    os.environ["HAMILTON_TELEMETRY_ENABLED"] = "false"
    os.environ["LANGSMITH_TRACING"] = "false"
    factory = None
    if arguments.uvloop:
        try:
            import uvloop  # noqa: PLC0415 - may not be installed
        except ImportError as error:
            sys.exit(f"--uvloop: {error}")
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        result = runner.run(report(arguments.rounds, arguments.examples))
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
