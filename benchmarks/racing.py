"""Whether a race among candidate prompts finds the winner of full scoring, and what it costs.

    python -m benchmarks.racing [--json] [--problems 200] [--record]

A problem is a matrix of scores as (example, candidate), of which candidate 0 is the incumbent. A
pick is *strict* where its mean is that of the winner of full scoring, and *within* where the
winner's lead over it, the mean paired difference over all examples, is at most one standard error
of that mean (ddof 1). *Regret* is the mean lead in the units of the scores. *Calls* are the
evaluations as a share of those of full scoring: the mean over problems, and the largest. Where
the incumbent's scores are known, full scoring would not take them either.

Synthetic problems have 8 to 25 candidates and 20 to 60 examples of two labels. A fifth of the
candidates is better, a quarter worse, often by much, and the rest near the incumbent; each leans
to one of the labels, reacts to the difficulty of examples in its own measure, and meets single
examples with noise of heavy tails (Student's t with 3 degrees of freedom). The metric is whether
log-odds built in the same way are positive. Recorded problems are random candidates on random
examples of recordings from fits on the embedded model (record_scores.py); those of one recording
overlap.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.record_scores import Recording, record, recordings
from langnet.key import Key
from langnet.vi.race import Racing, race

Floats = NDArray[np.float64]
SHARE = 1 / 3
FEWEST, MOST = 8, 25
"""Candidates of a problem."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Scores as (example, candidate), and the examples' labels."""

    scores: Floats
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a method did on problems; see the module."""

    within: float
    strict: float
    regret: float
    calls: float
    most_calls: float


Pick = Callable[[Problem, Key], Awaitable[tuple[int, float]]]
"""A method: gives its pick, and the share of full scoring that it evaluated."""


def synthetic(kind: str, number: int) -> Problem:
    """The problem of that number; the kind is "nats" or "metric"."""
    rng = np.random.default_rng(Key(("racing", kind, number)).seed)
    candidates = int(rng.integers(FEWEST, MOST + 1))
    examples = int(rng.integers(20, 61))
    side = np.where(rng.permutation(examples) % 2 == 0, 1.0, -1.0)
    lot = rng.random(candidates)
    effect = rng.normal(0, 0.06, candidates)
    effect = np.where(lot < 0.25, -rng.exponential(0.6, candidates), effect)
    effect = np.where(lot > 0.8, np.abs(rng.normal(0, 0.15, candidates)), effect)
    effect[0] = 0
    lean = rng.normal(0, 0.25, candidates)
    noise = rng.uniform(0.03, 0.2, candidates) * rng.standard_t(3, (examples, candidates))
    if kind == "nats":
        difficulty = rng.gamma(1.5, 0.5, examples)[:, None]
        slope = np.exp(rng.normal(0, 0.15, candidates))
        scores = effect + side[:, None] * lean + noise - slope * difficulty
    else:
        ability = rng.normal(0.6, 1.2, examples)[:, None]
        odds = ability + 2 * effect + 4 * (side[:, None] * lean + noise)
        scores = (odds > 0).astype(np.float64)
    return Problem(scores, tuple("+" if one > 0 else "-" for one in side))


def sampled(recording: Recording, kind: str, number: int) -> Problem:
    """Random candidates on random examples of a recording, one of its incumbents first."""
    name = (recording["network"], recording["task"], recording["seed"])
    rng = np.random.default_rng(Key(("racing", *name, kind, number)).seed)
    scores = np.array(recording["scores"])
    examples, candidates = scores.shape
    incumbent = int(rng.choice(recording["incumbents"]))
    others = [place for place in rng.permutation(candidates) if place != incumbent]
    field = [incumbent, *others[: int(rng.integers(FEWEST, min(MOST, candidates) + 1)) - 1]]
    rows = rng.permutation(examples)[: int(rng.integers(20, min(60, examples) + 1))]
    if kind == "metric":
        scores = (scores > math.log(0.5)).astype(np.float64)
    return Problem(scores[np.ix_(rows, field)], tuple(recording["targets"][row] for row in rows))


async def raced(
    problem: Problem, key: Key, *, balanced: bool = True, known: bool = False
) -> tuple[int, float]:
    """The race of langnet, told the labels and the incumbent's scores or not."""

    async def score(examples: Sequence[int], candidates: Sequence[int]) -> Floats:
        return problem.scores[np.ix_(examples, candidates)]

    examples, candidates = problem.scores.shape
    found = await race(
        score,
        examples=examples,
        candidates=candidates,
        settings=Racing(share=SHARE),
        key=key,
        strata=problem.labels if balanced else None,
        incumbent=problem.scores[:, 0] if known else None,
    )
    return found.winner, found.evaluated / found.full


async def subsample(problem: Problem, key: Key) -> tuple[int, float]:
    """All candidates on a third of the rows."""
    examples, candidates = problem.scores.shape
    rows = _order(problem, key)[: max(1, int(SHARE * examples))]
    return int(np.argmax(problem.scores[rows].mean(axis=0))), len(
        rows
    ) * candidates / problem.scores.size


async def halving(problem: Problem, key: Key) -> tuple[int, float]:
    """Sequential halving (Karnin et al. 2013): half the field goes each round, equal budgets."""
    examples, candidates = problem.scores.shape
    order, alive, seen, spent = _order(problem, key), np.arange(candidates), 0, 0
    rounds = math.ceil(math.log2(candidates))
    for _ in range(rounds):
        budget = SHARE * problem.scores.size / rounds
        rows = min(examples - seen, max(1, int(budget / len(alive))))
        seen, spent = seen + rows, spent + rows * len(alive)
        means = problem.scores[np.ix_(order[:seen], alive)].mean(axis=0)
        alive = np.sort(alive[np.argsort(-means, kind="stable")[: math.ceil(len(alive) / 2)]])
    return int(alive[0]), spent / problem.scores.size


async def rejects(problem: Problem, key: Key) -> tuple[int, float]:
    """Successive rejects (Audibert et al. 2010): the worst goes in each of many rounds."""
    examples, candidates = problem.scores.shape
    order, alive, seen, spent = _order(problem, key), list(range(candidates)), 0, 0
    budget = int(SHARE * problem.scores.size)
    norm = 0.5 + sum(1 / rank for rank in range(2, candidates + 1))
    for phase in range(1, candidates):
        upto = math.ceil((budget - candidates) / (norm * (candidates + 1 - phase)))
        upto = min(examples, upto)
        spent, seen = spent + (upto - seen) * len(alive), upto
        means = problem.scores[np.ix_(order[:seen], alive)].mean(axis=0)
        alive.pop(len(alive) - 1 - int(np.argmin(means[::-1])))
    return alive[0], spent / problem.scores.size


def _order(problem: Problem, key: Key) -> list[int]:
    rows = list(range(len(problem.scores)))
    key.rng().shuffle(rows)
    return rows


METHODS: Mapping[str, Pick] = {
    "race": raced,
    "race, labels not given": partial(raced, balanced=False),
    "race, incumbent known": partial(raced, known=True),
    "a third of the rows": subsample,
    "sequential halving": halving,
    "successive rejects": rejects,
}


async def verdict(pick: Pick, problems: Sequence[Problem], key: Key) -> Verdict:
    """What a method does on problems."""
    within, strict, regrets, calls = [], [], [], []
    for number, problem in enumerate(problems):
        chosen, share = await pick(problem, key / number)
        means = problem.scores.mean(axis=0)
        winner = int(np.argmax(means))
        lead = problem.scores[:, winner] - problem.scores[:, chosen]
        error = lead.std(ddof=1) / math.sqrt(len(lead))
        within.append(lead.mean() <= error + 1e-12)
        strict.append(means[chosen] >= means[winner] - 1e-12)
        regrets.append(lead.mean())
        calls.append(share)
    return Verdict(
        *(float(np.mean(values)) for values in (within, strict, regrets, calls)), max(calls)
    )


def problem_sets(count: int) -> Iterator[tuple[str, list[Problem]]]:
    """Named sets of problems: two synthetic ones, and those of each network and kind."""
    for kind in ("nats", "metric"):
        yield f"synthetic, {kind}", [synthetic(kind, number) for number in range(count)]
    by_network: dict[str, list[Recording]] = {}
    for recording in recordings():
        by_network.setdefault(recording["network"], []).append(recording)
    for network, members in by_network.items():
        # The metric of a hidden text is not recorded.
        for kind in ("nats", "metric") if network == "dln1" else ("nats",):
            share = math.ceil(count / len(members))
            problems = [sampled(one, kind, number) for one in members for number in range(share)]
            yield f"recorded {network}, {kind}", problems[:count]


async def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Races against full scoring.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--problems", type=int, default=200, help="in each set")
    parser.add_argument(
        "--record",
        nargs="*",
        type=int,
        metavar="N",
        help="record anew on the embedded model: all fits, or those of these numbers",
    )
    arguments = parser.parse_args()
    if arguments.record is not None:
        await record(*([arguments.record] if arguments.record else []))
    table = {
        name: {
            method: await verdict(pick, problems, Key(("study", name)))
            for method, pick in METHODS.items()
        }
        for name, problems in problem_sets(arguments.problems)
    }
    if arguments.json:
        print(
            json.dumps(
                {name: {m: asdict(v) for m, v in row.items()} for name, row in table.items()}
            )
        )
        return
    for name, row in table.items():
        print(f"\n| {name} | within | strict | regret | calls | most |\n|---|---|---|---|---|---|")
        for method, found in row.items():
            print(
                f"| {method} | {found.within:.3f} | {found.strict:.3f} | {found.regret:.4f} | "
                f"{found.calls:.3f} | {found.most_calls:.3f} |"
            )


if __name__ == "__main__":
    asyncio.run(main())
