"""The README and the docs say what is there: names exist, settings are explained, links lead on.

Their code blocks are run by `tests/test_blocks.py`.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest

import langnet
from langnet import Inference, Method
from langnet.vi import SCHEDULES, objective
from langnet.vi.guide import GUIDES
from langnet.vi.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
NAME = re.compile(r"`(langnet(?:\.\w+)+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def blocks(page, language):
    return [text for found, text in FENCE.findall(page.read_text()) if found == language]


def test_the_readme_declares_and_fits_in_twenty_lines():
    """The first Python block of the README is short, and its graph builds as it stands."""
    code = blocks(ROOT / "README.md", "python")[0]
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    scope = {}
    exec(compile(code.split("async def main")[0], "README.md", "exec"), scope)  # noqa: S102
    assert scope["graph"].trainable == ("thoughts", "answer")
    assert set(scope["test"][0].inputs) == {"text"}
    compile(code, "README.md", "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link names a file that is there."""
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_public_names_are_there():
    """`langnet.__all__` is sorted and complete, and every name has a docstring."""
    assert list(langnet.__all__) == sorted(langnet.__all__)
    for name in langnet.__all__:
        assert getattr(langnet, name).__doc__


def found(name):
    """What a dotted name stands for."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_and_tests_are_there(page):
    """Every dotted name of langnet and every test that a page names exists."""
    text = page.read_text()
    for name in NAME.findall(text):
        assert found(name) is not None, name
    for file, test in TEST.findall(text):
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), test


def test_the_method_goes_from_equation_to_function():
    """The page on the method names every objective, guide and schedule, and a test of each law."""
    text = (ROOT / "docs" / "method.md").read_text()
    named = set(NAME.findall(text))
    terms = {name for name in objective.__all__ if name[0].islower()}
    wanted = {f"langnet.vi.objective.{name}" for name in terms}
    wanted |= {f"langnet.vi.guide.{name}" for name in set(GUIDES) - {"all"}}
    wanted |= {f"langnet.vi.schedule.{name}" for name in SCHEDULES}
    assert wanted <= named
    for law in range(1, 9):
        (row,) = re.findall(rf"^\| {law}\. .*$", text, re.MULTILINE)
        assert TEST.search(row)


def test_every_setting_is_explained():
    """The page on fitting names every field of a method and of inference, and every strategy."""
    text = (ROOT / "docs" / "fitting.md").read_text()
    settings = {field.name for kind in (Method, Inference) for field in fields(kind)}
    for name in settings | set(STRATEGIES) | set(SCHEDULES):
        assert re.search(rf"\b{name}\b", text), name


def test_every_room_is_on_the_plan():
    """The page on design names every module of langnet and of the backward pass."""
    named = set(re.findall(r"`(\w+)/?`", (ROOT / "docs" / "design.md").read_text()))
    for folder in (ROOT / "langnet", ROOT / "langnet" / "vi"):
        paths = [path for path in folder.iterdir() if path.suffix in {"", ".py"}]
        rooms = {path.stem for path in paths if not path.name.startswith("__")}
        assert rooms <= named, sorted(rooms - named)
