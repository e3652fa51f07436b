"""What pipelined steps save over the synchronous loop, on a server that takes 200 ms per request.

    python benchmarks/pipelining.py [--seeds 0,1,2] [--staleness 0,1,2] [--steps 8] [--latency 0.2]
        [--json]

A two-layer network is fitted on the model of `latency_server.py`, whose requests all take the same
time: first by the synchronous loop, put together of `init`, `validate` and `step`, then by `fit`
with each staleness, with the same data and seeds. The wall time of a step is that between the
beginnings of two steps, validation included; medians over the steps are compared within each seed.
Quality is the best validation, and the fitted prompts' metric on held-out examples. At staleness 0
the state must be that of the synchronous loop, byte for byte.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
from latency_server import latency_server

from langnet import (
    Decoding,
    Example,
    Graph,
    Inference,
    Input,
    Key,
    LanguageModel,
    Method,
    Node,
    Program,
    State,
    evaluate,
    fit,
    init,
    step,
    validate,
)
from langnet.checkpoint import write_json
from langnet.events import Event, StepFinished
from langnet.lm.cache import Cached
from langnet.lm.meter import Meter, Metered
from langnet.lm.openai import OpenAIModel
from langnet.lm.store import MemoryStore
from langnet.metrics import exact

GRAPH = Graph(
    Input("text"),
    Node("notes", "{prompt}\n\n{text}\n\nNotes:", "Note it.", decoding=Decoding(max_tokens=3)),
    Node(
        "answer",
        "{prompt}\n\n{text} notes {notes}\n\nAnswer:",
        "Say what it is.",
        choices=("hot", "icy"),
    ),
    name="dln2",
)
SYNCHRONOUS = "synchronous"
TARGET = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fit.

    Attributes:
        loop: "synchronous", or the staleness.
        seed: of every draw.
        step_seconds: the median over steps.
        seconds: the whole fit.
        requests: that reached the server.
        initial: the first validation.
        best: the best validation.
        held_out: the metric of the best prompts on held-out examples.
        same: whether the state is the synchronous loop's, byte for byte.
        correction: what the correction for staleness did, by step, where it was reported.
    """

    loop: str
    seed: int
    step_seconds: float
    seconds: float
    requests: int
    initial: float
    best: float
    held_out: float
    same: bool
    correction: list[dict[str, float]]


def examples(count: int, first: int) -> list[Example]:
    """Examples about the sun, which are hot, and about snow, in turn."""
    return [
        Example(
            f"e{i}",
            {"text": f"{'sun' if i % 2 else 'snow'} number {i}"},
            {"answer": "hot" if i % 2 else "icy"},
        )
        for i in range(first, first + count)
    ]


TRAIN, DEV, TEST = examples(48, 0), examples(24, 1_000), examples(100, 2_000)


def method_of(steps: int, staleness: int | None) -> Method | None:
    """The method, with default settings but for sizes; `None` where it cannot be so stale."""
    sizes: dict[str, Any] = {
        "steps": steps,
        "batch_size": 8,
        "candidates": 4,
        "inference": Inference(draws=2),
    }
    if staleness is not None:
        if "staleness" not in {field.name for field in fields(Method)}:
            return Method(**sizes) if staleness == 0 else None
        sizes["staleness"] = staleness
    return Method(**sizes)


def correction_of(directory: Path) -> list[dict[str, float]]:
    """What each step reports of its correction for staleness, if it does."""
    steps = sorted((directory / "steps").glob("*.json"))
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in steps]
    return [found["correction"] for found in documents if found.get("correction") is not None]


async def synchronous(model: LanguageModel, seed: int, method: Method) -> tuple[State, list[float]]:
    """The synchronous loop, and when each of its steps began and the last one ended."""
    settings: dict[str, Any] = {"models": model, "method": method}
    state, _ = await validate(init(GRAPH, seed=seed), GRAPH, DEV, **settings)
    times = [time.monotonic()]
    while state.step < method.steps:
        state, _ = await step(state, GRAPH, TRAIN, proposer=model, **settings)
        state, _ = await validate(state, GRAPH, DEV, **settings)
        times.append(time.monotonic())
    return state, times


async def pipelined(
    model: LanguageModel, seed: int, method: Method, directory: Path
) -> tuple[State, list[float]]:
    """The fit, and when each of its steps ended."""
    times: list[float] = []

    def told(event: Event) -> None:
        if isinstance(event, StepFinished):
            times.append(time.monotonic())

    fitted = await fit(
        GRAPH,
        TRAIN,
        DEV,
        models=model,
        method=method,
        seed=seed,
        directory=directory,
        observers=[told],
    )
    return fitted.state, times


async def measured(
    url: str, staleness: int | None, seed: int, steps: int, folder: Path
) -> Row | None:
    """One fit, with a cache of its own; `None` where it cannot be so stale."""
    method = method_of(steps, staleness)
    if method is None:
        return None
    meter = Meter()
    directory = folder / f"{staleness}-{seed}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        server = OpenAIModel(
            "table", base_url=url, endpoint="completions", scoring="echo", session=session
        )
        model = Cached(Metered(server, meter), MemoryStore(), meter=meter)
        began = time.monotonic()
        if staleness is None:
            state, times = await synchronous(model, seed, method)
            write_json(directory / "state.json", state.to_json())
        else:
            state, times = await pipelined(model, seed, method, directory)
        seconds, requests = time.monotonic() - began, meter.snapshot().calls
        found = await evaluate(
            Program(GRAPH.with_prompts(state.best), model),
            TEST,
            metric=exact,
            key=Key(("test", seed)),
            concurrency=len(TEST),
        )
    reference = folder / f"{None}-{seed}" / "state.json"
    return Row(
        loop=SYNCHRONOUS if staleness is None else f"staleness {staleness}",
        seed=seed,
        step_seconds=statistics.median(b - a for a, b in pairwise(times)),
        seconds=seconds,
        requests=requests,
        initial=state.validations[0].metric,
        best=state.best_metric,
        held_out=found.mean,
        same=(directory / "state.json").read_bytes() == reference.read_bytes(),
        correction=correction_of(directory),
    )


async def measure(
    seeds: Sequence[int], stalenesses: Sequence[int], steps: int, latency: float
) -> list[Row]:
    """All fits, those of one seed after each other."""
    rows: list[Row] = []
    with latency_server(latency) as url, tempfile.TemporaryDirectory() as folder:
        await measured(url, None, -1, 1, Path(folder))  # connections and imports, once
        for seed in seeds:
            for staleness in (None, *stalenesses):
                row = await measured(url, staleness, seed, steps, Path(folder))
                if row is None:
                    print(f"Method has no staleness yet: {staleness} is left out", file=sys.stderr)
                    continue
                rows.append(row)
                print(
                    f"seed {seed}, {row.loop}: {row.step_seconds:.2f} s a step, "
                    f"validation {row.initial:.3f} to {row.best:.3f}",
                    file=sys.stderr,
                )
    return rows


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One line per loop: medians of times and ratios, means of the metrics."""
    reference = {row.seed: row for row in rows if row.loop == SYNCHRONOUS}
    lines = []
    for loop in dict.fromkeys(row.loop for row in rows):
        own = [row for row in rows if row.loop == loop]
        ratios = [row.step_seconds / reference[row.seed].step_seconds for row in own]
        lines.append(
            {
                "loop": loop,
                "seconds per step": statistics.median(row.step_seconds for row in own),
                "ratio": statistics.median(ratios),
                "ratios": ratios,
                "whole": statistics.median(
                    row.seconds / reference[row.seed].seconds for row in own
                ),
                "requests": statistics.mean(row.requests for row in own),
                "best": statistics.mean(row.best for row in own),
                "held out": statistics.mean(row.held_out for row in own),
                "held out minus synchronous": statistics.mean(
                    row.held_out - reference[row.seed].held_out for row in own
                ),
                "same state": all(row.same for row in own),
            }
        )
    return lines


def averaged(corrections: Sequence[Mapping[str, float]]) -> list[tuple[str, float]]:
    """The mean over steps of each number that corrections report."""
    names = dict.fromkeys(name for one in corrections for name in one)
    return [(name, statistics.mean(one[name] for one in corrections)) for name in names]


def show(rows: Sequence[Row], lines: Sequence[Mapping[str, Any]]) -> None:
    """Prints the tables as Markdown."""
    print("| loop | s per step, median | ratio (each seed) | whole fit | requests |", end="")
    print(" best validation | held out, against synchronous | same state |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        ratios = ", ".join(f"{ratio:.2f}" for ratio in line["ratios"])
        print(
            f"| {line['loop']} | {line['seconds per step']:.2f} | {line['ratio']:.2f} ({ratios}) "
            f"| {line['whole']:.2f} | {line['requests']:.0f} | {line['best']:.3f} "
            f"| {line['held out']:.3f} ({line['held out minus synchronous']:+.3f}) "
            f"| {'yes' if line['same state'] else 'no'} |"
        )
    print("\n| seed | loop | s per step | validation, first and best | held out | correction |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        correction = ", ".join(f"{name} {value:.2f}" for name, value in averaged(row.correction))
        print(
            f"| {row.seed} | {row.loop} | {row.step_seconds:.2f} "
            f"| {row.initial:.3f}, {row.best:.3f} | {row.held_out:.3f} | {correction or '–'} |"
        )
    print()
    for line in lines:
        if line["loop"] == "staleness 0":
            equal = "equals" if line["same state"] else "DIFFERS FROM"
            print(f"Staleness 0 {equal} the synchronous loop, byte for byte.")
        elif line["loop"] != SYNCHRONOUS:
            verdict = "within" if line["ratio"] <= TARGET else "above"
            print(f"{line['loop']}: {line['ratio']:.2f} of its time, {verdict} {TARGET}.")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--seeds", type=_numbers, default=(0, 1, 2), help="such as 0,1,2")
    parser.add_argument("--staleness", type=_numbers, default=(0, 1, 2), help="such as 0,1,2")
    parser.add_argument("--steps", type=int, default=8, help="steps of each fit, at least 2")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds per request")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    arguments = parser.parse_args()
    if arguments.steps < 2:
        parser.error("--steps must be at least 2: a time lies between two steps")
    rows = asyncio.run(
        measure(arguments.seeds, arguments.staleness, arguments.steps, arguments.latency)
    )
    lines = summary(rows)
    if arguments.json:
        about = {"python": platform.python_version(), "latency": arguments.latency}
        print(json.dumps({**about, "summary": lines, "fits": [asdict(r) for r in rows]}, indent=2))
    else:
        show(rows, lines)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
