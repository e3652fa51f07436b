"""V-STaR: a solver, and a verifier that learns from right and wrong solutions (2024, 2402.06457).

text ─┬─► solution ×2 ─┬─► answer ×2 ──┬──► choice   (best of N by p(Yes))
      └────────────────┴─► verdict ×2 ─┤
                                       └──► judged   (observed: the right answer)

`langnet fit` fits both prompts from answers alone: which verdicts were right is inferred.
`langnet rounds` solves, judges and pools as the paper does, and fits the verifier to the pool.
"""

from langnet import Choice, Choices, Decoding, Function, Graph, Input, Node
from langnet.lessons import given, judged_solutions, right_solutions
from langnet.metrics import exact
from langnet.procedure import Procedure, Stage
from langnet.tasks import Task
from langnet.verdicts import rightness, with_verdicts
from langnet.votes import best, last_number

TASK = "arithmetic:steps=2,largest=5"
SOLVE = """Write the steps of each sum.

Start with 4. Add 3. Multiply by 2. What is the result?
Steps: 4 + 3 = 7, 7 * 2 = 14.

Start with 9. Subtract 5. Add 8. What is the result?
Steps: 9 - 5 = 4, 4 + 8 = 12."""
TEXT, VERDICT = Input("text"), "{prompt}\n\n{text}\nSteps: {solution}.\n\nIs this right? Answer:"
JUDGE = "Check the steps, then say Yes if they are right and No if not."


def solver(solutions: int | None, tokens: int) -> Node:
    """Writes solutions."""
    return Node(
        "solution",
        "{prompt}\n\n{text}\nSteps:",
        SOLVE,
        draws=solutions,
        decoding=Decoding(temperature=0.7, max_tokens=tokens, stop=(".", "\n")),
    )


def verifier(over: str | None) -> Node:
    """Says whether a solution is right."""
    verdicts = Choices((Choice("Yes"), Choice("No")), calibrate=True)
    return Node("verdict", VERDICT, JUDGE, choices=verdicts, over=over)


def network(task: Task, *, solutions: int = 2, tokens: int = 24) -> Graph:
    """The network for a task whose answers are numbers."""
    return Graph(
        TEXT,
        solver(solutions, tokens),
        verifier("solution"),
        Function("answer", last_number("solution")),
        Function("choice", best("answer", "verdict"), probability_of={"verdict": "Yes"}),
        Function("judged", with_verdicts("answer", "verdict"), likelihood=rightness("number")),
        outputs="choice",
        target="judged",
        name="vstar",
    )


def rounds(task: Task, *, tokens: int = 24) -> Procedure:
    """Solve, judge, pool; the solver learns from right solutions, the verifier from all."""
    solve = Graph(TEXT, solver(None, tokens), Function("answer", last_number("solution")))
    verify = Graph(TEXT, Input("solution"), verifier(None))
    lessons = judged_solutions("verdict")
    return Procedure(
        solve,
        (
            Stage("solver", solve, right_solutions("solution"), given),
            Stage("verifier", verify, lessons, lessons, metric=exact, last_only=True),
        ),
    )
