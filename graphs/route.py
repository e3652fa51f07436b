"""Routing: a classifier sends an easy text to a short way and a hard one to a long way.

text ─► route ─┬─► easy ─► quick_answer ───────────┬─► answer
               └─► hard ─► thoughts ─► slow_answer ┘

A branch is a plate of one element or of none, so the way that is not taken costs no call. What is
right to take is learnt from the answers alone.
"""

from langnet import Decoding, Function, Graph, Input, Node
from langnet.functions import either, only_if
from langnet.tasks import Task

TASK = "sentiment"
WAYS = {"easy": "one-sided", "hard": "mixed"}


def network(task: Task) -> Graph:
    """The network for a task with labels."""
    return Graph(
        Input("text"),
        Node(
            "route",
            "{prompt}\n\n{text}\n\nThis is",
            f"Is this {' or '.join(WAYS.values())}?",
            choices=tuple(WAYS.values()),
        ),
        *(Function(way, only_if("text", "route", told), plural=True) for way, told in WAYS.items()),
        Node(
            "quick_answer",
            "{prompt}\n\n{easy}\n\nAnswer:",
            task.description,
            choices=task.labels,
            over="easy",
        ),
        Node(
            "thoughts",
            "{prompt}\n\n{hard}\n\nIn the end, the writer",
            "Say in a few words what the writer concludes.",
            over="hard",
            decoding=Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n")),
        ),
        Node(
            "slow_answer",
            "{prompt}\n\n{hard}\nIn the end, the writer {thoughts}.\n\nAnswer:",
            task.description,
            choices=task.labels,
            over="hard",
        ),
        Function("answer", either("quick_answer", "slow_answer")),
        name="route",
    )
