"""CPU per call: langnet's whole stack beside raw aiohttp and beside what else one would use.

    python benchmarks/stack.py [--rounds 7] [--calls 5000] [--peers DIRECTORY] [--json]

Every contestant is a process of its own that makes calls of the same chat, 64 at a time, to the
same server on the loopback (`loopback.py`), which answers at once. Contestants take turns, round by
round, and what is compared are the medians of the CPU time that their processes took, all threads
included, per call.

- raw: `aiohttp.ClientSession.post` with orjson on uvloop, and nothing else: what one writes by
  hand.
- langnet: a key, the cache's miss and its write to disk, single flight, retries, meter, rate
  limits, the request, the checked answer; on uvloop and with the garbage collector's thresholds of
  the command line (`langnet.cli.event_loop`). Also without a cache, where the cache has the answer,
  and with Python's own event loop and thresholds.
- peers: the clients of openai, litellm, DSPy and LangChain, none with a cache. They are installed
  into an environment of their own in DIRECTORY, unless they are there already; what cannot be
  installed is reported as missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from loopback import TEXT, loopback, run

Call = Callable[[int], Awaitable[str]]
"""Makes the call of this number, and returns its text."""

OPEN = 64
KEPT = 2000
"""Answers in the cache that is hit."""
PEERS = ("openai", "litellm", "dspy", "langchain-openai")
QUESTION = "Example {}: " + "what follows from what was said, and how sure can one be of it? " * 3


async def raw(url: str, stack: AsyncExitStack) -> Call:
    """Raw aiohttp with orjson."""
    import aiohttp  # noqa: PLC0415 - each contestant imports what it uses
    import orjson  # noqa: PLC0415

    connector = aiohttp.TCPConnector(limit=0)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    address = f"{url}/chat/completions"

    async def call(number: int) -> str:
        body = {
            "model": "toy",
            "messages": [{"role": "user", "content": QUESTION.format(number)}],
            "max_tokens": 64,
            "temperature": 1.0,
            "top_p": 1.0,
            "seed": number,
        }
        async with session.post(address, data=orjson.dumps(body), headers=headers) as response:
            answer = orjson.loads(await response.read())
        return str(answer["choices"][0]["message"]["content"])

    return call


async def langnet(
    url: str, stack: AsyncExitStack, *, cache: bool = True, hits: int = 0, plain: bool = False
) -> Call:
    """The whole stack, as `connect` makes it."""
    from langnet import Decoding, Key, Meter, connect  # noqa: PLC0415
    from langnet.cli.event_loop import patient_collector  # noqa: PLC0415
    from langnet.lm.cache import DiskStore  # noqa: PLC0415

    if not plain:
        stack.enter_context(patient_collector())
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    store = DiskStore(directory) if cache else None
    if store is not None:
        stack.push_async_callback(store.aclose)
    model = await stack.enter_async_context(connect(f"{url}#toy", cache=store, meter=Meter()))
    decoding, key = Decoding(), Key(("benchmark", 7))

    async def call(number: int) -> str:
        number = number % hits if hits else number
        drawn = await model.sample(
            QUESTION.format(number), decoding=decoding, keys=[key / number / "answer"]
        )
        return drawn[0].text

    for number in range(hits):
        await call(number)
    if store is not None:
        await store.flush()
        call.flush = store.flush  # type: ignore[attr-defined]  # its writes belong to the round
    return call


async def openai(url: str, stack: AsyncExitStack) -> Call:
    """The client of OpenAI."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    client = await stack.enter_async_context(AsyncOpenAI(base_url=url, api_key="none"))

    async def call(number: int) -> str:
        answer = await client.chat.completions.create(
            model="toy",
            messages=[{"role": "user", "content": QUESTION.format(number)}],
            max_tokens=64,
            temperature=1.0,
            seed=number,
        )
        return answer.choices[0].message.content

    return call


async def litellm(url: str, stack: AsyncExitStack) -> Call:  # noqa: ARG001 - nothing to close
    """litellm's `acompletion`."""
    import litellm as library  # noqa: PLC0415

    async def call(number: int) -> str:
        answer = await library.acompletion(
            model="openai/toy",
            api_base=url,
            api_key="none",
            messages=[{"role": "user", "content": QUESTION.format(number)}],
            max_tokens=64,
            temperature=1.0,
            seed=number,
        )
        return answer.choices[0].message.content

    return call


async def dspy(url: str, stack: AsyncExitStack) -> Call:  # noqa: ARG001
    """DSPy's language model by itself, without a signature or an adapter."""
    import dspy as library  # noqa: PLC0415

    model = library.LM(
        "openai/toy", api_base=url, api_key="none", cache=False, max_tokens=64, temperature=1.0
    )

    async def call(number: int) -> str:
        (text,) = await model.acall(prompt=QUESTION.format(number), seed=number)
        return text if isinstance(text, str) else text["text"]

    return call


async def langchain(url: str, stack: AsyncExitStack) -> Call:  # noqa: ARG001
    """LangChain's chat model by itself."""
    from langchain_openai import ChatOpenAI  # noqa: PLC0415

    model = ChatOpenAI(
        model="toy", base_url=url, api_key="none", max_tokens=64, temperature=1.0, cache=False
    )

    async def call(number: int) -> str:
        answer = await model.ainvoke(QUESTION.format(number), seed=number)
        return answer.content

    return call


async def _plain(url: str, stack: AsyncExitStack) -> Call:
    return await langnet(url, stack, plain=True)


async def _uncached(url: str, stack: AsyncExitStack) -> Call:
    return await langnet(url, stack, cache=False)


async def _hits(url: str, stack: AsyncExitStack) -> Call:
    return await langnet(url, stack, hits=KEPT)


CONTESTANTS: dict[str, Callable[[str, AsyncExitStack], Awaitable[Call]]] = {
    "raw aiohttp": raw,
    "langnet": langnet,
    "langnet, no cache": _uncached,
    "langnet, cache hit": _hits,
    "langnet, plain Python": _plain,
    "openai": openai,
    "litellm": litellm,
    "DSPy": dspy,
    "LangChain": langchain,
}
OURS = tuple(name for name in CONTESTANTS if name.startswith(("raw", "langnet")))


async def work(name: str, url: str) -> None:
    """One contestant: for every number on a line of its input, it makes as many calls."""
    made = 0
    async with AsyncExitStack() as stack:
        call = await CONTESTANTS[name](url, stack)
        flush = getattr(call, "flush", None)

        async def caller(numbers: Any) -> None:
            for number in numbers:
                if await call(number) != TEXT:
                    raise RuntimeError(f"{name} gave another text than the server")

        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            count = int(line)
            numbers = iter(range(made, made + count))
            made += count
            wall, cpu = time.perf_counter(), time.process_time()
            async with asyncio.TaskGroup() as tasks:
                for _ in range(OPEN):
                    tasks.create_task(caller(numbers))
            if flush is not None:
                await flush()
            taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            print(json.dumps(taken), flush=True)


class Contestant:
    """A process that makes calls when it is told to."""

    def __init__(self, name: str, python: str, script: str, url: str) -> None:
        self.name = name
        # The peers' telemetry is turned off: nothing leaves the loopback.
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANGSMITH_TRACING": "false"}
        self.process = subprocess.Popen(  # noqa: S603 - this file
            [python, script, "--contestant", name, "--url", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **quiet},
        )

    def line(self) -> str:
        """The next line that it says; a `RuntimeError` with its error where it has ended."""
        assert self.process.stdout is not None  # noqa: S101 - all are pipes
        while line := self.process.stdout.readline():
            if line.startswith(("ready", "{")):  # some libraries print, too
                return line
        _, error = self.process.communicate()
        raise RuntimeError((error.strip().splitlines() or ["no error was said"])[-1])

    def round(self, calls: int) -> dict[str, float]:
        """Makes calls; the seconds that they took."""
        assert self.process.stdin is not None  # noqa: S101
        self.process.stdin.write(f"{calls}\n")
        self.process.stdin.flush()
        taken: dict[str, float] = json.loads(self.line())
        return taken

    def end(self) -> None:
        """Ends the process."""
        if self.process.poll() is None:
            assert self.process.stdin is not None  # noqa: S101
            self.process.stdin.close()
            self.process.wait(30)


def environment(directory: Path) -> tuple[str, dict[str, str]]:
    """The Python that has the peers, and which are missing."""
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)  # noqa: S603
    missing = {}
    for name in (*PEERS, "uvloop"):
        shown = [python, "-m", "pip", "show", "--quiet", name]
        if subprocess.run(shown, check=False, capture_output=True).returncode:  # noqa: S603
            got = subprocess.run(  # noqa: S603
                [python, "-m", "pip", "install", "--quiet", name],
                check=False,
                capture_output=True,
                text=True,
            )
            if got.returncode:
                missing[name] = (got.stderr.strip().splitlines() or ["pip failed"])[-1]
    return str(python), missing


def served(url: str) -> dict[str, float]:
    """What the server has taken so far."""
    with urllib.request.urlopen(f"{url}/cpu") as answer:  # noqa: S310 - our own address
        taken: dict[str, float] = json.load(answer)
    return taken


def measured(rounds: int, calls: int, peers: Path | None) -> dict[str, Any]:
    """Microseconds of CPU per call of every contestant, round by round."""
    pythons = dict.fromkeys(OURS, sys.executable)
    missing: dict[str, str] = {}
    if peers is not None:
        python, missing = environment(peers)
        pythons |= {name: python for name in CONTESTANTS if name not in OURS}
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        url = stack.enter_context(loopback())
        ready: list[Contestant] = []
        for name, python in pythons.items():
            contestant = Contestant(name, python, __file__, url)
            stack.callback(contestant.end)
            try:
                contestant.line()
                contestant.round(200)  # connections are made, imports are done
            except RuntimeError as error:
                missing[name] = str(error)
            else:
                ready.append(contestant)
        before = served(url)
        for _ in range(rounds):
            for contestant in ready:
                # Peers take ten times as long, so a fifth of the calls is plenty.
                count = calls if contestant.name in OURS else calls // 5
                taken = contestant.round(count)
                times.setdefault(contestant.name, []).append(taken["cpu"] / count * 1e6)
        after = served(url)
    answered = after["answered"] - before["answered"]
    return {
        "rounds": rounds,
        "calls": calls,
        "us_per_call": times,
        "server_us_per_call": (after["cpu"] - before["cpu"]) / answered * 1e6,
        "missing": missing,
    }


def show(result: dict[str, Any]) -> None:
    """Prints a table."""
    times = result["us_per_call"]
    unit = statistics.median(times["raw aiohttp"])
    print(f"{'':26}{'µs of CPU per call':>20}{'from':>8}{'to':>8}{'× raw':>8}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:26}{median:20.1f}{min(values):8.1f}{max(values):8.1f}{median / unit:8.2f}")
    for name, reason in result["missing"].items():
        print(f"{name:26}{'missing':>20}  {reason}")
    print(f"the server itself took {result['server_us_per_call']:.1f} µs per call")


def main() -> None:
    """Measures, or is one of the contestants."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7, help="rounds in turn")
    parser.add_argument("--calls", type=int, default=5000, help="calls per round")
    parser.add_argument("--peers", type=Path, help="directory of the peers' environment")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        run(
            work(arguments.contestant, arguments.url),
            fast="plain" not in arguments.contestant,
        )
        return
    result = measured(arguments.rounds, arguments.calls, arguments.peers)
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
