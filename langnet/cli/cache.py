"""`langnet cache`: what is kept of the models' answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from langnet.cli.group import Command, common, print_json
from langnet.lm.cache import DiskStore, default_cache_path
from langnet.report.words import counted

__all__ = ["cache"]

_MEBIBYTE = 2**20

_directory = click.option(
    "--cache",
    "directory",
    type=click.Path(file_okay=False),
    help="The directory of the cache; by default the user's.",
)


@click.group()
def cache() -> None:
    """Look at the cache of answers, or empty it."""


@cache.command("stats", cls=Command)
@_directory
@common
def stats(directory: str | None, *, as_json: bool) -> None:
    """Say where the cache is and what it holds.

    Examples:
        langnet cache stats
        langnet cache stats --cache /tmp/answers --json
    """
    path = _path(directory)
    entries = size = 0
    if path.exists():
        with _opened(path) as store:
            found = store.stats()
            entries, size = found.entries, found.bytes
    if as_json:
        print_json({"path": str(path), "entries": entries, "bytes": size})
    else:
        click.echo(f"{path}: {counted(entries, 'answer')}, {size / _MEBIBYTE:.1f} MiB")


@cache.command("clear", cls=Command)
@_directory
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def clear(directory: str | None, *, as_json: bool, yes: bool) -> None:
    """Remove every answer.

    Examples:
        langnet cache clear
        langnet cache clear --yes
    """
    path = _path(directory)
    if not yes:
        click.confirm(f"Remove every answer from {path}?", abort=True, err=True)
    removed = 0
    if path.exists():
        with _opened(path) as store:
            removed = store.clear()
    if as_json:
        print_json({"path": str(path), "removed": removed})
    else:
        click.echo(f"{path}: {counted(removed, 'answer')} removed")


def _path(directory: str | None) -> Path:
    return default_cache_path() if directory is None else Path(directory)


@contextmanager
def _opened(path: Path) -> Iterator[DiskStore]:
    store = DiskStore(path)
    try:
        yield store
    finally:
        store.close()
