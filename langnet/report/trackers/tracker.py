"""What all trackers share: a thread of their own, and failures that stop no fit."""

from __future__ import annotations

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Self

from langnet.errors import LangnetError
from langnet.events import Event, FitStarted
from langnet.report.trackers.logged import Logged, Logging

__all__ = ["Tracker", "missing"]

_log = logging.getLogger(__name__)
_SECRETS = re.compile(r"KEY|TOKEN|PASSWORD|SECRET", re.IGNORECASE)
_SHORTEST_SECRET = 6
_LONGEST_FAULT = 300
_PATIENCE_AFTER_FAILURE = 5.0


def missing(package: str, extra: str) -> LangnetError:
    """The error of a tracker whose package is not there."""
    return LangnetError(f'{package} is not installed; pip install "langnet[{extra}]"')


class Tracker(ABC):
    """An observer that tells a service of one fit.

    The run at the service begins with the fit's first event. With an `id` that was tracked before
    it is gone on with, as a resumed fit does.

    Args:
        name: what the run is called there.
        id: tells the run from every other; by default it is a new one.
        config: settings to show with the run.
        patience: seconds that leaving the block waits for the service to take what is left; 5 at
            most where the fit failed or was interrupted.
    """

    service: ClassVar[str]
    """What the service is called."""

    def __init__(
        self,
        *,
        name: str = "",
        id: str = "",  # noqa: A002 - what services call it
        config: Mapping[str, Any] | None = None,
        patience: float = 30.0,
    ) -> None:
        self.name = name
        self.id = id
        self._patience = patience
        self._config = dict(config or {})
        self._logging = Logging()
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._has_failed = False

    def __call__(self, event: Event) -> None:
        """Logs an event, some time later."""
        if isinstance(event, FitStarted):
            self._put(partial(self._begin, event.step, dict(self._config)))
        found = self._logging(event)
        if found is not None:
            self._put(partial(self._log, found))

    def configure(self, config: Mapping[str, Any]) -> None:
        """Adds settings to show with the run, before the fit begins."""
        self._config.update(config)

    def keep(self, path: str | Path) -> None:
        """Keeps a file with the run, where the service keeps files."""
        self._put(partial(self._keep, Path(path)))

    def close(self, *, failed: bool = False) -> None:
        """Ends the run at the service, once it has taken all that it was told.

        Args:
            failed: whether the fit failed or was interrupted.
        """
        thread = self._thread
        if thread is None:
            return
        self._put(partial(self._end, failed=failed))
        self._work.put(None)
        self._thread = None
        # Whoever interrupts a fit does not want to wait.
        patience = min(self._patience, _PATIENCE_AFTER_FAILURE) if failed else self._patience
        thread.join(patience)
        if thread.is_alive():
            self._left_out(f"has not taken all that it was told within {patience:g} seconds")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(failed=kind is not None)

    @abstractmethod
    def _begin(self, step: int, config: Mapping[str, Any]) -> None:
        """Begins the run, or goes on with it after some steps."""

    @abstractmethod
    def _log(self, logged: Logged) -> None:
        """Logs numbers and texts."""

    @abstractmethod
    def _end(self, *, failed: bool) -> None:
        """Ends the run."""

    @abstractmethod
    def _keep(self, path: Path) -> None:
        """Keeps a file."""

    def _put(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            # A daemon, so that a service that hangs keeps no program from its end.
            self._thread = Thread(target=self._works, name=f"langnet {self.service}", daemon=True)
            self._thread.start()
        self._work.put(work)

    def _works(self) -> None:
        while (work := self._work.get()) is not None:
            if self._has_failed:
                continue
            try:
                work()
            except Exception as error:  # noqa: BLE001 - watching must not stop the work
                why = f"{type(error).__name__}: {error}"
                self._left_out(f"is told no more of this fit, which goes on: {_safe(why)}")

    def _left_out(self, what: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.warning("%s %s", self.service, what)


def _safe(text: str) -> str:
    """A fault in one line, without what the environment keeps secret."""
    text = re.sub(r"(?<=://)[^/@\s]+@", "", " ".join(text.split()))
    for name, value in os.environ.items():
        if _SECRETS.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "[key]")
    return text if len(text) <= _LONGEST_FAULT else f"{text[:_LONGEST_FAULT]}…"
