"""Debate with a judge: each side argues for its answer, and sees what the other side said.

        ┌──► for_1 ─┬─► for_2 ─┬─► judge
text ───┤           ╳          │
        └──► against_1 ► against_2

After Irving, Christiano and Amodei 2018 (arXiv 1805.00899). A side keeps its prompt in all rounds.
"""

from langnet import Decoding, Graph, Input, Node, Prompt
from langnet.tasks import Task

TASK = "sentiment"
SHORT = Decoding(temperature=0.7, max_tokens=16, stop=(".", "\n"))


def network(task: Task, *, rounds: int = 1) -> Graph:
    """The network for a task with labels, each of which has a side that argues for it."""
    sides = {f"side_{number}": label for number, label in enumerate(task.labels, 1)}
    prompts = {
        side: Prompt(side, f"Argue that the right answer is: {label}.")
        for side, label in sides.items()
    }
    parts: list[Node] = []
    said = "{text}"
    for turn in range(1, rounds + 1):
        for side, label in sides.items():
            template = f"{{prompt}}\n\n{said}\n\nThis is {label}, because"
            parts.append(Node(f"{side}_{turn}", template, prompts[side], decoding=SHORT))
        for side, label in sides.items():
            said += f"\nOne side says: this is {label}, because {{{side}_{turn}}}."
    judge = Node(
        "answer", f"{{prompt}}\n\n{said}\n\nAnswer:", task.description, choices=task.labels
    )
    return Graph(Input("text"), *parts, judge, name="debate")
