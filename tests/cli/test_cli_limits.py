"""The options that hold a server's model to limits reach its limiter."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from langnet import Graph, Input, Meter, Node
from langnet.cli import main
from langnet.cli.connection import ModelOptions, connected
from langnet.lm.limited import Limited

GRAPH = Graph(Input("text"), Node("reply", "{text}", trainable=False))


async def test_options_become_limits():
    """What the command line says of requests, tokens and open calls is kept to."""
    options = ModelOptions(
        model=("openai:toy@http://127.0.0.1:9/v1",),
        cache="none",
        requests_per_minute=500.0,
        tokens_per_minute=9000.0,
        max_concurrency=3,
    )
    async with connected(GRAPH, options, meter=Meter(), observer=lambda _: None) as opened:
        model = opened.models["default"]
        while not isinstance(model, Limited):
            model = model.model
        reading = model.limiter.reading()
    found = reading.requests_per_minute, reading.tokens_per_minute, reading.concurrency
    assert found == (500.0, 9000.0, 3)


@pytest.mark.parametrize("option", ["requests-per-minute", "tokens-per-minute", "max-concurrency"])
def test_a_limit_of_nothing_is_refused(option):
    """A limit of zero is an error of the command line, named by its option."""
    result = CliRunner().invoke(main, ["run", "graphs/dln1.py", f"--{option}", "0"])
    assert result.exit_code == 2
    assert f"--{option}" in result.output
