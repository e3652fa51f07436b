"""Resampling: who goes on, which parts form a depth, and how sure the evidence is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import Example, Function, Graph, Input, Key, Node, Program, infer
from langnet.testing import exact_evidence
from langnet.trace import effective_sample_size, normalised
from langnet.vi.posterior import Inference
from langnet.vi.resample import depths, families, relative_variance, systematic
from tests.laws.enumeration import ENUMERATED, every_path, expected
from tests.laws.graphs import GRAPHS, TARGETS, inputs, model

weights = st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda ws: sum(ws) > 1e-6)


@given(weights, st.floats(0, 1, exclude_max=True))
def test_systematic_counts_are_next_to_their_expectation(raw, offset):
    """A particle of weight w has ⌊K·w⌋ or ⌈K·w⌉ descendants, and none without weight."""
    shares = [weight / math.fsum(raw) for weight in raw]
    chosen = systematic(shares, offset)
    assert len(chosen) == len(shares)
    assert list(chosen) == sorted(chosen)
    for draw, share in enumerate(shares):
        wanted = share * len(shares)
        assert math.floor(wanted - 1e-9) <= chosen.count(draw) <= math.ceil(wanted + 1e-9)
        assert share > 0 or draw not in chosen


@given(weights)
def test_systematic_counts_are_unbiased(raw):
    """Averaged over the offset, a particle of weight w has K·w descendants."""
    shares = [weight / math.fsum(raw) for weight in raw]
    count = len(shares)
    ends = [(count * total) % 1.0 for total in itertools.accumulate(shares)]
    means = [0.0] * count
    for low, high in itertools.pairwise(sorted({0.0, 1.0, *ends})):
        for draw in systematic(shares, (low + high) / 2):
            means[draw] += high - low
    assert means == pytest.approx([count * share for share in shares], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("chain", ((), ("h", "y"))),
        ("chain4", ((), ("a",), ("b",), ("c", "y"))),
        ("diamond", ((), ("a", "b", "y"))),
        ("fan_in", ((), ("a", "b", "both", "y"))),
        ("plate", ((), ("h",), ("v", "joined", "y"))),
    ],
)
def test_depths_of_latents(name, wanted):
    """A target and a function belong to the depth of the last latent that they read."""
    graph = GRAPHS[name]()
    found = depths(graph, {"y"})
    assert tuple(map(set, found)) == tuple(map(set, wanted))


def test_depths_leave_out_what_no_target_hangs_on():
    """A target on the way comes with its parents, and what hangs on no latent comes first."""
    graph = Graph(
        Input("x"),
        Function("clean", lambda x: x.strip()),
        Node("a", "{prompt} a {clean}", "p"),
        Node("b", "{prompt} b {a} {clean}", "q"),
        Node("c", "{prompt} c {b}", "r"),
        Node("aside", "{prompt} aside {a}", "s"),
        outputs=("c", "aside"),
    )
    assert depths(graph, {"b", "c"}) == (("clean",), ("a", "b", "c"))
    assert depths(graph, {"a", "c"}) == (("clean", "a"), ("b", "c"))
    assert depths(graph, {"a", "b"}) == (("clean", "a", "b"),)


def test_families_add_up_by_their_first_draw():
    """Particles that descend from one draw count as one."""
    assert families([0.1, 0.2, 0.3, 0.4], [2, 0, 2, 2]) == pytest.approx((0.8, 0.2))


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9))
def test_without_resampling_it_is_the_sample_variance(logs):
    """Var(Ẑ) / Ẑ² is the sample variance of the weights over K and their squared mean."""
    raw = np.exp(logs)
    shares = normalised(logs)
    wanted = raw.var(ddof=1) / len(raw) / raw.mean() ** 2
    assert relative_variance(shares, len(logs)) == pytest.approx(wanted, abs=1e-9)
    size = effective_sample_size(shares)
    assert wanted == pytest.approx((len(raw) / size - 1) / (len(raw) - 1), abs=1e-9)


def test_one_draw_knows_no_variance():
    """Unknown is `None`, not 0."""
    assert relative_variance([1.0], 1) is None


async def spread(graph, **settings):
    """Var(Ẑ) and the mean of its estimate, over all that can be drawn."""
    found = await every_path(
        lambda: infer(
            Program(graph, model(words=2, concentration=0.8)),
            Example("e", inputs(graph), TARGETS),
            key=ENUMERATED,
            settings=Inference(kind="particles", min_weight=0.0, **settings),
        )
    )

    def evidence(posterior):
        return math.exp(posterior.log_evidence)

    mean = expected(found, evidence)
    variance = expected(found, lambda posterior: (evidence(posterior) - mean) ** 2)
    estimate = expected(
        found, lambda posterior: (evidence(posterior) * posterior.standard_error) ** 2
    )
    return variance, estimate


@pytest.mark.parametrize("name", ["chain", "chain3", "diamond"])
async def test_the_standard_error_is_unbiased(name):
    """E[Ẑ² · se²] = Var(Ẑ) without resampling, by enumeration."""
    variance, estimate = await spread(GRAPHS[name](), draws=2, guide="hindsight")
    assert estimate == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize(("name", "draws"), [("chain3", 3), ("chain4", 2), ("plate", 2)])
async def test_the_standard_error_covers_resampling(name, draws):
    """With resampling the standard error errs on the wide side, and not by much."""
    variance, estimate = await spread(GRAPHS[name](), draws=draws, guide="hindsight", resample=1.0)
    assert variance < estimate < 1.5 * variance


async def test_resampling_pays_where_targets_stand_along_the_way():
    """On a deep chain with a target at each level the evidence is estimated better."""
    levels = 7
    parts = [Input("x")]
    for level in range(levels):
        above = "x" if level == 0 else f"h{level - 1}"
        parts += [
            Node(f"h{level}", f"{{prompt}} h{level} {{{above}}}", "p"),
            Node(f"t{level}", f"{{prompt}} t{level} {{h{level}}}", "q"),
        ]
    graph = Graph(*parts)
    targets = {f"t{level}": "green" for level in range(levels)}
    program = Program(graph, model(concentration=1.0, seed=1))

    async def logs(resample):
        settings = Inference(kind="particles", draws=12, guide="prior", resample=resample)
        return np.array(
            [
                (
                    await infer(
                        program,
                        Example("e", {"x": "one"}, targets),
                        key=Key(("deep", repeat)),
                        settings=settings,
                    )
                ).log_evidence
                for repeat in range(20)
            ]
        )

    exact = exact_evidence(graph, model(concentration=1.0, seed=1), {"x": "one"}, targets)
    plain, resampled = [
        math.sqrt(np.mean((await logs(resample) - exact) ** 2)) for resample in (None, 0.5)
    ]
    assert resampled < 0.8 * plain
