"""What a network's file says it was fitted with, on the command line."""

from __future__ import annotations

import pytest

from langnet import Graph, Input, Node, graph_file
from tests.cli.answering import answering

GRAPH = Graph(
    Input("text"), Node("answer", "{prompt}{text} Answer:", "Say it.", choices=["a", "b"])
)


def test_a_fits_network_calls_the_model_that_it_was_fitted_with(folder, call, fit_options, toy):
    """The directory of a run is a network, and needs no --model; one that is given comes first."""
    assert call("fit", "net.py", *fit_options).exit_code == 0
    run = folder / "runs" / "net-weather-seed0"
    assert graph_file.load_models(run / "best.yaml") == {"default": toy.spec}
    ask = ("run", run, "--input", "text=never asked before", "--cache", "none")
    asked = toy.requests
    assert call(*ask).stdout.strip() in {"hot", "icy"}
    assert toy.requests > asked
    asked = toy.requests
    with answering() as other:
        assert call(*ask, "--model", other.spec).exit_code == 0
        assert other.requests
    assert toy.requests == asked


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_file_from_elsewhere_is_not_believed(folder, call, command):
    """An address that the file chose is called with --trust, or not at all."""
    line = "openai:toy@http://192.0.2.1/v1"
    graph_file.save(GRAPH, folder / "best.yaml", models={"default": line})
    given = ["--input", "text=the sun"] if command == "run" else ["--port", "0"]
    result = call(command, "best.yaml", *given)
    assert result.exit_code == 1
    assert line in result.stderr
    assert "--trust" in result.stderr
