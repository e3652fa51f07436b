"""AGILE: a policy that learns from a discriminator, which learns from goals (2018, 1806.01946).

text ─┬─► answer  (the policy's state) ──┐
      └──────────────────────────────────┴─► verdict  (the discriminator: is this the goal?)

`langnet rounds` is the paper's procedure: the discriminator is fitted to tell goal examples from
what the policy does, the policy to be approved, in turn; no goal is ever shown to the policy.
`langnet fit` observes the goals at the policy itself: what AGILE is held against.
"""

from langnet import Choice, Choices, Decoding, Graph, Input, Node
from langnet.lessons import goal_states, observing
from langnet.metrics import exact
from langnet.procedure import Procedure, Stage
from langnet.tasks import Task

TASK = "subjectivity"
RIGHT, WRONG = "right", "wrong"


def policy(task: Task) -> Node:
    """Reaches a state from what it is told."""
    return Node(
        "answer",
        "{prompt}\n\n{text}\n\nAnswer:",
        task.description,
        choices=task.labels or None,
        decoding=Decoding(temperature=1.0, max_tokens=24, stop=("\n",)),
    )


def discriminator() -> Node:
    """Says whether a state is a goal; calibrated, so that it begins without an opinion."""
    return Node(
        "verdict",
        "{prompt}\n\n{text}\n\nAnswer: {answer}\n\nIs this right? It is",
        "Say whether the answer is right or wrong.",
        choices=Choices((Choice(RIGHT), Choice(WRONG)), calibrate=True),
    )


def network(task: Task) -> Graph:
    """The network for a task."""
    parts = Input("text"), policy(task), discriminator()
    return Graph(*parts, outputs=("answer", "verdict"), name="agile")


def rounds(task: Task, *, keep: float = 0.25) -> Procedure:
    """The discriminator against the policy, then the policy to the discriminator."""
    act = Graph(Input("text"), policy(task))
    discriminate = Graph(Input("text"), Input("answer"), discriminator())
    both = Graph(Input("text"), policy(task), discriminator())
    goals = goal_states("verdict", state="answer", labels=(RIGHT, WRONG), keep=keep)
    approval = observing("verdict", RIGHT)
    return Procedure(
        act,
        (
            Stage("discriminator", discriminate, goals, goals, metric=exact),
            Stage("policy", both, approval, approval, metric=exact, frozen=("verdict",)),
        ),
    )
