"""The log: one line an event, flushed at once, bounded, and nobody else's to read."""

from __future__ import annotations

import json
import math
import os
import stat
import sys

import pytest

from langnet.events import FitStarted, StepFinished, Validated
from langnet.key import Key
from langnet.lm.base import Decoding
from langnet.lm.connect import connect
from langnet.lm.meter import MeterReading
from langnet.report import JsonLines
from langnet.testing import TableModel

PROMPTS = {"answer": "a private prompt"}
STARTED = FitStarted(0, 3, "likelihood", PROMPTS, best_prompts=PROMPTS)
VALIDATED = Validated(1, 0.5, 0.5, is_best=True, best_prompts=PROMPTS)
STEP = StepFinished(1, 3, -math.inf, math.nan, 0.5, ("answer",), 2.0, MeterReading(hits=2))


def lines(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def test_every_event_is_a_line_at_once(tmp_path):
    """Lines are there before the log is closed, are JSON, and later runs add to them."""
    path = tmp_path / "logs" / "calls.jsonl"
    with JsonLines(path) as log:
        log(STARTED)
        assert len(lines(path)) == 1
        log(STEP)
    with JsonLines(path) as log:
        log(STEP)
    log(STEP)  # closed
    found = lines(path)
    assert [line["event"] for line in found] == ["FitStarted", "StepFinished", "StepFinished"]
    assert found[0]["steps"] == 3
    assert found[1]["changed"] == ["answer"]
    assert (found[1]["score"], found[1]["log_evidence"]) == (None, None)  # no finite numbers
    assert found[1]["reading"]["hits"] == 2


@pytest.mark.parametrize("content", [False, True])
async def test_what_was_said_is_written_only_where_asked(tmp_path, content):
    """Prompts, contexts and answers are in the log with content=True, and else nowhere in it."""
    path = tmp_path / "calls.jsonl"
    model = TableModel(lambda context: {"a private answer": 1.0})
    with JsonLines(path, content=content) as log:
        log(STARTED)
        log(VALIDATED)
        async with connect(model, observe=log, observe_content=True) as watched:
            keys = [Key(("a",))]
            await watched.sample("a private \ud800 context", decoding=Decoding(), keys=keys)
    assert path.read_text().count("private") == (5 if content else 0)
    (call,) = [line for line in lines(path) if line["event"] == "CallFinished"]
    assert (call["kind"], call["attempts"], call["decoding"]["max_tokens"]) == ("sample", 1, 64)


def test_texts_and_the_file_are_bounded(tmp_path):
    """Long texts are cut, and a full log says so in its last line and takes no more."""
    path = tmp_path / "calls.jsonl"
    long = FitStarted(0, 3, "likelihood", {"answer": "x" * 5000})
    with JsonLines(path, content=True, longest_text=100, size_limit=2000) as log:
        for _ in range(50):
            log(long)
    found = lines(path)
    assert found[0]["prompts"]["answer"] == "x" * 100 + "…"
    assert found[-1]["event"] == "LogFull"
    assert {line["event"] for line in found[:-1]} == {"FitStarted"}
    size = path.stat().st_size
    assert size < 2100
    with JsonLines(path, size_limit=size) as log:
        log(STEP)
    assert path.stat().st_size == size


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
def test_a_new_log_is_the_users_own(tmp_path):
    """Nobody else may read it, whatever the umask; one that is there keeps its mode."""
    before = os.umask(0)
    try:
        JsonLines(tmp_path / "new.jsonl").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) == 0o600
