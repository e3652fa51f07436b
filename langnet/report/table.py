"""Tables for a terminal: results, prompts and confusions."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from langnet.compare import Comparison
from langnet.metrics import Interval
from langnet.report.baselines import HeldOut
from langnet.report.words import amount, counted

__all__ = [
    "confusion_table",
    "held_out_table",
    "measured",
    "prompts_table",
    "verdict",
]


def held_out_table(test: HeldOut, metric: str) -> RenderableType:
    """The metric of each network with its interval, and what the fitted one gains over it."""
    comparison = test.comparison
    confidence = f"{comparison.after.confidence:.0%} interval"
    table = Table(title=f"{metric} on {counted(len(test.examples), 'held-out example')}")
    table.add_column("network")
    table.add_column(f"{metric}, {confidence}")
    table.add_column(f"fitted minus this, {confidence}")
    table.add_column("above zero")
    table.add_row("initial", measured(comparison.before), *_gain_cells(comparison.gain))
    for name, baseline in test.baselines.items():
        failed = len(baseline.evaluation.failures)
        shown = f"{name} ({failed:,} failed)" if failed else name
        table.add_row(shown, measured(baseline.metric), *_gain_cells(baseline.gain))
    table.add_row("fitted", measured(comparison.after), "", "", style="bold")
    return Group(table, Text(verdict(comparison)))


def verdict(comparison: Comparison) -> str:
    """Says in a sentence whether there is a gain."""
    gain = comparison.gain
    if gain.low is None or gain.high is None:
        return "One example says nothing about a gain."
    share = f"{gain.confidence:.0%}"
    if gain.low > 0:
        return f"The gain is {amount(gain.mean)}, and its {share} interval lies above zero."
    if gain.high < 0:
        return f"The gain is {amount(gain.mean)}: the fit made the network worse."
    return f"The gain is {amount(gain.mean)}, but its {share} interval holds zero: no clear gain."


def prompts_table(before: Mapping[str, str], after: Mapping[str, str]) -> RenderableType:
    """Every prompt in full, before and after."""
    table = Table(title="prompts", show_lines=True)
    table.add_column("prompt")
    table.add_column("before", overflow="fold", ratio=1)
    table.add_column("after", overflow="fold", ratio=1)
    for name, text in before.items():
        changed = Text("(unchanged)", style="dim") if after[name] == text else Text(after[name])
        table.add_row(Text(name), Text(text), changed)
    return table


def confusion_table(counts: Mapping[tuple[str, str], int]) -> RenderableType:
    """How often each target met each prediction; see `langnet.metrics.confusion`."""
    targets = sorted({target for target, _ in counts})
    predictions = sorted({prediction for _, prediction in counts})
    table = Table(title="targets (rows) and predictions (columns)")
    table.add_column("")
    for prediction in predictions:
        table.add_column(Text(prediction), justify="right", overflow="fold")
    for target in targets:
        row = [str(counts.get((target, prediction), 0)) for prediction in predictions]
        table.add_row(Text(target), *row)
    return table


def measured(found: Interval) -> str:
    """A mean with its interval where that is known."""
    if found.low is None or found.high is None:
        return amount(found.mean)
    return f"{amount(found.mean)} ({amount(found.low)} to {amount(found.high)})"


def _gain_cells(gain: Interval) -> tuple[str, str]:
    return measured(gain), "yes" if gain.low is not None and gain.low > 0 else "no"
