"""Where the texts of a run lie: they stay in its files, and of each row only the place is kept."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from langnet.errors import GraphError
from langnet.report.page.document import candidates_data, example_data, seen_data, story_data
from langnet.report.page.run_files import read_example, read_json, read_moment, read_step
from langnet.ui.files import signature

__all__ = ["Texts", "seen_file"]

_KINDS: tuple[Literal["batch", "validation"], ...] = ("batch", "validation")
_EXAMPLES = "examples.jsonl"


def seen_file(number: int, kind: int) -> str:
    """Where a batch (0) or a validation (1) of a step lies in a run directory."""
    return f"validations/{number:04d}.jsonl" if kind else f"steps/{number:04d}.traces.jsonl"


class Texts:
    """Finds the texts of one run again.

    Args:
        directory: the run directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers: dict[str, int] = {}
        self._places = array("q")
        self._seen: dict[tuple[int, int], array[int]] = {}

    @property
    def examples(self) -> frozenset[str]:
        """The ids of all examples that are known."""
        return frozenset(self._numbers)

    def read_examples(self, target: str) -> list[dict[str, Any]]:
        """Reads the examples; gives what a list of them shows.

        Args:
            target: the node that is marked.
        """
        told: list[dict[str, Any]] = []
        numbers, places = {}, array("q")
        for place, row in _rows(self._directory / _EXAMPLES):
            story = read_example(row)
            numbers[story.id] = len(told)
            places.append(place)
            told.append(example_data(story, target))
        self._numbers, self._places = numbers, places
        return told

    def read_seen(self, number: int, kind: int, output: str) -> tuple[list[list[Any]], list[Any]]:
        """Reads a batch (0) or a validation (1) of a step.

        Args:
            number: the step.
            kind: which of the two.
            output: the network's first output.

        Returns:
            Number of the example, value and answer of each row; and the rows without their texts.
        """
        places = array("q", [-1]) * len(self._numbers)
        told: list[list[Any]] = []
        kept: list[Any] = []
        for place, row in _rows(self._directory / seen_file(number, kind)):
            at = self._numbers.get(row["example"])
            if at is None:
                continue
            places[at] = place
            _, _, value, answer = seen_data(read_moment(number, _KINDS[kind], output, row))
            told.append([at, value, answer])
            kept.append({"alternatives": row.get("alternatives", ())})
        self._seen[number, kind] = places
        return told, kept

    def candidates(self, step: int) -> dict[str, list[Any]]:
        """All candidates of a step, by prompt.

        Raises:
            GraphError: there is no such step, or its file cannot be read.
        """
        path = self._directory / "steps" / f"{step:04d}.json"
        if signature(path) is None:
            raise GraphError(f"there is no step {step}")
        found = read_step(step, read_json(path), (), {})
        return {choice.prompt: candidates_data(choice) for choice in found.choices}

    def story(self, example: str, output: str) -> dict[str, Any]:
        """One example in full, whenever it was seen.

        Args:
            example: its id.
            output: the network's first output.

        Raises:
            GraphError: there is no such example, or a file cannot be read.
        """
        number = self._numbers.get(example)
        if number is None:
            raise GraphError(f"there is no example {example!r}")
        story = read_example(self._row(_EXAMPLES, self._places[number]))
        for step, kind in sorted(self._seen):
            place = self._seen[step, kind][number]
            if place >= 0:
                row = self._row(seen_file(step, kind), place)
                story.moments.append(read_moment(step, _KINDS[kind], output, row))
        return {**story_data(story), "seen": [*map(seen_data, story.moments)]}

    def _row(self, name: str, place: int) -> Any:
        try:
            with (self._directory / name).open("rb") as file:
                file.seek(place)
                return json.loads(file.readline())
        except (OSError, ValueError) as error:
            raise GraphError(f"{name} cannot be read: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """The JSON in each line of a file, and where the line begins."""
    place = 0
    with path.open("rb") as file:
        for line in file:
            yield place, json.loads(line)
            place += len(line)
