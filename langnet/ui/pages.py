"""The pages: the report's, with what a live one adds, and the list of runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from langnet.report.page import report_page
from langnet.report.page.read_run import read_outline
from langnet.report.page.render import run_item
from langnet.report.page.sources import (
    PACKAGE,
    SCRIPTS,
    asset,
    digest,
    environment,
    joined,
    report_script,
)
from langnet.ui.security import policy

__all__ = ["index_page", "report_of", "run_page"]

_HERE = "langnet.ui"
_INDEX = ("stream", "index")
_RUN = ("stream", "store", "live", "said", "steer", "review", "run")
_STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def index_page() -> web.Response:
    """The list of runs."""
    scripts = [*_report_scripts(("dom", "chart", "curves")), *_scripts(_INDEX)]
    return _page("index.html", joined(scripts), title="langnet runs")


def run_page(name: str, directory: Path) -> web.Response:
    """The page of a run: the report's, filled and kept up to date by its own script.

    Raises:
        GraphError: the run cannot be read.
    """
    scripts = [*_report_scripts(SCRIPTS), *_scripts(_RUN)]
    item = run_item(read_outline(directory))
    return _page("viewer.html", joined(scripts), title=name, name=name, item=item)


def report_of(directories: Sequence[Path]) -> web.Response:
    """A report that stands by itself, of one run or of several to compare.

    Raises:
        GraphError: a run cannot be read.
    """
    response = web.Response(text=report_page(directories), content_type="text/html")
    own = policy([digest(report_script())], []).replace("style-src", "style-src 'unsafe-inline'")
    response.headers["Content-Security-Policy"] = own
    return response


def _page(template: str, script: str, **values: Any) -> web.Response:
    from markupsafe import Markup  # noqa: PLC0415 - comes with the templates, which take long to load

    text = (
        environment(_HERE, PACKAGE)
        .get_template(template)
        .render(
            script=Markup(script),  # noqa: S704 - the package's own
            style=Markup(asset(PACKAGE, "style.css") + asset(_HERE, "viewer.css")),  # noqa: S704 - too
            **values,
        )
    )
    response = web.Response(text=text, content_type="text/html")
    # Nothing but the package's own stands in an element: whatever comes from data is escaped.
    styles = [digest(style) for style in sorted(set(_STYLES.findall(text)))]
    response.headers["Content-Security-Policy"] = policy([digest(script)], styles)
    return response


def _report_scripts(names: Sequence[str]) -> list[str]:
    return [asset(PACKAGE, f"{name}.js") for name in names]


def _scripts(names: Sequence[str]) -> list[str]:
    return [asset(_HERE, f"{name}.js") for name in names]
