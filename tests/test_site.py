"""The site of the documentation: what can be held without building it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import click
import pytest
import yaml

from langnet.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = sorted((DOCS / "reference").glob("*.md"))
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    ROOT / "benchmarks" / "README.md",
]
PUBLIC = (
    "langnet",
    "langnet.data",
    "langnet.drawing",
    "langnet.errors",
    "langnet.estimators",
    "langnet.events",
    "langnet.exchange",
    "langnet.export",
    "langnet.metrics",
    "langnet.serve",
    "langnet.tasks",
    "langnet.testing",
    "langnet.vi",
    "langnet.vi.strategies",
)
TRACKING = re.compile(r"utm_|fbclid|gclid|mc_|ref$|ref_")


def found(path):
    """What a dotted path names: a module, or something in one."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise AssertionError(f"nothing is called {path}")


def shown(page):
    """What a page of the reference shows: things by identity, those in `__all__` for a module.

    A name that is also that of a module below counts only where the page names it in full: of the
    two the generator takes the module.
    """
    for path in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE):
        thing = found(path)
        if not hasattr(thing, "__all__"):
            yield id(thing)
            continue
        below = {module.name for module in pkgutil.iter_modules(getattr(thing, "__path__", ()))}
        yield from (id(getattr(thing, name)) for name in thing.__all__ if name not in below)


def entries(nav):
    """The pages of a navigation, in order."""
    for entry in nav:
        place = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from entries(place) if isinstance(place, list) else (place,)


def commands(command, path):
    yield path, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, f"{path} {name}")


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_on_exactly_one_page_of_the_reference(module):
    """What `langnet` and its public rooms export is documented, and at one place."""
    pages = Counter(thing for page in REFERENCE for thing in set(shown(page)))
    room = importlib.import_module(module)
    counts = {name: pages[id(getattr(room, name))] for name in room.__all__}
    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_every_page_has_one_place_in_the_navigation():
    """No page is lost, none stands twice, and those made of other files are there as well."""
    nav = entries(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    made = re.findall(r'"[\w/]+\.md": "(\w+\.md)"', (DOCS / "hooks" / "outside.py").read_text())
    written = (page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    assert Counter(nav) == Counter([*written, *made])


def test_outside_links_are_plain_and_encrypted():
    """Where a link leads cannot be tried without a network, but what it looks like can."""
    faults = []
    for page in PAGES:
        text = re.sub(
            r"^ *```.*?^ *```$|`[^`\n]*`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL
        )
        for link in re.findall(r"\]\((\w+:[^)\s]*)\)", text):
            parts = urlsplit(link)
            plain = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc)
            traced = any(TRACKING.match(name) for name, _ in parse_qsl(parts.query))
            if parts.scheme != "https" or not plain or traced:
                faults.append((page.name, link))
    assert faults == []


def test_the_page_of_commands_has_every_command_and_option():
    """The reference of the command line is written from the commands."""
    place = importlib.util.spec_from_file_location("commands", DOCS / "hooks" / "commands.py")
    hook = importlib.util.module_from_spec(place)
    place.loader.exec_module(hook)
    text = "\n## langnet\n" + "\n".join(hook.described(main, "langnet", None, level=1))
    _, *pieces = re.split(r"^##+ (.+)$", text, flags=re.MULTILINE)
    # A heading names a group's arguments as well: langnet guide RUN rate.
    parts = {
        " ".join(word for word in heading.split() if word.islower()): part
        for heading, part in zip(pieces[::2], pieces[1::2], strict=True)
    }
    for path, command in commands(main, "langnet"):
        for option in (each for each in command.params if isinstance(each, click.Option)):
            for name in () if option.hidden else option.opts:
                assert re.search(rf"\| `[^`]*{re.escape(name)}\b", parts[path]), (path, name)
