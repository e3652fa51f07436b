"""What there is to tell of one run, in pieces: each file of it is parsed once, when it is new.

A page is told all pieces in their order and what has come since; so it needs no other way to load
a run than to follow it. Texts stay in the files; see `langnet.ui.texts`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from langnet.errors import GraphError
from langnet.report.page.document import choice_data, json_number
from langnet.report.page.run_files import initial_prompts, read_json, read_step
from langnet.ui.files import Signature, read_data, signature
from langnet.ui.said import said_data
from langnet.ui.status import live_of, status_of
from langnet.ui.texts import Texts, seen_file
from langnet.ui.wire import encoded, event

__all__ = ["RunLog"]

_OUTLINE = ("run", "state", "result", "cost", "credit", "manifest")

Cursor = tuple[str, int, dict[str, int]]
"""What somebody was told: of which log, how many pieces, and which of the latest states."""


class RunLog:
    """Follows the files of one run.

    Attributes:
        directory: the run directory.
        epoch: tells this log from one of the same run that was begun anew.
        is_whole: whether all that is there has been read.
        about: what run.json says; empty where it cannot be read.
        texts: where the texts of its examples lie.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._looking = Lock()
        self._begin()

    def _begin(self) -> None:
        self.epoch = secrets.token_hex(4)
        self.is_whole = False
        self.about: dict[str, Any] = {}
        self._pieces: list[bytes] = []
        self._latest: dict[str, tuple[int, bytes]] = {}
        self._signatures: dict[str, Signature | None] = {}
        self.texts = Texts(self.directory)
        self._done = 0

    def poll(self, seconds: float = 0.25) -> bool:
        """Looks for what is new; parses for no longer than so many seconds at a time.

        Returns:
            Whether there is something.
        """
        with self._looking:
            before = self._version
            self._poll(time.monotonic() + seconds)
            return self._version != before

    def since(self, cursor: Cursor | None) -> tuple[list[bytes], Cursor]:
        """The events since what somebody was told, and the cursor after them."""
        is_known = cursor is not None and cursor[0] == self.epoch
        _, told, versions = cursor if cursor is not None and is_known else (self.epoch, 0, {})
        events = [] if is_known else [event(encoded({"part": "begin"}), f"{self.epoch}-0")]
        pieces = self._pieces[told:]
        events += [
            event(piece, f"{self.epoch}-{told + number}")
            for number, piece in enumerate(pieces, start=1)
        ]
        latest = dict(self._latest)
        events += [
            event(data) for name, (version, data) in latest.items() if versions.get(name) != version
        ]
        now = {name: version for name, (version, _) in latest.items()}
        return events, (self.epoch, told + len(pieces), now)

    def cursor_of(self, last: str) -> Cursor | None:
        """The cursor of the last event that somebody saw, by its id."""
        epoch, _, number = last.partition("-")
        known = epoch == self.epoch and number.isdecimal() and int(number) <= len(self._pieces)
        return (epoch, int(number), {}) if known else None

    @property
    def _version(self) -> tuple[object, ...]:
        latest = {name: version for name, (version, _) in self._latest.items()}
        return self.epoch, len(self._pieces), latest

    def _poll(self, until: float) -> None:
        self.is_whole = False
        if self._is_new("run.json", self.directory / "run.json"):
            if self.about:
                self._begin()
                self._is_new("run.json", self.directory / "run.json")
            self._read_about()
        for _ in self._news() if self.about else ():
            if time.monotonic() > until:
                return
        self.is_whole = True

    def _news(self) -> Iterator[None]:
        """Reads what is new, one file after the other."""
        try:
            self._read_examples()
            done = self._read_state()
            self._read_live()
            for number in range(1, done + 1):
                if self._is_new(f"step {number}", self._file("steps", number, ".json")):
                    self._read_step(number)
                    yield
            for number in range(done + 1):
                name = seen_file(number, 1)
                if self._is_new(name, self.directory / name):
                    self._read_seen(number, 1)
                    yield
        except (GraphError, LookupError, TypeError, AttributeError, ValueError) as error:
            # Each file is looked at once, so what cannot be read is told and left behind.
            self._tell("fault", {"message": f"A file of the run cannot be read: {error}"})

    def _read_about(self) -> None:
        found = read_data(self.directory / "run.json")
        try:
            graph = found["graph"]
            self._add(
                {
                    "part": "head",
                    "target": graph["target"],
                    "output": graph["outputs"][0],
                    "prompts": [*initial_prompts(found).items()],
                    "nodes": [
                        _node(graph, name) for name in graph["order"] if name in graph["nodes"]
                    ],
                }
            )
        except (LookupError, TypeError, AttributeError) as error:
            self._tell("fault", {"message": f"run.json cannot be read as a run: {error!r}"})
        else:
            self.about = found

    def _read_state(self) -> int:
        """How many steps are done."""
        state = self.directory / "state.json"
        said = self.directory / "guidance.jsonl"
        is_new = [self._is_new("state.json", state), self._is_new("guidance.jsonl", said)]
        outline = [
            self._is_new(f"{name} of the outline", self.directory / f"{name}.json")
            for name in _OUTLINE
        ]
        if any(is_new):
            found = read_data(state) or {}
            self._done = int(found.get("step", 0))
            self._tell(
                "state",
                {
                    "step": self._done,
                    "validations": [
                        [item["step"], json_number(item["metric"])]
                        for item in found.get("validations", ())
                    ],
                    "present": found.get("prompts") or initial_prompts(self.about),
                    "best": found.get("best") or initial_prompts(self.about),
                },
            )
            self._tell("said", said_data(self.directory))
        if any(outline):
            result = read_data(self.directory / "result.json")
            metric = result.get("metric") if isinstance(result, dict) else None
            self._tell("outline", {"metric": metric or "metric"})
        return self._done

    def _read_live(self) -> None:
        live = live_of(self.directory)
        changed = signature(self.directory / "state.json") or signature(self.directory / "run.json")
        result = signature(self.directory / "result.json")
        status = status_of(live, result, changed[0] / 1e9 if changed else 0.0)
        self._tell("live", {"status": status, "live": live})

    def _read_examples(self) -> None:
        if self._is_new("examples.jsonl", self.directory / "examples.jsonl"):
            told = self.texts.read_examples(self.about["graph"]["target"])
            self._add({"part": "examples", "examples": told})

    def _read_step(self, number: int) -> None:
        rows = self._read_seen(number, 0)
        costs = read_data(self._file("costs", number, ".json"))
        path = self._file("steps", number, ".json")
        step = read_step(number, read_json(path), rows, costs if isinstance(costs, dict) else {})
        self._add(
            {
                "part": "step",
                "step": number,
                "figures": {name: json_number(value) for name, value in step.figures.items()},
                "calls": dict(step.calls),
                "choices": [
                    [choice.prompt, choice_data(number, choice)] for choice in step.choices
                ],
                "failures": step.failures,
            }
        )

    def _read_seen(self, number: int, kind: int) -> list[Any]:
        """Tells of a batch or a validation; gives its rows."""
        if signature(self.directory / seen_file(number, kind)) is None:
            return []
        told, rows = self.texts.read_seen(number, kind, self.about["graph"]["outputs"][0])
        self._add({"part": "seen", "step": number, "kind": kind, "rows": told})
        return rows

    def _file(self, folder: str, number: int, suffix: str) -> Path:
        return self.directory / folder / f"{number:04d}{suffix}"

    def _is_new(self, name: str, path: Path) -> bool:
        """Whether a file has come or changed since this was last asked."""
        now = signature(path)
        before = self._signatures.get(name)
        self._signatures[name] = now
        return now is not None and now != before

    def _add(self, piece: dict[str, Any]) -> None:
        self._pieces.append(encoded(piece))

    def _tell(self, name: str, data: dict[str, Any]) -> None:
        """Tells how something stands now, if that is not known already."""
        version, before = self._latest.get(name, (0, b""))
        found = encoded({"part": name, **data})
        # What only its files' times tell apart is told all the same.
        if found != before or name == "outline":
            self._latest[name] = (version + 1, found)


def _node(graph: Any, name: str) -> dict[str, Any]:
    node = graph["nodes"][name]
    prompt = node["prompt"]
    return {
        "name": name,
        "prompt": prompt["name"] if isinstance(prompt, dict) else name,
        "parents": list(graph["parents"].get(name, ())),
        "trainable": bool(node["trainable"]) and "{prompt}" in node["template"],
        # On plates it says several texts at a time.
        "plural": node["draws"] is not None or node["over"] is not None,
    }
