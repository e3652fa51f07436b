"""Networks by name: Python files, module:attribute, graph files."""

from __future__ import annotations

import sys

import click
import pytest

from langnet import Function, Graph, GraphError, Input, Node, graph_file, tasks
from langnet.cli.network import load_network

FIXED = """
from langnet import Graph, Input, Node

graph = Graph(Input("x"), Node("y", "{x} {prompt}"))
"""


def test_a_file_with_a_graph_needs_no_task(folder):
    """A fixed graph is taken as it is, whatever the task."""
    (folder / "fixed.py").write_text(FIXED)
    network = load_network("fixed.py")
    assert network.task is None
    assert network.graph(None).outputs == ("y",)


def test_a_file_with_a_function_makes_the_tasks_network(folder):
    """network(task) sees the task; without one that is wrong usage."""
    network = load_network("net.py")
    assert network.graph(tasks.get("navigate")).nodes["answer"].choices.labels == ("Yes", "No")
    with pytest.raises(click.UsageError, match="give --task"):
        network.graph(None)


def test_a_module_is_imported_from_the_current_directory(folder):
    """module:attribute finds graphs and functions beside the user."""
    (folder / "own_networks.py").write_text(FIXED + "\n\ndef made(task):\n    return graph\n")
    try:
        assert load_network("own_networks:graph").graph(None).outputs == ("y",)
        made = load_network("own_networks:made")
        assert made.graph(tasks.get("navigate")).outputs == ("y",)
        with pytest.raises(click.UsageError, match="no graph or function"):
            load_network("own_networks:none")
    finally:
        sys.modules.pop("own_networks", None)


def test_a_file_may_share_a_name_with_a_module(folder):
    """A network called json.py is loaded, and the module of that name stays what it was."""
    import json

    (folder / "json.py").write_text(FIXED)
    assert load_network("json.py").graph(None).outputs == ("y",)
    assert sys.modules["json"] is json


def test_a_file_may_declare_dataclasses_and_import_its_neighbours(folder):
    """What works when Python runs a file works here."""
    (folder / "neighbour_of_net.py").write_text("TEXT = '{x} {prompt}'\n")
    (folder / "rich_net.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from neighbour_of_net import TEXT\n"
        "from langnet import Graph, Input, Node\n"
        "@dataclass\nclass Setting:\n    name: str = 'y'\n"
        "graph = Graph(Input('x'), Node(Setting().name, TEXT))\n"
    )
    try:
        assert load_network("rich_net.py").graph(None).outputs == ("y",)
    finally:
        sys.modules.pop("neighbour_of_net", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("graph = 3\n", "has neither"),
        ("x = 1\n", "has neither"),
        ("x = (\n", "SyntaxError"),
        ("\n\nraise ZeroDivisionError('no')\n", "line 3.*ZeroDivisionError: no"),
        (
            "\nfrom langnet import Graph, Input\n\ngraph = Graph(Input('x'))\n",
            "wrong.py, line 4: ",
        ),
        ("import no_such_module\n", "No module named 'no_such_module'"),
    ],
)
def test_a_file_that_makes_no_network_is_told_with_its_line(folder, text, said):
    """A mistake in the user's own code names the file and the line."""
    (folder / "wrong.py").write_text(text)
    with pytest.raises(GraphError, match=said) as raised:
        load_network("wrong.py")
    assert "wrong.py" in str(raised.value)


def test_a_function_that_returns_no_graph_is_refused(folder):
    """network(task) has to return a Graph."""
    (folder / "wrong.py").write_text("def network(task):\n    return 3\n")
    with pytest.raises(GraphError, match="returns a int"):
        load_network("wrong.py").graph(tasks.get("navigate"))


def test_functions_of_a_graph_file_need_trust(folder):
    """A file that names another module's function is refused, and loads with --trust."""
    graph = Graph(Input("x"), Node("y", "{x} {prompt}"), Function("z", _loud))
    graph_file.save(graph, "saved.yaml")
    with pytest.raises(GraphError, match="trust"):
        load_network("saved.yaml")
    assert load_network("saved.yaml", trust=True).graph(None).outputs == ("z",)


def _loud(y):
    return y.upper()


SETTABLE = """
from langnet import Decoding, Graph, Input, Node


def network(task, *, solutions=2, heat=0.5, brief=True, name="n"):
    decoding = Decoding(temperature=heat, max_tokens=4 if brief else 40)
    node = Node("y", "{x} {prompt}", draws=solutions, decoding=decoding)
    return Graph(Input("x"), node, name=name)
"""


def test_a_network_takes_settings(folder):
    """--set gives keywords of network(), each read as the type of its default."""
    (folder / "settable.py").write_text(SETTABLE)
    settings = ("solutions=7", "heat=1", "brief=false", "name=big")
    graph = load_network("settable.py", settings=settings).graph(tasks.get("navigate"))
    assert graph.name == "big"
    node = graph.nodes["y"]
    assert (node.draws, node.decoding.temperature, node.decoding.max_tokens) == (7, 1.0, 40)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("solution=3", "its settings are solutions=2, heat=0.5, brief=True, name=n"),
        ("solutions=many", "'many' is no int"),
        ("brief=1", "'1' is no bool"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(folder, setting, says):
    """The message names the setting, and what there is."""
    (folder / "settable.py").write_text(SETTABLE)
    with pytest.raises(click.UsageError, match=says):
        load_network("settable.py", settings=[setting]).graph(tasks.get("navigate"))


def test_a_fixed_graph_has_no_settings(folder):
    """Where there is nothing to set, --set is wrong usage."""
    (folder / "fixed.py").write_text(FIXED)
    with pytest.raises(click.UsageError, match="leave --set out"):
        load_network("fixed.py", settings=["a=1"]).graph(None)
