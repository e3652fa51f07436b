"""DLN-2: a hidden text between input and answer, with a residual (2023, §2.2).

text ──► thoughts ──► answer
  └──────────────────────▲
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "subjectivity"


def network(task: Task) -> Graph:
    """The network for a task."""
    return Graph(
        Input("text"),
        Node(
            "thoughts",
            "{prompt}\n\n{text}\n\nIn short, this text",
            "Say in a few words what kind of text this is.",
            decoding=Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n")),
        ),
        Node(
            "answer",
            "{prompt}\n\n{text}\nIn short, this text {thoughts}.\n\nAnswer:",
            task.description,
            choices=task.labels or None,
        ),
        name="dln2",
    )
