"""`langnet eval`, `run`, `show`, `models`, `cache` and what is said without a command."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langnet import graph_file
from langnet.cli import main
from langnet.collect import read_solutions
from langnet.estimators import auc
from langnet.lm.cache import DiskStore
from langnet.lm.connect import connect_all
from langnet.lm.retry import Retries

ROOT = Path(__file__).parents[2]
VOTES = """
from langnet import Decoding, Function, Graph, Input, Node
from langnet.functions import majority


def network(task, *, draws=1, heat=1.0):
    node = Node("a", "{prompt} {text}", draws=draws, decoding=Decoding(temperature=heat))
    return Graph(Input("text"), node, Function("answer", majority("a")))
"""
FORMS = ("text", "mermaid", "dot", "svg", "html", "yaml", "json")


def test_eval_agrees_with_itself(folder, call, data, toy):
    """The metric is the mean of the written values, which agree with the confusion table."""
    result = call(
        *("eval", "net.py", *data, "--model", toy.spec, "--test-size", "all"),
        *("--predictions", "answers.jsonl", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"weather:{i}" for i in range(1, 61)]
    assert found["n"] == len(rows) == 60
    assert found["mean"] == pytest.approx(sum(row["value"] for row in rows) / 60)
    right = sum(
        cell["count"] for cell in found["confusion"] if cell["target"] == cell["prediction"]
    )
    assert right / 60 == pytest.approx(found["mean"])
    assert found["low"] <= found["mean"] <= found["high"]


def test_eval_ranks_by_the_probability_of_a_label(folder, call, data, toy):
    """The area is that of the written probabilities, and the answers are as without it."""
    plain = ("eval", "net.py", *data, "--model", toy.spec, "--test-size", "all")
    ranked = (*plain, "--auc", "hot", "--predictions", "p.jsonl")
    result = call(*ranked, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    rows = [json.loads(line) for line in (folder / "p.jsonl").read_text().splitlines()]
    scores = [row["probability"] for row in rows]
    expected = auc(scores, [row["target"] == "hot" for row in rows])
    assert found["auc"]["mean"] == expected.mean
    assert found["auc"]["n"] == 60
    assert found["mean"] == json.loads(call(*plain, "--json").stdout)["mean"]
    shown = call(*ranked, "--auc-by", "text").stdout
    assert f"AUC of p(hot) {expected.mean:.3f}" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--auc", "mild"), "mild"),
        (("--auc-by", "text"), "--auc LABEL"),
        (("--auc", "hot", "--auc-by", "question"), "it reads text"),
    ],
)
def test_eval_says_why_it_cannot_rank(folder, call, data, toy, options, said):
    """A label that is none, an input that is none, and groups of nothing are refused."""
    result = call("eval", "net.py", *data, "--model", toy.spec, *options)
    assert result.exit_code
    assert said in result.stderr
    assert toy.requests == 0


def test_eval_takes_prompts_from_a_run(folder, call, fit_options, data, toy):
    """The fitted prompts give on the same examples what the fit has measured."""
    call("fit", "net.py", *fit_options, "--test", "weather.jsonl", "--test-size", "all")
    run = folder / "runs" / "net-weather-seed0"
    measured = json.loads((run / "result.json").read_text())["test"]["fitted"]
    for network in (("net.py", "--prompts", run / "prompts.yaml"), (run / "best.yaml",)):
        result = call(
            *("eval", *network, *data, "--model", toy.spec, "--test-size", "all", "--json")
        )
        found = json.loads(result.stdout)
        assert found["mean"] == measured["mean"]
        assert (found["low"], found["high"]) == (measured["low"], measured["high"])


def test_collect_keeps_every_judged_solution(folder, call, data, toy):
    """The file holds each draw of each example with its judgement, and the summary counts them."""
    result = call(
        *("collect", "net.py", *data, "--model", toy.spec, "--train-size", 10, "--draws", 3),
        *("--out", "pool.jsonl", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    found = read_solutions(folder / "pool.jsonl")
    assert len(found.solutions) == told["solutions"] == 30
    assert [len(each) for each in found.by_example().values()] == [3] * 10
    assert sum(one.is_correct for one in found.solutions) == told["correct"]
    assert {one.answer for one in found.solutions} <= {"hot", "icy"}


def test_sweep_tries_every_combination(folder, call, data, toy):
    """Each point has its settings and its metric; a setting that is not there is told."""
    (folder / "votes.py").write_text(VOTES, encoding="utf-8")
    arguments = ("sweep", "votes.py", *data, "--model", toy.spec, "--test-size", 6)
    result = call(*arguments, "--vary", "draws=1,2", "--vary", "heat=0.5,1", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["points"]
    assert [point["settings"] for point in found] == [
        {"draws": draws, "heat": heat} for draws in "12" for heat in ("0.5", "1")
    ]
    assert all(len(point["values"]) == 6 for point in found)
    refused = call(*arguments, "--vary", "votes=1,2")
    assert refused.exit_code == 2
    assert "its settings are draws=1, heat=1.0" in refused.stderr


def test_eval_shows_a_table_and_failures(folder, call, data, toy):
    """A failed example counts as 0, is named, and has a column of its own."""
    toy.refuse = "snow easy 2\n"
    result = call("eval", "net.py", *data, "--model", toy.spec, "--test-size", "all")
    assert result.exit_code == 0, result.stderr
    assert "95% interval, on 60 examples of weather" in result.stdout
    assert "(failed)" in result.stdout
    assert "weather:3 failed:" in result.stdout


def test_run_prints_the_answer(folder, call, toy):
    """One input gives the output alone, its trace, or a document."""
    call("show", "net.py", "--task", "sentiment", "-o", "net.yaml")
    graph = graph_file.load("net.yaml").replace("answer", choices=("hot", "icy"))
    graph_file.save(graph, "net.yaml")
    base = ("run", "net.yaml", "--model", toy.spec, "--input", "text=easy sun")
    assert call(*base).stdout == "hot\n"
    assert call(*base, "--trace").stdout == "text: easy sun\nanswer: hot\n"
    document = json.loads(call(*base, "--json", "--trace").stdout)
    assert document["outputs"] == {"answer": "hot"}
    assert document["values"]["text"] == "easy sun"
    assert document["texts"][0]["context"].endswith("Answer:")
    (folder / "prompt.txt").write_text("easy snow\n", encoding="utf-8")
    assert call(*base[:-1], "text=@prompt.txt").stdout == "icy\n"


def test_run_answers_a_stream_in_order(folder, call, toy):
    """JSON lines in give JSON lines out, with ids, and a failure is one line."""
    _hot_or_icy(folder, call)
    toy.refuse = "forbidden"
    lines = [{"text": f"easy {'sun' if i % 2 else 'snow'} {i}", "id": f"q{i}"} for i in range(20)]
    lines[7]["text"] = "forbidden"
    stdin = "\n".join(map(json.dumps, lines)) + "\n\n" + json.dumps({"text": "easy sun"})
    result = call("run", "net.yaml", "--model", toy.spec, "--input", "-", stdin=stdin)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert "1 of the examples failed" in result.stderr
    assert [item["id"] for item in found] == [*(f"q{i}" for i in range(20)), "22"]
    assert "forbidden is refused" in found.pop(7)["error"]
    assert [item["outputs"]["answer"] for item in found[:3]] == ["icy", "hot", "icy"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (("--input", "other=x"), None, 1, "gives other, but the network reads text"),
        (("--input", "x"), None, 2, "--input needs NAME=TEXT"),
        (("--input", "-", "--input", "text=x"), "", 2, "takes every input"),
        (("--input", "-", "--json"), "", 2, "leave --json out"),
        (("--input", "-"), "{", 1, "standard input, line 1 is no JSON"),
        (("--input", "-"), "3", 1, "line 1 is no object"),
        (("--input", "-"), '{"question": "x"}', 1, "line 1 gives nothing"),
        (("--input", "text=@none.txt"), None, 2, "none.txt cannot be read"),
    ],
)
def test_run_tells_what_its_input_lacks(folder, call, toy, arguments, stdin, code, said):
    """Inputs that do not fit the network are refused with their place."""
    _hot_or_icy(folder, call)
    result = call("run", "net.yaml", "--model", toy.spec, *arguments, stdin=stdin)
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize("form", FORMS)
def test_show_draws_every_format(folder, call, form):
    """Each format names every node, on the standard output and in a file alike."""
    shown = call("show", "net.py", "--task", "navigate", "--format", form)
    assert shown.exit_code == 0, shown.stderr
    assert "answer" in shown.stdout
    call("show", "net.py", "--task", "navigate", "--format", form, "-o", "drawing")
    assert (folder / "drawing").read_text(encoding="utf-8") == shown.stdout


def test_show_goes_by_the_files_ending(folder, call):
    """-o net.svg is an SVG, and net.json a graph file that loads."""
    call("show", "net.py", "--task", "navigate", "-o", "net.svg")
    assert (folder / "net.svg").read_text(encoding="utf-8").lstrip().startswith("<svg")
    call("show", "net.py", "--task", "navigate", "-o", "net.json")
    assert graph_file.load("net.json").outputs == ("answer",)


@pytest.mark.parametrize("path", sorted((ROOT / "graphs").glob("*.py")), ids=lambda path: path.stem)
def test_every_graph_of_the_project_shows(call, path):
    """The networks in graphs/ load with their own tasks."""
    result = call("show", path)
    assert result.exit_code == 0, result.stderr
    assert "input" in result.stdout


def test_cache_is_counted_and_cleared(folder, call, data, toy):
    """What eval has asked is in the cache; clear asks first, and leaves nothing."""
    assert json.loads(call("cache", "stats", "--json").stdout)["entries"] == 0
    assert not (folder / "cache").exists()
    call("eval", "net.py", *data, "--model", toy.spec, "--test-size", 10)
    assert json.loads(call("cache", "stats", "--json").stdout)["entries"] == 10
    assert "10 answers" in call("cache", "stats").stdout
    refused = call("cache", "clear", stdin="n\n")
    assert refused.exit_code == 1
    assert json.loads(call("cache", "clear", "--yes", "--json").stdout)["removed"] == 10
    store = DiskStore(folder / "cache")
    assert store.stats().entries == 0
    store.close()


def test_models_are_listed_and_unknown_ones_refused(folder, call, monkeypatch):
    """The catalogue says what is here, and pulling needs a name that it has."""
    monkeypatch.setenv("LANGNET_MODELS", str(folder / "models"))
    (entry,) = (e for e in json.loads(call("models", "list", "--json").stdout) if e["name"])
    assert entry["name"] == "smollm2"
    assert entry["path"] is None
    assert "smollm2" in call("models", "list").stdout
    result = call("models", "pull", "none")
    assert result.exit_code == 1
    assert "'none'" in result.stderr


def test_every_command_helps_with_examples(call):
    """Each command's help has worked examples, and the program its exit codes."""
    top = call("--help").stdout
    assert "130 interrupted" in top
    commands = [(name,) for name in main.commands if name not in {"models", "cache", "guide"}]
    commands += [("tasks", "list"), ("tasks", "show")]
    commands += [("models", "list"), ("models", "pull"), ("cache", "stats"), ("cache", "clear")]
    for command in commands:
        text = call(*command, "--help").stdout
        assert f"Examples:\n  langnet {' '.join(command)}" in text
        assert "--json" in text
    assert "Examples:\n  langnet guide runs/first\n" in call("guide", "--help").stdout
    for name in main.commands["guide"].commands:
        text = call("guide", ".", name, "--help").stdout
        assert f"Examples:\n  langnet guide runs/first {name}" in text
        assert "--json" in text


def test_the_module_is_the_command():
    """python -m langnet --version says the version, and wrong usage ends with 2."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "langnet", "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("langnet ")
    wrong = subprocess.run(
        [sys.executable, "-m", "langnet", "dance"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2


def _hot_or_icy(folder, call):
    call("show", "net.py", "--task", "sentiment", "-o", "net.yaml")
    graph = graph_file.load("net.yaml").replace("answer", choices=("hot", "icy"))
    graph_file.save(graph, folder / "net.yaml")


@pytest.mark.parametrize(
    ("arguments", "retries"),
    [
        ((), Retries()),
        (("--retries", "0"), Retries(attempts=1)),
        (("--retries", "2", "--call-deadline", "7.5"), Retries(attempts=3, call_deadline=7.5)),
        (("--call-deadline", "none"), Retries(call_deadline=math.inf)),
    ],
)
def test_retries_reach_the_models(folder, call, toy, monkeypatch, arguments, retries):
    """What the options say is what the connection is told, and the defaults are the library's."""
    _hot_or_icy(folder, call)
    given = []

    def connecting(*args, **kwargs):
        given.append(kwargs["retries"])
        return connect_all(*args, **kwargs)

    monkeypatch.setattr("langnet.cli.connection.connect_all", connecting)
    base = ("run", "net.yaml", "--model", toy.spec, "--input", "text=easy sun")
    assert call(*base, *arguments).stdout == "hot\n"
    assert given == [retries]


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_a_deadline_that_cannot_be_is_refused(folder, call, toy, value):
    """The message says what can be given."""
    _hot_or_icy(folder, call)
    base = ("run", "net.yaml", "--model", toy.spec, "--input", "text=easy sun")
    result = call(*base, "--call-deadline", value)
    assert result.exit_code == 2
    assert "no number of seconds above 0, nor 'none'" in " ".join(result.stderr.split())
