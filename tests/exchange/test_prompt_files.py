"""Prompts through files: every format gives back what it was given."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet import Graph, Input, Node, graph_file
from langnet.errors import DataError, GraphError
from langnet.exchange import (
    Prompts,
    as_text,
    dspy_module,
    dspy_state,
    from_text,
    of_graph,
    of_run,
    read_prompts,
    write_prompts,
)
from langnet.exchange.dspy import left_out
from langnet.node import Function, Prompt

LINES = st.sampled_from(["", "===", "=== answer", "==== a", "---", "text", " end ", "\r", "- x: y"])
TEXTS = st.one_of(
    st.lists(LINES, max_size=6).map("\n".join),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
NAMES = st.sampled_from(["answer", "thoughts", "a_1", "größe"])

NETWORK = Graph(
    Input("text"),
    Node("thoughts", "{text}\n\n{prompt}", "Think."),
    Node("fixed", "{text} {thoughts}\n{prompt}", "Stay.", trainable=False),
    Node("bare", "{text} {fixed}", trainable=False),
    Node("answers", "{prompt}\n{text} {bare}", "Say it.", choices=("Yes", "No"), draws=3),
    Function("vote", lambda answers: answers[0]),
    name="net-2",
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, TEXTS, min_size=1))
def test_a_text_of_prompts_gives_them_back(prompts):
    """Whatever lines a prompt has, markers among them, the text holds it unambiguously."""
    assert from_text(as_text(prompts)) == prompts


def test_a_text_may_be_edited():
    """Missing empty lines, a missing end and the breaks of other systems change no prompt."""
    assert from_text("=== a\r\none\r\n\r\n=== b\r\ntwo\r\nlines\r\n") == {
        "a": "one",
        "b": "two\nlines",
    }
    assert from_text("=== a\none\n=== b\ntwo") == {"a": "one", "b": "two"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [("Think.", "begins with"), ("=== a\nx\n\n=== a\ny\n", "stands twice"), ("", "begins with")],
)
def test_what_is_no_text_of_prompts_is_refused(text, fault):
    """The error says how such a text begins, or what stands twice."""
    with pytest.raises(DataError, match=fault):
        from_text(text)


def test_text_refuses_what_no_file_of_text_holds():
    """Half of a surrogate pair is told, and JSON takes it."""
    with pytest.raises(DataError, match="use JSON"):
        as_text({"a": "\udc80"})


@pytest.mark.parametrize("name", ["p.txt", "p.json", "p.yaml"])
def test_files_give_prompts_back(tmp_path, name):
    """The ending decides the format, and what is written is read again."""
    file = tmp_path / name
    texts = {"thoughts": "One\n\n=== two\n", "fixed": "é  ", "answers": "'quoted': \"so\""}
    write_prompts(file, Prompts("net", texts))
    assert read_prompts(file).texts == texts
    if name != "p.txt":
        assert graph_file.load_prompts(file) == texts


def test_a_plain_mapping_is_a_file_of_prompts(tmp_path):
    """Names and texts need no format line; anything else is told with its file."""
    file = tmp_path / "p.json"
    file.write_text('{"a": "x"}')
    assert read_prompts(file).texts == {"a": "x"}
    file.write_text('{"a": 3}')
    with pytest.raises(GraphError, match=r"p\.json"):
        read_prompts(file)
    with pytest.raises(GraphError, match="there is no file"):
        read_prompts(tmp_path / "nothing.txt")


def test_a_dspy_state_has_the_shape_that_dspy_writes():
    """One predictor for each trainable prompt, in the shape that DSPy 3.4.1 saved."""
    state = dspy_state(of_graph(NETWORK))
    saved = {  # by dspy.Predict("text, bare -> answers").save, with the instructions set
        "traces": [],
        "train": [],
        "demos": [],
        "signature": {
            "instructions": "Say it.",
            "fields": [
                {"prefix": "Text:", "description": "${text}"},
                {"prefix": "Bare:", "description": "${bare}"},
                {"prefix": "Answers:", "description": "one of: Yes, No"},
            ],
        },
        "lm": None,
    }
    assert set(state) == {"thoughts", "answers", "metadata"}
    assert state["answers"] == saved
    assert state["metadata"] == {"dependency_versions": {}}
    assert left_out(of_graph(NETWORK)) == ("fixed", "bare", "vote")


def test_a_dspy_state_comes_back_as_prompts(tmp_path):
    """Instructions go to the prompts that the nodes show; demonstrations are told."""
    shared = Prompt("both", "Same.")
    graph = Graph(Input("x"), Node("a", "{x}{prompt}", shared), Node("b", "{a}{prompt}", shared))
    state = dspy_state(of_graph(graph))
    file = tmp_path / "program.json"
    for name in "ab":
        state[name]["signature"]["instructions"] = "Better."
    state["a"]["demos"] = [{"x": "1", "a": "2"}]
    state["b.predict"] = state.pop("b")  # as dspy.ChainOfThought saves it
    state["other"] = state["a"]
    file.write_text(json.dumps(state))
    found = read_prompts(file, graph.nodes.values())
    assert found.texts == {"both": "Better."}
    assert len(found.left_out) == 2
    assert "1 demonstrations of a" in found.left_out[0]
    assert "other" in found.left_out[1]
    state["a"]["signature"]["instructions"] = "Different."
    file.write_text(json.dumps(state))
    with pytest.raises(GraphError, match="'both'"):
        read_prompts(file, graph.nodes.values())


def test_dspy_loads_what_is_written(tmp_path):
    """The real DSPy loads the state into the module that is shown, and saves the same prompts."""
    pytest.importorskip("dspy", reason="DSPy is not installed; docs/interop.md says what was tried")
    program, again = tmp_path / "program.json", tmp_path / "again.json"
    write_prompts(program, of_graph(NETWORK), "dspy")
    code = f"{dspy_module(of_graph(NETWORK))}\n\nmodule = Net2()\nmodule.load({str(program)!r})\n"
    code += (
        f"assert module.answers.signature.instructions == 'Say it.'\nmodule.save({str(again)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)  # noqa: S603 - our own
    found = read_prompts(again, NETWORK.nodes.values())
    assert found.texts == {"thoughts": "Think.", "answers": "Say it."}
    assert not found.left_out


def test_a_runs_prompts_are_there_for_each_step(run):
    """The best, those at the start, and those of a step, without the network's code."""
    state = json.loads((run / "state.json").read_text())
    assert of_run(run).texts == state["best"]
    assert of_run(run, 0).texts == {"notes": "Note it.", "answer": "Say what it is."}
    first = json.loads((run / "steps" / "0001.json").read_text())["prompts"]
    assert of_run(run, 1).texts == first
    assert set(dspy_state(of_run(run))) == {"notes", "answer", "metadata"}
    with pytest.raises(GraphError, match="has taken 3 steps"):
        of_run(run, 4)
    with pytest.raises(GraphError, match=r"run\.json"):
        of_run(run.parent)
