"""Propositional logic along the tree of each formula (Ordered Memory, Shen et al. 2019, §5.1).

((not a) or b), a = True, b = False  ──►  (not True)  ──►  (False or False)  ──►  answer

With --task propositional_logic two formulas are evaluated in every row of their truth table, and a
function reads off which of the seven relations holds. All "not" share one prompt, and so do all
"and" and all "or".
"""

from langnet import Graph, Node
from langnet.tasks import Task, formula, propositional_logic
from langnet.trees import folded

TASK = "propositional_evaluation:operators=3"
OPERATORS = {
    "not": "Say the opposite of the value.",
    "and": "Are both values True?",
    "or": "Is at least one of the values True?",
}


def network(task: Task) -> Graph:
    """The network for the formulas of a task, as deep as their operators can nest."""
    longer = 2 if task.chosen["split"] == "length" else 1
    return folded(
        {
            symbol: Node(
                f"evaluate_{symbol}",
                "{prompt}\n\n{operation} is",
                prompt,
                choices=("True", "False"),
            )
            for symbol, prompt in OPERATORS.items()
        },
        parse=propositional_logic.table,
        write=formula.written,
        finish=propositional_logic.conclusion,
        depth=longer * int(task.chosen["operators"]),
        name="logic",
    )
