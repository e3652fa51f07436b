"""`live.json`: how a fit stands, in its run directory, for whoever looks from outside."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyio import to_thread

from langnet.report.live.snapshot import Snapshot, Status
from langnet.report.live.watch import Watch
from langnet.text_file import replacing

__all__ = ["NAME", "LiveFile", "read_live"]

NAME = "live.json"
"""The file's name in a run directory."""
_EVERY = 1.0
"""Seconds between two versions of it, at least."""
_STALE = 120.0
"""Seconds without a new version after which nobody writes one any more."""
_log = logging.getLogger(__name__)


class LiveFile:
    """Keeps `live.json` up to date, at most once a second, from the beginning of the fit on.

    A file that cannot be written is logged once and left: watching must not stop the work.

    Args:
        directory: the run directory.
        watch: says how the work stands.
        clock: gives seconds.
    """

    def __init__(
        self, directory: Path, watch: Watch, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = directory / NAME
        self._watch = watch
        self._clock = clock
        self._due = clock()
        self._fails = False

    @property
    def has_begun(self) -> bool:
        """Whether a fit has; before it does, what is in the directory belongs to another one."""
        return bool(self._watch.timeline.objective)

    async def keep_up(self) -> None:
        """Writes a new version where one is due, in a thread that is waited for."""
        now = self._clock()
        if now < self._due or not self.has_begun or self._fails:
            return
        self._due = now + _EVERY
        await to_thread.run_sync(self._write, self._watch.snapshot().to_json())

    def close(self, status: Status) -> None:
        """Writes the last version.

        Args:
            status: how the work ended.
        """
        if self.has_begun and not self._fails:
            self._write(self._watch.snapshot(status).to_json())

    def _write(self, document: dict[str, Any]) -> None:
        try:
            # The next version comes in a second, so that no disk is waited for.
            with replacing(self.path, durable=False) as file:
                file.write(json.dumps(document).encode())
        except OSError:
            self._fails = True
            _log.exception("%s cannot be written, and is left out", self.path)


def read_live(directory: str | Path, *, now: Callable[[], float] = time.time) -> Snapshot | None:
    """How the fit in a run directory stands; `None` where nothing can be read of that.

    What says that it goes on is "interrupted" where its process is gone: by its number on this
    host, and anywhere where it has not been heard of for two minutes.

    Args:
        directory: the run directory.
        now: gives seconds since 1970.
    """
    try:
        found = Snapshot.from_json(json.loads((Path(directory) / NAME).read_bytes()))
    except (OSError, ValueError, AttributeError):
        return None
    if found.status in {"running", "paused"} and _is_gone(found, now()):
        return replace(found, status="interrupted")
    return found


def _is_gone(found: Snapshot, now: float) -> bool:
    if now - found.at > _STALE:
        return True
    # On Windows a signal of number 0 would not only ask.
    if found.host != platform.node() or sys.platform == "win32" or found.pid < 1:
        return False
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and belongs to another user
        return False
    return False
