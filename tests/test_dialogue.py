"""Dialogues as graphs: a turn that is not taken costs nothing, and prompts are fitted by scores."""

from __future__ import annotations

import math
import pickle

import pytest

from langnet.data import Example
from langnet.dialogue import success, unrolled
from langnet.errors import GraphError
from langnet.evaluate import evaluate
from langnet.fit import fit
from langnet.key import Key
from langnet.node import Node
from langnet.program import Program
from langnet.run import run
from langnet.tasks import puzzles
from langnet.tasks.puzzles import State, WordGuessing, play
from langnet.tasks.puzzles.word_guessing import Secret
from langnet.testing import ScriptedModel, TableModel, enumerate_traces, exact_evidence
from langnet.vi import bound, infer
from langnet.vi.method import Method
from langnet.vi.posterior import Inference

KEY = Key(("dialogue",))
WORDS = ("comet", "hinge", "lemon")
CHANCE = {"comet": 0.5, "hinge": 0.3, "lemon": 0.2}
GAME = WordGuessing(words=3, turns=3)
START = GAME.dump(State(Secret(WORDS, "hinge")))
MOVE = Node("move", "{prompt}\n\n{dialogue}\n\nMove:", "Guess.")


def network(turns=3):
    return unrolled(MOVE, environment=GAME, turns=turns)


async def test_a_dialogue_ends_early_and_calls_no_model_after_that():
    """There are as many calls as turns are taken, and the score is that of the state."""
    lengths = set()
    for number in range(20):
        model = TableModel(lambda _: CHANCE)
        trace = await run(network(), {"puzzle": START}, models=model, key=KEY / number)
        end = trace["state_3"]
        assert model.calls["sample"] == len(end.turns)
        assert trace.output == GAME.score(end) == float(end.turns[-1].move == "hinge")
        assert [len(trace[f"move_{turn}"]) for turn in (1, 2, 3)] == [
            float(turn <= len(end.turns)) for turn in (1, 2, 3)
        ]
        lengths.add(len(end.turns))
    assert lengths == {1, 2, 3}


async def test_a_turn_shows_all_that_was_said():
    """What the player is shown in a turn is the environment's view of the state before it."""
    seen = []

    def answer(context, _):
        seen.append(context)
        return ["comet", "no idea", "lemon"][len(seen) - 1]

    trace = await run(network(), {"puzzle": START}, models=ScriptedModel(answer), key=KEY)
    states = [trace[f"state_{turn}"] for turn in range(3)]
    assert seen == [f"Guess.\n\n{GAME.view(state)}\n\nMove:" for state in states]
    assert "You: no idea" in seen[2]


def test_the_evidence_of_success_is_exact():
    """By enumeration of all games it is the chance of guessing within the turns, as by hand."""
    model = TableModel(lambda _: CHANCE)
    won = 1 - (1 - CHANCE["hinge"]) ** 3
    expected = math.log(won * 0.99 + (1 - won) * 0.01)
    found = exact_evidence(network(), model, {"puzzle": START}, {"score": "1"})
    assert found == pytest.approx(expected)
    games = enumerate_traces(network(), model, {"puzzle": START})
    assert len(games) == 1 + 2 + 4 * 3
    assert math.fsum(math.exp(game.log_joint) for game in games) == pytest.approx(1)


async def test_particles_bound_the_evidence_through_turns_that_are_not_taken():
    """Particles of different lengths have weights that estimate the same evidence."""
    model = TableModel(lambda _: CHANCE)
    example = Example("game", {"puzzle": START}, {"score": "1"})
    found = await bound(Program(network(), model), [example], draws=2000, guide="prior", key=KEY)
    exact = exact_evidence(network(), model, {"puzzle": START}, {"score": "1"})
    assert found.iwae.mean == pytest.approx(exact, abs=0.1)


async def test_the_local_posterior_says_that_it_needs_fixed_lengths():
    """It holds all other texts as they are, which an early end takes away."""
    example = Example("game", {"puzzle": START}, {"score": "1"})
    with pytest.raises(GraphError, match="infer with particles"):
        await infer(
            Program(network(), TableModel(lambda _: CHANCE)),
            example,
            settings=Inference(kind="local", draws=8),
            key=KEY,
        )


@pytest.mark.parametrize("objective", ["likelihood", "rollout"])
async def test_the_shared_prompt_of_all_turns_is_fitted(objective):
    """From scores alone the better of two prompts is found, and it plays better."""

    def says(context):
        if not context.startswith(("Guess.", "Be wise.", "Be quick.")):
            return {"Be wise.": 0.5, "Be quick.": 0.5}
        if context.startswith("Be wise."):
            return {"comet": 0.25, "hinge": 0.65, "lemon": 0.1}
        return CHANCE

    model = TableModel(says)
    games = [Example(f"game-{n}", {"puzzle": START}, {"score": "1"}) for n in range(60)]
    train = games[:8]
    inference = Inference(kind="particles", draws=6, guide="prior")
    method = Method(steps=3, batch_size=8, objective=objective, inference=inference)
    fitted = await fit(
        network(), train, train, models=model, metric=puzzles.scored, method=method, seed=1
    )
    assert fitted.graph.prompts == {"move": "Be wise."}
    before, after = [
        await evaluate(Program(graph, model), games, metric=puzzles.scored, key=KEY, greedy=False)
        for graph in (network(), fitted.graph)
    ]
    assert before.mean + 0.1 < after.mean


@pytest.mark.parametrize("name", puzzles.names())
async def test_every_puzzle_is_played_by_a_graph_as_by_hand(name):
    """The reference player as a model gets the same game through the graph."""
    game = puzzles.get(name)
    hand = play(game, 3)
    script = iter([turn.move for turn in hand.turns])
    graph = unrolled(MOVE, environment=game, turns=game.turns)
    model = ScriptedModel(lambda *_: next(script))
    trace = await run(graph, {"puzzle": game.dump(game.reset(3))}, models=model, key=KEY)
    assert trace[f"state_{game.turns}"] == hand
    assert trace.output == 1


async def test_a_player_of_several_nodes_thinks_before_it_moves():
    """Nodes of one turn read each other, braces stay braces, and each prompt is shared by turns."""
    thought = Node("thought", "{dialogue}\n{{{prompt}}}", "Think.")
    move = Node("move", "{thought} {prompt}", "Act.", trainable=False)
    graph = unrolled(thought, move, environment=GAME, turns=2)
    assert graph.prompts == {"thought": "Think.", "move": "Act."}
    assert graph.trainable == ("thought",)
    seen = []

    def answer(context, _):
        seen.append(context)
        return "hinge" if context.endswith("Act.") else "a thought"

    trace = await run(graph, {"puzzle": START}, models=ScriptedModel(answer), key=KEY)
    assert trace.output == 1
    assert seen == [f"{GAME.view(GAME.load(START))}\n{{Think.}}", "a thought Act."]


def test_dialogues_are_values():
    """Graphs made alike are equal, after pickling too, and faults of the player are said."""
    assert network() == pickle.loads(pickle.dumps(network()))  # noqa: S301 - made here
    assert network() != network(2)
    for wrong in (
        Node("move", "{prompt} {puzzle}"),
        Node("move", "{prompt} {dialogue}", draws=2),
    ):
        with pytest.raises(GraphError, match="of the player"):
            unrolled(wrong, environment=GAME, turns=2)
    with pytest.raises(GraphError, match="at least one"):
        unrolled(MOVE, environment=GAME, turns=0)


def test_a_score_is_a_chance_of_success():
    """Success is certain of a full score and unlikely, not impossible, of none."""
    assert success("1", 1.0) == pytest.approx(math.log(0.99))
    assert success("1", 0.0) == pytest.approx(math.log(0.01))
    assert success("0.5", 0.5) == pytest.approx(math.log(0.5))
