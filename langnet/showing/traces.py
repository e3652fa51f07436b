"""Views of traces and failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from langnet.report.words import amount, counted
from langnet.showing.blocks import Block, Cell, Line, Long, Table, Title
from langnet.trace import Failure, Index, Site, Trace

__all__ = ["failure_view", "failures_view", "trace_view"]

_SOURCES: Mapping[str, str] = MappingProxyType(
    {"prior": "drawn", "given": "given", "guide": "guide"}
)
_COLUMNS = ("part", "", "text", "from", "nats", "log q")
_NUMBERS = frozenset({4, 5})
_MOST_ROWS = 200
_MOST_FAILURES = 5


def trace_view(trace: Trace) -> Iterator[Block]:
    """Every part in the order of the graph, with its texts, where they came from, and nats."""
    yield Title(f"trace of {trace.example}" if trace.example else "trace")
    rows = [row for name in trace.values for row in _rows(trace, name)]
    scored = bool(trace.log_likelihoods) or any(site.logprob is not None for site in trace.sites)
    guided = any(site.source == "guide" for site in trace.sites)
    wanted = (True, any(row[1] for row in rows), True, True, scored, guided)
    kept = [place for place, is_wanted in enumerate(wanted) if is_wanted]
    yield Table(
        tuple(_COLUMNS[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows[:_MOST_ROWS]),
        frozenset(number for number, place in enumerate(kept) if place in _NUMBERS),
    )
    if len(rows) > _MOST_ROWS:
        yield Line(f"{counted(len(rows) - _MOST_ROWS, 'text')} more in trace.sites and .values")
    joint, weight = trace.log_joint, trace.log_weight
    if scored and joint is not None:
        yield Line(f"All texts and observations together: {amount(joint)} nats.")
    if guided and weight is not None:
        yield Line(f"The weight of this draw: {amount(weight)} nats.")


def failure_view(failure: Failure) -> Iterator[Block]:
    """Which example failed, and why."""
    yield Title(f"example {failure.example} failed")
    yield Line(f"{type(failure.error).__name__}: {failure.error}", warns=True)
    for told in getattr(failure.error, "__notes__", ()):
        yield Line(str(told))


def failures_view(failures: Sequence[Failure]) -> Iterator[Block]:
    """The first failures of several."""
    for failure in failures[:_MOST_FAILURES]:
        yield Line(f"{failure.example} failed: {failure.error}", warns=True)
    if len(failures) > _MOST_FAILURES:
        yield Line(f"{counted(len(failures), 'example')} failed in all", warns=True)


def _rows(trace: Trace, name: str) -> Iterator[tuple[Cell, ...]]:
    """A row for each text of a part, with its place in the plates."""
    shown = f"{name} (output)" if name in trace.outputs else name
    found = False
    sites = trace.at(name)
    for index, text, site in _texts(trace.values[name], sites):
        yield (shown, _place(index), text, *_origin(site))
        shown, found = "", True
    if not found:
        yield (shown, "", "(nothing: an empty plate)", "", "", "")
    if name in trace.log_likelihoods:
        yield ("", "", "(its target)", "given", amount(trace.log_likelihoods[name]), "")


def _texts(value: Any, sites: Sequence[Site]) -> Iterator[tuple[Index, Long, Site | None]]:
    if sites:
        for site in sites:
            yield site.index, Long(site.text, site.context), site
        return
    for index, element in _leaves(value):
        yield index, Long(element if isinstance(element, str) else repr(element)), None


def _leaves(value: Any, index: Index = ()) -> Iterator[tuple[Index, Any]]:
    if not isinstance(value, tuple):
        yield index, value
        return
    for number, element in enumerate(value):
        yield from _leaves(element, (*index, number))


def _place(index: Index) -> str:
    """Where in the plates, as it stands in code: `[1][0]` is the first of the second."""
    return "".join(f"[{position}]" for position in index)


def _origin(site: Site | None) -> tuple[str, str, str]:
    if site is None:
        return "", "", ""
    source = _SOURCES[site.source]
    return source, amount(site.logprob), "" if site.log_q is None else amount(site.log_q)
