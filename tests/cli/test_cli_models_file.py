"""`--models`: a file says what nodes and proposers call, and the command line comes before it."""

from __future__ import annotations

import click
import pytest

from langnet import Graph, Input, Meter, Node
from langnet.cli.connection import ModelOptions, connected

GRAPH = Graph(
    Input("text"),
    Node("reply", "{text}", trainable=False),
    Node("verdict", "{reply}", model="judge", trainable=False),
)


@pytest.fixture
def models(tmp_path):
    """A file with models of which nothing is asked."""

    def write(*names):
        path = tmp_path / "models.yaml"
        lines = [f"  {name}: openai:{name}@http://127.0.0.1:9/v1" for name in names]
        path.write_text("\n".join(["models:", *lines]), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("declared", "options", "found"),
    [
        (("default", "judge", "proposer"), {}, ("default", "judge", "proposer")),
        (("default", "spare"), {}, ("default", "default", "default")),
        (("default", "judge"), {"model": ("openai:own",)}, ("own", "judge", "own")),
        (("default", "judge"), {"model": ("judge=openai:own",)}, ("default", "own", "default")),
        (("judge",), {"model": ("openai:own",)}, ("own", "judge", "own")),
        (("default", "proposer"), {"proposer": "openai:p"}, ("default", "default", "p")),
        ((), {"model": ("openai:own",)}, ("own", "own", "own")),
    ],
)
async def test_who_calls_what(models, declared, options, found):
    """A name goes to the command line's model, else to the file's, else to the default one."""
    if declared:
        options = {**options, "models": models(*declared)}
    settings = ModelOptions(cache="none", **options)
    async with connected(GRAPH, settings, meter=Meter(), observer=lambda _: None) as opened:
        assert set(opened.models) == {"default", "judge"}
        called = [opened.models["default"], opened.models["judge"], opened.proposer]
        assert tuple(m.identity.split(":")[1].split("@")[0] for m in called) == found


async def test_a_name_that_the_file_lacks_is_an_error(models):
    """A node's model that is neither named nor covered by a default is named with the mend."""
    settings = ModelOptions(models=models("judge"), cache="none")
    with pytest.raises(click.UsageError, match="nodes call a model 'default'"):
        async with connected(GRAPH, settings, meter=Meter(), observer=lambda _: None):
            pass


def test_a_command_takes_its_models_from_the_file(folder, call, data, toy):
    """An evaluation asks the model that the file declares, with what it says of it."""
    text = (
        "models:\n"
        f'  default: {{provider: openai, name: toy, base_url: "{toy.url}", choose: true}}\n'
    )
    (folder / "models.yaml").write_text(text, encoding="utf-8")
    options = ("--models", "models.yaml", "--test-size", 6, "--cache", "none", "--json")
    result = call("eval", "net.py", *data, *options)
    assert result.exit_code == 0, result.output
    assert toy.requests == 6


def test_a_file_that_is_wrong_is_wrong_usage(folder, call, data):
    """Its fault is shown with its place, and nothing is asked."""
    (folder / "models.yaml").write_text("models: {a: {provider: opnai}}", encoding="utf-8")
    result = call("eval", "net.py", *data, "--models", "models.yaml")
    assert result.exit_code == 2
    assert "did you mean 'openai'?" in result.output
