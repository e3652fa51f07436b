"""The verdicts of the benchmark of fits: what counts as below the start, and as repaired."""

import importlib.util
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "benchmarks" / "fits_table.py"


@pytest.fixture(scope="module")
def table():
    """The benchmark's module, which no package holds."""
    spec = importlib.util.spec_from_file_location("fits_table", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(start, values, *, gain=(-0.1, 0.1), network="dln1", seed=0):
    """A fit as it is written."""
    mean = sum(values) / len(values)
    metric = {"mean": mean, "low": mean, "high": mean, "n": len(values), "confidence": 0.95}
    return {
        "asked": {"network": network, "task": "sentiment", "seed": seed, "start": start},
        "test": {
            "initial": metric,
            "fitted": {**metric, "values": list(values)},
            "gain": {"mean": sum(gain) / 2, "low": gain[0], "high": gain[1]},
        },
        "cost": {
            "calls": 10,
            "hits": 1,
            "saved by racing": None,
            "prompt_tokens": 1000,
            "completion_tokens": 20,
            "seconds": 90,
        },
    }


def test_below_the_start_is_where_the_whole_interval_is(table):
    """A fit counts as below its start only where the gain's interval lies below 0 altogether."""
    fits = [
        found("description", [1, 0], gain=gain)
        for gain in ((-0.3, -0.01), (-0.3, 0.0), (-0.1, 0.2), (0.1, 0.2))
    ]
    assert table.never_below(fits) == (3, 4)
    assert table.never_below([found("description", [1], gain=(0.0, 0.0))]) == (1, 1)


def test_repairs_stand_beside_the_fit_that_is_alike(table):
    """A defective start is compared with the same network, task and seed, within five points."""
    good = [1] * 90 + [0] * 10
    fits = [
        found("description", good, seed=0),
        found("defective", [1] * 85 + [0] * 15, seed=0),
        found("description", good, seed=1),
        found("defective", [1] * 84 + [0] * 16, seed=1),
        found("defective", good, seed=2),
        found("description", good, network="dln2", seed=2),
    ]
    repairs = [table.repaired(pair) for pair in table.pairs(fits)]
    assert [(one["seed"], one["within"]) for one in repairs] == [(0, True), (1, False)]
    assert repairs[0]["difference"]["mean"] == pytest.approx(-0.05)


def test_tables_have_a_line_per_fit(table, capsys):
    """Every fit and every pair has its line, with as many cells as the head."""
    fits = [found("description", [1, 0, 1, 1]), found("defective", [1, 0, 0, 1])]
    table.show(fits, 4, as_json=False)
    printed = capsys.readouterr().out
    assert "2 of 4 fits are done" in printed
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [14] * 4 + [9] * 3
