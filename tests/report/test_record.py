"""What a fit keeps of what it saw."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from tests.mortal import files
from tests.report.runs import data, fitted


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_what_the_fit_saw(run):
    """Batches and validations on record have the means that the fit went by, and all examples."""
    state = json.loads((run / "state.json").read_text())
    for validation in state["validations"]:
        found = rows(run / "validations" / f"{validation['step']:04d}.jsonl")
        assert [row["example"] for row in found] == [example.id for example in data(20, 100)]
        mean = sum(row["value"] for row in found) / len(found)
        assert mean == pytest.approx(validation["metric"])
        assert set(found[0]["texts"]) == {"notes", "answer"}
    for number in (1, 2, 3):
        step = json.loads((run / "steps" / f"{number:04d}.json").read_text())
        found = rows(run / "steps" / f"{number:04d}.traces.jsonl")
        assert sum(row["value"] for row in found) / len(found) == pytest.approx(step["metric"])
        assert all(f"It says {row['texts']['answer']}" in row["feedback"] for row in found)


def test_alternatives_say_where_they_come_from(run):
    """The forward text comes first, guides take turns, and the weights add up to one."""
    for row in rows(run / "steps" / "0001.traces.jsonl"):
        (found,) = row["alternatives"]
        assert found["texts"][0] == row["texts"]["notes"]
        first, *drawn = found["sources"]
        assert first == "forward"
        assert set(drawn) == {"prior", "hindsight"}
        assert all(a != b for a, b in pairwise(drawn))
        assert sum(found["weights"]) == pytest.approx(1, abs=1e-3)


async def test_particles_are_kept_whole(tmp_path):
    """Each particle has its share of the weight and the guide that drew its texts."""
    await fitted(tmp_path, kind="particles")
    for row in rows(tmp_path / "steps" / "0001.traces.jsonl"):
        assert sum(found["weight"] for found in row["particles"]) == pytest.approx(1, abs=1e-3)
        assert {source for found in row["particles"] for source in found["sources"].values()} <= {
            "prior",
            "hindsight",
        }


async def test_without_traces_the_fit_is_the_same(run, tmp_path):
    """`traces=False` leaves out the JSON lines, and changes nothing else."""
    await fitted(tmp_path, traces=False)
    kept = {name: held for name, held in files(run).items() if not name.endswith(".jsonl")}
    assert files(tmp_path) == kept
