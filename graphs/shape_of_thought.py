"""Which traces teach: right, wrong or retold ones (Shape of Thought, 2025, arXiv 2512.22255).

exemplars ──► source ×N ──► trace ×N ──► demonstration ×N ──► shown
   with traces=right or wrong, the source is the trace           │
                                                                 │
text ───────────────────────────────────────► steps ◄────────────┤
  └─────────────────────────────────────────► answer ◄───────────┘
"""

from typing import Any

from langnet import Decoding, Function, Graph, GraphError, Input, Node
from langnet.functions import few_shot
from langnet.key import Key
from langnet.tasks import Task
from langnet.tasks.arithmetic_check import corrupted

TASK = "arithmetic:steps=2,largest=9,shots=3"
KINDS = ("right", "wrong", "retold")
RETELL = """{prompt}

Steps: 3 + 4 = 7
7 * 2 = 14
In words: 3 plus 4 is 7, and 7 times 2 is 14.

Steps: 9 - 5 = 4
4 + 8 = 12
In words: 9 minus 5 is 4, and 4 plus 8 is 12.

Steps: {source}
In words:"""


def network(task: Task, *, traces: str = "right", wrong: float = 0.5) -> Graph:
    """The network for sums with worked steps; of wrong traces that share of steps is falsified."""
    if traces not in KINDS:
        raise GraphError(f"traces must be one of {', '.join(KINDS)}, not {traces!r}")

    def source(exemplars: Any) -> str:
        if traces != "wrong":
            return str(exemplars["trace"])
        return corrupted(exemplars["text"], wrong, Key(("wrong", exemplars["text"])).rng())

    def demonstration(exemplars: Any, trace: str) -> dict[str, str]:
        result = source(exemplars).rpartition("= ")[2]  # of wrong steps, what they come to
        return {"text": exemplars["text"], "trace": trace, "answer": result}

    brief = Decoding(temperature=0.7, max_tokens=32, stop=("\n",))
    retold = (
        Function("source", source, over="exemplars"),
        Node("trace", RETELL, "Say the same in words.", over="source", decoding=brief),
    )
    template = "Question: {text}\nSteps: {trace}\nThe result is {answer}."
    return Graph(
        Input("exemplars", plural=True),
        Input("text"),
        *(retold if traces == "retold" else [Function("trace", source, over="exemplars")]),
        Function("demonstration", demonstration, over="exemplars"),
        Function("shown", few_shot("demonstration", template)),
        Node(
            "steps",
            "{prompt}\n\n{shown}Question: {text}\nSteps:",
            "Work the sum out step by step.",
            decoding=Decoding(temperature=0.7, max_tokens=24, stop=("\nThe", "\n\n", "Question")),
        ),
        Node(
            "answer",
            "{prompt}\n\n{shown}Question: {text}\nSteps: {steps}\nThe result is",
            task.description,
            decoding=Decoding(temperature=0.0, max_tokens=6, stop=(".", "\n")),
        ),
        name="shape_of_thought",
    )
