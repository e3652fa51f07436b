"""The gallery: every network in graphs/ is short, drawn, described, and runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from langnet import Example, Graph, Inference, Method, fit, tasks
from langnet.cli import main
from langnet.cli.network import load_network
from tests.mortal import Killed, Mortal, files

ROOT = Path(__file__).parent.parent
GRAPHS = sorted(ROOT.joinpath("graphs").glob("*.py"))
GALLERY = ROOT / "docs" / "gallery"
METHOD = Method(
    steps=1,
    batch_size=1,
    candidates=2,
    inference=Inference(draws=2, include_forward=False),
    mix={"phrasing": 1, "continuation": 1},
    max_prompt_tokens=40,
)
SMALL = (
    *("--train-size", 2, "--dev-size", 1, "--test-size", 0),
    *("--steps", 1, "--batch-size", 1, "--candidates", 1, "--draws", 1),
    *("--mix", "phrasing=1", "--seed", 1),
)
ONE_THREAD = ("--model", "local:smollm2?threads=1")
"""So that these fits, the longest of all tests, may run side by side with others."""
each_network = pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)


@each_network
def test_a_network_is_short(path):
    """A network reads like a figure: at most 80 lines, and says at the top what it is."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    assert text.startswith('"""')


@each_network
def test_a_network_has_a_page_with_its_drawing_and_its_command(path):
    """Some page of the gallery names the file in a command and shows the network as it is now."""
    pages = [page.read_text(encoding="utf-8") for page in GALLERY.glob("*.md")]
    command = rf"langnet (?:fit|eval|collect|sweep) graphs/{path.stem}\.py"
    assert any(re.search(command, page) for page in pages), f"no page runs graphs/{path.name}"
    assert any(f"images/{path.stem}.svg" in page for page in pages)
    shown = CliRunner().invoke(main, ["show", str(path), "--format", "svg"])
    assert shown.exit_code == 0, shown.output
    drawing = GALLERY / "images" / f"{path.stem}.svg"
    assert drawing.read_text(encoding="utf-8") == shown.stdout, (
        f"the drawing is out of date: langnet show graphs/{path.name} -o {drawing}"
    )


@each_network
def test_a_network_fits(path, smollm2_path, tmp_path, monkeypatch):
    """`langnet fit` ends well on a tiny budget of the embedded model, and says what came of it."""
    monkeypatch.chdir(tmp_path)
    cache = str(tmp_path / "cache")  # what did not change is not asked again
    arguments = ["fit", str(path), *ONE_THREAD, *map(str, SMALL), "--cache", cache, "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["steps"] == 1
    assert told["prompts"]["fitted"].keys() == told["prompts"]["initial"].keys()


def brief(graph: Graph) -> Graph:
    """The network with texts of a few tokens, so that the test is quick."""
    for node in graph.nodes.values():
        if node.choices is None:
            graph = graph.replace(node.name, decoding=replace(node.decoding, max_tokens=4))
    return graph


@pytest.mark.model
@pytest.mark.parametrize("name", ["dln2", "ensemble"])
async def test_a_killed_fit_comes_out_the_same(name, smollm2, tmp_path):
    """A fit killed in the middle and resumed leaves the same bytes as an uninterrupted one."""
    network = load_network(str(ROOT / "graphs" / f"{name}.py"))
    task = tasks.get(network.task)
    graph = brief(network.graph(task))
    label, other = task.labels
    train = [Example("train", {"text": "A fine film."}, {graph.target: label})]
    dev = [Example("dev", {"text": "The film is in French."}, {graph.target: other})]

    async def fitted(directory, lives, *, resume=False):
        model = Mortal(smollm2, lives)
        await fit(
            graph,
            train,
            dev,
            models=model,
            method=METHOD,
            seed=5,
            directory=directory,
            resume=resume,
        )
        return model.calls

    calls = await fitted(tmp_path / "whole", 10**9)
    with pytest.raises(Killed):
        await fitted(tmp_path / "killed", calls // 2)
    await fitted(tmp_path / "killed", 10**9, resume=True)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert "state.json" in files(tmp_path / "whole")
