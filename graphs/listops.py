"""ListOps along the tree of each example, after Ordered Memory (Shen et al. 2019, §5.2).

[MAX 2 [MIN 7 4 ] ]  ──►  (MIN 7 4) is 4  ──►  (MAX 2 4) is 4  ──►  answer

All operators of a kind share one prompt; those of a level are a plate, empty where there is none.
"""

from langnet import Graph, Node
from langnet.tasks import Task
from langnet.trees import folded

TASK = "listops"
OPERATORS = {
    "MIN": "What is the smallest number?",
    "MAX": "What is the largest number?",
    "MED": "What is the median of the numbers?",
    "SM": "What is the last digit of the sum of the numbers?",
}


def network(task: Task) -> Graph:
    """The network for the trees of a task, as deep as its settings let them be."""
    deeper = 2 if task.chosen["split"] == "depth" else 1
    return folded(
        {
            symbol: Node(
                symbol.lower(),
                "{prompt}\n\n{operation} =",
                prompt,
                choices=task.labels,
            )
            for symbol, prompt in OPERATORS.items()
        },
        parse=task.parse,
        depth=deeper * int(task.chosen["depth"]),
        name="listops",
    )
