"""Looking after a cache on disk: dropping entries by age, by size and by model."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from langnet.errors import LangnetError
from langnet.lm.database import DBNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langnet.lm.disk import DiskStore

    Progress = Callable[[int, int], None]

__all__ = ["BATCH", "connected", "demand", "nobody", "of_model", "prune"]

BATCH = 1000
"""Entries in one transaction."""
_PATIENCE = 30.0  # seconds that a statement waits for another process's lock


def nobody(done: int, total: int) -> None:
    """Tells nobody how far it got."""


def prune(
    store: DiskStore,
    *,
    older_than: float | None = None,
    size: int | None = None,
    model: str | None = None,
    progress: Progress = nobody,
) -> int:
    """Removes entries, and says how many.

    Args:
        store: the cache.
        older_than: seconds since an entry was stored; younger ones stay.
        size: bytes that the database may take; the entries stored first go.
        model: an identity, or a pattern with `*` of identities; other models' entries stay.
        progress: is told how many entries are removed, and of how many.

    Raises:
        LangnetError: no entry is of such a model, or the database cannot be written.
    """
    total = store.stats().entries  # waits for what is not written yet
    where, values = of_model(model)
    with connected(store) as connection:
        if model is not None:
            demand(connection, store, where, values, model)
        if older_than is not None:
            where += " AND store_time < ?"
            values.append(time.time() - older_than)
        removed = 0
        while True:
            most = BATCH
            if size is not None:
                excess = _volume(connection) - size
                if excess <= 0:
                    break
                share = excess / _volume(connection)
                most = min(10 * BATCH, max(1, int(share * (total - removed))))
            oldest = f"SELECT rowid FROM Cache WHERE {where} ORDER BY store_time LIMIT ?"  # noqa: S608
            delete = f"DELETE FROM Cache WHERE rowid IN ({oldest})"  # noqa: S608 - constants
            gone = connection.execute(delete, (*values, most)).rowcount
            if not gone:
                break
            removed += gone
            progress(removed, total)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return removed


@contextmanager
def connected(store: DiskStore) -> Iterator[sqlite3.Connection]:
    """A connection to the database, beside the store's.

    Raises:
        LangnetError: in the block, where the database cannot be used.
    """
    file = store.path / DBNAME
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise LangnetError(f"the cache in {store.path} cannot be used: {error}") from error


def of_model(model: str | None) -> tuple[str, list[Any]]:
    """A condition on rows, with its values: all of them, or those of models of a pattern."""
    return ("1", []) if model is None else ("(tag = ? OR tag GLOB ?)", [model, model])


def demand(
    connection: sqlite3.Connection, store: DiskStore, where: str, values: list[Any], model: str
) -> None:
    """Says so where a model is named of which there is nothing: it may be a slip.

    Raises:
        LangnetError: there is no such entry.
    """
    query = f"SELECT 1 FROM Cache WHERE {where} LIMIT 1"  # noqa: S608 - constants
    if connection.execute(query, values).fetchone() is None:
        raise LangnetError(
            f"the cache in {store.path} holds no answer of a model {model!r}; "
            "`langnet cache stats` lists the models"
        )


def _volume(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * size)
