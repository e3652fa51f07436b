"""A log of events, one JSON object a line: of every call, and of every step of a fit.

with JsonLines("calls.jsonl") as log:
    async with connect("openai:gpt-4o", observe=log) as model:
        await fit(graph, train, dev, models=model, observers=[log])
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langnet.events import Event

__all__ = ["JsonLines"]

_LONGEST_TEXT = 20_000
_SIZE_LIMIT = 2**30
_CONTENT = {"content", "prompts", "best_prompts"}


class JsonLines:
    """An observer that writes every event to a file.

    A line is written and flushed at once, so that what happened before a crash is there. The file
    grows from run to run; beyond its limit a last line says that no more follow.

    Args:
        path: the file. Where there is none it is made, for this user alone.
        content: whether prompts, contexts and answers are written, too. Of calls they are known
            where `connect(…, observe_content=True)` tells of them.
        longest_text: characters that are kept of a text.
        size_limit: bytes that the file may take.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        content: bool = False,
        longest_text: int = _LONGEST_TEXT,
        size_limit: int = _SIZE_LIMIT,
    ) -> None:
        self._content = content
        self._longest = longest_text
        self._left = size_limit
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.fdopen(os.open(path, flags, 0o600), "ab")
        self._left -= self._file.seek(0, os.SEEK_END)

    def __call__(self, event: Event) -> None:
        """Writes an event."""
        if self._left <= 0 or self._file.closed:
            return
        data = {
            field.name: getattr(event, field.name)
            for field in fields(event)
            if self._content or field.name not in _CONTENT
        }
        line = self._line(type(event).__name__, data)
        self._left -= len(line)
        if self._left <= 0:
            line = self._line("LogFull", {})
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        """Closes the file; further events are left out."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, name: str, data: Mapping[str, Any]) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = {"event": name, "time": now, **data}
        # A lone surrogate cannot be written as UTF-8, but it can as an escape.
        return json.dumps(self._plain(record)).encode() + b"\n"

    def _plain(self, value: Any) -> Any:
        """A value as JSON has it; what is no finite number is unknown."""
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, str):
            return value if len(value) <= self._longest else value[: self._longest] + "…"
        if isinstance(value, float):
            return value if isfinite(value) else None
        if isinstance(value, tuple | list):
            return [self._plain(element) for element in value]
        if is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(value, Mapping):
            return {str(name): self._plain(element) for name, element in value.items()}
        return str(value)
