"""Reports: one self-contained HTML page of a run, or of several to compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langnet.report.page.published import read_published
from langnet.report.page.read_run import read_run
from langnet.report.page.render import render
from langnet.report.page.story import Run

__all__ = ["read_published", "read_run", "read_runs", "render", "report_page"]


def report_page(sources: Sequence[str | Path], *, title: str | None = None) -> str:
    """The page of some runs, as HTML.

    Args:
        sources: run directories of `langnet fit`, or JSON files of published runs.
        title: of the page; by default the runs' names.

    Raises:
        GraphError: a directory holds no run, or a file in it cannot be read.
        DataError: a file cannot be read as published runs.
    """
    runs = read_runs(sources)
    return render(runs, title=title or ", ".join(run.name for run in runs))


def read_runs(sources: Sequence[str | Path]) -> list[Run]:
    """The runs of directories and files, in their order; see `report_page`."""
    found: list[Run] = []
    for source in map(Path, sources):
        found += [read_run(source)] if source.is_dir() else read_published(source)
    return found
