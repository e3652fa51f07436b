"""`--run-deadline`: what is there by then is reported, and the exit code says so.

What the cache answers takes no time, so a deadline that has passed at once cuts off exactly what
was not asked before.
"""

from __future__ import annotations

import json

PASSED = ("--run-deadline", "1e-6")


def test_an_evaluation_reports_what_was_answered(folder, call, data, toy):
    """The examples that were answered make the figure; the others are named."""
    base = ("eval", "net.py", *data, "--model", toy.spec, "--json")
    whole = call(*base, "--test-size", 20)
    assert whole.exit_code == 0
    cut = call(*base, "--test-size", 50, *PASSED, "--predictions", "answers.jsonl")
    assert cut.exit_code == 3
    assert "30 of 50 examples were not answered, and count for nothing" in cut.stderr
    before, after = json.loads(whole.stdout), json.loads(cut.stdout)
    assert after["n"] == 20
    assert after["mean"] == before["mean"]
    assert len(after["failures"]) == 30
    assert "the deadline of the run has passed" in after["failures"][0]["error"]
    assert len((folder / "answers.jsonl").read_text().splitlines()) == 20


def test_an_evaluation_of_nothing_is_an_error(folder, call, data, toy):
    """Where nothing was answered there is nothing to report, and the exit code is the same."""
    result = call("eval", "net.py", *data, "--model", toy.spec, *PASSED)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "the deadline of the run has passed; give it more time" in result.stderr
    assert toy.requests == 0


def test_a_fit_keeps_its_best_and_goes_on(folder, call, fit_options):
    """It writes what it has, says how to go on, and ends where it would have ended."""
    whole = call("fit", "net.py", *fit_options, "--out", "whole", "--json")
    assert whole.exit_code == 0
    cut = call("fit", "net.py", *fit_options, *PASSED, "--cache", "none", "--out", "cut", "--json")
    assert cut.exit_code == 3
    found = json.loads(cut.stdout)
    assert found["reason"] == "the deadline of the run has passed; give it more time"
    assert (found["steps"], found["test"]) == (0, None)
    assert found["prompts"]["fitted"] == found["prompts"]["initial"]
    assert "they are not compared on held-out examples yet. Go on with: langnet fit" in cut.stderr
    assert "--resume" in cut.stderr
    # With a cache that holds it all, the deadline cuts nothing off.
    gone_on = call("fit", "net.py", *fit_options, *PASSED, "--out", "cut", "--resume", "--json")
    assert gone_on.exit_code == 0
    left_out = ("cost", "files")
    documents = [json.loads(result.stdout) for result in (whole, gone_on)]
    first, second = ({k: v for k, v in d.items() if k not in left_out} for d in documents)
    assert first == second


def test_a_diagnosis_says_that_it_had_too_little_time(folder, call, data, toy):
    """Half a diagnosis is none: the message says what is missing, and the exit code what kind."""
    result = call("diagnose", "net.py", *data, "--model", toy.spec, *PASSED)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "give it more time" in result.stderr
