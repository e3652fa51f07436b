"""`langnet show`: every network of the gallery in every format."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from langnet import graph_file
from langnet.cli import main
from langnet.cli.network import default_task, load_network

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.py"))
UNSAVED = {"listops", "logic", "puzzles", "shape_of_thought"}  # functions made for their task
PAINTED = {"agile", "dln2", "vstar"}


def show(*arguments):
    result = CliRunner().invoke(main, ["show", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def size(png):
    """Width and height, as the PNG's first chunk says."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_every_network_is_drawn_in_every_format(path, tmp_path):
    """Each format holds every part; files read back as the same network."""
    network = load_network(str(path))
    graph = network.graph(default_task(network, None))
    edges = sum(map(len, graph.structure.parents.values()))
    for name in graph.order:
        assert name in show(path).stdout
    assert show(path, "--format", "mermaid").stdout.count(" --> ") == edges
    assert show(path, "--format", "dot").stdout.count(" -> ") == edges
    svg = ET.fromstring(show(path, "--format", "svg").stdout)  # noqa: S314 - made here
    assert len([tag for tag in svg.iter() if tag.tag.endswith("}path")]) == edges
    HTMLParser().feed(html := show(path, "--format", "html").stdout)
    assert html.count("<svg ") == html.count("</svg>") == 1
    for ending in ("yaml", "json"):
        out = tmp_path / f"graph.{ending}"
        if path.stem in UNSAVED:
            result = CliRunner().invoke(main, ["show", str(path), "-o", str(out)])
            assert "cannot be saved" in result.output
        else:
            show(path, "-o", out)
            assert graph_file.load(out) == graph
    if path.stem in PAINTED:
        show(path, "-o", tmp_path / "graph.png", "--scale", 1)
        across, down = size((tmp_path / "graph.png").read_bytes())
        assert abs(across - float(svg.get("width"))) <= 1
        assert abs(down - float(svg.get("height"))) <= 1


def test_a_png_goes_to_a_pipe_and_not_to_a_terminal(monkeypatch):
    """The bytes are the standard output's, as they are; a terminal is refused."""
    png = show(GRAPHS[0], "--format", "png", "--scale", 1).stdout_bytes
    assert png.endswith(b"IEND\xaeB`\x82")
    monkeypatch.setattr("langnet.cli.show._is_terminal", lambda: True)
    result = CliRunner().invoke(main, ["show", str(GRAPHS[0]), "--format", "png"])
    assert result.exit_code == 2
    assert "give --output FILE" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scale", "2"], "text has no pixels"),
        (["--format", "png", "--scale", "90"], "another scale"),
        (["--format", "png", "--scale", "0"], "--scale"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(arguments, says):
    """Pixels are a matter of PNG, and of memory."""
    result = CliRunner().invoke(main, ["show", str(GRAPHS[0]), *arguments])
    assert result.exit_code == 2
    assert says in result.output


def test_a_run_is_shown_by_its_directory_and_keeps_its_models(tmp_path):
    """RUN is its best network; turned into JSON it still says what it was fitted with."""
    graph = graph_file.load(_saved(tmp_path / "best.yaml"))
    assert show(tmp_path).stdout.startswith(f"{graph.name}:")
    show(tmp_path, "-o", tmp_path / "best.json")
    assert json.loads((tmp_path / "best.json").read_text())["models"] == {
        "default": "openai:gpt-4o"
    }
    result = CliRunner().invoke(main, ["show", str(tmp_path.parent)])
    assert result.exit_code == 1
    assert "holds no best.yaml" in result.output


def _saved(path):
    network = load_network(str(GRAPHS[0]))
    graph = network.graph(default_task(network, None))
    graph_file.save(graph, path, models={"default": "openai:gpt-4o"})
    return path
