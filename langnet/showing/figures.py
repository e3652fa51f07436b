"""Views of comparisons, evaluations, bounds and meters."""

from __future__ import annotations

from collections.abc import Iterator

from langnet.compare import Comparison
from langnet.evaluate import Evaluation
from langnet.lm.reading import MeterReading
from langnet.metrics import interval
from langnet.report.table import measured, verdict
from langnet.report.words import amount, counted, duration
from langnet.showing.blocks import Block, Line, Long, Table, Title
from langnet.showing.traces import failures_view
from langnet.vi.estimate import Bound, Estimate

__all__ = ["bound_view", "comparison_view", "evaluation_view", "reading_view"]

_MOST_ANSWERS = 10


def comparison_view(found: Comparison) -> Iterator[Block]:
    """Both networks with their intervals, the paired gain, and what it says."""
    share = f"{found.gain.confidence:.0%} interval"
    yield Title(f"two networks on {counted(found.gain.n, 'example')}")
    before, after = found.evaluations
    rows = (
        ("before", measured(found.before), str(len(before.failures))),
        ("after", measured(found.after), str(len(after.failures))),
        ("gain, paired", measured(found.gain), ""),
    )
    yield Table(("network", f"metric, {share}", "failed"), rows, frozenset({2}))
    yield Line(verdict(found))


def evaluation_view(found: Evaluation) -> Iterator[Block]:
    """The metric with its interval, the answers that came most often, and the first failures."""
    mean = interval(found.values)
    yield Title(
        f"metric {measured(mean)}, {mean.confidence:.0%} interval, on {counted(mean.n, 'example')}"
    )
    values: dict[str, list[float]] = {}
    for prediction, value in zip(found.predictions, found.values, strict=True):
        if prediction is not None:
            values.setdefault(str(prediction), []).append(value)
    often = sorted(values.items(), key=lambda item: -len(item[1]))
    yield Table(
        ("answer", "how often", "its metric"),
        tuple(
            (Long(answer), f"{len(its):,}", amount(sum(its) / len(its)))
            for answer, its in often[:_MOST_ANSWERS]
        ),
        frozenset({1, 2}),
    )
    if len(often) > _MOST_ANSWERS:
        yield Line(f"{counted(len(often) - _MOST_ANSWERS, 'other answer')} came less often.")
    yield from failures_view(found.failures)


def bound_view(found: Bound) -> Iterator[Block]:
    """The bounds with their nodes' terms, the effective sample size and the warnings."""
    yield Title(
        f"bounds on log p(target | input), {counted(len(found.examples), 'example')}, "
        f"{counted(found.draws, 'draw')} each"
    )
    tight = f"IWAE_{found.draws}" if found.elbo is not None else "filtering bound (resampled)"
    rows = [(tight, *_estimated(found.iwae))]
    if found.elbo is not None:
        rows.append(("ELBO, the sum of", *_estimated(found.elbo)))
    rows += [(f"· {item.node} ({item.kind})", *_estimated(item.term)) for item in found.nodes]
    yield Table(("", "nats per example", "standard error"), tuple(rows), frozenset({1, 2}))
    size = found.effective_sample_size
    yield Line(f"Effective sample size: {size} of {counted(found.draws, 'draw')}.")
    for warning in found.warnings:
        yield Line(f"Warning: {warning}.", warns=True)
    yield from failures_view(found.failures)


def reading_view(reading: MeterReading) -> Iterator[Block]:
    """What a meter counted; what did not happen is left out."""
    yield Title(f"{counted(reading.calls, 'call')}, {counted(reading.tokens, 'token')}")
    rows = [
        ("calls that drew", reading.sample_calls),
        ("calls that scored", reading.score_calls),
        ("calls that chose", reading.choose_calls),
        ("texts drawn", reading.texts_drawn),
        ("texts scored", reading.texts_scored),
        ("prompt tokens", reading.prompt_tokens),
        ("of these computed before", reading.cached_tokens),
        ("tokens drawn", reading.completion_tokens),
        ("of all tokens counted by langnet itself", reading.estimated_tokens),
        ("answers from a cache", reading.hits),
        ("calls that failed", reading.errors),
        ("calls made again", reading.retries),
    ]
    shown = [(name, f"{number:,}") for name, number in rows if number]
    if reading.waited:
        shown.append(("waited before calls made again", duration(reading.waited)))
    if reading.queued:
        shown.append(("queued under rate limits", duration(reading.queued)))
    if reading.known_cost:
        partly = " and more, whose price is unknown" if reading.cost is None else ""
        shown.append(("cost", f"{reading.known_cost:,.4f}{partly}"))
    yield Table(("", ""), tuple(shown), frozenset({1}))


def _estimated(found: Estimate) -> tuple[str, str]:
    return amount(found.mean), amount(found.standard_error)
