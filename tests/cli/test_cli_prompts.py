"""Prompts on the command line: written in every format, and read back by every command."""

from __future__ import annotations

import json

import pytest


def prompts_of(call, *arguments):
    found = call("prompts", *arguments, "--json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)["prompts"]


NETWORK = """
from langnet import Graph, Input, Node

graph = Graph(
    Input("text"),
    Node("notes", "{text}\\n{prompt}", "Note it."),
    Node("answer", "{prompt}\\n{text} {notes}", "Answer.\\nNow.", choices=("hot", "icy")),
)
"""


@pytest.mark.parametrize("name", ["p.txt", "p.yaml", "p.json", "dspy.json"])
def test_every_format_is_read_back(folder, call, name):
    """What langnet prompts writes, --prompts takes, a DSPy program's state among it."""
    (folder / "two.py").write_text(NETWORK)
    (folder / "set.txt").write_text("=== notes\nSay more.\n\n=== answer\nAnswer\n\nnow.\n")
    wanted = {"notes": "Say more.", "answer": "Answer\n\nnow."}
    form = ("--format", "dspy") if name == "dspy.json" else ()
    written = call("prompts", "two.py", "--prompts", "set.txt", "-o", name, *form)
    assert written.exit_code == 0, written.stderr
    assert prompts_of(call, "two.py", "--prompts", name) == wanted
    shown = call("prompts", "two.py", "--prompts", name)
    assert shown.stdout == (folder / "set.txt").read_text()


def test_a_run_is_asked_for_any_step(folder, call, fit_options):
    """The best, those at the start and those of a step; the options belong to what they fit."""
    fitted = call("fit", "net.py", *fit_options, "--out", "run", "--no-traces", "--json")
    assert fitted.exit_code == 0, fitted.stderr
    assert prompts_of(call, "run") == json.loads(fitted.stdout)["prompts"]["fitted"]
    assert prompts_of(call, "run", "--step", 0) == {"answer": "Say which."}
    first = json.loads((folder / "run" / "steps" / "0001.json").read_text())["prompts"]
    assert prompts_of(call, "run", "--step", 1) == first
    assert call("prompts", "run", "--step", 9).exit_code == 1
    assert call("prompts", "run", "--prompts", "run/prompts.yaml").exit_code == 2
    assert call("prompts", "run/best.yaml", "--step", 1).exit_code == 2


def test_a_module_for_the_state_is_shown(folder, call):
    """With the state comes the module that it loads into, and what has no place there."""
    (folder / "two.py").write_text(NETWORK.replace('"Note it."', '"Note it.", trainable=False'))
    found = call("prompts", "two.py", "--format", "dspy")
    assert set(json.loads(found.stdout)) == {"answer", "metadata"}
    assert "notes" in found.stderr
    assert "self.answer = dspy.Predict(" in found.stderr
    compile(found.stderr[found.stderr.index("import dspy") :], "shown", "exec")
