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
            "{prompt}\n\n{text}\n\nBrief analysis:",
            "Say in a few words what kind of text this is.",
            decoding=Decoding(temperature=0.7, max_tokens=16, stop=("\n",)),
        ),
        Node(
            "answer",
            "{prompt}\n\n{text}\nYour thoughts were: {thoughts}\n\nAnswer:",
            task.description,
            choices=task.labels,
        ),
        name="dln2",
    )
