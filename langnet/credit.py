"""Credit: after a fit, which prompt brought the gain?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from langnet.data import Example
from langnet.errors import GraphError
from langnet.evaluate import evaluate
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Interval, Metric, exact, interval, paired_interval
from langnet.program import Models, Program
from langnet.vi.score import Floats

__all__ = ["Credit", "Share", "credit", "subsets"]

_MOST_FOR_SHAPLEY = 3
"""Changed prompts up to which all 2^n networks are evaluated."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one prompt brought, as mean paired differences of the metric with intervals.

    Attributes:
        prompt: its name.
        swap_back: the fitted network less the same with this prompt put back.
        leave_in: the initial network with this prompt alone fitted, less the initial one.
        shapley: its marginal gain, averaged over all orders in which the prompts could have been
            changed (Shapley 1953); these add up to the whole gain. None where too many prompts
            changed for all their combinations to be run.
    """

    prompt: str
    swap_back: Interval
    leave_in: Interval
    shapley: Interval | None


@dataclass(frozen=True, slots=True)
class Credit:
    """How the gain of a fit is divided among its prompts.

    Attributes:
        before: the metric of the initial network.
        after: the metric of the fitted network.
        gain: the paired difference.
        shares: one for every prompt that changed, parents before children.
        interaction: the gain less the sum of what each prompt brings alone: above 0 where the
            prompts need each other, below where each does what another does.
        unchanged: the names of the prompts that the fit left as they were.
        networks: how many different networks were run.
    """

    before: Interval
    after: Interval
    gain: Interval
    shares: tuple[Share, ...]
    interaction: Interval
    unchanged: tuple[str, ...]
    networks: int

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


async def credit(
    initial: Graph,
    fitted: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[str], None] | None = None,
) -> Credit:
    """Divides the gain of a fit among its prompts.

    Every network sees the same examples with the same draws, so what differs is the prompts'. The
    draws are those of `compare` for the same seed, and so is the gain.

    Args:
        initial: the network before the fit.
        fitted: the same network with other prompts.
        examples: neither trained nor validated on.
        models: what the nodes call.
        metric: of a prediction and a target.
        seed: what every draw's seed is derived from.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail in each network; they count as 0.
        on_example: is told the name of a network after each of its examples.

    Raises:
        GraphError: the networks differ in more than their prompts.
        DataError: there are no examples, or one has no target.
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    old, new = initial.prompts, fitted.prompts
    if old.keys() != new.keys() or initial.with_prompts(new) != fitted:
        raise GraphError(
            "the networks differ in more than their prompts, so no prompt can be given credit; "
            "compare a network with its own fit"
        )
    changed = tuple(name for name in old if old[name] != new[name])
    key = Key(("test", seed))
    values: dict[frozenset[str], Floats] = {}
    for taken in subsets(changed):
        name = _described(taken, changed)
        found = await evaluate(
            Program(initial.with_prompts({prompt: new[prompt] for prompt in taken}), models),
            examples,
            metric=metric,
            key=key,
            concurrency=concurrency,
            max_failures=max_failures,
            on_example=None if on_example is None else _told(on_example, name),
        )
        values[taken] = np.array(found.values)
    nothing, everything = values[frozenset()], values[frozenset(changed)]
    alone = {name: values[frozenset({name})] - nothing for name in changed}
    remainder = everything - nothing - sum(alone.values(), start=np.zeros(len(examples)))
    return Credit(
        interval(nothing.tolist(), key=key),
        interval(everything.tolist(), key=key),
        paired_interval(nothing.tolist(), everything.tolist(), key=key),
        tuple(
            Share(
                name,
                interval((everything - values[frozenset(changed) - {name}]).tolist(), key=key),
                interval(alone[name].tolist(), key=key),
                _shapley(name, changed, values, key),
            )
            for name in changed
        ),
        interval(remainder.tolist(), key=key),
        tuple(name for name in old if name not in changed),
        len(values),
    )


def subsets(changed: Sequence[str]) -> tuple[frozenset[str], ...]:
    """The sets of prompts whose fitted texts are put into a network each, every set once.

    None, each one alone, all but one, and all; with few prompts every set there is.
    """
    count = len(changed)
    sizes = set(range(count + 1)) if count <= _MOST_FOR_SHAPLEY else {0, 1, count - 1, count}
    return tuple(
        frozenset(taken) for size in sorted(sizes) for taken in combinations(changed, size)
    )


def _shapley(
    name: str, changed: Sequence[str], values: Mapping[frozenset[str], Floats], key: Key
) -> Interval | None:
    """Σ over sets S without the prompt of |S|! (n − |S| − 1)! / n! · (V(S + it) − V(S))."""
    count = len(changed)
    if count > _MOST_FOR_SHAPLEY:
        return None
    others = [other for other in changed if other != name]
    total = np.zeros_like(values[frozenset()])
    for size in range(count):
        weight = 1 / (count * math.comb(count - 1, size))
        for taken in map(frozenset, combinations(others, size)):
            total += weight * (values[taken | {name}] - values[taken])
    return interval(total.tolist(), key=key)


def _described(taken: frozenset[str], changed: Sequence[str]) -> str:
    if len(taken) == len(changed):
        return "fitted"
    return f"with {', '.join(name for name in changed if name in taken)}" if taken else "initial"


def _told(on_example: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: on_example(name)
