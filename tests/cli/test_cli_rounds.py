"""`langnet rounds`, `langnet export` and `langnet pools`: from a network to a trainer's files."""

import json

import pytest

from langnet.collect import read_solutions

NETWORK = '''
"""A policy, and a discriminator of what it does."""

from langnet import Graph, Input, Node
from langnet.lessons import goal_states, observing
from langnet.metrics import exact
from langnet.procedure import Procedure, Stage

POLICY = "{prompt}\\n\\n{text}\\n\\nAnswer:"
JUDGE = "{prompt}\\n\\n{text}\\n\\n{answer}. Is it so?"


def network(task, *, instruction=""):
    return Graph(
        Input("text"),
        Node("answer", POLICY, instruction or task.description, choices=task.labels),
        name="net",
    )


def rounds(task, *, keep=0.5):
    act = network(task)
    judge = Node("verdict", JUDGE, "Judge.", choices=["hot", "icy"])
    goals = goal_states("verdict", state="answer", labels=("hot", "icy"), keep=keep)
    so, frozen = observing("verdict", "hot"), ("verdict",)
    return Procedure(
        act,
        (
            Stage("judge", Graph(Input("text"), Input("answer"), judge), goals, goals, exact),
            Stage("policy", act.add(judge, outputs="verdict"), so, so, exact, frozen),
        ),
    )
'''


@pytest.fixture
def options(folder, data, toy):
    """Options of small rounds."""
    (folder / "rounds.py").write_text(NETWORK, encoding="utf-8")
    return (
        *("rounds", "rounds.py", *data, "--model", toy.spec, "--train-size", 8, "--dev-size", 4),
        *("--test-size", 8, "--steps", 1, "--batch-size", 6, "--candidates", 3),
        *("--mix", "phrasing=1", "--rounds", 2, "--collect", 2, "--out", "run"),
    )


def test_rounds_leave_pools_and_prompts(folder, call, toy, options):
    """Every round has its pool and its fits; a resumed run asks nothing and tells the same."""
    told = json.loads(call(*options, "--set", "keep=1", "--json").stdout)
    assert [each["solutions"] for each in told["rounds"]] == [16, 16]
    assert [fit["stage"] for fit in told["rounds"][0]["fits"]] == ["judge", "policy"]
    assert told["rounds"][0]["fits"][0]["examples"] > 8
    assert len(read_solutions(folder / "run" / "round2" / "train.jsonl").solutions) == 16
    asked = toy.requests
    again = call(*options, "--set", "keep=1", "--resume")
    assert again.exit_code == 0, again.stderr
    assert toy.requests == asked
    assert "Round 2:" in again.stdout
    assert json.loads((folder / "run" / "result.json").read_text())["rounds"] == told["rounds"]
    score = call("eval", "rounds.py", *options[2:10], "--prompts", "run/prompts.yaml")
    assert score.exit_code == 0, score.stderr


def test_a_network_without_rounds_is_refused(call, options):
    """The message says what is missing, and a setting of neither function is told."""
    refused = call("rounds", "net.py", *options[2:])
    assert refused.exit_code == 2
    assert "no function rounds(task)" in refused.stderr
    wrong = call(*options, "--set", "share=1")
    assert wrong.exit_code == 2
    assert "instruction=, keep=0.5" in wrong.stderr


def test_pools_become_a_trainers_files(folder, call, data, toy):
    """Each file has its rows and its metadata; --context puts other words before solutions."""
    collect = ("collect", "net.py", *data, "--model", toy.spec, "--train-size", 10, "--draws", 6)
    for seed in (0, 1):
        assert call(*collect, "--seed", seed, "--out", f"{seed}.jsonl").exit_code == 0
    result = call(
        *("export", "0.jsonl", "1.jsonl", "--pairs", "p.jsonl", "--traces", "t.jsonl"),
        *("--verification", "v.jsonl", "--context", "{text} It is", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    counts = json.loads(result.stdout)["counts"]
    assert counts["pairs"]["solutions"] == 120
    rows = {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        for name in "ptv"
    }
    assert len(rows["p"]) == counts["pairs"]["rows"] > 0
    assert all(row["prompt"].endswith(" It is") for row in rows["p"])
    assert all(row["prompt"].endswith("Is the answer correct (Yes/No)?") for row in rows["v"])
    assert {row["completion"] for row in rows["v"]} == {" Yes", " No"}
    assert json.loads((folder / "t.meta.json").read_text())["about"] == {
        "pools": ["0.jsonl", "1.jsonl"]
    }
    assert call("export", "0.jsonl").exit_code == 2
    strange = call("export", "0.jsonl", "--pairs", "q.jsonl", "--context", "{question}")
    assert "reads 'question'" in strange.stderr


def test_pools_are_compared_at_the_same_cost(folder, call, data, toy):
    """Two for the price of one, with the control, as a table and as a document."""
    collect = ("collect", "net.py", *data, "--model", toy.spec, "--train-size", 10)
    call(*collect, "--draws", 6, "--out", "weak.jsonl")
    call(*collect, "--draws", 3, "--seed", 1, "--out", "strong.jsonl")
    shown = call("pools", "weak.jsonl", "strong.jsonl", "--prices", 1, 2)
    assert shown.exit_code == 0, shown.stderr
    assert "same draws" in shown.stdout
    told = json.loads(
        call("pools", "weak.jsonl", "strong.jsonl", "--prices", 1, 2, "--json").stdout
    )
    assert (told["strong"]["draws"], told["weak"]["draws"], told["equal"]["draws"]) == (3, 6, 3)
    refused = call("pools", "weak.jsonl", "strong.jsonl", "--prices", 1, 9)
    assert refused.exit_code == 1
    assert "collect more" in refused.stderr
