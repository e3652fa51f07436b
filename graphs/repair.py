"""Plan, solve, check, and repair while the check fails: a bounded loop, unrolled.

text ─► plan ─► solution_0 ─► check_0 ─► wrong_1 ─► solution_1 ─► check_1 ─► … ─► answer

After Self-Refine (Madaan et al. 2023, arXiv 2303.17651). What passes its check is not repaired, and
costs no further call. All repairs share a prompt, and so do all checks.
"""

from langnet import Decoding, Function, Graph, Input, Node, Prompt
from langnet.functions import either, only_if
from langnet.tasks import Task
from langnet.votes import last_number

TASK = "arithmetic:steps=2,largest=9"
SHORT = Decoding(temperature=0.7, max_tokens=24, stop=("\n",))
REPAIR = Prompt("repair", "Work it out again, step by step, without the mistake.")
CHECK = Prompt("check", "Is the result right?")


def network(task: Task, *, repairs: int = 1) -> Graph:
    """The network for a task whose answers are numbers."""
    plan = Node(
        "plan", "{prompt}\n\n{text}\n\nFirst, we", "Say what is to be done.", decoding=SHORT
    )
    solve = "{prompt}\n\n{text}\nFirst, we {plan}\n\nSo the result is"
    parts: list[Node | Function] = [
        plan,
        Node("solution_0", solve, task.description, decoding=SHORT),
    ]
    parts.append(Function("attempt_0", either("solution_0")))
    for turn in range(repairs + 1):
        over = None
        if turn:
            over, before = f"wrong_{turn}", f"attempt_{turn - 1}"
            again = (
                f"{{prompt}}\n\n{{{over}}}\nA wrong result is {{{before}}}\n\nThe right result is"
            )
            parts += [
                Function(over, only_if("text", f"check_{turn - 1}", "No"), plural=True),
                Node(f"solution_{turn}", again, REPAIR, over=over, decoding=SHORT),
                Function(f"attempt_{turn}", either(f"solution_{turn}", before)),
            ]
        if turn < repairs:
            shown = (
                f"{{prompt}}\n\n{{{over or 'text'}}}\nThe result is {{attempt_{turn}}}\n\nRight:"
            )
            parts.append(Node(f"check_{turn}", shown, CHECK, over=over, choices=("Yes", "No")))
    parts.append(Function("answer", last_number(f"attempt_{repairs}")))
    return Graph(Input("text"), *parts, outputs="answer", name="repair")
