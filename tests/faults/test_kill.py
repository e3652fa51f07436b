"""A fit that is killed and begun again ends as if nothing had happened, and pays nothing twice."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from langnet.text_file import discard_unfinished

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.skipif(os.name == "nt", reason="a journal needs locks on files")
def test_a_killed_fit_ends_as_one_that_was_not(tmp_path, monkeypatch):
    """SIGKILL in the midst: the same bytes, the same requests, and no kept answer asked again."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    kill = importlib.import_module("kill")
    # With this seed the kill comes after a third of the requests.
    found = kill.account(tmp_path, kills=1, latency=0.005, steps=1, seed=4)
    assert found.differing == []
    assert found.same_requests
    assert [one.paid_again for one in found.kills] == [0]
    assert all(one.repeated <= one.lost for one in found.kills)
    assert any(one.asked for one in found.kills)


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    """Files that were not whole yet leave, and no other does."""
    for name in (".state.json.0123456789abcdef.tmp", ".mine.tmp", "state.json", ".x.tmp"):
        (tmp_path / name).write_text("{")
    discard_unfinished(tmp_path)
    discard_unfinished(tmp_path / "missing")
    assert {path.name for path in tmp_path.iterdir()} == {".mine.tmp", "state.json", ".x.tmp"}
