"""Every code block of the README and the docs is run, and the runner finds what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blocks import EMBEDDED, BlockError, run_page
from tests.loopback import loopback
from tests.pages import ROOT, copy_repository, manner, standing_in

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def name_of(page):
    return str(page.relative_to(ROOT))


def pages(*, embedded):
    return [page for page in PAGES if page.read_text().startswith(EMBEDDED) is embedded]


@pytest.fixture(scope="module")
def address():
    with loopback() as found:
        yield found


def ran(page, folder, address=None):
    text = page.read_text()
    copy_repository(folder / "page")
    return run_page(page, folder / "page", manner(text, folder, address=address))


@pytest.mark.parametrize("page", pages(embedded=False), ids=name_of)
def test_the_page_runs(page, tmp_path, address):
    """Every block of the page does what it says, on a server with a made-up model."""
    with standing_in():
        ran(page, tmp_path, address)


@pytest.mark.model
@pytest.mark.parametrize("page", pages(embedded=True), ids=name_of)
def test_the_page_runs_on_the_embedded_model(page, tmp_path):
    """Every block of a page that needs the embedded model does what it says."""
    ran(page, tmp_path)
