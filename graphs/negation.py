"""Understanding by understanding not (Hosseini et al. 2021, arXiv 2105.03519).

text ──► answer        score of a prompt: Σ log p(right) + γ Σ log (1 − p(wrong answer))
"""

from langnet import Graph, Input, Node
from langnet.tasks import Task

TASK = "negation"


def network(task: Task) -> Graph:
    """The network for a task: the statement is completed, so that no answer has to be asked for."""
    return Graph(
        Input("text"),
        Node("answer", "{prompt}\n\n{text}", task.description, choices=task.labels),
        name="negation",
    )
