"""Coupling: does the best prompt of one node depend on the prompt of another?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from langnet.data import Example
from langnet.diagnose.bench import Bench, Column
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Interval, interval

__all__ = ["Coupling", "couplings"]


@dataclass(frozen=True, slots=True)
class Coupling:
    """A small factorial of two prompts: each as it is, and changed.

    With V(a, b) the metric of an example, the effect of changing the first prompt is
    V(1, 0) − V(0, 0) with the second as it is, and V(1, 1) − V(0, 1) with it changed. The
    interaction is the second less the first; it is 0 where the prompts' effects add up.

    Attributes:
        prompts: the names of both.
        changed: what they are changed to.
        alone: the effect of the first, with the second as it is.
        together: the effect of the first, with the second changed.
        interaction: the paired contrast on the same examples and draws.
        logprob_interaction: the same of log p(target), in nats; None where unknown.
        verdict: "joint" where the interaction is clear, "separate" where it is smaller than what
            is of interest, else "unclear".
        reason: the same in words.
        fresh: whether the changes were chosen on other examples; the interaction is understated
            where they were not.
    """

    prompts: tuple[str, str]
    changed: tuple[str, str]
    alone: Interval
    together: Interval
    interaction: Interval
    logprob_interaction: Interval | None
    verdict: Literal["joint", "separate", "unclear"]
    reason: str
    fresh: bool


async def couplings(
    bench: Bench,
    graph: Graph,
    changes: Mapping[str, str],
    examples: Sequence[Example],
    *,
    fresh: bool,
    most: int,
    worthwhile: float,
    key: Key,
) -> tuple[Coupling, ...]:
    """The coupling of every pair of prompts, up to a number of pairs.

    Args:
        bench: runs the networks.
        graph: the network as it is.
        changes: another text for each prompt, those that matter most first.
        examples: what the factorial is run on.
        fresh: whether the changes were chosen on other examples.
        most: pairs, at most; the first changes are paired first.
        worthwhile: the smallest interaction that would be of interest.
        key: where resampling comes from.

    Raises:
        TooManyFailures: too many examples failed under the current prompts.
    """
    pairs = sorted(combinations(changes, 2), key=lambda pair: _rank(pair, list(changes)))[:most]
    found = []
    for one, other in pairs:
        bench.phase(f"coupling of {one} and {other}", 4 * len(examples))
        cells: dict[tuple[bool, bool], Column] = {}
        for cell in ((False, False), (True, False), (False, True), (True, True)):
            texts = {
                name: changes[name]
                for name, is_changed in zip((one, other), cell, strict=True)
                if is_changed
            }
            cells[cell] = await bench.column(
                graph.with_prompts(texts), examples, tolerant=any(cell)
            )
        found.append(
            _coupling(
                (one, other),
                (changes[one], changes[other]),
                cells,
                fresh,
                worthwhile,
                key.below("coupling", one, other),
            )
        )
    return tuple(found)


def _coupling(
    prompts: tuple[str, str],
    changed: tuple[str, str],
    cells: Mapping[tuple[bool, bool], Column],
    fresh: bool,
    worthwhile: float,
    key: Key,
) -> Coupling:
    values = {cell: np.array(column.values) for cell, column in cells.items()}
    alone = values[True, False] - values[False, False]
    together = values[True, True] - values[False, True]
    interaction = interval((together - alone).tolist(), key=key)
    verdict, reason = _judged(prompts, interaction, worthwhile)
    return Coupling(
        prompts,
        changed,
        interval(alone.tolist(), key=key),
        interval(together.tolist(), key=key),
        interaction,
        _in_nats(cells, key),
        verdict,
        reason,
        fresh,
    )


def _judged(
    prompts: tuple[str, str], found: Interval, worthwhile: float
) -> tuple[Literal["joint", "separate", "unclear"], str]:
    names = f"{prompts[0]} and {prompts[1]}"
    if found.low is None or found.high is None:
        return "unclear", f"one example says nothing about how {names} work together."
    ends = f"interaction {found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
    ends = ends.replace("-", "\N{MINUS SIGN}")
    if found.low > 0 or found.high < 0:
        return "joint", f"what {prompts[0]} gains depends on {prompts[1]}: {ends}; fit them jointly"
    if max(-found.low, found.high) <= worthwhile:
        return "separate", f"{names} do not depend on each other: {ends}; one at a time will do"
    reason = (
        f"no interaction of {names} is seen on {found.n} examples, nor ruled out: {ends}; "
        "fitting them jointly is safe"
    )
    return "unclear", reason


def _in_nats(cells: Mapping[tuple[bool, bool], Column], key: Key) -> Interval | None:
    logs = {}
    for cell, column in cells.items():
        if column.logprobs is None or not all(map(math.isfinite, column.logprobs)):
            return None
        logs[cell] = np.array(column.logprobs)
    contrast = logs[True, True] - logs[False, True] - logs[True, False] + logs[False, False]
    return interval(contrast.tolist(), key=key / "logprob")


def _rank(pair: tuple[str, str], order: Sequence[str]) -> tuple[int, int]:
    first, second = (order.index(name) for name in pair)
    return first + second, first
