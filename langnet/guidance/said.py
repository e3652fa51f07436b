"""What people said, in memory or in the file of a run directory, which is only ever added to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from langnet.errors import DataError
from langnet.guidance.entry import Entry

__all__ = ["FILE", "Guidance", "fitted_nodes"]

FILE = "guidance.jsonl"
"""Where guidance stands in a run directory: a line for each entry, which is only ever added to."""


class Guidance:
    """What people said, in the order in which they said it.

    Without a file it is kept in memory, and belongs to whoever made it. With one, several processes
    may add to it while a fit reads it.

    Args:
        entries: what has been said already.
        file: where it is kept; `None` keeps it in memory.
    """

    def __init__(self, entries: Iterable[Entry] = (), *, file: Path | None = None) -> None:
        self.file = file
        self._entries: list[Entry] = []
        for entry in entries:
            self.add(entry)

    @classmethod
    def at(cls, directory: str | Path) -> Self:
        """The guidance of a run directory, where a fit that writes there finds it."""
        return cls(file=Path(directory) / FILE)

    def entries(self) -> tuple[Entry, ...]:
        """All entries, the earliest first.

        Raises:
            DataError: a line of the file is no entry.
        """
        found, faults = self.heard()
        if faults:
            raise DataError(faults[0])
        return found

    def heard(self) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
        """All entries that can be read, and what is wrong with the lines that cannot.

        A fit that is under way must not end by a slip of the pen.
        """
        found = self._entries if self.file is None else [*_read(self.file)]
        return (
            tuple(item for item in found if isinstance(item, Entry)),
            tuple(item for item in found if isinstance(item, str)),
        )

    def extend(self, entries: Iterable[Entry]) -> None:
        """Adds the entries that are not there yet, by their ids."""
        known = {entry.id for entry in self.heard()[0]}
        for entry in entries:
            if entry.id not in known:
                known.add(entry.id)
                self.add(entry)

    def add(self, entry: Entry) -> Entry:
        """Adds an entry, and gives it back.

        Raises:
            DataError: a run is there already, and fits no prompt or node of that name.
        """
        if self.file is None:
            self._entries.append(entry)
            return entry
        _check(entry, self.file.parent)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(entry.to_json(), ensure_ascii=False) + "\n"
        line = text.encode(errors="backslashreplace")
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self.file, flags, 0o600), "ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            # An editor may have left the last line without its end.
            if size:
                file.seek(size - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            # One write at the end of the file: lines of several processes do not mix.
            file.write(line)
        return entry

    def rate(
        self,
        example: str,
        *,
        good: bool,
        node: str,
        output: str,
        feedback: str = "",
        texts: Mapping[str, str] | None = None,
        by: str = "",
    ) -> Entry:
        """Says that a node's text for an example is good, or that it is bad, and perhaps why."""
        return self.add(
            Entry(
                kind="rating",
                example=example,
                good=good,
                node=node,
                output=output,
                text=feedback,
                texts=texts or {},
                by=by,
            )
        )

    def feedback(self, text: str, *, prompt: str | None = None, by: str = "") -> Entry:
        """Says something of the answers, which proposers of a prompt, or of all, are told."""
        return self.add(Entry(kind="feedback", text=text, prompt=prompt, by=by))

    def candidate(self, prompt: str, text: str, *, by: str = "") -> Entry:
        """Enters a prompt as a candidate into the next step, where it is scored like any other."""
        return self.add(Entry(kind="candidate", prompt=prompt, text=text, by=by))

    def pin(self, prompt: str, text: str, *, by: str = "") -> Entry:
        """Sets a prompt, which the fit leaves as it is from then on."""
        return self.add(Entry(kind="pin", prompt=prompt, text=text, by=by))

    def unpin(self, prompt: str, *, by: str = "") -> Entry:
        """Lets the fit change a pinned prompt again."""
        return self.add(Entry(kind="unpin", prompt=prompt, by=by))

    def ban(self, prompt: str, text: str, *, by: str = "") -> Entry:
        """Keeps a text from being that prompt: it is not chosen, and not shipped as the best."""
        return self.add(Entry(kind="ban", prompt=prompt, text=text, by=by))

    def unban(self, prompt: str, text: str, *, by: str = "") -> Entry:
        """Allows a banned text again."""
        return self.add(Entry(kind="unban", prompt=prompt, text=text, by=by))

    def propose(self, count: int = 4, *, prompt: str | None = None, by: str = "") -> Entry:
        """Asks for more proposals in the next step, made from what people said."""
        return self.add(Entry(kind="proposals", count=count, prompt=prompt, by=by))

    def pause(self, *, by: str = "") -> Entry:
        """Lets the fit wait before its next step."""
        return self.add(Entry(kind="pause", by=by))

    def resume(self, *, by: str = "") -> Entry:
        """Lets a paused fit go on."""
        return self.add(Entry(kind="resume", by=by))

    def stop(self, *, by: str = "") -> Entry:
        """Ends the fit before its next step, with the best so far."""
        return self.add(Entry(kind="stop", by=by))


def fitted_nodes(directory: Path) -> dict[str, str]:
    """The nodes whose prompts a run fits, each with its prompt's name, parents before children.

    Raises:
        DataError: run.json cannot be read.
    """
    path = directory / "run.json"
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["graph"]
        nodes = {name: graph["nodes"][name] for name in graph["order"] if name in graph["nodes"]}
        return {
            name: node["prompt"]["name"] if isinstance(node["prompt"], dict) else name
            for name, node in nodes.items()
            if node["trainable"]
        }
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} cannot be read as that of a run: {error!r}") from error


def _check(entry: Entry, directory: Path) -> None:
    """Refuses names that the run in a directory, if there is one, does not fit."""
    if not (directory / "run.json").is_file():
        return
    nodes = fitted_nodes(directory)
    prompts = dict.fromkeys(nodes.values())
    if entry.prompt is not None and entry.prompt not in prompts:
        raise DataError(
            f"{directory} fits no prompt {entry.prompt!r}; it fits {', '.join(prompts)}"
        )
    if entry.node is not None and entry.node not in nodes:
        raise DataError(f"{directory} fits no node {entry.node!r}; rate one of {', '.join(nodes)}")


def _read(file: Path) -> Iterator[Entry | str]:
    """The entry of each line, or what is wrong with it."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{file} cannot be read: {error}"
        return
    # What follows the last line break is being written.
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        if not line.strip():
            continue
        try:
            entry = Entry.from_json(json.loads(line.decode()))
        except (ValueError, TypeError) as error:
            yield f"{file}, line {number} is no guidance: {error}"
        else:
            yield entry
