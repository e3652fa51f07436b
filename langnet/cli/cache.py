"""`langnet cache`: what is kept of the models' answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import diskcache
from rich.table import Table
from rich.text import Text

from langnet.cli.amounts import Age, Size
from langnet.cli.group import Command, common, note, output, print_json
from langnet.cli.view import shown_at_once, view_options
from langnet.errors import LangnetError
from langnet.events import PhaseAdvanced
from langnet.lm.cache import CacheStats, DiskStore, default_cache_path
from langnet.lm.transfer import export_entries, import_entries
from langnet.lm.upkeep import prune as prune_entries
from langnet.report.words import counted

__all__ = ["cache"]

_MEBIBYTE = 2**20

_directory = click.option(
    "--cache",
    "directory",
    type=click.Path(file_okay=False),
    help="The directory of the cache; by default the user's.",
)
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def cache() -> None:
    """Look at the cache of answers, shrink or empty it, or move its answers."""


@cache.command("stats", cls=Command)
@_directory
@common
def stats(directory: str | None, *, as_json: bool) -> None:
    """Say where the cache is and what it holds, by model.

    Examples:
        langnet cache stats
        langnet cache stats --cache /tmp/answers --json
    """
    path = _path(directory)
    found = CacheStats(entries=0, bytes=0, path=path)
    if path.exists():
        with _opened(path) as store:
            found = store.stats()
    models = sorted(found.models.items(), key=lambda pair: (-pair[1], pair[0] or ""))
    if as_json:
        listed = [{"model": model, "entries": number} for model, number in models]
        print_json(
            {"path": str(path), "entries": found.entries, "bytes": found.bytes, "models": listed}
        )
        return
    click.echo(f"{path}: {counted(found.entries, 'answer')}, {found.bytes / _MEBIBYTE:.1f} MiB")
    if models:
        table = Table()
        table.add_column("model")
        table.add_column("answers", justify="right")
        for model, number in models:
            table.add_row(Text(model or "(not noted)"), f"{number:,}")
        output().print(table)


@cache.command("prune", cls=Command)
@_directory
@click.option("--older-than", type=Age(), help="Remove answers stored longer ago, such as 30d.")
@click.option("--to", "size", type=Size(), help="Remove the oldest until it fits, such as 1GB.")
@click.option("--model", help="Of this model's answers alone; * stands for any characters.")
@_yes
@view_options
@common
def prune(
    directory: str | None,
    older_than: float | None,
    size: float | None,
    model: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove answers by their age, by the size of all, or by their model.

    Examples:
        langnet cache prune --older-than 30d
        langnet cache prune --to 1GB
        langnet cache prune --model "openai:gpt-4o@*" --yes
    """
    if older_than is None and size is None and model is None:
        raise click.UsageError("say what to remove: --older-than, --to or --model")
    path = _path(directory)
    if model is not None and older_than is None and size is None and not yes:
        click.confirm(f"Remove every answer of {model} from {path}?", abort=True, err=True)
    removed = size_now = 0
    if path.exists():
        with _opened(path) as store, _shown("prune") as advanced:
            removed = prune_entries(
                store,
                older_than=older_than,
                size=None if size is None else int(size),
                model=model,
                progress=advanced,
            )
            size_now = store.stats().bytes
    if as_json:
        print_json({"path": str(path), "removed": removed, "bytes": size_now})
    else:
        click.echo(
            f"{path}: {counted(removed, 'answer')} removed, {size_now / _MEBIBYTE:.1f} MiB are left"
        )


@cache.command("clear", cls=Command)
@_directory
@_yes
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


@cache.command("export", cls=Command)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_directory
@click.option("--model", help="This model's answers alone; * stands for any characters.")
@view_options
@common
def export(file: Path, directory: str | None, model: str | None, *, as_json: bool) -> None:
    """Write the answers to FILE as JSON lines, packed where its name ends in .gz.

    The file holds contexts' answers as plain text. It replaces one that is there.

    Examples:
        langnet cache export answers.jsonl.gz
        langnet cache export gpt-4o.jsonl --model "openai:gpt-4o@*"
    """
    path = _path(directory)
    if not path.exists():
        raise LangnetError(f"there is no cache in {path}; name it with --cache")
    with _opened(path) as store, _shown("export") as advanced:
        written = export_entries(store, file, model=model, progress=advanced)
    if as_json:
        print_json({"path": str(path), "file": str(file), "entries": written})
    else:
        click.echo(f"{file}: {counted(written, 'answer')}")


@cache.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_directory
@view_options
@common
def import_(file: Path, directory: str | None, *, as_json: bool) -> None:
    """Add the answers of FILE, which `export` has written; what is there already stays.

    Every line is checked before the first is added.

    Examples:
        langnet cache import answers.jsonl.gz
        langnet cache import answers.jsonl --cache /tmp/answers --json
    """
    path = _path(directory)
    with _opened(path) as store, _shown("import") as advanced:
        found = import_entries(store, file, progress=advanced)
    if as_json:
        print_json({"path": str(path), "new": found.new, "known": found.known})
        return
    click.echo(f"{path}: {counted(found.new, 'answer')} added")
    if found.known:
        note(f"{counted(found.known, 'answer')} were there already.")


def _path(directory: str | None) -> Path:
    return default_cache_path() if directory is None else Path(directory)


@contextmanager
def _opened(path: Path) -> Iterator[DiskStore]:
    store = DiskStore(path, size_limit=None)  # looking after it is no time to drop anything
    try:
        yield store
    except (sqlite3.Error, diskcache.Timeout) as error:
        raise LangnetError(f"the cache in {path} cannot be used: {error}") from error
    finally:
        store.close()


@contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int], None]]:
    with shown_at_once() as observer:
        yield lambda done, total: observer(PhaseAdvanced(what, done, total))
