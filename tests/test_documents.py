"""The README and the docs say what is there: code builds, commands parse, links lead somewhere."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path

import click
import pytest

import langnet
from langnet import Inference, Method
from langnet.cli import main
from langnet.lm.meter import Metered
from langnet.testing import TableModel
from langnet.vi import SCHEDULES, objective
from langnet.vi.guide import GUIDES
from langnet.vi.strategies import STRATEGIES
from tests.test_fit import data, distribution, network

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^from (langnet[\w.]*) import ([\w, ]+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
NAME = re.compile(r"`(langnet(?:\.\w+)+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
TOP_LEVEL_AWAIT = 0x2000


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
def test_python_blocks_compile_and_import_what_exists(page):
    """Every Python block compiles, and what it imports from langnet is there."""
    for code in blocks(page, "python"):
        compile(code, page.name, "exec", flags=TOP_LEVEL_AWAIT)  # as in a notebook
        for module, names in IMPORT.findall(code):
            found = __import__(module, fromlist=["*"])
            for name in names.split(","):
                assert hasattr(found, name.strip()), f"{module} has no {name}"


async def test_the_page_on_fitting_runs(tmp_path, monkeypatch):
    """Every Python block of the page on fitting runs, one after the other, on a made-up model."""

    @asynccontextmanager
    async def connected(spec, *, meter):
        assert spec == "local:smollm2"
        yield Metered(TableModel(distribution), meter)

    monkeypatch.setattr(langnet, "connect", connected)
    monkeypatch.chdir(tmp_path)
    scope = {
        "graph": network(),
        "train": data(24),
        "dev": data(8, 100),
        "model": TableModel(distribution),
    }
    for code in blocks(ROOT / "docs" / "fitting.md", "python"):
        compiled = compile(code, "fitting.md", "exec", flags=TOP_LEVEL_AWAIT)
        waiting = eval(compiled, scope)  # noqa: S307 - the project's own page
        if inspect.isawaitable(waiting):
            await waiting
    assert scope["fitted"].reading.calls <= 2_000
    assert scope["state"].step == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(page):
    """Every `langnet …` command in a block has options and values that the command line knows."""
    text = "\n".join(body for _, body in FENCE.findall(page.read_text()))
    text = text.replace("\\\n", " ")
    for line in re.findall(r"^langnet (.+?)(?:  +.*|\s+#.*)?$", text, re.MULTILINE):
        if "|" in line or "NETWORK" in line:
            continue
        name, *arguments = shlex.split(line)
        command = main.commands.get(name, None)
        assert command is not None, line
        if hasattr(command, "commands"):
            # What stands before the name of the inner command belongs to the group.
            parser = command.make_parser(click.Context(command))
            parser.allow_interspersed_args = command.commands.keys().isdisjoint(arguments)
            _, arguments, _ = parser.parse_args(list(arguments))
            if not arguments and command.invoke_without_command:
                continue
            command, arguments = command.commands[arguments[0]], arguments[1:]
        context = click.Context(command)
        values, _, given = command.make_parser(context).parse_args(list(arguments))
        for option in given:
            # The files that an example names need not be there.
            if not isinstance(option.type, click.Path):
                option.type_cast_value(context, values[option.name])


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
