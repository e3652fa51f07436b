"""A diamond: two views of the input, joined by the answer.

        ┌──► facts ────┐
text ───┤              ├──► answer
        └──► feelings ─┘
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "subjectivity"
SHORT = Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n"))


def network(task: Task) -> Graph:
    """The network for a task."""
    return Graph(
        Input("text"),
        Node("facts", "{prompt}\n\n{text}\n\nFacts: the", "State what happens.", decoding=SHORT),
        Node(
            "feelings",
            "{prompt}\n\n{text}\n\nFeelings: the writer",
            "State how the writer feels.",
            decoding=SHORT,
        ),
        Node(
            "answer",
            "{prompt}\n\n{text}\nFacts: the {facts}.\nFeelings: the writer {feelings}.\n\nAnswer:",
            task.description,
            choices=task.labels or None,
        ),
        name="diamond",
    )
