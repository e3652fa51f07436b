"""A chain of three language nodes: Algorithm 3 of the DLN paper, which its authors did not run.

text ──► notes ──► judgement ──► answer
  └────────────────────────────────▲
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "sentiment"
SHORT = Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n"))


def network(task: Task) -> Graph:
    """The network for a task."""
    return Graph(
        Input("text"),
        Node(
            "notes",
            "{prompt}\n\n{text}\n\nNotes: the writer",
            "Note the words that matter most.",
            decoding=SHORT,
        ),
        Node(
            "judgement",
            "{prompt}\n\nNotes: the writer {notes}.\n\nJudgement: it is",
            "Say in one sentence what the notes suggest.",
            decoding=SHORT,
        ),
        Node(
            "answer",
            "{prompt}\n\n{text}\nJudgement: it is {judgement}.\n\nAnswer:",
            task.description,
            choices=task.labels or None,
        ),
        name="chain3",
    )
