"""Reading examples from JSON lines, JSON, CSV and TSV files, as they are or gzipped.

`rows` turns a file into records that remember where they stand, `read` turns records into
examples. Every fault names the file and the line, and what to do about it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from langnet.data.example import Example
from langnet.errors import DataError

__all__ = ["Row", "examples_from", "read", "read_text", "rows"]

_PAIRS = (("input", "target"), ("sentence", "label"), ("text", "label"), ("question", "answer"))


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file.

    Attributes:
        where: the place in the file, such as "train.csv, line 7".
        values: column to value, as the file has it.
    """

    where: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        """The value of a column.

        Raises:
            DataError: where this row has no such column.
        """
        try:
            return self.values[column]
        except KeyError:
            raise DataError(
                f"{self.where}: there is no column {column!r}; there is {_listed(self.values)}"
            ) from None


def read(
    path: str | PathLike[str],
    *,
    inputs: str | Mapping[str, str] | None = None,
    input_name: str | None = None,
    target: str | Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    node: str = "answer",
) -> list[Example]:
    """Reads a file of examples; its ending says how: .jsonl, .json, .csv or .tsv, also with .gz.

    A JSON file holds a list of objects, or such a list under "examples". A TSV file has no
    quoting: a quotation mark is a character like any other. Where neither inputs nor target are
    given, the file must have one of the pairs of columns input/target, sentence/label, text/label
    or question/answer. Where only inputs are given, the examples have no targets.

    An example's id is the value of the column "id" where there is one, else the file's stem and
    the row's number, as in "train:1".

    Args:
        path: the file, in UTF-8.
        inputs: input name to column; or the column of the only input.
        input_name: name of the only input, where it differs from its column's.
        target: node name to column; or the column that `node` is observed in.
        labels: the target values in the file to the texts that they stand for, such as
            `{"0": "subjective", "1": "objective"}`; a value that is not among them is a fault.
        node: name of the node that a target given by its column alone observes.

    Raises:
        DataError: where the file does not hold what is asked for.
        OSError: where the file cannot be opened.
    """
    path = Path(path)
    records = rows(path)
    if inputs is None:
        column, detected = _detect(path, records[0], target)
        target = target if target is not None else detected
        inputs = column
    if isinstance(inputs, str):
        inputs = {input_name or inputs: inputs}
    elif input_name is not None:
        raise DataError(
            f"input_name={input_name!r} needs inputs to be a column, not a mapping; "
            "the mapping names the inputs already"
        )
    if isinstance(target, str):
        target = {node: target}
    wanted = target or {}

    def fields(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        return (
            {name: _input(row, column) for name, column in inputs.items()},
            {name: _target(row, column, labels) for name, column in wanted.items()},
        )

    return examples_from(path, records, fields)


def examples_from(
    path: Path,
    records: Iterable[Row],
    fields: Callable[[Row], tuple[dict[str, Any], dict[str, str]]],
) -> list[Example]:
    """Builds examples with ids that are unique, from the (inputs, targets) of each row.

    Raises:
        DataError: where two rows have the same id, or a row makes no valid example.
    """
    stem = Path(path.name.removesuffix(".gz")).stem
    seen: dict[str, str] = {}
    examples = []
    named = False
    for number, row in enumerate(records, start=1):
        if number == 1:
            named = "id" in row.values
        name = _text(row, "id", row["id"]) if named else f"{stem}:{number}"
        if name in seen:
            raise DataError(
                f"{row.where}: the id {name!r} is that of {seen[name]}; ids must be unique"
            )
        seen[name] = row.where
        inputs, targets = fields(row)
        try:
            examples.append(Example(name, inputs, targets))
        except DataError as error:
            raise DataError(f"{row.where}: {error}") from None
    return examples


def rows(path: Path) -> list[Row]:
    """Reads the records of a file, in their order.

    Raises:
        DataError: where the file is not what its ending says, or holds no record.
        OSError: where the file cannot be opened.
    """
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    parse = _PARSERS.get(ending.lower())
    if parse is None:
        raise DataError(
            f"{path}: cannot tell the format from the ending {ending!r}; rename the file to end in "
            f"{', '.join(_PARSERS)}, each with or without .gz"
        )
    found = list(parse(path, read_text(path)))
    if not found:
        raise DataError(f"{path}: there is no example in the file")
    return found


def read_text(path: Path) -> str:
    """Reads a text file in UTF-8, with or without a byte order mark, gzipped where it ends in .gz.

    Raises:
        DataError: where the file is broken or not UTF-8.
        OSError: where the file cannot be opened.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: not a whole gzip file ({error}); compress it again") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte {error.start}); save the file as UTF-8"
        ) from None


def _json_lines(path: Path, text: str) -> Iterator[Row]:
    # Not splitlines: JSON strings may hold characters that it takes for ends of lines.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            yield _object(where, _json(where, line))


def _json_list(path: Path, text: str) -> Iterator[Row]:
    whole = _json(str(path), text)
    if isinstance(whole, dict):
        whole = whole.get("examples")
    if not isinstance(whole, list):
        raise DataError(f'{path}: needs a list of objects, or such a list under "examples"')
    for number, value in enumerate(whole, start=1):
        yield _object(f"{path}, item {number}", value)


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, " if "\n" in text.strip() else ""
        raise DataError(
            f"{where}: not valid JSON ({error.msg} at {place}column {error.colno})"
        ) from None


def _object(where: str, value: Any) -> Row:
    if not isinstance(value, dict):
        raise DataError(f'{where}: needs an object such as {{"input": …}}, not {value!r:.80}')
    return Row(where, value)


def _csv(path: Path, text: str) -> Iterator[Row]:
    return _table(path, csv.reader(io.StringIO(text, newline=""), strict=True))


def _tsv(path: Path, text: str) -> Iterator[Row]:
    lines = io.StringIO(text, newline="")
    return _table(path, csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _table(path: Path, reader: Any) -> Iterator[Row]:
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            # A quoted cell may span lines; a fault is told where its row begins.
            where, start = f"{path}, line {start}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                twice = {name for name in header if header.count(name) > 1}
                if twice:
                    raise DataError(f"{where}: the header has {_listed(twice)} more than once")
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{where}: has {len(cells)} cells, but the header has {len(header)} columns "
                    f"({_listed(header)}); quote cells that hold the separator"
                )
            yield Row(where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None


_PARSERS: Mapping[str, Callable[[Path, str], Iterator[Row]]] = MappingProxyType(
    {".jsonl": _json_lines, ".json": _json_list, ".csv": _csv, ".tsv": _tsv}
)


def _detect(
    path: Path, first: Row, target: str | Mapping[str, str] | None
) -> tuple[str, str | None]:
    """The columns of the input and of the target, where they have well-known names."""
    taken = {target} if isinstance(target, str) else set((target or {}).values())
    for source, observed in _PAIRS:
        if source in first.values and source not in taken and (taken or observed in first.values):
            return source, None if taken else observed
    pairs = ", ".join(f"{source}/{observed}" for source, observed in _PAIRS)
    raise DataError(
        f"{path}: cannot tell which columns to use: looked for {pairs}, and the file has "
        f"{_listed(first.values)}; name them, as in inputs='text', target='label'"
    )


def _input(row: Row, column: str) -> Any:
    value = row[column]
    if value is None:
        raise DataError(f"{row.where}: the input column {column!r} is null; give it a value")
    return value


def _target(row: Row, column: str, labels: Mapping[str, str] | None) -> str:
    text = _text(row, column, row[column])
    if labels is None:
        return text
    if text not in labels:
        raise DataError(
            f"{row.where}: {column} is {text!r}, which labels does not name; "
            f"it names {_listed(labels)}"
        )
    return labels[text]


def _text(row: Row, column: str, value: Any) -> str:
    """The value as text: numbers and truth values as JSON writes them."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise DataError(
        f"{row.where}: the column {column!r} is {value!r:.80}, but a text or a number is needed"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "none"
