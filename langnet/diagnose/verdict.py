"""The verdict on one prompt: go, no-go or unclear, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from langnet.diagnose.statistics import needed
from langnet.diagnose.variants import Variant
from langnet.metrics import Interval

__all__ = ["Bars", "Judgement", "Ruling", "Verdict", "is_able", "is_clear", "judge"]

Verdict = Literal["go", "no-go", "unclear"]

_FEWEST = 20
"""Examples below which a gain that is not seen says little."""
_WITHIN_REACH = 120
_TIMES_MORE = 2.5
"""What would tell must not take more examples than this, or than so many times those at hand.

At chance a gain may seem to be there by luck alone; one that is so faint is no reason to go on."""
_SHOWN = 60
"""Characters of a prompt that a sentence shows."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The best variant against the current prompt and against a constant answer.

    Attributes:
        fresh: whether it was judged on examples that it was not chosen on.
        metric: its mean.
        current: the mean of the current prompt on the same examples.
        gain: the paired difference of the two.
        advantage: its metric less that of the best answer that is always the same.
        logprob_gain: the paired difference of log p(target) in nats; None where unknown.
    """

    fresh: bool
    metric: float
    current: float
    gain: Interval
    advantage: Interval
    logprob_gain: Interval | None


class Ruling(NamedTuple):
    """A verdict, why, and about how many examples would tell where it is unclear."""

    verdict: Verdict
    reason: str
    examples_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """What a gain is held against, in the units of the metric.

    Attributes:
        at_least: the gain that must be surpassed for certain.
        worthwhile: the smallest gain that would be of interest.
    """

    at_least: float = 0.0
    worthwhile: float = 0.05

    @property
    def interest(self) -> float:
        """The smallest gain worth another look."""
        return max(self.at_least, self.worthwhile)


def is_able(found: Judgement) -> bool:
    """Whether the variant clearly does better than any answer that is always the same."""
    return found.advantage.low is not None and found.advantage.low > 0


def is_clear(found: Judgement, bars: Bars) -> bool:
    """Whether the gain is above what is asked for, and not one that a constant brings as well."""
    return is_able(found) and found.gain.low is not None and found.gain.low > bars.at_least


def judge(
    found: Judgement, bars: Bars, *, expected: float, tried: int, best: Variant, constant: str
) -> Ruling:
    """Rules on one prompt.

    "go" where the lower ends of the gain and of the advantage over a constant answer are clear.
    "unclear" where both seem to be there and more examples would tell, or where there are too few
    to tell anything. Otherwise "no-go": nothing was seen that a fit could be expected to find.

    Args:
        found: the best variant against the current prompt.
        bars: what the gain is held against.
        expected: the gain to be expected on other examples.
        tried: how many variants there were.
        best: the best of them.
        constant: the best answer that is always the same.
    """
    gain, advantage = found.gain, found.advantage
    named = _named(best)
    where = f"on {gain.n} {'fresh ' if found.fresh else ''}examples"
    figures = f"{_signed(gain.mean)} ({_ends(gain)}) {where}"
    if is_clear(found, bars):
        others = "" if found.fresh else f"; {_signed(expected)} is to be expected on others"
        return Ruling("go", f"{named} gains {figures}{others}.")
    more = _examples_needed(found, bars, expected)
    if gain.n < _FEWEST:
        more = max(more or 0, _FEWEST)
        return Ruling("unclear", f"{named} gains {figures}: too few to tell; take {more}.", more)
    if more is not None:
        doubt = "which may be chance"
        if not is_able(found):
            doubt = (
                f"but it is not clearly better than always answering {constant!r}: "
                f"{_signed(advantage.mean)} ({_ends(advantage)})"
            )
        reason = f"{named} seems to gain {figures}, {doubt}; about {more} examples would tell."
        return Ruling("unclear", reason, more)
    if not is_able(found):
        reason = (
            f"the network does no better than always answering {constant!r}, and no variant of the "
            f"prompt changes that: the best of {tried} scores {found.metric:.2f}, "
            f"{_signed(advantage.mean)} ({_ends(advantage)}) against a constant, {where}. Another "
            "model or layout may."
        )
        return Ruling("no-go", reason)
    if gain.high is not None and gain.high < bars.interest:
        reason = (
            f"the prompt hardly matters: none of {tried} gains as much as {bars.interest:g}; the "
            f"best, {named}, {figures}."
        )
        return Ruling("no-go", reason)
    by = f" by {bars.at_least:g}" if bars.at_least else ""
    reason = (
        f"none of {tried} prompts is clearly better than the current one{by}; the best other one, "
        f"{named}, {figures}."
    )
    return Ruling("no-go", reason)


def _examples_needed(found: Judgement, bars: Bars, expected: float) -> int | None:
    """About how many examples would make it clear; None where it does not look promising."""
    if expected < bars.interest or found.advantage.mean < bars.worthwhile:
        return None
    gain, advantage = needed(found.gain, bars.at_least), needed(found.advantage, 0.0)
    if gain is None or advantage is None:
        return None
    more = max(gain, advantage)
    return more if more <= max(_WITHIN_REACH, _TIMES_MORE * found.gain.n) else None


def _named(variant: Variant) -> str:
    if variant.origin in {"empty", "irrelevant"}:
        return f"the {variant.origin} prompt"
    text = " ".join(variant.text.split())
    return f"“{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}”"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _ends(found: Interval) -> str:
    if found.low is None or found.high is None:
        return "no interval"
    return f"{_signed(found.low)} to {_signed(found.high)}"
