"""Headroom: how much can a prompt matter, for this node and on these data?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from langnet.data import Example
from langnet.diagnose.bench import Bench, matrix
from langnet.diagnose.statistics import Spread, realisable, spread
from langnet.diagnose.trial import Trial
from langnet.diagnose.variants import Variant
from langnet.diagnose.verdict import Bars, Judgement, Verdict, is_able, is_clear, judge
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Interval, Metric

__all__ = ["Headroom", "Tried", "constant_answer", "headroom"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A variant and how it did on the screening examples.

    Attributes:
        variant: the prompt.
        metric: its mean.
        logprob: mean log p(target) in nats; None where it was not to be had.
        gain: the metric less that of the current prompt; None for the current prompt itself. The
            intervals of all variants hold at once, so the best one may be looked at.
    """

    variant: Variant
    metric: float
    logprob: float | None
    gain: Interval | None


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much one prompt matters.

    Attributes:
        prompt: its name.
        tried: the variants, the current prompt first.
        best: the position of the variant that is judged: the best one but for the current prompt.
        spread: how far the variants lie apart in truth.
        realisable: the gain of choosing on half of the screening examples, judged on the others.
        judgement: what decides.
        verdict: "go", "no-go" or "unclear".
        reason: why, in words.
        examples_needed: about how many examples would tell, where the verdict is "unclear".
    """

    prompt: str
    tried: tuple[Tried, ...]
    best: int
    spread: Spread
    realisable: float
    judgement: Judgement
    verdict: Verdict
    reason: str
    examples_needed: int | None


def constant_answer(examples: Sequence[Example], target: str, metric: Metric) -> str:
    """The target that does best as the answer to every example: the most common of them."""
    counts = Counter(example.targets[target] for example in examples)
    return max(
        sorted(counts, key=lambda text: (-counts[text], text)),
        key=lambda text: math.fsum(n * float(metric(text, other)) for other, n in counts.items()),
    )


async def headroom(
    bench: Bench,
    graph: Graph,
    prompt: str,
    tried: Sequence[Variant],
    *,
    screening: Sequence[Example],
    confirming: Sequence[Example],
    constant: str,
    bars: Bars,
    risk: float,
    key: Key,
) -> Headroom:
    """Tries variants of one prompt; the others stay as they are.

    All variants are tried on the screening examples. Where these do not decide already, the best
    ones and the current prompt meet on examples that have not been seen.

    Args:
        bench: runs the networks.
        graph: the network as it is.
        prompt: which prompt varies.
        tried: its variants, the current one first, at least two.
        screening: examples that all variants see, at least two.
        confirming: examples for the best ones; may be empty.
        constant: the best answer that is always the same.
        bars: what a gain is held against.
        risk: the share of cases in which "go" is said although no variant gains, at most. The
            looks at the data share it: half of it belongs to the screening examples.
        key: where resampling comes from.

    Raises:
        TooManyFailures: too many examples failed under the current prompt.
    """
    networks = tuple(graph.with_prompts({prompt: variant.text}) for variant in tried)
    trial = Trial(bench, networks, prompt, constant, bars, risk, key)
    columns = await trial.columns(screening)
    gains, judgements = trial.screened(columns, screening, is_only=not confirming)
    ranked = trial.ranked(columns)
    best, judgement = ranked[0], judgements[ranked[0]]
    values = matrix(columns)
    expected = half = realisable(values, key=key / "halves")
    most = max(math.inf if gain.high is None else gain.high for gain in gains)
    decided = is_clear(judgement, bars) or (is_able(judgement) and most < bars.interest)
    if confirming and not decided:
        best, judgement = await trial.confirmed(ranked, confirming)
        expected = judgement.gain.mean
    rows = tuple(
        Tried(
            variant,
            float(np.mean(column.values)),
            None if column.logprobs is None else float(np.mean(column.logprobs)),
            gain,
        )
        for variant, column, gain in zip(tried, columns, (None, *gains), strict=True)
    )
    ruling = judge(
        judgement, bars, expected=expected, tried=len(tried), best=tried[best], constant=constant
    )
    return Headroom(prompt, rows, best, spread(values), half, judgement, *ruling)
