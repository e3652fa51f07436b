"""Networks of the gallery that branch: what is not needed is not asked, counted call by call."""

from __future__ import annotations

from pathlib import Path

import pytest

from langnet import Example, Method, evaluate, fit, tasks
from langnet.cli.network import load_network
from langnet.key import Key
from langnet.program import Program
from langnet.run import run
from langnet.tasks import puzzles
from langnet.testing import ScriptedModel, TableModel
from langnet.vi.posterior import Inference

GRAPHS = Path(__file__).parent.parent / "graphs"
KEY = Key(("branching",))


def network(name, task=None, **settings):
    """A network of the gallery for its task, or for another."""
    found = load_network(str(GRAPHS / f"{name}.py"))
    return found.graph(tasks.get(task or found.task), **settings)


@pytest.mark.parametrize(("way", "nodes"), [("one-sided", 2), ("mixed", 3)])
async def test_a_way_that_is_not_taken_costs_no_call(way, nodes):
    """A text that is easy asks twice, one that is hard three times, and no site is on the other."""

    def says(context):
        if context.endswith("This is"):
            return {way: 0.9, {"mixed": "one-sided", "one-sided": "mixed"}[way]: 0.1}
        return {"positive": 1.0} if context.endswith("Answer:") else {"likes it": 1.0}

    model = TableModel(says)
    trace = await run(network("route"), {"text": "Fine."}, models=model, key=KEY, greedy=True)
    assert trace.output == "positive"
    assert model.calls.total() == nodes == len(trace.sites)
    hard = [site.node for site in trace.sites if site.node in {"thoughts", "slow_answer"}]
    assert hard == (["thoughts", "slow_answer"] if way == "mixed" else [])


async def test_a_router_learns_from_answers_alone_where_thinking_pays():
    """Hard texts are answered right only with thoughts, easy ones only without: routes follow."""
    easy, hard = "An easy one", "A hard one"

    def says(context):
        prompt = context.partition("\n")[0]
        if context.endswith("This is"):
            right = "mixed" if hard in context else "one-sided"
            sure = {"Look.": 0.9}.get(prompt, 0.5)
            return {right: sure, {"mixed": "one-sided", "one-sided": "mixed"}[right]: 1 - sure}
        if context.endswith("writer"):
            return {"decides": 1.0}
        if not context.endswith("Answer:"):
            return {"Look.": 0.5, "Guess.": 0.5}
        helped = (hard in context) == ("decides" in context)
        return {"positive": 0.95, "negative": 0.05} if helped else {"negative": 1.0}

    graph = network("route").frozen("quick_answer", "thoughts", "slow_answer")
    examples = [
        Example(f"{n}", {"text": f"{(easy, hard)[n % 2]}, {n}."}, {"answer": "positive"})
        for n in range(24)
    ]
    method = Method(
        steps=2,
        batch_size=24,
        candidates=3,
        inference=Inference(draws=6, guide="prior"),
        mix={"paraphrase": 1},
    )
    fitted = await fit(graph, examples, examples[:4], models=TableModel(says), method=method)
    assert fitted.graph.prompts["route"] == "Look."


async def test_only_what_fails_its_check_is_repaired():
    """A solution that passes costs three calls; each repair adds itself and its check."""
    graph = network("repair", repairs="2")
    for verdicts, calls, answer in (
        (["Yes"], 3, "7"),
        (["No", "Yes"], 5, "8"),
        (["No", "No"], 6, "9"),
    ):
        solutions, checks = iter(["7", "it is 8", "9"]), iter(verdicts)

        def says(context, _, solutions=solutions, checks=checks):
            if context.endswith("Right:"):
                return next(checks)
            return "add them" if context.endswith("we") else next(solutions)

        model = ScriptedModel(says)
        trace = await run(graph, {"text": "3 + 4?"}, models=model, key=KEY, greedy=True)
        assert (len(trace.sites), trace.output) == (calls, answer)
    assert set(graph.prompts) == {"plan", "solution_0", "check", "repair"}


async def test_sides_answer_each_other_and_agents_share_layers():
    """In a later round or layer a node sees all of the one before, under the same prompt."""
    debate = network("debate", rounds="2")
    assert debate.structure.parents["side_1_2"] == ("text", "side_1_1", "side_2_1")
    assert set(debate.prompts) == {"side_1", "side_2", "answer"}
    mixture = network("mixture", agents="3", layers="2", models="true")
    assert mixture.structure.parents["agent_b_2"] == ("text", "agent_a_1", "agent_b_1", "agent_c_1")
    assert {node.model for node in mixture.nodes.values()} == {"a", "b", "c", "default"}
    assert set(mixture.prompts) == {"agent_a", "agent_b", "agent_c", "answer"}


async def test_notes_on_lines_are_learnt_from_the_label_of_the_document():
    """No note is observed; yet the prompt is found that notes what each line says."""
    notes = {"Bravo.": "positive", "Alas.": "negative", "At noon.": "neither"}

    def says(context):
        if context.endswith("This is"):
            prompt, _, line, *_ = context.split("\n")
            sure = 0.94 if prompt == "Read." else 0.3
            other = (1 - sure) / 2
            return {note: sure if note == notes[line] else other for note in notes.values()}
        if not context.endswith("Answer:"):
            return {"Read.": 0.5, "Skim.": 0.5}
        said = context.partition("Notes:")[2]
        chance = 0.5 + 0.15 * (said.count("positive") - said.count("negative"))
        return {"positive": chance, "negative": 1 - chance}

    documents = [
        Example(
            f"{n}",
            {"text": "At noon.\n" * (n % 3) + said + "\nAt noon." * (2 - n % 3)},
            {"answer": notes[said]},
        )
        for n, said in enumerate(["Bravo.", "Alas."] * 12)
    ]
    graph = network("map_reduce").frozen("answer")
    # Notes that say next to nothing have a flat posterior, and the bound then prefers flat prompts.
    method = Method(
        steps=2, batch_size=24, candidates=3, objective="rollout", mix={"paraphrase": 1}
    )
    model = TableModel(says)
    fitted = await fit(graph, documents, documents[:6], models=model, method=method, seed=2)
    assert fitted.graph.prompts["note"] == "Read."


@pytest.mark.parametrize("name", puzzles.names())
async def test_the_gallery_plays_every_puzzle(name):
    """The same file makes the dialogue of each puzzle, with the settings of the task."""
    task = tasks.get(name, turns=2)
    graph = network("puzzles", task.spec)
    game = puzzles.of(task)
    (example,) = task.generate(1, seed=3, node="score")
    assert game.turns == 2
    state = game.load(example.inputs["puzzle"])

    def says(context, _):
        del context
        nonlocal state
        move = game.best_move(state)
        state, _, _ = game.reply(state, move)
        return move

    found = await evaluate(
        Program(graph, ScriptedModel(says)), [example], metric=puzzles.scored, key=KEY
    )
    assert found.mean == game.score(state)
