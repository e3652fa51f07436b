"""Mixture of agents: in each layer every agent reads what all agents of the layer before wrote.

text ─┬─► agent_a_1 ─┬─► agent_a_2 ─┬─► answer
      ├─► agent_b_1 ─┼─► agent_b_2 ─┤
      └─► agent_c_1 ─┴─► agent_c_2 ─┘        (each node reads the text as well)

After Wang et al. 2024 (arXiv 2406.04692). Agents are different models there; here they are
different prompts, which are fitted to complete each other: --set models=true takes a model each.
"""

from langnet import Decoding, Graph, Input, Node, Prompt
from langnet.tasks import Task

TASK = "subjectivity"
SHORT = Decoding(temperature=0.7, max_tokens=12, stop=(".", "\n"))
AGENTS = {
    "a": "Say what the text tells.",
    "b": "Say how the writer feels.",
    "c": "Say what kind of text this is.",
}


def network(task: Task, *, agents: int = 2, layers: int = 2, models: bool = False) -> Graph:
    """The network for a task; with `models` the agents call models named "a", "b" and so on."""
    chosen = dict([*AGENTS.items()][:agents])
    parts: list[Node] = []
    notes = ""
    for layer in range(1, layers + 1):
        parts += [
            Node(
                f"agent_{agent}_{layer}",
                f"{{prompt}}\n\n{{text}}{notes}\n\nIn short, this text",
                Prompt(f"agent_{agent}", prompt),
                model=agent if models else "default",
                decoding=SHORT,
            )
            for agent, prompt in chosen.items()
        ]
        notes = "".join(f"\nA note: this text {{agent_{agent}_{layer}}}." for agent in chosen)
    answer = f"{{prompt}}\n\n{{text}}{notes}\n\nAnswer:"
    return Graph(
        Input("text"),
        *parts,
        Node("answer", answer, task.description, choices=task.labels),
        name="mixture",
    )
