"""Solve, verify, choose: S solutions, V verdicts on each, one answer (GenRM, 2024; 2504.01005).

text ─┬─► solution ×S ─┬─► answer ×S ───────────────────────────────────┐
      └────────────────┴─► check ×S×V ──► verdict ×S×V ──► score ×S ──► choice

A verdict's check is drawn, its p(Yes) is read, and a solution's score is the mean over V checks.
The prompts of check and verdict are fitted by graphs/verifier.py, from labelled solutions.
"""

from langnet import Decoding, Function, Graph, Input, Node
from langnet.tasks import Task
from langnet.votes import best, majority, mean_verdict, weighted

TASK = "arithmetic:steps=2,largest=9"
THOUGHT = "\nCheck: the first step {check}."


def network(
    task: Task,
    *,
    solutions: int = 2,
    verdicts: int = 1,
    choice: str = "weighted",
    top: int = 0,
    think: bool = True,
    tokens: int = 24,
) -> Graph:
    """The network for a task.

    `choice` is weighted, best or majority, the only one without verdicts; `top` is how many scores
    of an answer count, 0 for all. Without `think`, a verdict is p(Yes) at once.
    """
    read = f"{{{task.input}}}\nSteps: {{solution}}."
    check = Node(
        "check",
        f"{read}\n\n{{prompt}}\nCheck: the first step",
        "Look at each step again.",
        over="solution",
        draws=verdicts or None,
        decoding=drawn(16),
    )
    verdict = Node(
        "verdict",
        f"{read}{THOUGHT if think else ''}\n\n{{prompt}}\nAnswer:",
        "Are all of these steps right? Say Yes or No.",
        choices=["Yes", "No"],
        over="check" if think else "solution",
        draws=None if think else verdicts or None,
    )
    score = Function("score", mean_verdict("verdict"), probability_of={"verdict": "Yes"})
    by = {"weighted": weighted("answer", "score", top or None), "best": best("answer", "score")}
    return Graph(
        Input(task.input),
        Node(
            "solution",
            f"{{prompt}}\n\n{{{task.input}}}\nSteps:",
            task.prompts["chain-of-thought"],
            draws=solutions,
            decoding=drawn(tokens),
        ),
        Node(
            "answer",
            f"{{prompt}}\n\n{read}\n\nThe answer is",
            task.description,
            choices=task.labels or None,
            over="solution",
            decoding=drawn(6),
        ),
        *([check] if verdicts and think else []),
        *([verdict, score] if verdicts else []),
        Function("choice", by.get(choice, majority("answer")) if verdicts else majority("answer")),
        outputs="choice",
        target="answer",
        name="verify",
    )


def drawn(tokens: int) -> Decoding:
    """How a text of one line is drawn."""
    return Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n"))
