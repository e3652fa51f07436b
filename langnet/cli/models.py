"""`langnet models`: embedded models that langnet knows where to fetch."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from langnet.cli.group import Command, common, output, print_json
from langnet.cli.view import shown_at_once, view_options
from langnet.events import PhaseAdvanced
from langnet.lm.local.catalogue import catalogue
from langnet.lm.local.catalogue import pull as fetch

__all__ = ["models"]

_MEBIBYTE = 2**20


@click.group()
def models() -> None:
    """List the embedded models of the catalogue, or download one."""


@models.command("list", cls=Command)
@common
def list_models(*, as_json: bool) -> None:
    """List the catalogue.

    Examples:
        langnet models list
        langnet models list --json
    """
    entries = catalogue()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "description": entry.description,
                    "bytes": entry.size,
                    "licence": entry.licence,
                    "sha256": entry.sha256,
                    "path": None if entry.path is None else str(entry.path),
                }
                for entry in entries
            ]
        )
        return
    table = Table()
    for column in ("model", "size", "licence", "is here", "description"):
        table.add_column(column)
    for entry in entries:
        size = f"{entry.size / _MEBIBYTE:,.0f} MiB"
        here = "yes" if entry.path is not None else "no"
        table.add_row(*map(Text, (entry.name, size, entry.licence, here, entry.description)))
    output().print(table)


@models.command("pull", cls=Command)
@click.argument("name")
@view_options
@common
def pull(name: str, *, as_json: bool) -> None:
    """Download the model NAME of the catalogue, unless it is here already.

    Examples:
        langnet models pull smollm2
    """
    with shown_at_once() as observer:
        path = fetch(
            name, progress=lambda done, total: observer(PhaseAdvanced("download", done, total))
        )
    if as_json:
        print_json({"name": name, "path": str(path)})
    else:
        click.echo(path)
