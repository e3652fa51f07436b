"""How results show themselves: one view of each, as HTML for notebooks and for terminals.

Objects ask for it on demand (`langnet.display`), so that nothing of it lies in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from rich.console import Group

from langnet.compare import Comparison
from langnet.evaluate import Evaluation
from langnet.fit import Fitted
from langnet.lm.reading import MeterReading
from langnet.showing.blocks import Block
from langnet.showing.figures import bound_view, comparison_view, evaluation_view, reading_view
from langnet.showing.fits import fit_plan_view, fitted_view, plan_view
from langnet.showing.html import html_of
from langnet.showing.terminal import rich_of, text_of
from langnet.showing.traces import failure_view, trace_view
from langnet.trace import Failure, Trace
from langnet.vi.estimate import Bound
from langnet.vi.plan import FitPlan, Plan

__all__ = ["as_html", "as_rich", "as_text"]

_VIEWS: Mapping[type, Callable[[Any], Iterator[Block]]] = MappingProxyType(
    {
        Bound: bound_view,
        Comparison: comparison_view,
        Evaluation: evaluation_view,
        Failure: failure_view,
        FitPlan: fit_plan_view,
        Fitted: fitted_view,
        MeterReading: reading_view,
        Plan: plan_view,
        Trace: trace_view,
    }
)


def as_html(shown: object) -> str:
    """A piece of HTML that needs nothing else, for light and dark pages."""
    return html_of(_view(shown))


def as_rich(shown: object) -> Group:
    """What `rich` prints."""
    return rich_of(_view(shown))


def as_text(shown: object) -> str:
    """Plain lines for `print`."""
    return text_of(_view(shown))


def _view(shown: object) -> Iterator[Block]:
    for kind in type(shown).__mro__:
        if kind in _VIEWS:
            return _VIEWS[kind](shown)
    raise TypeError(f"there is no view of a {type(shown).__name__}")
