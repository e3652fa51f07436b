"""Readers for GSM8K: its problems, and the solutions of models that were published with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from langnet.data.example import Example
from langnet.data.read import Row, examples_from, rows
from langnet.errors import DataError

__all__ = ["VERDICTS", "read_gsm8k", "read_gsm8k_solutions", "text_of"]

VERDICTS: Mapping[str, str] = MappingProxyType({"true": "Yes", "false": "No"})
"""Whether a solution is right, as `read_gsm8k_solutions` puts it."""


def read_gsm8k(
    path: str | PathLike[str], *, input_name: str = "question", node: str = "answer"
) -> list[Example]:
    """Reads GSM8K (Cobbe et al. 2021); the target is the number after "####", without commas."""
    path = Path(path)

    def fields(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        _, mark, number = text_of(row, "answer").rpartition("####")
        if not mark:
            raise DataError(f"{row.where}: the answer does not end in a line such as '#### 12'")
        return {input_name: text_of(row, "question")}, {node: number.strip().replace(",", "")}

    return examples_from(path, rows(path), fields)


def read_gsm8k_solutions(
    path: str | PathLike[str],
    *,
    input_name: str = "question",
    solution: str = "solution",
    reference: str | None = None,
    node: str = "answer",
) -> list[Example]:
    """Reads the model solutions that were published with GSM8K: data for verifiers.

    Each question comes with solutions of several models, and each of them makes an example, whose
    target is "Yes" where the solution is right and "No" where it is not. Its id ends with the
    model's name. `split(examples, group="question", …)` keeps a question's solutions together.

    Args:
        path: the file, one question a line.
        input_name: name of the input that holds the question.
        solution: name of the input that holds the solution.
        reference: name of an input for the right solution, which is what a writer of rationales
            is shown; there is none by default.
        node: name of the node that the verdict observes.
    """
    path = Path(path)

    def solutions() -> Iterator[Row]:
        for number, row in enumerate(rows(path), start=1):
            found = {
                name: value
                for name, value in row.values.items()
                if isinstance(value, dict) and "is_correct" in value
            }
            if not found:
                raise DataError(f'{row.where}: there is no solution with "is_correct"')
            for name, value in found.items():
                label = f"{path.name.partition('.')[0]}:{number}:{name}"
                yield Row(f"{row.where}, {name}", {**row.values, **value, "id": label})

    def fields(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        inputs = {input_name: text_of(row, "question"), solution: text_of(row, "solution")}
        if reference is not None:
            inputs[reference] = text_of(row, "ground_truth")
        is_correct = row["is_correct"]
        if not isinstance(is_correct, bool):
            raise DataError(f"{row.where}: is_correct is {is_correct!r:.80}, not true or false")
        return inputs, {node: VERDICTS["true" if is_correct else "false"]}

    return examples_from(path, solutions(), fields)


def text_of(row: Row, column: str) -> str:
    """The text of a column.

    Raises:
        DataError: where it is none, or is empty.
    """
    value = row[column]
    if not isinstance(value, str) or not value:
        raise DataError(f"{row.where}: the column {column!r} is {value!r:.80}, not a text")
    return value
