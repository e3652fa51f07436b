"""Self-consistency: solve S times, answer each time, and let the answers vote (2203.11171).

text ──► solution ×S ──► answer ×S ──► vote
  └─────────────────────────▲
"""

from langnet import Decoding, Function, Graph, Input, Node
from langnet.functions import majority
from langnet.tasks import Task

TASK = "arithmetic:steps=2,largest=9"


def network(task: Task, *, solutions: int = 3, tokens: int = 24) -> Graph:
    """The network for a task; labels observe every answer, and the vote is what is measured."""
    return Graph(
        Input(task.input),
        Node(
            "solution",
            f"{{prompt}}\n\n{{{task.input}}}\nSteps:",
            task.prompts["chain-of-thought"],
            draws=solutions,
            decoding=Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n")),
        ),
        Node(
            "answer",
            f"{{prompt}}\n\n{{{task.input}}}\nSteps: {{solution}}.\n\nThe answer is",
            task.description,
            choices=task.labels or None,
            over="solution",
            decoding=Decoding(temperature=0.7, max_tokens=6, stop=(".", "\n")),
        ),
        Function("vote", majority("answer")),
        target="answer",
        name="self_consistency",
    )
