"""RL^V: one model reasons and verifies, and solves at length what it doubts (2025, 2505.04842).

text ─┬─► solution ×2 ──► verdict ×2 ──► judged (observed)
      │                      │ p(Yes)
      │                      ├──► vote ─────────────────────────────────────────► answer
      │                      └──► is it sure? ──no──► longer ×2 ──► check ×2 ──► second ─┘

The long solutions share the reasoner's prompt, and their checks the verifier's. A sure first vote
costs nothing more.
"""

from langnet import Choice, Choices, Decoding, Function, Graph, Input, Node, Prompt
from langnet.functions import either, only_if
from langnet.tasks import Task
from langnet.verdicts import is_sure, rightness, with_verdicts
from langnet.votes import last_number, weighted

TASK = "arithmetic:steps=2,largest=5"
REASONER = Prompt(
    "reasoner",
    """Write the steps of each sum.

Start with 4. Add 3. Multiply by 2. What is the result?
Steps: 4 + 3 = 7, 7 * 2 = 14.

Start with 9. Subtract 5. Add 8. What is the result?
Steps: 9 - 5 = 4, 4 + 8 = 12.""",
)
VERIFIER = Prompt("verifier", "Check the steps, then say Yes if they are right and No if not.")


def reasoner(name: str, text: str, draws: int, tokens: int, over: str | None = None) -> Node:
    """Solves within a budget of tokens."""
    decoding = Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n"))
    template = f"{{prompt}}\n\n{{{text}}}\nSteps:"
    return Node(name, template, REASONER, draws=draws, over=over, decoding=decoding)


def verifier(name: str, text: str, solution: str) -> Node:
    """Judges each solution; calibrated, so that ½ is a fair threshold."""
    template = f"{{prompt}}\n\n{{{text}}}\nSteps: {{{solution}}}.\n\nIs this right? Answer:"
    verdicts = Choices((Choice("Yes"), Choice("No")), calibrate=True)
    return Node(name, template, VERIFIER, choices=verdicts, over=solution)


def network(
    task: Task, *, solutions: int = 2, tokens: int = 12, longest: int = 24, threshold: float = 0.5
) -> Graph:
    """The network for a task whose answers are numbers."""
    yes = {"verdict": "Yes"}
    return Graph(
        Input("text"),
        reasoner("solution", "text", solutions, tokens),
        verifier("verdict", "text", "solution"),
        Function("found", last_number("solution")),
        Function("judged", with_verdicts("found", "verdict"), likelihood=rightness("number")),
        Function("vote", weighted("found", "verdict"), probability_of=yes),
        Function("sure", is_sure("found", "verdict", threshold=threshold), probability_of=yes),
        Function("doubted", only_if("text", "sure", "no"), plural=True),
        reasoner("longer", "doubted", solutions, longest, over="doubted"),
        verifier("check", "doubted", "longer"),
        Function("refound", last_number("longer")),
        Function("revote", weighted("refound", "check"), probability_of={"check": "Yes"}),
        Function("second", only_if("revote", "sure", "no"), plural=True),
        Function("answer", either("second", "vote")),
        outputs="answer",
        target="judged",
        name="rlv",
    )
