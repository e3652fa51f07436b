"""ListOps along the tree of each example, after Ordered Memory (Shen et al. 2019, §5.2).

[MAX 2 [MIN 7 4 ] ]  ──►  (MIN 7 4) is 4  ──►  (MAX 2 4) is 4  ──►  answer

As there, one cell serves all operators: all nodes share its prompt. With --set apart=true each
operator has a prompt of its own. A level's operators are a plate, empty where there is none.
"""

from langnet import Graph, Node
from langnet.tasks import Task
from langnet.trees import folded

TASK = "listops"
OPERATORS = {
    "MIN": "MIN is the smallest of the numbers.",
    "MAX": "MAX is the largest of the numbers.",
    "MED": "MED is the median of the numbers.",
    "SM": "SM is the last digit of the sum of the numbers.",
}


def network(task: Task, *, apart: bool = False) -> Graph:
    """The network for the trees of a task, as deep as its settings let them be."""

    def cell(name: str, prompt: str) -> Node:
        return Node(name, "{prompt}\n\n{operation} =", prompt, choices=task.labels)

    one = cell("cell", " ".join(OPERATORS.values()))
    apiece = {symbol: cell(symbol.lower(), prompt) for symbol, prompt in OPERATORS.items()}
    deeper = 2 if task.chosen["split"] == "depth" else 1
    return folded(
        apiece if apart else dict.fromkeys(OPERATORS, one),
        parse=task.parse,
        depth=deeper * int(task.chosen["depth"]),
        name="listops",
    )
