"""`langnet cache`: what it counts, drops and moves, and what it says where it cannot."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def filled(call, data, toy, folder):
    """A cache with the ten answers of an evaluation."""
    call("eval", "net.py", *data, "--model", toy.spec, "--test-size", 10)
    return folder / "cache"


def stats(call, *more):
    return json.loads(call("cache", "stats", "--json", *more).stdout)


def test_stats_count_by_model(filled, call, toy):
    """The models are listed with their answers, and the files with what they take."""
    found = stats(call)
    (model,) = found["models"]
    assert model["entries"] == found["entries"] == 10
    assert model["model"].startswith(f"openai:toy@{toy.url}")
    assert found["bytes"] > 0
    assert "openai:toy" in call("cache", "stats").stdout


def test_pruning_says_what_it_removed(filled, call):
    """By age, by size and by model; removing a whole model asks first."""
    assert call("cache", "prune").exit_code == 2
    assert "0 answers removed" in call("cache", "prune", "--older-than", "30d").stdout
    assert json.loads(call("cache", "prune", "--to", "1GB", "--json").stdout)["removed"] == 0
    refused = call("cache", "prune", "--model", "openai:toy@*", stdin="n\n")
    assert (refused.exit_code, stats(call)["entries"]) == (1, 10)
    with closing(sqlite3.connect(filled / "cache.db")) as connection, connection:
        connection.execute("UPDATE Cache SET store_time = store_time - 7200 WHERE rowid <= 4")
    pruned = call("cache", "prune", "--older-than", "1.5h", "--model", "openai:toy@*", "--json")
    assert json.loads(pruned.stdout)["removed"] == 4
    assert json.loads(call("cache", "prune", "--to", "0", "--json").stdout)["removed"] == 6
    unknown = call("cache", "prune", "--model", "gpt", "--yes")
    assert unknown.exit_code == 1
    assert "langnet cache stats" in unknown.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--older-than", "30"), ("--older-than", "soon"), ("--to", "1XB")]
)
def test_amounts_need_units_that_exist(folder, call, option, value):
    """An age or a size that cannot be read is wrong usage, and the message shows how it is done."""
    result = call("cache", "prune", option, value)
    assert result.exit_code == 2
    assert "write it like" in result.stderr


def test_answers_move_to_another_cache(filled, call, data, toy):
    """What was exported and imported elsewhere is not asked of the model again."""
    exported = call("cache", "export", "answers.jsonl.gz", "--json")
    assert json.loads(exported.stdout)["entries"] == 10
    there = ("--cache", "other")
    assert "10 answers added" in call("cache", "import", "answers.jsonl.gz", *there).stdout
    again = json.loads(call("cache", "import", "answers.jsonl.gz", *there, "--json").stdout)
    assert (again["new"], again["known"]) == (0, 10)
    before = toy.requests
    call("eval", "net.py", *data, "--model", toy.spec, "--test-size", 10, *there)
    assert toy.requests == before


def test_what_cannot_be_done_is_said(folder, call):
    """No cache to export, no file to import, and a file that holds something else."""
    missing = call("cache", "export", "answers.jsonl")
    assert (missing.exit_code, "there is no cache" in missing.stderr) == (1, True)
    assert call("cache", "import", "answers.jsonl").exit_code == 2
    (folder / "answers.jsonl").write_text('{"format": "langnet-cache/1", "entries": 1}\n[1]\n')
    refused = call("cache", "import", "answers.jsonl")
    assert refused.exit_code == 1
    assert "line 2: " in refused.stderr
    assert stats(call)["entries"] == 0


@pytest.mark.parametrize("command", ["stats", "prune", "clear", "export", "import"])
def test_every_command_helps(call, command):
    """Each has worked examples, and a document in place of words."""
    text = call("cache", command, "--help").stdout
    assert f"Examples:\n  langnet cache {command}" in text
    assert "--json" in text
