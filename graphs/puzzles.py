"""Multi-turn puzzles: a dialogue with an environment, unrolled (Badola et al. 2025).

puzzle ─► state_0 ─► dialogue_1 ─► move_1 ─► state_1 ─► dialogue_2 ─► … ─► score
             └──────────────────────────────────▲

All turns share one prompt, and a turn after the end costs no call. Any puzzle will do: --task
film_recommendation, circuit_decoding, word_chaining, twenty_questions, with settings or without.
"""

from langnet import Decoding, Graph, Node
from langnet.dialogue import unrolled
from langnet.tasks import Task, puzzles

TASK = "word_guessing:words=8,turns=3"


def network(task: Task) -> Graph:
    """The network for a puzzle: one language node per turn."""
    puzzle = puzzles.of(task)
    return unrolled(
        Node(
            "move",
            "{prompt}\n\n{dialogue}\nYou: My next move is",
            task.description,
            decoding=Decoding(temperature=0.7, max_tokens=12, stop=("\n",)),
        ),
        environment=puzzle,
        turns=puzzle.turns,
        name="puzzles",
    )
