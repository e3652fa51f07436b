"""The solvers against published data: every item of every file that is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from langnet import tasks
from langnet.data import read_bbh, read_scan
from langnet.tasks import scan

REAL = Path(__file__).parents[3] / "shared" / "data"


def needed(name):
    path = REAL / name
    if not path.exists():
        pytest.skip(f"the published file {name} is not here")
    return path


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("boolean_expressions", "boolean_expressions"),
        ("hyperbaton", "hyperbaton"),
        ("logical_deduction_three_objects", "logical_deduction"),
        ("navigate", "navigate"),
        ("word_sorting", "word_sorting"),
    ],
)
def test_all_items_of_big_bench_hard_are_solved(file, task):
    """Each of the 250 items has the answer that the solver finds."""
    items = read_bbh(needed(f"bbh/{file}.json"))
    assert len(items) == 250
    solve = tasks.get(task).answer
    assert [solve(item.inputs["input"]) for item in items] == [i.targets["answer"] for i in items]


def test_scan_is_whole():
    """The grammar makes the 20,910 published commands, and each is interpreted as published."""
    pairs = {e.inputs["command"]: e.targets["answer"] for e in read_scan(needed("scan/tasks.txt"))}
    assert len(pairs) == 20_910
    assert {command: scan.interpret(command) for command in scan.commands()} == pairs
