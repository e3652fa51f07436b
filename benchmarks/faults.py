"""What becomes of calls to a server that misbehaves: every one is accounted for.

    python benchmarks/faults.py [--calls 10000] [--rate 0.3] [--concurrency 200] [--seed 0] [--json]

A graph of one node runs over as many examples as there are calls, against `faulty_server.py`, which
goes wrong at the given rate with every kind of fault, mixed. Each example must end as the right
answer or as a recorded error that names the node and the example; none may be lost or come twice;
and the meter must have counted the calls that the server would bill. Which faults each call meets
is a function of the call, so the number of right answers is known beforehand as well.

It ends with status 1 where anything does not add up. Everything stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from faulty_server import FAULTS, FINAL, FaultyServer, Plan, answer_to, mixed, serving

from langnet import Example, Graph, Input, Key, Node, Program
from langnet.lm.meter import Meter, Metered
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries, Retrying
from langnet.run import stream
from langnet.trace import Failure

GRAPH = Graph(Input("text"), Node("reply", "Question {text}", trainable=False))
KEY = Key(("faults",))
SECRET = "sk-made-up-for-this-benchmark"  # noqa: S105
RETRIES = Retries(first_wait=0.02, longest_wait=0.2, call_deadline=120.0)
# Refusals are left out: they would hide in their number what may pass.
KINDS = tuple(kind for kind in FAULTS if kind not in {"400", "401"})
TIMEOUT = 3.0
"""Seconds of silence. A busy machine takes some for what the server answers at once."""


@dataclass(frozen=True)
class Account:
    """What became of the calls.

    Attributes:
        examples: how many there were.
        right: right answers.
        wrong: other answers; must be none.
        errors: recorded errors by kind.
        unnamed: errors that do not name the node and the example; must be none.
        leaked: errors that show the API key; must be none.
        lost: examples without an outcome; must be none.
        duplicated: outcomes too many; must be none.
        foreseen: right answers by the plan of faults.
        billed: requests that the server saw.
        metered: calls that the meter counted.
        retries: those of them that were made again.
        waited: seconds waited for them, added up.
        failed: calls that failed, by the meter.
        faults: faults that the server made.
        seconds: how long it took.
        cpu: processor time of client and server together, in seconds.
    """

    examples: int
    right: int
    wrong: int
    errors: dict[str, int]
    unnamed: int
    leaked: int
    lost: int
    duplicated: int
    foreseen: int
    billed: int
    metered: int
    retries: int
    waited: float
    failed: int
    faults: dict[str, int]
    seconds: float
    cpu: float

    @property
    def adds_up(self) -> bool:
        """Whether every call is accounted for."""
        return (
            not (self.wrong or self.unnamed or self.leaked or self.lost or self.duplicated)
            and self.right + sum(self.errors.values()) == self.examples
            and self.right == self.foreseen
            and self.billed == self.metered == self.examples + self.retries
            and self.failed == sum(self.faults.values())
        )


def succeeds(plan: Plan, request: str) -> bool:
    """Whether a call must end as an answer under a plan of faults."""
    for times in range(RETRIES.attempts):
        fault = plan(request, times)
        if fault is None:
            return True
        if fault in FINAL:
            return False
    return False


async def account(
    calls: int, rate: float, concurrency: int, seed: int, kinds: Sequence[str] = KINDS
) -> Account:
    """Runs the examples, and says what became of them."""
    plan = mixed(rate, kinds, seed)
    names = [str(number) for number in range(calls)]
    meter = Meter()
    outcomes: list[Any] = []
    began, cpu = time.perf_counter(), time.process_time()
    async with serving(plan, pause=0.05) as server:
        server_model = OpenAIModel("toy", base_url=server.url, api_key=SECRET, timeout=TIMEOUT)
        model = Retrying(Metered(server_model, meter), RETRIES, meter=meter)
        try:
            async with stream(
                Program(GRAPH, model),
                (Example(name, {"text": name}) for name in names),
                key=KEY,
                concurrency=concurrency,
                ordered=False,
                max_failures=1.0,
            ) as running:
                outcomes = [outcome async for outcome in running]
        finally:
            await model.aclose()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    foreseen = sum(succeeds(plan, request) for request in server.arrivals)
    return _account(names, outcomes, server, meter, foreseen, (seconds, cpu))


def _account(
    names: list[str],
    outcomes: Iterable[Any],
    server: FaultyServer,
    meter: Meter,
    foreseen: int,
    times: tuple[float, float],
) -> Account:
    right = wrong = unnamed = leaked = 0
    errors: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    answers = {request.split()[1]: answer_to(request) for request in server.arrivals}
    for outcome in outcomes:
        ended[outcome.example] += 1
        if isinstance(outcome, Failure):
            notes = "\n".join(getattr(outcome.error, "__notes__", ()))
            errors[type(outcome.error).__name__] += 1
            unnamed += f"at node 'reply' of example {outcome.example!r}" not in notes
            leaked += SECRET in f"{outcome.error!r} {outcome.error.__cause__!r} {notes}"
        elif outcome["reply"] == answers[outcome.example]:
            right += 1
        else:
            wrong += 1
    reading = meter.snapshot()
    return Account(
        examples=len(names),
        right=right,
        wrong=wrong,
        errors=dict(errors),
        unnamed=unnamed,
        leaked=leaked,
        lost=len(set(names) - set(ended)),
        duplicated=ended.total() - len(ended),
        foreseen=foreseen,
        billed=server.billed,
        metered=reading.calls,
        retries=reading.retries,
        waited=reading.waited,
        failed=reading.errors,
        faults=dict(server.faults),
        seconds=times[0],
        cpu=times[1],
    )


def _print(found: Account) -> None:
    print(f"{found.examples:,} calls in {found.seconds:.1f} s, {found.cpu:.1f} s of CPU\n")
    for what, number in (
        ("right answers", found.right),
        ("  foreseen", found.foreseen),
        *((kind, number) for kind, number in sorted(found.errors.items())),
        ("wrong answers", found.wrong),
        ("errors without node and example", found.unnamed),
        ("errors that show the key", found.leaked),
        ("lost", found.lost),
        ("duplicated", found.duplicated),
        ("billed, by the server", found.billed),
        ("billed, by the meter", found.metered),
        ("  of them retries", found.retries),
        ("failed, by the server", sum(found.faults.values())),
        ("failed, by the meter", found.failed),
    ):
        print(f"{what:32}{number:>9,}")
    print("\nfaults")
    for kind, number in sorted(found.faults.items()):
        print(f"  {kind:30}{number:>9,}")
    print("\neverything adds up" if found.adds_up else "\nIT DOES NOT ADD UP")


def main() -> int:
    """Runs the benchmark that the command line describes; 0 where everything adds up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(account(options.calls, options.rate, options.concurrency, options.seed))
    if options.json:
        print(json.dumps({**asdict(found), "adds_up": found.adds_up}, indent=2))
    else:
        _print(found)
    return 0 if found.adds_up else 1


if __name__ == "__main__":
    sys.exit(main())
