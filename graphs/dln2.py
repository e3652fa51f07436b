"""DLN-2: a hidden text between input and answer, with a residual (2023, §2.2).

text ──► thoughts ──► answer
  └──────────────────────▲
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "subjectivity"


def network(
    task: Task,
    *,
    start: str = "Say in a few words what kind of text this is.",
    hidden: str = "{prompt}\n\n{text}\n\nIn short, this text",
    residual: str = "{prompt}\n\n{text}\nIn short, this text {thoughts}.\n\nAnswer:",
    tokens: int = 12,
    sentence: bool = True,
) -> Graph:
    """The network for a task; the settings are the hidden prompt, both templates, and its end."""
    stop = (".", "\n") if sentence else ()
    return Graph(
        Input("text"),
        Node(
            "thoughts",
            hidden,
            start,
            decoding=Decoding(temperature=0.7, max_tokens=tokens, stop=stop),
        ),
        Node("answer", residual, task.description, choices=task.labels or None),
        name="dln2",
    )
