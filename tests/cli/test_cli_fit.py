"""`langnet fit`: what it writes, that the seed decides it, and that it can be interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from langnet import graph_file

FILES = {
    *("run.json", "state.json", "steps", "result.json", "cost.json", "manifest.json"),
    *("prompts.yaml", "best.yaml", "live.json"),
}
FILES |= {"costs", "examples.jsonl", "validations"}


def names(directory):
    return {path.name for path in Path(directory).iterdir()}


def test_a_fit_leaves_its_results_and_tells_of_them(folder, call, fit_options):
    """The run directory holds what the output says, and the output says whether there is a gain."""
    result = call("fit", "net.py", *fit_options)
    assert result.exit_code == 0, result.stderr
    run = folder / "runs" / "net-weather-seed0"
    assert names(run) == FILES
    found = json.loads((run / "result.json").read_text())
    assert found["prompts"]["initial"] == {"answer": "Say which."}
    assert graph_file.load(run / "best.yaml").prompts == found["prompts"]["fitted"]
    assert graph_file.load_prompts(run / "prompts.yaml") == found["prompts"]["fitted"]
    assert "warm" in found["prompts"]["fitted"]["answer"]
    test = found["test"]
    assert len(test["examples"]) == len(test["fitted"]["values"]) == 24
    gain = test["gain"]["mean"]
    assert gain == pytest.approx(test["fitted"]["mean"] - test["initial"]["mean"])
    assert test["gain"]["above zero"] is (test["gain"]["low"] > 0)
    assert "Say which." in result.stdout
    assert f"The gain is {gain:.3f}, and its 95% interval lies above zero." in result.stdout
    assert "Objective: likelihood." in result.stdout
    assert "step 3/3  score" in result.stderr
    assert found["validations"][0]["step"] == 0
    whole = json.loads((run / "cost.json").read_text())
    parts = [json.loads((run / "costs" / f"000{step}.json").read_text()) for step in (1, 2, 3)]
    assert all(part["prompt_tokens"] > 0 for part in parts)
    # The first validation and the held-out examples belong to no step.
    assert sum(part["prompt_tokens"] for part in parts) < whole["prompt_tokens"]


def test_a_fit_without_traces_keeps_no_texts(folder, call, fit_options):
    """With --no-traces the run directory holds no JSON lines, and a report of it can be made."""
    call("fit", "net.py", *fit_options, "--out", "run", "--steps", 1, "--no-traces")
    assert not [*(folder / "run").rglob("*.jsonl")]
    assert call("report", "run").exit_code == 0
    assert '"examples":[]' in (folder / "run" / "report.html").read_text()


def test_json_is_one_document_on_stdout(folder, call, fit_options):
    """With --json the standard output is the result with the cost, and the rest is elsewhere."""
    result = call("fit", "net.py", *fit_options, "--json", "--out", "run")
    document = json.loads(result.stdout)
    cost, files = document.pop("cost"), document.pop("files")
    assert document == json.loads((folder / "run" / "result.json").read_text())
    assert cost == json.loads((folder / "run" / "cost.json").read_text())
    assert cost["calls"] > 0
    assert all(Path(path).exists() for path in files.values())


def test_the_seed_decides_the_result(folder, call, fit_options):
    """The same seed gives the same bytes without a cache, and another seed another run."""
    for run, seed in (("one", 5), ("two", 5), ("three", 6)):
        call("fit", "net.py", *fit_options, "--seed", seed, "--out", run, "--cache", "none")
    one, two, three = (
        (folder / run / "result.json").read_bytes() for run in ("one", "two", "three")
    )
    assert one == two != three


def test_a_run_that_is_there_is_not_overwritten(folder, call, fit_options):
    """Without --resume a second fit into the same directory fails and changes nothing."""
    call("fit", "net.py", *fit_options, "--out", "run")
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "run").iterdir()}
    result = call("fit", "net.py", *fit_options, "--out", "run")
    assert result.exit_code == 1
    assert "holds a run already" in result.stderr
    assert "--resume" in result.stderr
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "run").iterdir()} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--seed", 1), "seed"),
        (("--candidates", 3), "method"),
        (("--data-seed", 1), "train, dev"),
        (("--prompt", "answer=Other."), "graph"),
    ],
)
def test_a_run_is_resumed_as_what_it_was_begun(folder, call, fit_options, change, said):
    """Resuming with other settings fails and names what differs."""
    call("fit", "net.py", *fit_options, "--out", "run", "--steps", 1)
    result = call("fit", "net.py", *fit_options, *change, "--out", "run", "--resume")
    assert result.exit_code == 1
    assert f"since {said} differs" in result.stderr


def test_a_finished_run_can_be_taken_further(folder, call, fit_options):
    """More steps on resuming lead where as many steps at once would have led."""
    call("fit", "net.py", *fit_options, "--out", "whole")
    call("fit", "net.py", *fit_options, "--out", "parts", "--steps", 1)
    result = call("fit", "net.py", *fit_options, "--out", "parts", "--resume", "--steps", 3)
    assert "fit goes on after step 1 of 3" in result.stderr
    whole, parts = (folder / run / "result.json" for run in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()
    assert len(json.loads((folder / "parts" / "cost.json").read_text())["sessions"]) == 2


@pytest.mark.parametrize(
    ("number", "background"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)],
)
def test_an_interrupted_fit_goes_on_to_the_same_result(
    folder, call, fit_options, toy, number, background
):
    """A signal in the middle of a step ends with 130 and whole files; resuming gives the bytes.

    SIGTERM also ends a job in the background, where a shell lets Ctrl-C be ignored.
    """
    call("fit", "net.py", *fit_options, "--out", "whole", "--cache", "none")
    total = toy.requests
    toy.requests, toy.hold_at = 0, total // 2
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "langnet", "fit", "net.py", "--out", "run"]
    command += [*map(str, fit_options), "--cache", "none"]
    ours = signal.getsignal(signal.SIGINT)
    if background:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the process inherits
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        env={"PYTHONPATH": str(root), "LANGNET_CACHE": str(folder / "cache"), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        signal.signal(signal.SIGINT, ours)
        assert toy.held.wait(60), "the fit never got half way"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Interrupted." in stderr
    assert "Traceback" not in stderr
    assert "langnet fit net.py --out run" in stderr
    assert stderr.rstrip().endswith("--resume")
    assert names(folder / "run") <= FILES - {
        "result.json",
        "manifest.json",
        "best.yaml",
        "prompts.yaml",
    }
    assert 0 < json.loads((folder / "run" / "state.json").read_text())["step"] < 3
    toy.hold_at = None
    toy.gate.set()
    resumed = call("fit", "net.py", *fit_options, "--out", "run", "--cache", "none", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    whole, run = (folder / name / "result.json" for name in ("whole", "run"))
    assert run.read_bytes() == whole.read_bytes()


def test_baselines_are_compared_in_pairs(folder, call, fit_options):
    """Each baseline sees the same examples, and the difference is fitted minus baseline."""
    result = call("fit", "net.py", *fit_options, "--baselines", "--json")
    test = json.loads(result.stdout)["test"]
    assert list(test["baselines"]) == [
        "5-shot",
        "KATE, 5 nearest",
        "APE, 15 proposals",
        "empty prompt",
        "irrelevant prompt",
        "initial prompt, calibrated",
    ]
    for baseline in test["baselines"].values():
        assert len(baseline["values"]) == len(test["fitted"]["values"])
        assert baseline["fitted minus this"]["mean"] == pytest.approx(
            test["fitted"]["mean"] - baseline["mean"]
        )


def test_prompts_can_be_given_kept_and_calibrated(folder, call, fit_options):
    """--prompt and its @file set the start, --freeze keeps it, --calibrate changes the choices."""
    (folder / "start.txt").write_text("A start.\n", encoding="utf-8")
    result = call(
        *("fit", "net.py", *fit_options, "--prompt", "answer=@start.txt", "--freeze", "answer")
    )
    assert result.exit_code == 1
    assert "no node of the graph is trainable" in result.stderr
    result = call("fit", "net.py", *fit_options, "--prompt", "answer=@start.txt", "--calibrate")
    run = folder / "runs" / "net-weather-seed0"
    assert json.loads((run / "result.json").read_text())["prompts"]["initial"] == {
        "answer": "A start."
    }
    choices = graph_file.load(run / "best.yaml").nodes["answer"].choices
    assert choices is not None
    assert choices.calibrate


def test_without_held_out_examples_there_is_no_comparison(folder, call, fit_options):
    """--test-size 0 fits and reports prompts alone."""
    result = call("fit", "net.py", *fit_options, "--test-size", 0)
    assert result.exit_code == 0
    assert "held-out" not in result.stdout
    run = folder / "runs" / "net-weather-seed0"
    assert json.loads((run / "result.json").read_text())["test"] is None


def test_a_network_that_cannot_be_saved_leaves_its_prompts(folder, call, fit_options):
    """A function in a file of its own has no import path: prompts are written, and it is said."""
    source = (folder / "net.py").read_text()
    source = source.replace("Graph, Input, Node", "Function, Graph, Input, Node").replace(
        '        name="net",',
        '        Function("loud", shout),\n        target="answer",\n        name="net",',
    )
    (folder / "loud.py").write_text(source + "\n\ndef shout(answer):\n    return answer + '!'\n")
    result = call("fit", "loud.py", *fit_options, "--out", "run")
    assert result.exit_code == 0, result.stderr
    assert "cannot be saved" in result.stderr
    assert names(folder / "run") == FILES - {"best.yaml"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("fit", "none.py"), 2, "there is no file none.py"),
        (("fit", "none"), 2, "names no network"),
        (("fit", "none.of:it"), 2, "there is no module 'none.of'"),
        (("fit", "net.py"), 2, "give --data FILE, or --task"),
        (("fit", "net.py", "--task", "none"), 2, "there is no task 'none'"),
        (("fit", "net.py", "--target", "label"), 2, "--target belong to --data"),
        (("fit", "net.py", "--data", "weather.jsonl", "--input", "text"), 2, "needs --target"),
        (
            ("fit", "net.py", "--data", "weather.jsonl", "--input", "text", "--target", "class"),
            1,
            "there is no column 'class'",
        ),
        (("fit", "net.py", "--data", "weather.jsonl", "--labels", "1=hot"), 1, "label is '0'"),
        (
            ("fit", "net.py", "--task", "navigate", "--model", "nothing"),
            2,
            "'nothing' names no model",
        ),
        (("fit", "net.py", "--task", "navigate", "--mix", "guessing=1"), 2, "'guessing'"),
        (("fit", "net.py", "--task", "navigate", "--mix", "rewrite=x"), 2, "'x' is no number"),
        (("fit", "net.py", "--task", "navigate", "--patience", "0"), 2, "'0' is no whole number"),
        (("fit", "net.py", "--task", "navigate", "--steps", "-1"), 2, "-1"),
        (("fit", "net.py", "--task", "navigate", "--prompt", "none=x"), 1, "no prompt 'none'"),
        (("fit", "net.py", "--task", "navigate", "--prompt", "x"), 2, "needs NAME=TEXT"),
        (("fit", "net.py", "--task", "navigate", "--freeze", "none"), 1, "no prompt 'none'"),
        (("fit", "net.py", "--task", "navigate", "--test-size", "all"), 2, "has no end"),
        (("fit", "net.py", "--task", "navigate", "--model", "weak=local:x"), 2, "no node calls"),
        (
            ("fit", "net.py", "--task", "navigate", "--model", "local:no-such"),
            1,
            "langnet models list",
        ),
    ],
)
def test_mistakes_are_told_with_the_mend(folder, call, arguments, code, said):
    """Wrong usage ends with 2 and failed work with 1, each with a message and no traceback."""
    result = call(*arguments)
    assert result.exit_code == code, result.stderr
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_debug_shows_the_traceback(folder, call):
    """--debug adds where an error comes from to the same message and exit code."""
    arguments = ("fit", "net.py", "--data", "weather.jsonl", "--labels", "1=hot")
    result = call(*arguments, "--debug")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "langnet.errors.DataError" in result.stderr
    assert "Error: weather.jsonl, line 1" in result.stderr


def test_too_many_failed_calls_end_the_fit(folder, call, fit_options, toy):
    """What a server refuses is told with the node, and the exit code is 1."""
    toy.refuse = "sun"
    result = call("fit", "net.py", *fit_options)
    assert result.exit_code == 1
    assert "sun is refused" in result.stderr
