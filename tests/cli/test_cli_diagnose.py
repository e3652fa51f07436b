"""`langnet diagnose` and `langnet credit`: what they say, and when they fail."""

from __future__ import annotations

import json

import pytest

SMALL = ("--screen", 10, "--confirm", 30, "--tries", 6, "--concurrency", 4)


@pytest.fixture
def options(data, toy):
    """Options of a small diagnosis; of 60 examples 10 are left out."""
    sizes = ("--train-size", 40, "--dev-size", 10, "--test-size", 10)
    return (*data, "--model", toy.spec, *sizes, *SMALL)


def test_a_diagnosis_says_what_was_tried_and_why(folder, call, options):
    """The verdict comes last with its reasons; progress and cost go to the standard error."""
    result = call("diagnose", "net.py", *options, "--try", "answer=warm warm warm")
    assert result.exit_code == 0, result.stderr
    assert "warm warm warm" in result.stdout
    assert "variants of answer" in result.stdout
    assert "objective: likelihood" in result.stdout
    verdict = result.stdout.index("\nGO\n")
    assert "- answer: “warm warm warm” gains" in result.stdout[verdict:]
    assert "The diagnosis took" in result.stderr
    assert "net on weather: 50 examples at hand" in result.stderr


def test_json_is_the_diagnosis(folder, call, options):
    """With --json the standard output is one document, the same for the same seed."""
    one, two, three = (
        call("diagnose", "net.py", *options, "--json", "--seed", seed, "--cache", "none").stdout
        for seed in (1, 1, 2)
    )
    assert one == two != three
    document = json.loads(one)
    assert document["verdict"] in {"go", "no-go", "unclear"}
    assert document["go"] is (document["verdict"] == "go")
    (room,) = document["headroom"]
    assert room["tried"][0]["variant"] == {"text": "Say which.", "origin": "current"}
    assert document["money"] is None
    assert document["abilities"][0]["choose"] is True


def test_no_go_is_an_answer_unless_strict(folder, call, options):
    """Where there is nothing to gain the exit code is 0, and 1 with --strict."""
    asked = ("diagnose", "net.py", *options, "--at-least", 0.9)
    result = call(*asked)
    assert result.exit_code == 0, result.stderr
    assert "\nGO\n" not in result.stdout
    assert call(*asked, "--strict").exit_code == 1


def test_prices_give_the_cost(folder, call, options):
    """A price for both kinds of tokens gives the cost of the fit in question."""
    prices = ("--price-in", 1, "--price-out", 2)
    found = json.loads(call("diagnose", "net.py", *options, *prices, "--json").stdout)
    total = found["plan"]["total"]
    expected = (total["prompt_tokens"] + 2 * total["completion_tokens"]) / 1e6
    assert found["money"] == pytest.approx(expected)
    assert "at the given price" in call("diagnose", "net.py", *options, *prices).stdout


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--try", "other=x"), 1, "no trainable prompt"),
        (("--try", "nothing"), 2, "NAME=TEXT"),
        (("--freeze", "answer"), 1, "nothing to diagnose"),
        (("--tries", "2"), 2, "--tries"),
    ],
)
def test_wrong_wishes_are_named(folder, call, options, given, code, said):
    """What cannot be diagnosed fails with a message that says what."""
    result = call("diagnose", "net.py", *options, *given)
    assert result.exit_code == code
    assert said in result.stderr


def test_credit_of_a_run(folder, call, fit_options, data, toy):
    """The run directory and the data are all it takes, and the gain is that of the fit."""
    call("fit", "net.py", *fit_options, "--out", "run")
    fitted = json.loads((folder / "run" / "result.json").read_text())
    sizes = ("--train-size", 24, "--dev-size", 12, "--test-size", 24)
    asked = ("credit", "run", *data, *sizes, "--model", toy.spec)
    result = call(*asked, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["gain"]["mean"] == pytest.approx(fitted["test"]["gain"]["mean"])
    assert found["gain"]["low"] == fitted["test"]["gain"]["low"]
    (share,) = found["shares"]
    assert share["prompt"] == "answer"
    assert share["swap_back"] == share["leave_in"]
    kept = json.loads((folder / "run" / "credit.json").read_text())
    assert kept == {name: value for name, value in found.items() if name != "cost"}
    assert "not the examples" not in result.stderr
    said = call(*asked)
    assert "lost when it is put back" in said.stdout
    assert "The gain is" in said.stdout


def test_credit_warns_of_other_examples(folder, call, fit_options, data, toy):
    """Examples that the fit may have trained on are told of."""
    call("fit", "net.py", *fit_options, "--out", "run", "--steps", 1)
    result = call("credit", "run", *data, "--test-size", 10, "--model", toy.spec)
    assert result.exit_code == 0, result.stderr
    assert "not the examples that the fit held out" in result.stderr


def test_credit_needs_a_run(folder, call, data, toy):
    """A directory without a result is refused, and says how one comes about."""
    (folder / "empty").mkdir()
    result = call("credit", "empty", *data, "--model", toy.spec)
    assert result.exit_code == 1
    assert "no result.json" in result.stderr
    (folder / "empty" / "result.json").write_text("{}")
    result = call("credit", "empty", *data, "--model", toy.spec)
    assert "not the result of a fit" in result.stderr
    whole = {"task": "t", "data": {}, "prompts": {}, "seed": 0}
    (folder / "empty" / "result.json").write_text(json.dumps(whole))
    result = call("credit", "empty", *data, "--model", toy.spec)
    assert "--network" in result.stderr
