"""In-context exemplars and the compositional gap (Hosseini et al. 2022, arXiv 2211.08473).

exemplars ──► shown ──► answer
text ─────────────────────▲

The task chooses the exemplars: so that they cover the primitives of the command and of its right
actions, which is an oracle's choice, and from one side of a split or the other.
"""

from langnet import Decoding, Function, Graph, Input, Node
from langnet.functions import few_shot
from langnet.tasks import Task

TASK = "scan:split=addprim_jump,longest=3,shots=10"


def network(task: Task, *, shots: int = 5) -> Graph:
    """The network for a task that brings exemplars; `shots` is how many of them are shown."""
    return Graph(
        Input("exemplars", plural=True),
        Input("text"),
        Function("shown", few_shot("exemplars", "Command: {text}\nActions: {answer}", shots)),
        Node(
            "answer",
            "{prompt}\n\n{shown}Command: {text}\nActions:",
            task.prompts.get("paper", task.description),
            decoding=Decoding(temperature=0.0, max_tokens=32, stop=("\n", "Command")),
        ),
        name="scan",
    )
