"""Kills a fit at random moments (SIGKILL), goes on with the same command, and counts what is paid.

    python benchmarks/kill.py [--kills 50] [--latency 0.02] [--seed 0] [--json]

A server on the loopback answers as a pure function of the request, as `latency_server.py` does, and
notes every request that it is sent. Every answer is its request's own: a text ends in a mark, and
log-probabilities differ by less than a thousandth of a nat. So what stands in a killed process's
cache says which requests it need not send again.

First a fit runs without interruption. Then the same command runs in another directory with another
cache, is killed after a random number of requests or a random time, and is given again, until the
fit has ended; where that was before all kills were spent, a further round begins from nothing. Each
round must end

- with the same bytes: result, prompts, network, state, and the record of every step;
- having asked exactly the requests that the uninterrupted fit asked, and
- without having asked again for an answer that was kept when the process was killed. What may be
  paid twice are the calls that were open at that moment; how many those were is reported.

The exit code is 0 where all of that holds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from aiohttp import web
from latency_server import completion
from server_process import server_process

from langnet.lm.disk import DiskStore

ROOT = Path(__file__).parents[1]
NETWORK = '''
"""Notes on a text, and an answer from them."""

from langnet import Decoding, Graph, Input, Node


def network(task):
    return Graph(
        Input("text"),
        Node(
            "notes",
            "{prompt}\\n\\n{text}\\n\\nNotes:",
            "Note it.",
            decoding=Decoding(max_tokens=4),
        ),
        Node(
            "answer",
            "{prompt}\\n\\n{text} notes {notes}\\n\\nAnswer:",
            task.description,
            choices=task.labels,
        ),
        name="weather",
    )
'''
SIZES = "--batch-size 8 --candidates 4 --draws 2 --train-size 32 --dev-size 16 --test-size 32"
RESULTS = ("result.json", "prompts.yaml", "best.yaml", "state.json", "run.json")


# The server


def answered(body: dict[str, Any]) -> tuple[dict[str, Any], list[str | float]]:
    """The answer to a request, and what in it no other answer has."""
    digest = digest_of(body)
    found = completion(body)
    (choice,) = found["choices"]
    if "logprobs" not in choice:
        mark = f"#{digest[:12]}"
        choice["text"] += f" {mark}"
        return found, [mark]
    numbers = choice["logprobs"]["token_logprobs"]
    shift = int(digest[:13], 16) / 16**13 / 1000
    numbers[1:] = [number - shift for number in numbers[1:]]
    return found, numbers[-8:]  # a scored text is shorter


def digest_of(body: dict[str, Any]) -> str:
    """Names a request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


async def serve(latency: float, log: Path) -> None:
    """Serves on 127.0.0.1 until the standard input is closed.

    Args:
        latency: seconds that a request takes at least, of which a third varies by request.
        log: gets a line for every request that comes, and one for every answer that has left.
    """
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        found, marks = answered(body)
        digest = digest_of(body)
        os.write(file, f"{json.dumps([digest, marks])}\n".encode())
        await asyncio.sleep(latency * (1 + int(digest[-4:], 16) / 16**4 / 3))
        response = web.json_response(found)
        with suppress(ConnectionError):  # the client has been killed meanwhile
            await response.prepare(request)
            await response.write_eof()
            os.write(file, f"{json.dumps([digest, time.time()])}\n".encode())
        return response

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/completions", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()
        os.close(file)


def serving(latency: float, log: Path) -> AbstractContextManager[str]:
    """Runs the server in a process of its own, and gives its address."""
    return server_process(
        __file__, "--serve", str(log), "--latency", str(latency), env=_environment()
    )


def _environment() -> dict[str, str]:
    """Of processes that use the langnet beside this file."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": ""}


# The fits


@dataclass
class Log:
    """What the server was asked, as far as the log was read."""

    path: Path
    marks: dict[str | float, str] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    _offset: int = 0

    def lines(self) -> int:
        """How many lines came since the log was read."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            file.seek(self._offset)
            return file.read().count(b"\n")

    def new(self) -> list[str]:
        """The requests that came since this was asked last."""
        data = b""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        self._offset += len(data)
        fresh = [json.loads(line) for line in data.splitlines()]
        asked = []
        for digest, note in fresh:
            if isinstance(note, float):
                self.answered[digest] = note
            else:
                asked.append(digest)
                self.marks.update(dict.fromkeys(note, digest))
        return asked

    def kept(self, cache: Path) -> set[str]:
        """The requests whose answers a cache holds, that of a killed process included."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "cache")
            if not cache.exists():
                return set()
            shutil.copytree(cache, copy)
            DiskStore(copy).close()  # which takes over what stands in journals
            with closing(sqlite3.connect(copy / "cache.db")) as connection:
                rows = connection.execute("SELECT value FROM Cache").fetchall()
        entries = [json.loads(row[0]) for row in rows]
        found = set()
        for entry in entries:
            parts = entry if entry and isinstance(entry[0], float) else entry[0].split()[-1:]
            found |= {self.marks[part] for part in parts if part in self.marks}
        return found


@dataclass(frozen=True)
class Moment:
    """When to kill: after so many seconds or lines of the log, and a little later."""

    seconds: float
    lines: float
    later: float


@dataclass
class Fit:
    """A fit in a directory, with a cache of its own."""

    folder: Path
    url: str
    steps: int
    killed_at: float = inf

    def start(self) -> subprocess.Popen[bytes]:
        """Begins the fit, or goes on with it."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "net.py").write_text(NETWORK, encoding="utf-8")
        rows = [
            {"text": f"{'sun' if i % 2 else 'snow'} number {i}", "label": i % 2} for i in range(80)
        ]
        data = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / "weather.jsonl").write_text(data, encoding="utf-8")
        model = f"openai:table@{self.url}?endpoint=completions&scoring=echo"
        command = [sys.executable, "-m", "langnet", "fit", "net.py", "--data", "weather.jsonl"]
        command += ["--labels", "1=hot,0=icy", "--instruction", "Say what it is."]
        command += ["--model", model, "--steps", str(self.steps), *SIZES.split()]
        command += ["--max-concurrency", "16", "--out", "run", "--cache", "cache", "--resume"]
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own code
                command, cwd=self.folder, env=_environment(), stdout=output, stderr=output
            )

    def ended(self, process: subprocess.Popen[bytes], log: Log, moment: Moment | None) -> bool:
        """Whether the fit ends by itself before a moment; it is killed then."""
        if moment is not None:
            since = time.perf_counter()
            while process.poll() is None:
                if time.perf_counter() - since >= moment.seconds or log.lines() >= moment.lines:
                    time.sleep(moment.later)
                    self.killed_at = time.time()
                    process.kill()
                    process.wait()
                    return False
                time.sleep(0.002)
        if code := process.wait():
            print((self.folder / "output.txt").read_text()[-4000:], file=sys.stderr)
            raise RuntimeError(f"the fit ended with {code}")
        return True

    def results(self) -> dict[str, bytes]:
        """Every file that the seed decides."""
        run = self.folder / "run"
        files = [*(run / name for name in RESULTS), *sorted((run / "steps").iterdir())]
        return {str(file.relative_to(run)): file.read_bytes() for file in files}


@dataclass(frozen=True)
class Kill:
    """What one kill did.

    Attributes:
        after: seconds that the process had lived.
        asked: requests that it had sent.
        lost: requests that were sent, by it or before, and whose answers were not kept.
        arriving: those of them whose answers had left the server. A question about labels is two
            requests, and has no answer to keep before both are there.
        repeated: requests of the next process that had been sent before.
        paid_again: those of them whose answers were kept; must be none.
    """

    after: float
    asked: int
    lost: int
    arriving: int
    repeated: int
    paid_again: int


@dataclass(frozen=True)
class Account:
    """What came of all kills.

    Attributes:
        kills: one by one.
        rounds: fits that were begun from nothing.
        same: whether each ended with the bytes of the uninterrupted fit.
        same_requests: whether each asked what that one asked, and nothing else.
        differing: files that differ.
        requests: of the uninterrupted fit.
        seconds: of the uninterrupted fit, its start included.
    """

    kills: list[Kill]
    rounds: int
    same: bool
    same_requests: bool
    differing: list[str]
    requests: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing was changed, and nothing that was kept was paid again."""
        return self.same and self.same_requests and not any(k.paid_again for k in self.kills)


def account(folder: Path, *, kills: int, latency: float, steps: int, seed: int) -> Account:
    """Runs a fit without and with kills, and says what they did."""
    rng = random.Random(seed)
    log = Log(folder / "requests.jsonl")
    with serving(latency, log.path) as url:
        whole = Fit(folder / "whole", url, steps)
        began = time.perf_counter()
        whole.ended(whole.start(), log, None)
        seconds = time.perf_counter() - began
        lines = log.lines()
        wanted = log.new()

        def moment() -> Moment | None:
            if len(found) + (pending is not None) >= kills:
                return None
            if rng.random() < 0.2:  # while it starts, reads what is kept, or goes on
                return Moment(rng.uniform(0, 2), inf, 0)
            # On average as far as leads to the end with the last kill.
            return Moment(inf, rng.uniform(0, 2.5 * lines / kills), rng.uniform(0, 1.5 * latency))

        found: list[Kill] = []
        differing: set[str] = set()
        same_requests = True
        rounds = 0
        while len(found) < kills:
            rounds += 1
            fit = Fit(folder / f"round {rounds}", url, steps)
            asked: Counter[str] = Counter()
            log.answered.clear()
            kept: set[str] = set()
            pending: tuple[float, int, int, int] | None = None
            has_ended = False
            while not has_ended:
                began = time.perf_counter()
                has_ended = fit.ended(fit.start(), log, moment())
                after = time.perf_counter() - began
                fresh = log.new()
                before = asked.total() - len(asked)
                asked.update(fresh)
                if pending is not None:
                    repeated = asked.total() - len(asked) - before
                    found.append(Kill(*pending, repeated, len(kept & set(fresh))))
                kept = log.kept(fit.folder / "cache")
                lost = set(asked) - kept
                arriving = sum(log.answered.get(digest, inf) < fit.killed_at for digest in lost)
                pending = None if has_ended else (after, len(fresh), len(lost), arriving)
            expected = whole.results()
            results = fit.results()
            differing |= {name for name in expected if results.get(name) != expected[name]}
            differing |= set(results) - set(expected)
            same_requests = same_requests and set(asked) == set(wanted)
    return Account(
        found, rounds, not differing, same_requests, sorted(differing), len(wanted), seconds
    )


def _print(found: Account) -> None:
    kills = found.kills
    print(
        f"uninterrupted: {found.requests:,} requests in {found.seconds:.1f} s; "
        f"{len(kills)} kills in {found.rounds} rounds, "
        f"{sum(not kill.asked for kill in kills)} of them before the first request\n"
    )
    for what, numbers in (
        ("requests before the kill", [kill.asked for kill in kills]),
        ("open at the kill, not kept", [kill.lost for kill in kills]),
        ("  of them already answered", [kill.arriving for kill in kills]),
        ("requests paid twice", [kill.repeated for kill in kills]),
        ("  of them kept before; must be 0", [kill.paid_again for kill in kills]),
    ):
        print(
            f"{what:34} median {statistics.median(numbers):5.0f}  most {max(numbers):5}  "
            f"all {sum(numbers):6,}"
        )
    print(f"\nresults: {'the same bytes' if found.same else found.differing}")
    print(f"requests: {'the same' if found.same_requests else 'OTHERS'}")
    print("it holds" if found.holds else "IT DOES NOT HOLD")


def main() -> int:
    """Runs the benchmark that the command line describes; 0 where all holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per request")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0, help="decides when to kill")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        asyncio.run(serve(options.latency, options.serve))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = account(
            Path(folder),
            kills=options.kills,
            latency=options.latency,
            steps=options.steps,
            seed=options.seed,
        )
    if options.json:
        print(json.dumps({**asdict(found), "holds": found.holds}, indent=2))
    else:
        _print(found)
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
