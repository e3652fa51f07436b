"""`langnet report`: one self-contained page of a run, or of several to compare."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from langnet.cli.group import Command, common, note, print_json
from langnet.report.page import read_runs, render
from langnet.text_file import write_text

__all__ = ["report_command"]


@click.command("report", cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN…", type=click.Path(exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The page; by default report.html in the run directory, or here for several runs.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@common
def report_command(runs: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Write a page that shows the run in the directory RUN, or compares several.

    The page is one HTML file that asks nothing of the network. RUN may also be a JSON file of
    published runs of Deep Language Networks.

    Examples:
        langnet report runs/dln2-subjectivity-seed0 --open
        langnet report runs/one runs/two -o comparison.html
        langnet report training_traces.json
    """
    found = read_runs(runs)
    page = Path(options["output"] or _default(runs))
    write_text(page, render(found, title=", ".join(run.name for run in found)))
    if as_json:
        print_json({"page": str(page), "runs": [run.name for run in found]})
    else:
        note(f"Written to {page}.")
    if options["opens"]:
        webbrowser.open(page.resolve().as_uri())


def _default(runs: tuple[str, ...]) -> Path:
    """Beside the run where it is one directory; what only was read is not written to."""
    only = Path(runs[0])
    return only / "report.html" if len(runs) == 1 and only.is_dir() else Path("report.html")
