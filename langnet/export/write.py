"""Writing rows as JSON lines, with what they are beside them."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from langnet.collect import Solution
from langnet.errors import DataError
from langnet.export.rows import Export, Row, parted
from langnet.key import Key
from langnet.text_file import replacing, write_data

__all__ = ["Writer", "write", "writing"]


class Writer:
    """Takes the solutions of one question after the other, and counts."""

    def __init__(self, file: IO[bytes], export: Export, key: Key, *, conversational: bool) -> None:
        """Made by `writing`."""
        self._file = file
        self._export = export
        self._key = key
        self._conversational = conversational
        self._seen: set[str] = set()
        self._digest = sha256()
        self.counts: Counter[str] = Counter(
            dict.fromkeys(("questions", "solutions", "correct", "incorrect", "repeated", "rows"), 0)
        )

    def add(self, solutions: Sequence[Solution]) -> int:
        """Writes the rows of one question, and gives their number.

        Equal solutions count once.

        Raises:
            DataError: the solutions are of several questions, the question was there before, or
                one text is marked both right and wrong.
        """
        if not solutions:
            return 0
        names = {solution.example for solution in solutions}
        if len(names) > 1 or names & self._seen:
            raise DataError(
                f"the solutions of {', '.join(map(repr, sorted(names)))} do not come at once; give "
                "all solutions of a question together, and each question once"
            )
        self._seen |= names
        by_text: dict[tuple[str, str, bool], Solution] = {}
        for one in solutions:
            by_text.setdefault((one.context, one.text, one.is_correct), one)
        unique = [*by_text.values()]
        if len({(one.context, one.text) for one in unique}) < len(unique):
            raise DataError(f"{names.pop()!r} has a solution that is marked both right and wrong")
        right, wrong = parted(unique)
        rows = 0
        for row in self._export(unique, (self._key / unique[0].example).rng()):
            line = json.dumps(_messages(row) if self._conversational else row, ensure_ascii=False)
            # A lone surrogate becomes an escape, which JSON reads back.
            data = (line + "\n").encode(errors="backslashreplace")
            self._file.write(data)
            self._digest.update(data)
            rows += 1
        self.counts.update(
            questions=1,
            solutions=len(solutions),
            correct=len(right),
            incorrect=len(wrong),
            repeated=len(solutions) - len(unique),
            rows=rows,
        )
        return rows

    @property
    def sha256(self) -> str:
        """The hash of what is written so far."""
        return self._digest.hexdigest()


@contextmanager
def writing(
    path: str | Path,
    export: Export,
    *,
    key: Key,
    conversational: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Iterator[Writer]:
    """A writer of JSON lines; the file is there once the block has ended well, and whole.

    Beside `name.jsonl` comes `name.meta.json`: the type and format, the settings, the counts and
    the file's SHA-256.

    Args:
        path: where the lines go.
        export: what rows are made of a question's solutions.
        key: where choices among pairs or solutions come from; a question's do not depend on others.
        conversational: whether texts become messages of a user and an assistant, for trainers that
            apply a chat template.
        about: what else the metadata should hold, as plain data, such as the model and the seed.
    """
    path = Path(path)
    with replacing(path) as file:
        writer = Writer(file, export, key, conversational=conversational)
        yield writer
    write_data(
        path.with_suffix(".meta.json"),
        {
            "type": export.type,
            "format": "conversational" if conversational else "standard",
            "export": type(export).__name__,
            "settings": _settings(export),
            "key": list(key),
            "counts": dict(writer.counts),
            "sha256": writer.sha256,
            "about": dict(about or {}),
        },
    )


def write(
    path: str | Path,
    solutions: Iterable[Solution],
    export: Export,
    *,
    key: Key,
    conversational: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Mapping[str, int]:
    """Writes a stream of solutions, in which those of a question stand together; see `writing`.

    Returns:
        How many questions, solutions, right, wrong and repeated ones there were, and rows.

    Raises:
        DataError: as in `Writer.add`; nothing is written then.
    """
    with writing(path, export, key=key, conversational=conversational, about=about) as writer:
        for _, group in itertools.groupby(solutions, lambda solution: solution.example):
            writer.add([*group])
    return dict(writer.counts)


def _messages(row: Row) -> Row:
    """A row in TRL's conversational format."""
    return {
        column: value
        if column == "label"
        else [{"role": "user" if column == "prompt" else "assistant", "content": value.strip()}]
        for column, value in row.items()
    }


def _settings(export: Export) -> Row:
    """The settings of an export as plain data; a function goes by its name."""
    return {
        name: value.__qualname__ if callable(value) else value
        for name, value in vars(export).items()
        if name != "type"
    }
