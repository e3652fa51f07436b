"""Every network in graphs/ fits on the embedded model, and comes out the same after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from langnet import Example, Graph, Inference, Method, fit, tasks
from langnet.cli.network import load_network
from tests.mortal import Killed, Mortal, files

GRAPHS = sorted(Path(__file__).parent.parent.joinpath("graphs").glob("*.py"))
METHOD = Method(
    steps=1,
    batch_size=1,
    candidates=2,
    inference=Inference(draws=2, include_forward=False),
    mix={"phrasing": 1, "continuation": 1},
    max_prompt_tokens=40,
)


def brief(graph: Graph) -> Graph:
    """The network with texts of a few tokens, so that the test is quick."""
    for node in graph.nodes.values():
        if node.choices is None:
            graph = graph.replace(node.name, decoding=replace(node.decoding, max_tokens=4))
    return graph


def test_every_network_is_here():
    """The five networks of the README are in graphs/."""
    assert {path.stem for path in GRAPHS} >= {"dln1", "dln2", "chain3", "diamond", "ensemble"}


@pytest.mark.model
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
async def test_network_fits_and_resumes(path, smollm2, tmp_path):
    """A fit killed in the middle and resumed leaves the same bytes as an uninterrupted one."""
    network = load_network(str(path))
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
