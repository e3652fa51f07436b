"""What was said of a fit, as `langnet guide` shows it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from langnet.guidance import Entry
from langnet.recorded import Said

__all__ = ["said_table"]


def said_table(said: Iterable[Said]) -> Table:
    """Every entry with what became of it."""
    table = Table()
    for column in ("taken", "by", "what"):
        table.add_column(column)
    for item in said:
        entry = item.entry
        when = f"before step {(entry.step or 0) + 1}" if item.is_taken else "not yet"
        what = " ".join(_words(entry))
        refused = f"\nrefused: {item.refused}" if item.refused else ""
        table.add_row(Text(when), Text(entry.by), Text(what + refused))
    return table


def _words(entry: Entry) -> list[str]:
    """An entry as it would be typed."""
    quoted = [f'"{entry.text}"'] if entry.text else []
    about = [] if entry.prompt is None else ["--prompt", entry.prompt]
    match entry.kind:
        case "rating":
            words = ["rate", entry.example or "", "good" if entry.good else "bad"]
            words += ["--node", entry.node or "", "--output", f'"{entry.output}"']
            return words + (["--because", *quoted] if quoted else [])
        case "feedback":
            return ["feedback", *quoted, *about]
        case "proposals":
            return ["propose", str(entry.count), *about]
        case _:
            return [entry.kind, *about[1:], *quoted]
