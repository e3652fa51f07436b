"""`langnet eval --bound`: bounds on log p(target | input) beside the metric."""

from __future__ import annotations

import json
import math

import pytest

from langnet import Capabilities, Decoding, Graph, Input, Key, Node, Program, bound, graph_file
from langnet.data import read
from langnet.lm import connect
from langnet.report.bounds import bound_report
from langnet.testing import TableModel

LABELS = ("hot", "icy")
OPTIONS = ("--data", "weather.jsonl", "--labels", "1=hot,0=icy", "--test-size", 6)


def distribution(context):
    """Thoughts that help, and labels that follow them."""
    if context.endswith("Answer:"):
        warm = 0.9 if "glows" in context else 0.2
        return {"hot": warm, "icy": 1 - warm}
    return {"glows": 0.7, "dims": 0.3} if "sun" in context else {"glows": 0.4, "dims": 0.6}


GRAPH = Graph(
    Input("text"),
    Node("thoughts", "{prompt} {text}", "Think.", decoding=Decoding(max_tokens=4)),
    Node("answer", "{prompt} {text} {thoughts}\n\nAnswer:", "Say which.", choices=LABELS),
    name="hidden",
)
ONE_LAYER = Graph(
    Input("text"),
    Node("answer", "{prompt} {text}\n\nAnswer:", "Say which.", choices=LABELS),
    name="plain",
)


@pytest.fixture
def table(folder, monkeypatch):
    """A model with exact probabilities in the place of any that the command line names."""
    model = TableModel(distribution)

    async def opened(**_settings):
        return model

    monkeypatch.setattr(connect, "_opener", lambda _spec: opened)
    graph_file.save(GRAPH, folder / "hidden.yaml")
    graph_file.save(ONE_LAYER, folder / "plain.yaml")
    return model


def examples():
    """What the command line evaluates on."""
    found = read("weather.jsonl", labels={"1": "hot", "0": "icy"}, node="answer")
    return {example.id: example for example in found}


async def reference(graph, model, ids, **settings):
    """The bound that the library gives for the same examples."""
    known = examples()
    key = Key(("bound", 0))
    return await bound(Program(graph, model), [known[i] for i in ids], key=key, **settings)


def test_the_bound_is_the_librarys(folder, call, table):
    """The document holds `Bound.to_json()` of the evaluated examples, under the same key."""
    import asyncio

    result = call(
        *("eval", "hidden.yaml", *OPTIONS, "--cache", "none", "--bound", 8),
        *("--guide", "prior", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    found = document["bound"]
    ids = [item["example"] for item in found["examples"]]
    assert len(ids) == document["n"] == 6
    wanted = asyncio.run(reference(GRAPH, table, ids, draws=8, guide="prior"))
    assert found == json.loads(json.dumps(wanted.to_json(), allow_nan=False))
    assert found["draws"] == 8
    assert [(item["node"], item["kind"]) for item in found["nodes"]] == [
        ("thoughts", "latent"),
        ("answer", "observed"),
    ]
    assert found["elbo"]["mean"] <= found["iwae"]["mean"]


def test_the_bound_is_shown_with_its_terms(folder, call, table):
    """The terms of the nodes, the effective sample size and the metric are all on the screen."""
    result = call("eval", "hidden.yaml", *OPTIONS, "--bound", 8)
    assert result.exit_code == 0, result.stderr
    for shown in (
        "exact ",
        "6 examples, 8 draws each",
        "IWAE_8",
        "ELBO",
        "thoughts (latent)",
        "answer (observed)",
        "Effective sample size",
        "of 8 draws.",
    ):
        assert shown in result.stdout
    resampled = call("eval", "hidden.yaml", *OPTIONS, "--bound", 8, "--resample", "1")
    assert resampled.exit_code == 0, resampled.stderr
    one = call("eval", "hidden.yaml", *OPTIONS, "--bound", 1)
    assert "Warning: with one draw" in one.stdout
    without = call("eval", "hidden.yaml", *OPTIONS)
    assert "IWAE" not in without.stdout
    assert "bound" not in json.loads(call("eval", "hidden.yaml", *OPTIONS, "--json").stdout)


def test_without_latent_texts_the_bound_is_exact(folder, call, table):
    """One layer: ELBO = IWAE = the mean log p(target | input), and nothing is warned of."""
    result = call("eval", "plain.yaml", *OPTIONS, "--bound", 4, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["bound"]
    known = examples()
    exact = [
        math.log(0.2 if known[item["example"]].targets["answer"] == "hot" else 0.8)
        for item in found["examples"]
    ]
    assert found["elbo"]["mean"] == pytest.approx(sum(exact) / 6)
    assert found["iwae"]["mean"] == pytest.approx(sum(exact) / 6)
    assert [item["iwae"] for item in found["examples"]] == pytest.approx(exact)
    assert found["warnings"] == []


def test_a_model_that_cannot_score_is_told_of_before_it_is_asked(folder, call, table):
    """The capability error is the command's, with its mend, and no call was made."""
    table.capabilities = Capabilities(sample=True, choose=True)
    result = call("eval", "hidden.yaml", *OPTIONS, "--bound", 4)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: a bound needs the log-probabilities of given texts")
    assert "node 'thoughts'" in result.stderr
    assert not table.calls
    assert call("eval", "hidden.yaml", *OPTIONS).exit_code == 0


def test_settings_of_a_bound_need_one(folder, call, table):
    """--guide and --resample without --bound are a misuse, not ignored."""
    for given in (("--guide", "prior"), ("--resample", 0.5)):
        result = call("eval", "hidden.yaml", *OPTIONS, *given)
        assert result.exit_code == 2
        assert "--bound K" in result.stderr
    assert call("eval", "hidden.yaml", *OPTIONS, "--bound", 0).exit_code == 2
    assert not table.calls


async def test_an_infinite_bound_is_shown_as_such():
    """Every figure has a cell, −inf too, and the sample size is in draws."""
    from rich.console import Console

    from langnet import Example

    batch = [Example(f"e{n}", {"text": "sun"}, {"answer": "hot"}) for n in range(2)]
    batch.append(Example("odd", {"text": "sun"}, {"answer": "mild"}))
    found = await bound(
        Program(GRAPH, TableModel(distribution)), batch, key=Key(("bound",)), draws=4
    )
    console = Console(width=100, record=True)
    for part in bound_report(found):
        console.print(part)
    text = console.export_text()
    assert "−inf" in text
    assert "–" in text  # no standard error
    assert "Warning: on 1 of 3 examples every draw contradicts the target" in text
