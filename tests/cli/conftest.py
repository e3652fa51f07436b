"""A folder with a network and data, a server, and a way to call the command line."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from langnet.cli import main
from tests.cli.answering import answering

NETWORK = '''
"""A network whose labels come from the task."""

from langnet import Graph, Input, Node


def network(task):
    return Graph(
        Input("text"),
        Node("answer", "{prompt}\\n\\n{text}\\n\\nAnswer:", task.description, choices=task.labels),
        name="net",
    )
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, with net.py and weather.jsonl."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    rows = [
        {
            "text": f"{'sun' if i % 2 else 'snow'} {'easy' if i % 3 else 'hard'} {i}",
            "label": i % 2,
        }
        for i in range(60)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "weather.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.fixture
def toy():
    """The server."""
    with answering() as server:
        yield server


@pytest.fixture
def call():
    """Calls the command line in this process."""

    def invoke(*arguments, stdin=None):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def data():
    """Options that name the data."""
    return ("--data", "weather.jsonl", "--labels", "1=hot,0=icy", "--instruction", "Say which.")


@pytest.fixture
def fit_options(data, toy):
    """Options of a small fit."""
    return (
        *data,
        *("--model", toy.spec, "--steps", 3, "--batch-size", 6, "--candidates", 4),
        *("--train-size", 24, "--dev-size", 12, "--test-size", 24),
        *("--mix", "continuation=1,paraphrase=1", "--concurrency", 4),
    )
