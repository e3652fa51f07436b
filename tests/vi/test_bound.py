"""Bounds: what they add up to, how sure they are, and what they warn of."""

from __future__ import annotations

import json
import math

import pytest

from langnet import (
    Bound,
    Capabilities,
    CapabilityError,
    DataError,
    Decoding,
    Example,
    Function,
    Graph,
    GraphError,
    Input,
    Key,
    ModelError,
    Node,
    Program,
    TooManyFailures,
    bound,
    infer,
)
from langnet.lm.meter import Meter, Metered
from langnet.testing import TableModel, exact_evidence
from langnet.vi import bound_of
from langnet.vi.posterior import Inference
from tests.laws.enumeration import ENUMERATED, every_path, expected
from tests.laws.graphs import GRAPHS, chain, chain3, chain4, diamond, inputs, model, plate

KEY = Key(("bound",))


def examples(graph, count=6, **targets):
    """Examples that differ in their inputs."""
    return [
        Example(
            f"e{number}",
            {name: f"{text} {number}" for name, text in inputs(graph).items()},
            targets or {"y": "green"},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("name", GRAPHS)
async def test_the_terms_of_the_nodes_add_up_to_the_elbo(name):
    """ELBO = Σ over nodes of E[log p] of what is observed and E[log p − log q] of what is not."""
    graph = GRAPHS[name]()
    found = await bound(Program(graph, model()), examples(graph), key=KEY)
    assert math.fsum(item.term.mean for item in found.nodes) == pytest.approx(
        found.elbo.mean, rel=1e-12
    )
    assert [item.node for item in found.nodes] == list(graph.nodes)
    assert {item.node: item.kind for item in found.nodes} == {
        node: "observed" if node == "y" else "latent" for node in graph.nodes
    }
    assert all(item.term.standard_error > 0 for item in found.nodes)


async def test_a_nodes_terms_are_the_divergence_and_the_likelihood():
    """In expectation a latent's term is −KL(q ‖ p), and an observed node's E_q[log p]."""
    graph = chain()
    table = model(words=2)
    program = Program(graph, table)
    (example,) = examples(graph, 1)
    settings = Inference(kind="particles", draws=1, guide="hindsight")
    found = await every_path(lambda: infer(program, example, key=ENUMERATED, settings=settings))
    terms = {
        name: expected(
            found,
            lambda posterior, name=name: next(
                item.term.mean for item in bound_of([posterior]).nodes if item.node == name
            ),
        )
        for name in ("h", "y")
    }
    prior = table.distribution("p h one 0")
    guide = table.distribution("Given that the answer is: green\n\np h one 0")
    divergence = math.fsum(q * math.log(q / prior[text]) for text, q in guide.items())
    likelihood = math.fsum(
        q * math.log(table.distribution(f"q y one 0 {text}")["green"]) for text, q in guide.items()
    )
    assert terms == pytest.approx({"h": -divergence, "y": likelihood})


async def test_bounds_lie_below_the_evidence_in_order():
    """ELBO ≤ IWAE_16 ≤ log p(y | x) on the mean of the examples, within the errors they state."""
    graph = chain3()
    batch = examples(graph, 12)
    found = await bound(Program(graph, model()), batch, key=KEY)
    exact = [exact_evidence(graph, model(), item.inputs, item.targets) for item in batch]
    mean = math.fsum(exact) / len(exact)
    assert found.elbo.mean < found.iwae.mean
    assert found.iwae.n == found.elbo.n == len(found.examples) == 12
    error = math.sqrt(math.fsum(item.standard_error**2 for item in found.examples)) / 12
    assert abs(found.iwae.mean - mean) < 3 * error
    assert all(
        abs(item.iwae - wanted) < 4 * item.standard_error
        for item, wanted in zip(found.examples, exact, strict=True)
    )


async def test_standard_errors_are_of_the_mean_over_examples():
    """The estimate of a figure is its mean over examples, and sd / √n."""
    graph = diamond()
    found = await bound(Program(graph, model()), examples(graph, 5), key=KEY, draws=4)
    values = [item.elbo for item in found.examples]
    mean = math.fsum(values) / 5
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / 4)
    assert found.elbo.mean == pytest.approx(mean)
    assert found.elbo.standard_error == pytest.approx(spread / math.sqrt(5))
    one = await bound(Program(graph, model()), examples(graph, 1), key=KEY, draws=4)
    assert one.elbo.standard_error is None
    assert one.examples[0].standard_error > 0


async def test_nodes_that_only_some_examples_observe():
    """A node that is observed on some examples and latent on others has a term that is mixed."""
    graph = chain3()
    batch = [
        *examples(graph, 2),
        Example("full", {"x": "one"}, {"a": "red", "y": "green"}),
        Example("half", {"x": "two"}, {"a": "red"}),
    ]
    found = await bound(Program(graph, model()), batch, key=KEY)
    assert [(item.node, item.kind) for item in found.nodes] == [
        ("a", "mixed"),
        ("b", "latent"),
        ("y", "observed"),
    ]
    assert math.fsum(item.term.mean for item in found.nodes) == pytest.approx(found.elbo.mean)


async def test_an_observed_function_has_its_term():
    """The likelihood of an observed function node is a term of its own."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p"),
        Function(
            "short",
            lambda h: f"{len(h)}",
            likelihood=lambda target, value: -float(abs(int(target) - int(value))),
        ),
    )
    found = await bound(Program(graph, model()), examples(graph, 3, short="4"), key=KEY)
    assert [(item.node, item.kind) for item in found.nodes] == [
        ("h", "latent"),
        ("short", "observed"),
    ]
    assert math.fsum(item.term.mean for item in found.nodes) == pytest.approx(found.elbo.mean)


async def test_resampled_particles_give_no_elbo():
    """Where particles were resampled the ELBO is unknown, not made up, and so are its terms."""
    graph = chain4()
    found = await bound(
        Program(graph, model()), examples(graph), key=KEY, resample=1.0, guide="hindsight"
    )
    assert found.elbo is None
    assert found.nodes == ()
    assert all(item.elbo is None for item in found.examples)
    assert "ELBO" not in str(found)
    plain = await bound(Program(graph, model()), examples(graph), key=KEY, guide="hindsight")
    assert found.iwae.mean == pytest.approx(plain.iwae.mean, abs=0.3)


async def test_one_layer_is_exact():
    """Without latents the bound is log p(y | x) itself, at one call per example."""
    graph = Graph(Input("x"), Node("y", "{prompt} y {x}", "p"))
    table = model()
    batch = examples(graph, 3)
    found = await bound(Program(graph, table), batch, key=KEY)
    for item, example in zip(found.examples, batch, strict=True):
        exact = exact_evidence(graph, table, example.inputs, example.targets)
        assert item.elbo == pytest.approx(exact)
        assert item.iwae == pytest.approx(exact)
        assert item.standard_error == pytest.approx(0)
    assert table.calls["score"] == 3
    single = await bound(Program(graph, table), batch, key=KEY, draws=1)
    assert single.warnings == ()  # more draws would tell nothing
    assert single.iwae.mean == pytest.approx(found.iwae.mean)


async def test_the_order_of_examples_and_the_concurrency_do_not_matter():
    """Law 6: an example's bound depends on the key and its id alone."""
    graph = plate()
    program = Program(graph, model())
    batch = examples(graph)
    first = await bound(program, batch, key=KEY)
    second = await bound(program, batch[::-1], key=KEY, concurrency=1)
    assert first.examples == second.examples[::-1]


# Warnings.


def peaked(context):
    """Only one of many thoughts leads to the answer, and the guides seldom think it."""
    if " y " in context:
        return (
            {"green": 0.999, "red": 0.001} if "key" in context else {"green": 1e-4, "red": 0.9999}
        )
    return {"key": 0.05, "blank": 0.95}


async def test_a_low_effective_sample_size_is_warned_of_with_the_mend():
    """The warning says on how many examples, and what to do."""
    graph = chain()
    found = await bound(
        Program(graph, TableModel(peaked)), examples(graph, 20), key=KEY, draws=16, guide="prior"
    )
    (warning,) = found.warnings
    low = sum(item.effective_sample_size < 2 for item in found.examples)
    assert low > 2
    assert f"below 2 of 16 draws on {low} of 20 examples" in warning
    for mend in ("more draws", "hindsight", "resample", "temperature"):
        assert mend in warning
    assert f"warning: {warning}" in str(found)
    calm = await bound(Program(graph, model()), examples(graph), key=KEY)
    assert calm.warnings == ()


async def test_impossible_targets_are_counted():
    """Where every draw contradicts a target the bound is −inf, without a standard error."""
    graph = chain()
    batch = [*examples(graph, 3), Example("odd", {"x": "one"}, {"y": "unheard"})]
    found = await bound(Program(graph, model()), batch, key=KEY)
    assert found.iwae.mean == found.elbo.mean == -math.inf
    assert found.iwae.standard_error is None
    assert found.examples[-1].effective_sample_size == 0
    assert found.examples[-1].standard_error is None
    assert any("1 of 4 examples every draw contradicts" in warning for warning in found.warnings)


async def test_an_infinite_bound_is_valid_json():
    """JSON has no −inf: it is written as a text that `float` reads back, never as a null."""
    graph = chain()
    odd = Example("odd", {"x": "one"}, {"y": "unheard"})
    found = await bound(Program(graph, model()), [*examples(graph, 2), odd], key=KEY)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["iwae"] == {"mean": "-Infinity", "standard_error": None, "n": 3}
    assert float(data["elbo"]["mean"]) == found.elbo.mean
    assert float(data["examples"][-1]["iwae"]) == -math.inf
    assert data["examples"][0]["iwae"] == found.examples[0].iwae
    assert [float(item["term"]["mean"]) for item in data["nodes"]] == [
        item.term.mean for item in found.nodes
    ]


async def test_one_draw_is_warned_of():
    """With one draw nothing is known about the bound's quality."""
    graph = chain()
    found = await bound(Program(graph, model()), examples(graph), key=KEY, draws=1)
    assert any("one draw" in warning for warning in found.warnings)
    assert all(item.standard_error is None for item in found.examples)
    assert found.iwae == found.elbo


class Endless(TableModel):
    """A model whose scores leave out the end of a text."""

    scores_end = False


async def test_scores_without_an_end_are_warned_of_through_wrappers():
    """A bound of such scores is not exact, however the model is wrapped; choices have no end."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p"),
        Node("y", "{prompt} y {h}", "q", choices=("red", "green")),
    )
    endless = Metered(Endless(model().distribution), Meter())
    found = await bound(Program(graph, endless), examples(graph), key=KEY)
    (warning,) = [warning for warning in found.warnings if "not exact" in warning]
    assert "node 'h'" in warning
    assert "end of a text" in warning


async def test_choices_by_first_tokens_are_warned_of():
    """A model that compares labels but scores no text compares their first tokens."""
    graph = Graph(Input("x"), Node("y", "{prompt} y {x}", "q", choices=("red", "green")))
    chat = TableModel(model().distribution, capabilities=Capabilities(choose=True))
    found = await bound(Program(graph, chat), examples(graph), key=KEY)
    assert any("first tokens" in warning and "'y'" in warning for warning in found.warnings)


# Errors.


async def test_a_model_that_cannot_score_is_refused_before_a_call():
    """The error names the node, the model and the mend, and nothing was spent."""
    mute = TableModel(model().distribution, identity="mute", capabilities=Capabilities())
    graph = chain()
    with pytest.raises(CapabilityError, match=r"node 'h'.*'mute'.*objective='rollout'"):
        await bound(Program(graph, mute), examples(graph), key=KEY)
    assert not mute.calls
    cold = graph.replace("h", decoding=Decoding(temperature=0.0))
    with pytest.raises(CapabilityError, match=r"node 'h'.*temperature above 0"):
        await bound(Program(cold, model()), examples(graph), key=KEY)


async def test_no_examples_and_no_targets_are_refused():
    """Each error says what is missing."""
    graph = chain()
    program = Program(graph, model())
    with pytest.raises(DataError, match="no examples"):
        await bound(program, [], key=KEY)
    with pytest.raises(GraphError, match="observes no node"):
        await bound(program, [Example("e", {"x": "one"})], key=KEY)
    with pytest.raises(ValueError, match="concurrency"):
        await bound(program, examples(graph), key=KEY, concurrency=0)
    with pytest.raises(ValueError, match="no posteriors"):
        bound_of([])


async def test_a_local_posterior_carries_no_bound():
    """Local weights are not importance weights of the whole."""
    graph = chain3()
    (example,) = examples(graph, 1)
    posterior = await infer(Program(graph, model()), example, key=KEY, settings=Inference())
    with pytest.raises(ValueError, match="kind='particles'"):
        bound_of([posterior])


class Failing(TableModel):
    """A model whose calls fail on some inputs."""

    async def score(self, context, texts, *, decoding, end=True):
        if "one 1" in context:
            raise ModelError("down")
        return await super().score(context, texts, decoding=decoding, end=end)


async def test_failures_are_left_out_and_told():
    """A failed example is named in the warnings; too many are an error."""
    graph = chain()
    program = Program(graph, Failing(model().distribution))
    found = await bound(program, examples(graph), key=KEY)
    assert [failure.example for failure in found.failures] == ["e1"]
    assert found.iwae.n == 5
    assert any("1 of 6 examples failed" in warning for warning in found.warnings)
    with pytest.raises(TooManyFailures, match=r"'e1'.*down"):
        await bound(program, examples(graph), key=KEY, max_failures=0.0)
    with pytest.raises(TooManyFailures, match="all 1 examples failed"):
        await bound(program, examples(graph)[1:2], key=KEY)


async def test_a_bound_is_plain_data_and_readable():
    """JSON holds every figure, and the text shows bounds, nodes and sample size with errors."""
    graph = chain()
    found = await bound(Program(graph, model()), examples(graph), key=KEY)
    assert isinstance(found, Bound)
    data = json.loads(json.dumps(found.to_json()))
    assert data["elbo"] == {
        "mean": found.elbo.mean,
        "standard_error": found.elbo.standard_error,
        "n": 6,
    }
    assert [item["node"] for item in data["nodes"]] == ["h", "y"]
    assert [item["example"] for item in data["examples"]] == [f"e{n}" for n in range(6)]
    lines = str(found).splitlines()
    assert lines[0].endswith("6 examples, 16 draws each")
    assert lines[1].split()[0] == "IWAE_16"
    assert any("h (latent)" in line and "±" in line for line in lines)
