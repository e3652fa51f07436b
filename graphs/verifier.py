"""A generative verifier: is this solution right? p(Yes) is its score (GenRM, 2024, 2408.15240).

question, solution ──► verdict            with --set think=true:
                                          question, solution ──► check ──► verdict

The prompt stands last, so that all candidates share what the model has read of a solution.
"""

from langnet import Decoding, Graph, Input, Node
from langnet.tasks import Task

TASK = "arithmetic_check:steps=2,largest=9"
CHECK = "Look at each step again."
JUDGE = "Are all of these steps right? Say Yes or No."


def network(task: Task, *, think: bool = False, tokens: int = 16) -> Graph:
    """The network for a task whose answers are Yes and No; it may write a check first."""
    read = "\nSteps:\n".join(f"{{{name}}}" for name in task.inputs)
    check = Node(
        "check",
        f"{read}\n\n{{prompt}}\nCheck: the first step",
        CHECK,
        decoding=Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n")),
    )
    thought = "\nCheck: the first step {check}." if think else ""
    return Graph(
        *map(Input, task.inputs),
        *([check] if think else []),
        Node("verdict", f"{read}{thought}\n\n{{prompt}}\nAnswer:", JUDGE, choices=["Yes", "No"]),
        name="verifier",
    )
