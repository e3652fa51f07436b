"""Map and reduce over a long document: a note on each line, and an answer from the notes.

text ──► lines ──► note (over the lines) ──► notes ──► answer

The label is that of the whole document. What the note on a line should have been is inferred.
"""

from langnet import Function, Graph, Input, Node
from langnet.functions import join, split_lines
from langnet.tasks import Task

TASK = "long_document:lines=6"


def network(task: Task, *, other: str = "neither") -> Graph:
    """The network for a task whose label one line decides; `other` is the note on other lines."""
    return Graph(
        Input("text"),
        Function("lines", split_lines("text"), plural=True),
        Node(
            "note",
            "{prompt}\n\n{lines}\n\nThis is",
            f"Is this {', '.join(task.labels)} or {other}?",
            choices=(*task.labels, other),
            over="lines",
        ),
        Function("notes", join("note", separator=", ")),
        Node(
            "answer",
            "{prompt}\n\nNotes: {notes}\n\nAnswer:",
            task.description,
            choices=task.labels,
        ),
        name="map_reduce",
    )
