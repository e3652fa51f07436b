"""Records read again: what a run directory knows of its fit, as far as guidance needs it.

    run = Recorded(Path("runs/first"))
    said = run.rating("train:17")
    Guidance.at(run.path).rate("train:17", good=False, node=said.node, output=said.output,
                               texts=said.texts)

It works while the fit runs, and imports no code of the run's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from langnet.errors import DataError
from langnet.guidance import Entry, Guidance, fitted_nodes

__all__ = ["Latest", "Rated", "Recorded", "Said"]


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest texts of an example.

    Attributes:
        example: its id.
        file: where they stand, in the run directory.
        texts: of every node but the inputs; nested lists on plates.
        value: what the metric gave the answer.
    """

    example: str
    file: str
    texts: Mapping[str, Any]
    value: float | None


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rating is about.

    Attributes:
        node: the node.
        output: its text.
        texts: what those of its parents said that are no inputs.
    """

    node: str
    output: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said of a fit, and what became of it.

    Attributes:
        entry: what was said; `step` is the one before which it was taken, where it was.
        is_taken: whether the fit has taken it.
        refused: why the fit could not follow it; empty where it could.
    """

    entry: Entry
    is_taken: bool
    refused: str = ""


class Recorded:
    """A run directory.

    Args:
        path: where it is.

    Raises:
        DataError: it holds no run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "run.json").is_file():
            raise DataError(f"{path} holds no run.json, so it is no run directory of a fit")

    @cached_property
    def _graph(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _read(self.path / "run.json")["graph"]
        return found

    def state(self) -> Mapping[str, Any]:
        """The state as it was last written; empty before it is for the first time."""
        file = self.path / "state.json"
        found: Mapping[str, Any] = _read(file) if file.is_file() else {}
        return found

    @cached_property
    def learning(self) -> Mapping[str, str]:
        """The nodes whose prompts are fitted, each with its prompt's name."""
        return fitted_nodes(self.path)

    @property
    def prompts(self) -> Mapping[str, str]:
        """The fitted prompts as they are at present."""
        nodes = self._graph["nodes"]
        now = self.state().get("prompts", {})
        return {
            prompt: now.get(prompt, _text(nodes[node]["prompt"]))
            for node, prompt in self.learning.items()
        }

    def check(self, prompt: str | None) -> None:
        """Makes sure that a prompt is fitted.

        Raises:
            DataError: it is not; the message lists those that are.
        """
        if prompt is not None and prompt not in self.prompts:
            raise DataError(
                f"{self.path} fits no prompt {prompt!r}; it fits {', '.join(self.prompts)}"
            )

    def latest(self, example: str) -> Latest:
        """The latest texts that the fit has seen of an example, in a batch or a validation.

        Raises:
            DataError: there are none, with the reason.
        """
        for file in self._newest_first():
            for row in _lines(file):
                if row.get("example") == example and "texts" in row:
                    name = file.relative_to(self.path).as_posix()
                    return Latest(example, name, row["texts"], row.get("value"))
        examples = self.path / "examples.jsonl"
        if not examples.is_file():
            raise DataError(
                f"{self.path} keeps no texts, for the fit was run with --no-traces; say the rated "
                "text by --output"
            )
        if all(row.get("example") != example for row in _lines(examples)):
            raise DataError(f"there is no example {example!r}; {examples} holds the ids of all")
        raise DataError(
            f"the fit has not seen the example {example!r} yet; say the rated text by --output"
        )

    def rating(self, example: str, *, node: str | None = None, output: str | None = None) -> Rated:
        """What a rating of an example is about: by default its latest answer.

        Args:
            example: its id.
            node: the rated node; by default the target, or the last that is fitted.
            output: the rated text; by default the node's latest one.

        Raises:
            DataError: the node is not fitted, there is no such example, or there are no texts or
                several.
        """
        node = self._node(node)
        try:
            texts = self.latest(example).texts
        except DataError:
            if output is None or not self._may_be(example):
                raise
            return Rated(node, output, {})
        places = list(_places(texts.get(node)))
        if output is None and len(places) != 1:
            raise DataError(
                f"the node {node!r} said {len(places)} texts for {example!r}; say by --output "
                "which is rated"
            )
        place = next((at for at, text in places if output in (None, text)), None)
        if output is None:
            output = places[0][1]
        if place is None:
            # An older text: nobody knows what led to it.
            return Rated(node, output, {})
        parents = self._graph["parents"].get(node, ())
        shown = {name: _at(texts[name], place) for name in parents if name in texts}
        return Rated(node, output, {name: str(text) for name, text in shown.items()})

    def said(self) -> tuple[Said, ...]:
        """All that was said, what the fit has taken first, in its order."""
        state = self.state()
        refused = state.get("refused", {})
        taken = tuple(map(Entry.from_json, state.get("guidance", ())))
        known = {entry.id for entry in taken}
        waiting = (entry for entry in Guidance.at(self.path).heard()[0] if entry.id not in known)
        return (
            *(Said(entry, is_taken=True, refused=refused.get(entry.id, "")) for entry in taken),
            *(Said(entry, is_taken=False) for entry in waiting),
        )

    def _node(self, node: str | None) -> str:
        learning = self.learning
        if node is None:
            target = self._graph["target"]
            return target if target in learning else [*learning][-1]
        if node not in learning:
            raise DataError(f"{self.path} fits no node {node!r}; rate one of {', '.join(learning)}")
        return node

    def _may_be(self, example: str) -> bool:
        file = self.path / "examples.jsonl"
        return not file.is_file() or any(row.get("example") == example for row in _lines(file))

    def _newest_first(self) -> Iterator[Path]:
        """Files with texts; a validation comes after the batch of its step."""
        found = [
            *((int(path.name[:4]), 0, path) for path in self.path.glob("steps/????.traces.jsonl")),
            *((int(path.stem), 1, path) for path in self.path.glob("validations/????.jsonl")),
        ]
        return (path for _, _, path in sorted(found, reverse=True))


def _text(prompt: Any) -> str:
    return str(prompt["text"] if isinstance(prompt, Mapping) else prompt)


def _places(value: Any, index: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    """The texts of a node, each with its place on the node's plates."""
    if isinstance(value, list):
        for number, element in enumerate(value):
            yield from _places(element, (*index, number))
    elif value is not None:
        yield index, str(value)


def _at(value: Any, index: Sequence[int]) -> Any:
    """What stands at a place, or all of it where a value is on fewer plates."""
    for number in index:
        if not isinstance(value, list) or number >= len(value):
            break
        value = value[number]
    return tuple(value) if isinstance(value, list) else value


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
