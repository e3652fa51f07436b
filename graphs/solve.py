"""Solve step by step, then answer: the base for collecting solutions (chain of thought, 2022).

text ──► solution ──► answer
  └─────────────────────▲
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "arithmetic:steps=2,largest=9"


def network(task: Task, *, tokens: int = 24) -> Graph:
    """The network for a task; `tokens` is the longest solution."""
    return Graph(
        Input(task.input),
        Node(
            "solution",
            f"{{prompt}}\n\n{{{task.input}}}\nSteps:",
            task.prompts["chain-of-thought"],
            decoding=Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n")),
        ),
        Node(
            "answer",
            f"{{prompt}}\n\n{{{task.input}}}\nSteps: {{solution}}.\n\nThe answer is",
            task.description,
            choices=task.labels or None,
            decoding=Decoding(temperature=0.7, max_tokens=6, stop=(".", "\n")),
        ),
        name="solve",
    )
