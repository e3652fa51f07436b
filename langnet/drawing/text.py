"""Graphs for a terminal: one part a line, with the edges drawn at its left.

Every part that others read has a lane, from its own line to that of its last reader. A reader
takes in lanes from the left:

    ○ question
    ├─● thoughts
    ╰─┴─● answer
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from langnet.drawing.words import details, kind_of, printable, title
from langnet.graph import Graph
from langnet.node import Node

__all__ = ["as_text", "outline"]

_MARKS = {"input": "○", "trainable": "●", "frozen": "◐", "function": "◆"}
_WIDEST = 12


def as_text(graph: Graph, *, width: int = 100) -> str:
    """The graph as lines of text, with prompts cut off at the width (in terminal cells)."""
    names = outline(graph)
    notes = [", ".join(details(graph, name)) for name in graph.order]
    columns = max(map(cell_len, names)), max(map(cell_len, notes))
    lines = [_heading(graph)]
    for name, left, note in zip(graph.order, names, notes, strict=True):
        line = f"{set_cell_size(left, columns[0])}  {set_cell_size(note, columns[1])}"
        part = graph[name]
        if isinstance(part, Node) and graph.structure.templates[name].has_prompt:
            line += f'  "{printable(part.prompt_text)}"'
        lines.append(_cut(line.rstrip(), width))
    return "\n".join(lines)


def outline(graph: Graph) -> list[str]:
    """The edges and the title of each part, in the order of the graph."""
    lanes = _lanes(graph, straight=False)
    straight = max(map(cell_len, lanes)) > 2 * _WIDEST
    if straight:
        lanes = _lanes(graph, straight=True)
    return [
        f"{lane} {title(graph, name)}" + (_readings(graph, name) if straight else "")
        for lane, name in zip(lanes, graph.order, strict=True)
    ]


def _heading(graph: Graph) -> str:
    counts = [
        f"{count} {noun}{'' if count == 1 else 's'}"
        for count, noun in (
            (len(graph.inputs), "input"),
            (len(graph.nodes), "language node"),
            (len(graph.functions), "function"),
        )
        if count
    ]
    return f"{printable(graph.name)}: {', '.join(counts)}"


def _readings(graph: Graph, name: str) -> str:
    parents = graph.structure.parents[name]
    return f" ← {', '.join(parents)}" if parents else ""


def _lanes(graph: Graph, *, straight: bool) -> list[str]:
    """The edges at the left of each line.

    With `straight`, a part stands in the lane of its rightmost parent where that ends here, so
    that a long chain takes up one lane; else it stands to the right of all its parents.
    """
    structure = graph.structure
    last = {
        name: max(map(graph.order.index, children)) if children else -1
        for name, children in structure.children.items()
    }
    open_lanes: dict[int, str] = {}
    lines: list[str] = []
    stopped = -1  # the lane of a part that no other reads, under which no stranger may stand
    for position, name in enumerate(graph.order):
        parents = structure.parents[name]
        joined = {lane for lane, source in open_lanes.items() if source in parents}
        ending = {lane for lane in joined if last[open_lanes[lane]] == position}
        rightmost = max(joined, default=-1)
        if straight and rightmost in ending:
            column = rightmost
        else:
            column = rightmost + 1
            while column in open_lanes or column == stopped:
                column += 1
        kind = _MARKS[kind_of(graph, name)]
        lines.append(_row(open_lanes, joined, ending, column) + kind)
        for lane in ending:
            del open_lanes[lane]
        if structure.children[name]:
            open_lanes[column] = name
        stopped = -1 if structure.children[name] else column
    return lines


def _row(open_lanes: dict[int, str], joined: set[int], ending: set[int], column: int) -> str:
    first = min(joined - {column}, default=column)
    cells = []
    for lane in range(column):
        line = "─" if lane >= first else " "
        if lane in joined:
            if lane == first:
                cell = "╰" if lane in ending else "├"
            else:
                cell = "┴" if lane in ending else "┼"
        elif lane in open_lanes:
            cell = "│"
        else:
            cell = line
        cells.append(cell + line)
    return "".join(cells)


def _cut(line: str, width: int) -> str:
    if cell_len(line) <= width:
        return line
    ending = '…"' if line.endswith('"') else "…"
    return set_cell_size(line, width - len(ending)).rstrip() + ending
