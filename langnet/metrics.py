"""Metrics of texts, and what can be said about their means.

A metric is a pure function of a prediction and a target, both texts, and gives a number between 0
and 1, higher for better, or such a number with feedback in words (`Marked`). Any function of that
kind will do; those here also go by name in `METRICS`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import numpy as np

from langnet.bootstrap import bootstrap_ends
from langnet.errors import DataError
from langnet.key import Key

__all__ = [
    "METRICS",
    "Interval",
    "Marked",
    "Metric",
    "confusion",
    "contains",
    "exact",
    "interval",
    "last_number",
    "macro_f1",
    "normalise",
    "number",
    "paired_interval",
    "starts_with",
]


@dataclass(frozen=True, slots=True)
class Marked:
    """What a metric found, with words that say why.

    The words reach the model that proposes prompts (as in GEPA, Agrawal et al. 2025); numbers
    alone decide between prompts.

    >>> float(Marked(0.5, "the unit is missing"))
    0.5

    Attributes:
        value: between 0 and 1, higher for better.
        feedback: what is wrong, or what was done well; empty where there is nothing to say.
    """

    value: float
    feedback: str

    def __float__(self) -> float:
        """The value."""
        return float(self.value)


Metric = Callable[[str, str], float | Marked]
"""A prediction and a target to a number between 0 and 1, or to one with feedback."""

_AROUND = r"\s\"'`“”‘’«»()\[\]{}<>*_,;:!?…"
# A full stop in front of a digit belongs to a number.
_EDGES = re.compile(rf"^(?:[{_AROUND}]|\.(?!\d))+|[{_AROUND}.]+$")
# A hyphen after a letter, a digit or a bracket joins or subtracts; elsewhere it is a sign.
_NUMBER = re.compile(
    r"(?:(?<![\w)])-)?(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d{1,3}\b)?",
    re.ASCII | re.IGNORECASE,
)


def normalise(text: str) -> str:
    """The text without case, repeated white space, and the quotes and punctuation around it.

    >>> normalise(' "The   Answer." ')
    'the answer'
    """
    folded = " ".join(text.casefold().split())
    return _EDGES.sub("", folded) or folded


def exact(prediction: str, target: str) -> float:
    """1 where the texts are the same once normalised, else 0.

    >>> exact("Yes.", "yes")
    1.0
    """
    return float(normalise(prediction) == normalise(target))


def starts_with(prediction: str, target: str) -> float:
    """1 where the normalised prediction begins with the words of the target, else 0.

    >>> starts_with("No, because it turned back.", "no"), starts_with("nothing", "no")
    (1.0, 0.0)
    """
    return float(re.match(_words(target), normalise(prediction)) is not None)


def contains(prediction: str, target: str) -> float:
    """1 where the words of the target occur in the prediction, both normalised, else 0.

    >>> contains("I think the answer is: Paris!", "paris"), contains("comparison", "paris")
    (1.0, 0.0)
    """
    return float(re.search(_words(target), normalise(prediction)) is not None)


def number(prediction: str, target: str) -> float:
    """1 where the last number in the prediction equals the last in the target, else 0.

    It reads "$1,250.00" as 1250 and pays no heed to units. This is how answers to arithmetic
    problems such as GSM8K's are usually marked (Cobbe et al. 2021).

    Raises:
        DataError: where the target holds no number.

    >>> number("3 + 4 makes 7.00 apples", "7"), number("I do not know", "7")
    (1.0, 0.0)
    """
    wanted = last_number(target)
    if wanted is None:
        raise DataError(f"the target {target!r} holds no number; use another metric, such as exact")
    return float(last_number(prediction) == wanted)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {"contains": contains, "exact": exact, "number": number, "starts_with": starts_with}
)
"""The metrics by name."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its confidence interval, in the units of the values.

    Attributes:
        mean: of the values.
        low: lower end; None where it is unknown, as with a single value.
        high: upper end; None where it is unknown.
        n: how many values.
        confidence: share of such intervals that hold the true mean, in the long run.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    confidence: float


def interval(
    values: Sequence[float],
    *,
    confidence: float = 0.95,
    key: Key | None = None,
    resamples: int = 2000,
) -> Interval:
    """The mean and its bootstrap interval, bias-corrected and accelerated (BCa; Efron 1987).

    Where all values are equal, so are all resamples, and low = high = mean; with few values that
    looks surer than it is. From a single value nothing is known but the mean.

    Args:
        values: independent of each other, such as one metric value per example.
        confidence: in (0, 1).
        key: where the resampling comes from; the same key gives the same interval.
        resamples: of the values, with replacement.

    Raises:
        DataError: where there are no values, or one is not finite.
    """
    if not 0 < confidence < 1:
        raise DataError(f"confidence must lie in (0, 1), not {confidence}")
    n = len(values)
    if n == 0:
        raise DataError("there are no values to take a mean of")
    if not all(map(math.isfinite, values)):
        raise DataError("a value is not a finite number; leave out what is unknown")
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, None, n, confidence)
    if min(values) == max(values):
        return Interval(mean, mean, mean, n, confidence)
    data = np.asarray(values, dtype=np.float64)
    low, high = bootstrap_ends(
        lambda units: np.mean(data[units], axis=-1),
        [n],
        confidence=confidence,
        key=key or Key(),
        resamples=resamples,
    )
    return Interval(mean, low, high, n, confidence)


def paired_interval(
    before: Sequence[float],
    after: Sequence[float],
    *,
    confidence: float = 0.95,
    key: Key | None = None,
    resamples: int = 2000,
) -> Interval:
    """The mean of after minus before on the same examples, and its bootstrap interval.

    Pairing takes out how hard the examples are, so it needs fewer of them than two intervals side
    by side. The difference is clear at this confidence where the interval leaves out 0.

    Raises:
        DataError: where the lengths differ, or as in `interval`.
    """
    if len(before) != len(after):
        raise DataError(
            f"pairs need one value each: there are {len(before)} before and {len(after)} after"
        )
    differences = [late - early for early, late in zip(before, after, strict=True)]
    return interval(differences, confidence=confidence, key=key, resamples=resamples)


def confusion(predictions: Sequence[str], targets: Sequence[str]) -> dict[tuple[str, str], int]:
    """How often each target met each prediction: (target, prediction) to a count, sorted.

    Texts count as they are; give `normalise`d ones where they were written freely.

    Raises:
        DataError: where the lengths differ.
    """
    if len(predictions) != len(targets):
        raise DataError(f"{len(predictions)} predictions do not pair with {len(targets)} targets")
    return dict(sorted(Counter(zip(targets, predictions, strict=True)).items()))


def macro_f1(predictions: Sequence[str], targets: Sequence[str]) -> float:
    """The mean over the targets' labels of F1, the harmonic mean of precision and recall.

    A prediction that is no target's label lowers recall, and is no class of its own.

    Raises:
        DataError: where the lengths differ, or there is nothing to compare.
    """
    counts = confusion(predictions, targets)
    if not counts:
        raise DataError("there are no predictions to compare")
    wanted, given = Counter(targets), Counter(predictions)
    return math.fsum(
        2 * counts.get((label, label), 0) / (wanted[label] + given[label]) for label in wanted
    ) / len(wanted)


def _words(target: str) -> str:
    return rf"(?<!\w){re.escape(normalise(target))}(?!\w)"


def last_number(text: str) -> Decimal | None:
    """The last number in a text, `None` where it holds none.

    >>> last_number("It cost $1,250.00.")
    Decimal('1250.00')
    """
    found = _NUMBER.findall(text.replace("\N{MINUS SIGN}", "-"))
    return Decimal(found[-1].replace(",", "")) if found else None
