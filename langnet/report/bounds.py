"""Tables of bounds on log p(target | input)."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from langnet.report.words import amount, counted
from langnet.vi.estimate import Bound, Estimate

__all__ = ["bound_report"]


def bound_report(found: Bound) -> list[RenderableType]:
    """The bounds with their nodes' terms, the effective sample size and the warnings."""
    examples = counted(len(found.examples), "example")
    table = Table(
        title=f"bounds on log p(target | input), {examples}, {counted(found.draws, 'draw')} each"
    )
    table.add_column("")
    table.add_column("nats per example", justify="right")
    table.add_column("standard error", justify="right")
    tight = f"IWAE_{found.draws}" if found.elbo is not None else "filtering bound (resampled)"
    table.add_row(tight, *_cells(found.iwae))
    if found.elbo is not None:
        table.add_row("ELBO, the sum of", *_cells(found.elbo))
    for item in found.nodes:
        table.add_row(Text(f"  {item.node} ({item.kind})"), *_cells(item.term), style="dim")
    size = found.effective_sample_size
    error = "" if size.standard_error is None else f" ± {size.standard_error:.1f}"
    return [
        table,
        f"Effective sample size: {size.mean:.1f}{error} of {counted(found.draws, 'draw')}.",
        *(f"Warning: {warning}." for warning in found.warnings),
    ]


def _cells(found: Estimate) -> tuple[str, str]:
    return amount(found.mean), amount(found.standard_error)
