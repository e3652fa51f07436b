"""An ensemble: a plate of hidden texts, an answer to each, and a vote (self-consistency).

text ──► thoughts ×3 ──► answer ×3 ──► vote
  └─────────────────────────▲
"""

from langnet import Decoding, Function, Graph, Input, Node
from langnet.functions import majority
from langnet.tasks import Task

TASK = "sentiment"


def network(task: Task) -> Graph:
    """The network for a task; labels observe every answer, and the vote is what is measured."""
    return Graph(
        Input("text"),
        Node(
            "thoughts",
            "{prompt}\n\n{text}\n\nIn short, the writer",
            "Say in a few words what the writer means.",
            draws=3,
            decoding=Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n")),
        ),
        Node(
            "answer",
            "{prompt}\n\n{text}\nIn short, the writer {thoughts}.\n\nAnswer:",
            task.description,
            choices=task.labels or None,
            over="thoughts",
        ),
        Function("vote", majority("answer")),
        target="answer",
        name="ensemble",
    )
