"""`--preset paper/NAME`: the paper's prompts and settings as defaults that options override."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from langnet.cli import main
from langnet.cli.fit_job import job_of
from langnet.cli.paper import PAPER, reader_of
from langnet.data import PRESETS

DLN1, DLN2 = (str(Path(__file__).parents[2] / "graphs" / f"{name}.py") for name in ("dln1", "dln2"))


@pytest.fixture
def walks(tmp_path, monkeypatch):
    """A file in the format of BIG-Bench-Hard's navigate."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {"input": f"Take {n} steps.\nOptions:\n- Yes\n- No", "target": "Yes" if n % 2 else "No"}
        for n in range(1000)
    ]
    (tmp_path / "walks.json").write_text(json.dumps({"examples": rows}))
    return ("--data", "walks.json", "--preset", "paper/navigate")


def job(*arguments):
    command = main.commands["fit"]
    with command.make_context("fit", [*map(str, arguments)]) as context:
        options = dict(context.params)
        for name in ("as_json", "seeds", "from_manifest"):
            options.pop(name)
        return job_of(context, options, arguments=())


def test_the_presets_are_those_of_the_nine_data_sets():
    """The file holds a recipe for each name, and each reads a format that there is."""
    assert len(PAPER) == 9
    assert {reader_of(name) for name in PAPER} <= set(PRESETS)
    assert reader_of("subj") == "subj"
    assert reader_of(None) is None


def test_a_preset_is_the_papers_deep_network(walks):
    """Prompts, templates, sizes and the settings of DLN-2 become the defaults."""
    found = job(DLN2, *walks)
    assert [len(part) for part in (found.splits.train, found.splits.dev, found.splits.test)] == [
        *(375, 375, 250)
    ]
    assert found.graph.prompts == {
        "thoughts": "Decompose the problem to make it simpler:",
        "answer": "Read the following sentence, then determine whether you return to the starting "
        "point.",
    }
    assert found.graph.nodes["answer"].template.endswith(
        "Your thoughts were:\n{thoughts}\n\nAnswer:"
    )
    assert found.graph.nodes["thoughts"].decoding.max_tokens == 256
    assert found.graph.nodes["thoughts"].decoding.stop == ()
    assert found.graph.nodes["answer"].choices.labels == ("No", "Yes")
    method = found.method
    assert (method.steps, method.batch_size, method.candidates) == (20, 20, 20)
    assert (method.memory, method.patience, method.validate_every) == (2, 2, 2)
    assert method.inference.draws == 10
    assert method.mix == {"rewrite": 1.0}
    assert not method.adapt
    assert method.racing is None
    assert len(method.objectives) == 2


def test_a_preset_has_other_settings_for_one_layer(walks):
    """DLN-1 has the memory and patience of the published search, and no exploration reward."""
    found = job(DLN1, *walks)
    assert (found.method.memory, found.method.patience) == (2, None)
    assert len(found.method.objectives) == 1


def test_what_is_given_overrides_a_preset(walks):
    """Explicit options win, those that have the default's value included."""
    found = job(
        *(DLN2, *walks, "--steps", 5, "--memory", 3, "--train-size", 20, "--set", "tokens=9"),
        *("--instruction", "Well?", "--prompt", "thoughts=Think.", "--objectives", "likelihood"),
    )
    assert (found.method.steps, found.method.memory) == (5, 3)
    assert len(found.splits.train) == 20
    assert len(found.method.objectives) == 1
    assert found.graph.prompts == {"thoughts": "Think.", "answer": "Well?"}
    assert found.graph.nodes["thoughts"].decoding.max_tokens == 9


@pytest.mark.parametrize("name", PAPER)
def test_every_preset_is_valid(name, tmp_path):
    """Each recipe names options and settings that there are, with values that they take."""
    fields = {
        "airline": ("sentence1", "label", ["positive", "negative", "neutral"]),
        "disaster": ("sentence1", "label", ["Relevant", "Not Relevant"]),
        "mpqa": ("sentence", "label", ["0", "1"]),
        "subj": ("sentence", "label", ["0", "1"]),
        "trec": ("sentence", "label", ["0", "1", "2", "3", "4", "5"]),
    }
    column, target, values = fields.get(reader_of(name), ("input", "target", ["(A)", "(B)"]))
    rows = [{column: f"text {n}", target: values[n % len(values)]} for n in range(60)]
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"examples": rows}))
    for graph in (DLN1, DLN2):
        found = job(graph, "--data", file, "--preset", name)
        assert found.method.steps == 20
        assert found.splits.task.description.endswith(".")
        assert found.splits.train


def test_evaluation_begins_with_the_preset_too(walks):
    """Other commands that read data take its first prompt and its sizes as well."""
    command = main.commands["eval"]
    with command.make_context("eval", [DLN2, *walks]) as context:
        assert context.params["test_size"] == 250
        assert context.params["instruction"].startswith("Read the following sentence")


def test_a_preset_needs_data():
    """Without a file there is nothing to read."""
    with pytest.raises(click.UsageError, match="belong to --data"):
        job(DLN2, "--preset", "paper/subj")
