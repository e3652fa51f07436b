"""Graph files: what is written is read back equal, and every fault is told with its place."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from langnet.errors import GraphError
from langnet.functions import first, join, majority, split_lines
from langnet.graph import Graph
from langnet.graph_file import from_dict, load, load_prompts, save, save_prompts, to_dict
from langnet.lm.base import Choice, Decoding
from langnet.node import Choices, Function, Input, Node, Prompt


def shout(answer):
    """A function that an import path leads to."""
    return answer.upper()


def likelihood(target, value):
    """A likelihood that an import path leads to."""
    return 0.0 if target == value else -math.inf


@dataclass(frozen=True)
class Repeat:
    times: int

    def __call__(self, answer):
        return answer * self.times


def full():
    """A graph that uses every field there is."""
    hint = Prompt("hint", "Be brief,\n  and {exact}.")
    return Graph(
        Input("question"),
        Input("passages", plural=True),
        Node("note", "{passages}\n\n{prompt}", hint, over="passages"),
        Function("digest", join("note", "\n--\n", numbered=True)),
        Node(
            "thoughts",
            "{question}\n{digest}\n\n{prompt}\n",
            "Let's think.",
            draws=5,
            model="big",
            decoding=Decoding(temperature=0.7, max_tokens=200, stop=("\n\n", "END"), top_p=0.9),
        ),
        Function("lines", split_lines("thoughts"), over="thoughts", plural=True),
        Node("again", "{lines} {prompt}", hint, over="lines"),
        Function("start", first("again")),
        Node(
            "answer",
            "{question} {thoughts} {start} Answer:",
            trainable=False,
            over="thoughts",
            choices=Choices(
                (Choice("Yes", ("Yes", "True")), Choice("No")), calibrate=True, content_free=("?",)
            ),
        ),
        Function("vote", majority("answer")),
        outputs=["vote", "thoughts"],
        target="answer",
        name="full: of 'everything'",
    )


def small(**settings):
    """One language node."""
    return Graph(Input("question"), Node("answer", "{question}{prompt}", **settings))


SMALL = to_dict(small())


@pytest.mark.parametrize("extension", ["yaml", "yml", "json", "JSON"])
def test_a_graph_is_read_back_equal(tmp_path, extension):
    """Every field survives the file, in each format."""
    path = tmp_path / f"graph.{extension}"
    save(full(), path)
    assert load(path) == full()
    assert from_dict(to_dict(full())) == full()
    assert [*tmp_path.iterdir()] == [path]


@settings(deadline=None)
@given(st.text(), st.text(), st.lists(st.text(min_size=1), min_size=2, unique=True), st.text())
@example("a\x85b\n", "\u2028", ["\x85", "x\n y"], "\ud800")
def test_any_text_survives(tmp_path_factory, prompt, template, labels, name):
    """Prompts, templates, labels and names of any characters are read back as they were."""
    template = template.replace("{", "{{").replace("}", "}}") + "{question}{prompt}"
    graph = Graph(Input("question"), Node("a", template, prompt, choices=labels), name=name)
    folder = tmp_path_factory.mktemp("files")
    for extension in ("yaml", "json"):
        save(graph, folder / f"graph.{extension}")
        assert load(folder / f"graph.{extension}") == graph


def test_texts_of_several_lines_stand_as_blocks(tmp_path):
    """A prompt in a YAML file reads as it is, line by line."""
    path = tmp_path / "graph.yaml"
    save(small(prompt="First line.\nSecond line."), path)
    assert "  prompt: |-\n    First line.\n    Second line.\n" in path.read_text()
    assert "format: langnet-graph/1\n" in path.read_text()


def test_defaults_are_left_out():
    """A file says only what was said in code."""
    assert to_dict(small())["parts"] == [
        {"input": "question"},
        {"node": "answer", "template": "{question}{prompt}"},
    ]


def test_a_shared_prompt_stands_once():
    """A shared prompt is under `prompts`, and its nodes refer to it."""
    data = to_dict(full())
    assert data["prompts"] == {"hint": "Be brief,\n  and {exact}."}
    assert data["parts"][2]["prompt"] == {"shared": "hint"}


def test_short_forms_are_read():
    """One text stands for a list, and null for a field that is left out."""
    graph = from_dict(
        {
            "format": "langnet-graph/1",
            "parts": [
                {"input": "q"},
                {
                    "node": "a",
                    "template": "{q}{prompt}",
                    "over": None,
                    "choices": {"x": "X", "y": []},
                    "decoding": {"stop": "END", "temperature": 1},
                },
            ],
            "outputs": "a",
        }
    )
    assert graph == Graph(
        Input("q"),
        Node(
            "a",
            "{q}{prompt}",
            choices={"x": ["X"], "y": []},
            decoding=Decoding(stop=("END",)),
        ),
    )


# Functions.


def with_function(function, **settings):
    """One language node, and a function of it."""
    return small().add(Function("last", function, **settings))


def test_functions_of_modules_are_named_by_path(tmp_path):
    """A function, its likelihood, and an instance of a dataclass are found again with trust."""
    for graph in (
        with_function(shout, likelihood=likelihood),
        with_function(Repeat(3)),
        with_function(majority("answer"), likelihood=Repeat(2)),
    ):
        save(graph, tmp_path / "graph.yaml")
        assert load(tmp_path / "graph.yaml", trust=True) == graph
        with pytest.raises(GraphError, match=r"say trust=True"):
            load(tmp_path / "graph.yaml")


def test_nothing_is_imported_without_trust(tmp_path, monkeypatch):
    """A file that names a module that is not langnet's own does not get it imported."""
    (tmp_path / "dangerous_module.py").write_text("raise RuntimeError('was run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    part = {"function": "last", "call": "dangerous_module:f"}
    data = SMALL | {"parts": [*SMALL["parts"], part], "outputs": ["last"], "target": "last"}
    with pytest.raises(GraphError) as raised:
        from_dict(data)
    (fault,) = raised.value.faults
    assert "parts[2] (function 'last').call is 'dangerous_module:f'" in fault
    assert "say trust=True if you trust this file and that code" in fault
    assert "dangerous_module" not in sys.modules
    with pytest.raises(RuntimeError, match="was run"):
        from_dict(data, trust=True)


@pytest.mark.parametrize(
    "path",
    ["langnet.functions:inspect", "langnet.functions:majority.__init__", "langnet.node:Node"],
)
def test_only_the_public_functions_of_langnet_are_trusted(path):
    """What a trusted module happens to import is not reached through it."""
    part = {"function": "last", "call": path}
    with pytest.raises(GraphError, match="not langnet's own"):
        from_dict(SMALL | {"parts": [*SMALL["parts"], part]})


def local():
    """A function that no import path leads to."""

    def inner(answer):
        return answer

    return inner


def script(answer):
    """A function as if defined in the script that runs."""
    return answer


script.__module__ = "__main__"


@dataclass(frozen=True)
class Holder:
    held: object

    def __call__(self, answer):
        return answer


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda answer: answer, "a lambda has no name; define a function at the top level"),
        (local(), "local.<locals>.inner is defined inside a function; define it at the top"),
        (script, "defined in the script that runs, which nothing else can import; move it"),
        (partial(shout), "has no name that it could be imported by"),
        (Repeat(2).__call__, "Repeat.__call__ does not lead back to it"),
        (Holder(object()), "its arguments held are no plain data"),
        (Holder(("tuple",)), "its arguments held are no plain data"),
    ],
)
def test_what_no_path_leads_to_cannot_be_saved(tmp_path, function, says):
    """Saving names the node and the mend, and leaves no file behind."""
    with pytest.raises(GraphError) as raised:
        save(with_function(function), tmp_path / "graph.yaml")
    assert "function 'last' cannot be saved: " in str(raised.value)
    assert says in str(raised.value)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"call": "no_such_module:f"}, "'no_such_module:f' cannot be imported"),
        ({"call": "math:no_such"}, "'math:no_such' cannot be imported"),
        ({"call": "math"}, "'math' is no import path; write module:name"),
        ({"call": "math:pi"}, "'math:pi' is a float, which cannot be called"),
        ({"call": "langnet.functions:first"}, "is made with arguments; give them"),
        (
            {"call": "langnet.functions:first", "arguments": {"x": 1}},
            "cannot be made with its arguments",
        ),
        (
            {"call": "langnet.functions:join", "arguments": {"parent": "a", "separator": 1}},
            "separator of join must be str, not 1",
        ),
        ({}, "(function 'last').call is missing"),
        (
            {"call": "math:sin", "likelihood": {"call": 1}},
            "likelihood.call must be text, not 1; put it in quotes",
        ),
    ],
)
def test_functions_that_are_of_no_use(part, says):
    """A path that leads nowhere is a fault with its place, also with trust."""
    data = SMALL | {"parts": [*SMALL["parts"], {"function": "last"} | part]}
    with pytest.raises(GraphError) as raised:
        from_dict(data, trust=True)
    assert any(says in fault for fault in raised.value.faults), raised.value


# Faults.


def node(**fields):
    """Data of a graph whose language node has these fields."""
    return SMALL | {"parts": [{"input": "question"}, SMALL["parts"][1] | fields]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "the file must be a mapping of fields, not a list"),
        ({"parts": []}, "format is missing"),
        (SMALL | {"format": "langnet-graph/9"}, "this version of langnet reads 'langnet-graph/1'"),
        (SMALL | {"target": 5}, "target must be text, not 5; put it in quotes"),
        (SMALL | {"nme": "x"}, "the file has an unknown field 'nme'; did you mean 'name'?"),
        (SMALL | {"parts": {}}, "parts must be a list, not a mapping"),
        (SMALL | {"outputs": ["answer", 1]}, "outputs[1] must be text, not 1"),
        (SMALL | {"parts": ["a"]}, "parts[0] must be a mapping of fields, not 'a'"),
        (SMALL | {"parts": [{"name": "a"}]}, "parts[0] must have one of the fields input, node"),
        (SMALL | {"parts": [{"input": 1}]}, "parts[0].input must be text, not 1"),
        (SMALL | {"prompts": {"hint": "x"}}, "prompts.hint is used by no node; take it out"),
        (SMALL | {"prompts": {1: "x"}}, "prompts has the field 1, which is no text"),
        (node(template=None), "parts[1] (node 'answer').template is missing"),
        (node(draws="5"), "(node 'answer').draws must be a whole number, not '5'"),
        (node(draws=True), "(node 'answer').draws must be a whole number, not true"),
        (node(trainable="no"), "trainable must be true or false, not 'no'"),
        (node(choices=[True, "x"]), "choices[0] must be text, not true; put it in quotes"),
        (node(choices={"a": [1]}), "choices.a[0] must be text, not 1"),
        (node(calibrate=True), "calibrate says something of choices, but the node has none"),
        (node(prompt={"shared": "hint"}), "names 'hint', which the file's prompts do not hold"),
        (node(prompt=["a"]), "prompt must be text or a mapping, not a list"),
        (node(decoding={"temperature": "hot"}), "decoding.temperature must be a number"),
        (node(decoding={"temperature": -1}), "decoding cannot be: temperature must be at least 0"),
        (node(decoding={"top_k": 1}), "decoding has an unknown field 'top_k'; did you mean"),
        (node(colour="red"), "(node 'answer') has an unknown field 'colour'; take it out"),
        (node(template="{question}"), "say trainable=False"),
    ],
)
def test_each_fault_is_told_with_its_place(tmp_path, data, says):
    """A fault of a file names the file, the place and the mend; loading gives the same faults."""
    with pytest.raises(GraphError) as raised:
        from_dict(data)
    (fault,) = raised.value.faults
    assert says in fault
    path = tmp_path / "graph.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(GraphError) as raised:
        load(path)
    assert raised.value.faults == (f"{path}: {fault}",)


def test_all_faults_of_a_file_are_told_at_once():
    """Reading goes on after a fault."""
    data = node(draws="5", choices=[1, 2], colour="red") | {"target": 5}
    with pytest.raises(GraphError) as raised:
        from_dict(data)
    assert len(raised.value.faults) == 5


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("graph.yaml", b"format: [", "is not YAML"),
        ("graph.json", b"{", "is not JSON"),
        ("graph.json", b"[" * 100_000, "is not JSON"),
        ("graph.yaml", b"name: \xff", "is not UTF-8 text"),
        ("graph.yaml", b"a: !!python/object/apply:os.getcwd []", "is not YAML"),
        ("graph.yaml", b"name: a\nname: b", "the key 'name' stands twice in one mapping"),
        ("graph.json", b'{"name": "a", "name": "b"}', "the key 'name' stands twice"),
        ("graph.txt", b"", "has the extension '.txt'; use .yaml, .yml or .json"),
        ("graph.yaml", None, "there is no file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, says):
    """What is not there, or not what its extension says, is a GraphError that names the file."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GraphError) as raised:
        load(path)
    assert says in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_folder_is_no_file(tmp_path):
    """What cannot be opened is named, with the reason."""
    (tmp_path / "graph.yaml").mkdir()
    with pytest.raises(GraphError, match="cannot be read: Is a directory"):
        load(tmp_path / "graph.yaml")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """A reader finds the old graph or the whole new one, and nothing is left beside it."""
    path = tmp_path / "graph.yaml"
    save(small(), path)

    def refuse(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        save(full(), path)
    monkeypatch.undo()
    assert load(path) == small()
    assert [*tmp_path.iterdir()] == [path]


# Prompts.


@pytest.mark.parametrize("extension", ["yaml", "json"])
def test_prompts_are_read_back(tmp_path, extension):
    """Prompts from a file fit the graph they came from; nodes without one are left out."""
    path = tmp_path / f"prompts.{extension}"
    save_prompts(full(), path)
    prompts = load_prompts(path)
    assert prompts == {"hint": "Be brief,\n  and {exact}.", "thoughts": "Let's think."}
    assert full().with_prompts(prompts) == full()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (SMALL, "format is 'langnet-graph/1'; this version of langnet reads 'langnet-prompts/1'"),
        ({"format": "langnet-prompts/1"}, "prompts is missing"),
        ({"format": "langnet-prompts/1", "prompts": {"a": 1}}, "prompts.a must be text, not 1"),
    ],
)
def test_faults_of_a_file_of_prompts(tmp_path, data, says):
    """A file of prompts is checked like a graph's."""
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(data))
    with pytest.raises(GraphError) as raised:
        load_prompts(path)
    assert says in str(raised.value)
