"""DLN-1: one language node whose prompt is learnt (Deep Language Networks, 2023, §2.1).

text ──► answer
"""

from langnet import Graph, Input, Node
from langnet.tasks import Task

TASK = "subjectivity"


def network(task: Task) -> Graph:
    """The network for a task."""
    return Graph(
        Input("text"),
        Node(
            "answer",
            "{prompt}\n\n{text}\n\nAnswer:",
            task.description,
            choices=task.labels or None,
        ),
        name="dln1",
    )
