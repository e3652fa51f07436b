"""Where a cache keeps its entries: bytes under a name. `langnet.lm.disk` keeps them on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CacheStats", "MemoryStore", "Store", "default_cache_path"]


class Store(Protocol):
    """Keeps bytes under names. `put` returns at once; `flush` waits until all is kept."""

    def get(self, name: str) -> bytes | None:
        """The entry, or None."""
        ...

    def put(self, name: str, entry: bytes, tag: str = "") -> None:
        """Keeps an entry; the last one under a name stays.

        Args:
            name: what `get` finds it by.
            entry: JSON.
            tag: the identity of the model that it is of, so that entries can be counted, and
                removed by it.
        """
        ...

    async def flush(self) -> None:
        """Waits until all entries are kept."""
        ...

    async def aclose(self) -> None:
        """Keeps what waits and gives back files and threads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a disk store holds.

    Attributes:
        entries: answers that are kept.
        bytes: size of the database's files.
        path: its directory.
        models: answers by the identity of their model; None where it is not known.
    """

    entries: int
    bytes: int
    path: Path
    models: Mapping[str | None, int] = field(default_factory=dict)


def default_cache_path() -> Path:
    """The directory named by the variable LANGNET_CACHE, or the user's cache directory."""
    named = os.environ.get("LANGNET_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("langnet") / "cache"


class MemoryStore:
    """Keeps entries as long as the object lives."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The entry, or None."""
        return self._entries.get(name)

    def put(self, name: str, entry: bytes, tag: str = "") -> None:  # noqa: ARG002 - the protocol's
        """Keeps an entry; the last one under a name stays."""
        self._entries[name] = entry

    async def flush(self) -> None:
        """Does nothing: an entry is kept at once."""

    async def aclose(self) -> None:
        """Does nothing: there is nothing to give back."""

    def __len__(self) -> int:
        return len(self._entries)
