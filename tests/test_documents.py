"""The README and the docs say what is there: code builds, commands parse, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import langnet
from langnet.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^from (langnet[\w.]*) import ([\w, ]+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


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
        compile(code, page.name, "exec", flags=0x2000)  # top-level await, as in a notebook
        for module, names in IMPORT.findall(code):
            found = __import__(module, fromlist=["*"])
            for name in names.split(","):
                assert hasattr(found, name.strip()), f"{module} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(page):
    """Every `langnet …` command in a block has arguments that the command line knows."""
    text = "\n".join(body for _, body in FENCE.findall(page.read_text()))
    text = text.replace("\\\n", " ")
    for line in re.findall(r"^langnet (.+?)(?:  +.*|\s+#.*)?$", text, re.MULTILINE):
        if "|" in line or "NETWORK" in line:
            continue
        name, *arguments = shlex.split(line)
        command = main.commands.get(name, None)
        assert command is not None, line
        if hasattr(command, "commands"):
            command, arguments = command.commands[arguments[0]], arguments[1:]
        command.make_parser(click.Context(command)).parse_args(list(arguments))


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
