"""Logs and prices on the command line."""

from __future__ import annotations

import json

import pytest

PRICES = {"models": {"toy": {"prompt": 1000, "completion": 2000}}}


@pytest.fixture
def prices(folder):
    (folder / "prices.json").write_text(json.dumps(PRICES), encoding="utf-8")
    return "prices.json"


@pytest.fixture
def tested(data, toy):
    """Options of an evaluation."""
    return (*data, "--model", toy.spec, "--test-size", 24)


def logged(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_fit_says_what_each_node_and_model_took(folder, call, fit_options, prices):
    """The document and cost.json take the cost apart, each way in full; the text has a table."""
    options = (*fit_options, "--cache", "none", "--out", "run")
    found = call("fit", "net.py", *options, "--prices", prices, "--json")
    assert found.exit_code == 0, found.stderr
    cost = json.loads(found.stdout)["cost"]
    assert cost["cost"] == pytest.approx(
        (cost["prompt_tokens"] * 1000 + cost["completion_tokens"] * 2000) / 1e6
    )
    assert set(cost["by_node"]) == {"answer"}
    assert set(cost["by_model"]) == {"toy"}
    assert {"forward", "propose", "score", "validate", "test"} <= set(cost["by_purpose"])
    for part in ("by_node", "by_model", "by_purpose"):
        rows = cost[part].values()
        assert sum(row["calls"] for row in rows) == cost["calls"]
        assert sum(row["cost"] for row in rows) == pytest.approx(cost["cost"])
    assert cost == json.loads((folder / "run" / "cost.json").read_text())
    again = call("fit", "net.py", *options, "--resume")
    assert again.exit_code == 0, again.stderr
    assert "answer" in again.stdout
    # The first session's cost is known, this one's is not.
    assert "at least" in again.stdout
    assert "no price of toy" in again.stdout


def test_an_evaluation_says_what_it_took_and_why_it_failed(folder, call, tested, toy, prices):
    """The cost is in the text and the document; a failure has its kind and its notes."""
    toy.refuse = "sun easy 1"
    options = ("--max-failures", 0.9, "--cache", "none")
    shown = call("eval", "net.py", *tested, *options, "--prices", prices)
    assert shown.exit_code == 0, shown.stderr
    assert "USD" in shown.stdout
    document = json.loads(call("eval", "net.py", *tested, *options, "--json").stdout)
    assert (document["cost"]["cost"], document["cost"]["unpriced_models"]) == (None, ["toy"])
    assert document["cost"]["by_purpose"]["evaluate"]["calls"] == 24
    failure = document["failures"][0]
    assert failure["kind"] == "RequestRejected"
    assert any(f"example {failure['example']!r}" in note for note in failure["notes"])


def test_the_environment_may_name_the_prices(folder, call, tested, prices, monkeypatch):
    """$LANGNET_PRICES stands for --prices, and what cannot be read there is told."""
    monkeypatch.setenv("LANGNET_PRICES", prices)
    document = json.loads(call("eval", "net.py", *tested, "--json").stdout)
    assert document["cost"]["cost"] > 0
    (folder / prices).write_text("{")
    failed = call("eval", "net.py", *tested)
    assert failed.exit_code == 1
    assert prices in failed.stderr


def test_money_is_limited_by_the_price_of_each_model(folder, call, fit_options, prices):
    """--budget-money without a price of its own takes the table's; without any it is refused."""
    options = (*fit_options, "--cache", "none", "--budget-money", "1")
    refused = call("fit", "net.py", *options, "--out", "refused")
    assert refused.exit_code == 1
    assert "'toy'" in refused.stderr
    assert "--prices" in refused.stderr
    found = call("fit", "net.py", *options, "--prices", prices, "--out", "run", "--test-size", 0)
    assert found.exit_code == 0, found.stderr
    assert "the budget of 1 in money is spent" in found.stdout
    cost = json.loads((folder / "run" / "cost.json").read_text())
    assert 0 < cost["cost"] <= 1


def test_the_log_has_every_call_and_every_step(folder, call, fit_options, toy):
    """Each call of the server is in the log with its node and example, and so is each step."""
    options = (*fit_options, "--cache", "none", "--out", "run", "--log", "log/calls.jsonl")
    found = call("fit", "net.py", *options, "--json")
    assert found.exit_code == 0, found.stderr
    lines = logged(folder / "log" / "calls.jsonl")
    calls = [line for line in lines if line["event"] == "CallFinished"]
    assert sum(line["attempts"] for line in calls) == json.loads(found.stdout)["cost"]["calls"]
    assert {line["node"] for line in calls} == {"answer"}
    assert all(line["example"] or line["purpose"] == "propose" for line in calls)
    steps = [line["step"] for line in lines if line["event"] == "StepFinished"]
    assert steps == [1, 2, 3]
    assert "Say which" not in (folder / "log" / "calls.jsonl").read_text()


@pytest.mark.parametrize("command", ["eval", "run", "diagnose"])
def test_other_commands_log_as_well(folder, call, tested, toy, command):
    """Every command that calls models can log; content is there where it is asked for."""
    options = {
        "eval": tested,
        "run": ("--input", "text=sun", "--model", toy.spec.partition("?")[0], "--task", "navigate"),
        "diagnose": (*tested, "--tries", 3, "--screen", 4, "--confirm", 0, "--steps", 1),
    }[command]
    found = call(command, "net.py", *options, "--log", "calls.jsonl", "--log-content", "--otel")
    assert found.exit_code == 0, found.stderr
    calls = [line for line in logged(folder / "calls.jsonl") if line["event"] == "CallFinished"]
    assert calls
    assert all("Answer:" in line["content"]["context"] for line in calls)


def test_a_log_that_cannot_be_written_is_told(folder, call, tested):
    """A log in a place that is no directory ends the command before anything is asked."""
    (folder / "file").write_text("")
    failed = call("eval", "net.py", *tested, "--log", "file/calls.jsonl")
    assert failed.exit_code == 1
    assert "file" in failed.stderr
