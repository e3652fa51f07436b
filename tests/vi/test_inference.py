"""Options of the two posteriors: mutual information, resampling, and what each of them costs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from langnet import (
    CapabilityError,
    Decoding,
    Example,
    Graph,
    Input,
    Key,
    Node,
    Program,
    infer,
)
from langnet.testing import TableModel, exact_evidence
from langnet.vi.posterior import Inference
from tests.laws.graphs import TARGETS, chain, chain3, chain4, diamond, fan_in, inputs, model, plate

PARTICLES = Inference(kind="particles", draws=4, min_weight=0.0)
EXACT = Inference(include_forward=False, min_weight=0.0)


def example(graph, targets=TARGETS):
    return Example("e", inputs(graph), targets)


async def test_mutual_information_is_what_the_context_gains():
    """A logit is log p(h | x) + log p(y | x, h) − log p(y | h), worked out from the table."""
    graph = chain()
    table = model()
    posterior = await infer(
        Program(graph, table),
        example(graph),
        key=Key(("mutual",)),
        settings=replace(EXACT, draws=30, mutual_information=True),
    )
    (alternatives,) = posterior.alternatives
    assert len(set(alternatives.texts)) == 3
    for text, logit in zip(alternatives.texts, alternatives.logits, strict=True):
        wanted = (
            math.log(table.distribution("p h one")[text])
            + math.log(table.distribution(f"q y one {text}")["green"])
            - math.log(table.distribution(f"q y  {text}")["green"])
        )
        assert logit == pytest.approx(wanted)


async def test_mutual_information_through_a_function():
    """A function's value that depends on the latent is shown whole, and all else is blank."""
    graph = fan_in()
    table = model()
    targets = {"b": "red", "y": "green"}
    posterior = await infer(
        Program(graph, table),
        example(graph, targets),
        key=Key(("mutual",)),
        settings=replace(EXACT, draws=30, mutual_information=True),
    )
    (alternatives,) = posterior.alternatives
    for text, logit in zip(alternatives.texts, alternatives.logits, strict=True):
        wanted = (
            math.log(table.distribution("p a one")[text])
            + math.log(table.distribution(f"r y {text}+red one")["green"])
            - math.log(table.distribution(f"r y {text}+red ")["green"])
        )
        assert logit == pytest.approx(wanted)


async def test_mutual_information_blanks_what_was_inferred_meanwhile():
    """A text that was drawn from the latent one is another field: it is blank as well."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p"),
        Node("a", "{prompt} a {h}", "q"),
        Node("y", "{prompt} y {h} {a}", "r"),
    )
    table = model()
    posterior = await infer(
        Program(graph, table),
        example(graph, {"a": "red", "y": "green"}),
        key=Key(("mutual",)),
        settings=replace(EXACT, draws=30, mutual_information=True),
    )
    (alternatives,) = posterior.alternatives
    for text, logit in zip(alternatives.texts, alternatives.logits, strict=True):
        wanted = (
            math.log(table.distribution("p h one")[text])
            + math.log(table.distribution(f"r y {text} red")["green"])
            - math.log(table.distribution(f"r y {text} ")["green"])
        )
        assert logit == pytest.approx(wanted)


async def test_a_child_that_shows_nothing_else_has_no_say():
    """Where the latent is all that its child reads, the mutual-information terms cancel."""
    graph = chain3()
    posterior = await infer(
        Program(graph, model()),
        example(graph),
        key=Key(("mutual",)),
        settings=replace(EXACT, draws=20, mutual_information=True),
    )
    (first,) = [found for found in posterior.alternatives if found.node == "a"]
    assert first.logits == pytest.approx(first.log_prior)


async def test_a_threshold_that_is_not_reached_changes_nothing():
    """Particles that were never resampled are those of plain importance sampling."""
    graph = chain4()
    key = Key(("calm",))
    program = Program(graph, model())
    plain = await infer(program, example(graph), key=key, settings=PARTICLES)
    calm = await infer(program, example(graph), key=key, settings=replace(PARTICLES, resample=0.01))
    assert calm == plain
    assert calm.resamplings == 0
    assert calm.ancestors == (0, 1, 2, 3)


async def test_resampled_particles_are_whole_and_give_no_elbo():
    """Every row comes from a trace that hangs together, and the mean log-weight is no ELBO."""
    graph = plate()
    posterior = await infer(
        Program(graph, model()),
        example(graph),
        key=Key(("whole",)),
        settings=replace(PARTICLES, draws=12, resample=1.0, guide="hindsight"),
    )
    assert posterior.resamplings == 1
    assert posterior.elbo is None
    assert len(set(posterior.ancestors)) < 12
    assert posterior.effective_sample_size <= len(set(posterior.ancestors))
    for trace in posterior.particles:
        joint = exact_evidence(
            graph, model(), inputs(graph), {name: trace[name] for name in graph.nodes}
        )
        assert trace.log_joint == pytest.approx(joint)
    # Copies of one particle go on apart.
    first = {}
    for ancestor, trace in zip(posterior.ancestors, posterior.particles, strict=True):
        first.setdefault((ancestor, trace["h"]), set()).add(trace["v"])
    assert len({ancestor for ancestor, _ in first}) == len(first)
    assert any(len(texts) > 1 for texts in first.values())


async def test_what_hangs_on_no_latent_is_scored_once():
    """A target of the inputs alone costs one call, however many particles there are."""
    table = model()
    graph = diamond()
    targets = {"a": "red", "y": "green"}
    await infer(
        Program(graph, table),
        example(graph, targets),
        key=Key(("once",)),
        settings=replace(PARTICLES, draws=7, guide="prior"),
        forward=await Program(graph, model()).run(inputs(graph), key=Key()),
    )
    # a once; b and y seven times each; seven draws of b.
    assert table.calls == {"score": 1 + 7 + 7, "sample": 7}


@pytest.mark.parametrize("kind", ["local", "particles"])
async def test_many_draws_of_equal_weight_are_kept(kind):
    """The least weight that counts sinks with the number of draws, so evidence never vanishes."""
    graph = Graph(Input("x"), Node("h", "{prompt} {x}", "p"), Node("y", "{prompt} {h}!", "q"))
    table = TableModel(
        lambda context: (
            {"same": 1.0}
            if context.endswith("!")
            else {str(number): 1 / 100 for number in range(100)}
        )
    )
    posterior = await infer(
        Program(graph, table),
        Example("e", {"x": "one"}, {"y": "same"}),
        key=Key(("many",)),
        settings=Inference(kind=kind, draws=80, guide="prior", include_forward=False, max_rows=99),
    )
    rows = [row for row in posterior.rows if row.node == "h"]
    assert math.fsum(row.weight for row in rows) == pytest.approx(1)
    assert len({row.text for row in rows}) > 40


@pytest.mark.parametrize("kind", ["local", "particles"])
async def test_a_text_without_density_gives_no_weight(kind):
    """A latent of temperature 0 is refused by name, since its draws have no density."""
    graph = chain().replace("h", decoding=Decoding(temperature=0.0))
    settings = PARTICLES if kind == "particles" else replace(EXACT, subtract_proposal=True)
    with pytest.raises(CapabilityError, match=r"node 'h' takes .*temperature above 0"):
        await infer(Program(graph, model()), example(graph), key=Key(("cold",)), settings=settings)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"resample": 0.5}, "only particles"),
        ({"kind": "particles", "resample": 1.5}, "share above 0"),
        ({"kind": "particles", "mutual_information": True}, "kind='local'"),
        ({"guide": "nobody"}, "there is no guide 'nobody'"),
        ({"draws": 0}, "at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, fault):
    """Each error says what to do."""
    with pytest.raises(ValueError, match=fault):
        Inference(**settings)
