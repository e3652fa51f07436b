"""What a view of an object consists of, whoever renders it. All texts are data, never markup."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Block", "Cell", "Changed", "Curve", "Line", "Long", "Table", "Title"]


@dataclass(frozen=True, slots=True)
class Title:
    """What is shown, in a few words."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence.

    Attributes:
        text: the sentence.
        warns: whether it is a warning.
    """

    text: str
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Long:
    """A text that may have many lines, such as a model wrote.

    Attributes:
        text: the text.
        seen: what the model saw when it wrote that; empty where there is nothing to show.
    """

    text: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """One side of a change, in words.

    Attributes:
        words: pieces of the text, each with whether the other side lacks it.
        added: whether this is the later side.
    """

    words: tuple[tuple[str, bool], ...]
    added: bool


Cell = str | Long | Changed


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: their headings; none are shown where all are empty.
        rows: a cell for each column.
        numbers: which columns hold numbers.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over steps.

    Attributes:
        name: of what the points are.
        points: steps with values, the first step first.
    """

    name: str
    points: tuple[tuple[int, float], ...]


Block = Title | Line | Table | Curve
