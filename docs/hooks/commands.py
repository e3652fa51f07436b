"""Writes the reference of the command line from the commands themselves, so that it cannot drift.

A page holds the line `<!-- commands -->` where it shall stand.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the commands where the mark stands."""
    del page, config, files
    if MARK not in markdown:
        return markdown
    from langnet.cli import main  # noqa: PLC0415 - only one page needs it

    return markdown.replace(MARK, "\n".join(described(main, "langnet", None, level=1)))


def described(
    command: click.Command, name: str, parent: click.Context | None, *, level: int
) -> Iterator[str]:
    """The Markdown of a command and of those below it.

    Args:
        command: the command.
        name: its name.
        parent: the context of the command that holds it.
        level: of its heading; 1 writes none, since the page has its own.
    """
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    if level > 1:
        yield f"\n{'#' * level} {context.command_path}\n"
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    yield f"\n```text\n{usage}\n```\n"
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        yield _plain(" ".join(paragraph.split())) + "\n"
    if examples := getattr(command, "examples", ""):
        yield f"\n```text\n{examples}\n```\n"
    for heading, rows in _options(command, context).items():
        yield f"\n| {heading} | |\n|---|---|"
        yield from (f"| `{option}` | {_cell(_plain(text))} |" for option, text in rows)
        yield ""
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None and not found.hidden:
                yield from described(found, each, context, level=level + 1)


def _options(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """The help of the options by the heading that they stand under."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
    groups["Options"] = groups.pop("Options", [])
    return groups


def _plain(text: str) -> str:
    """A text in which nothing is markup; options and files stand in code."""
    escaped = re.sub(r"([\\`*_\[\]])", r"\\\1", html.escape(text, quote=False))
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*", lambda found: f"`{found[0]}`", escaped)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
