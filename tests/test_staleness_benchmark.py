"""The table of staleness: every fit beside the one of staleness 0 with its seed."""

import importlib.util
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "benchmarks" / "staleness.py"


@pytest.fixture(scope="module")
def benchmark():
    """The benchmark's module, which no package holds."""
    spec = importlib.util.spec_from_file_location("staleness", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["staleness"] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["staleness"]


def row(loop, seed, held_out, step_seconds, share=None):
    correction = [] if share is None else [{"effective_share": share}]
    return {
        "loop": loop,
        "seed": seed,
        "held_out": held_out,
        "step_seconds": step_seconds,
        "seconds": 10 * step_seconds,
        "requests": 100,
        "correction": correction,
    }


ROWS = [
    row("synchronous", 0, 0.1, 9.0),
    row("staleness 4", 1, 0.7, 1.0, 0.5),
    row("staleness 4", 0, 0.6, 1.0, 0.9),
    row("staleness 0", 0, 0.5, 2.0),
    row("staleness 0", 1, 0.8, 4.0),
]


def test_seeds_are_paired(benchmark):
    """Differences and ratios are those of equal seeds, and the plain loop plays no part."""
    base, stale = benchmark.lines(ROWS)
    assert [base.staleness, stale.staleness] == [0, 4]
    assert stale.held_out.mean == pytest.approx(0.65)
    assert stale.difference.mean == pytest.approx((0.1 - 0.1) / 2)
    assert stale.time.mean == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert stale.share == pytest.approx(0.7)
    assert base.share is None
    assert base.time.mean == 1.0
    assert "| 4 | 0.650 (" in benchmark.table([base, stale])


def test_the_same_figures_make_the_same_plot(benchmark, tmp_path):
    """A plot is written, and again byte for byte."""
    pytest.importorskip("matplotlib")
    found = benchmark.lines(ROWS)
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    benchmark.plot(found, one)
    benchmark.plot(found, two)
    assert one.read_bytes() == two.read_bytes()
    assert b"<svg" in one.read_bytes()
