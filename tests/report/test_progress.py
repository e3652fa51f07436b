"""Progress: lines where there is no terminal, and a display where there is one."""

from __future__ import annotations

import io
import re

import pytest

from langnet.events import FitFinished, FitStarted, PhaseAdvanced, StepFinished, Validated
from langnet.lm.meter import Meter
from langnet.report.progress import progress

EVENTS = (
    FitStarted(0, 2, "likelihood", {"answer": "x"}),
    Validated(0, 0.5, 0.5, is_best=True),
    StepFinished(1, 2, -1.25, None, 0.75, ("answer",), 3.0, None),
    Validated(1, 0.625, 0.625, is_best=True),
    StepFinished(2, 2, -1.125, -7.5, 0.75, (), 3.0, None),
    Validated(2, 0.5, 0.625, is_best=False),
    FitFinished(2, 0.625, "all steps are done"),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_tell_every_step_and_validation():
    """A file gets one line per event of a fit, with scores, calls and time left."""
    stream, meter = io.StringIO(), Meter()
    counts, _ = meter.counts("any model")
    counts.sample_calls, counts.prompt_tokens, counts.hits = 12, 34_567, 5
    with progress(stream, meter=meter, clock=lambda: 0.0) as observer:
        for event in EVENTS:
            observer(event)
    lines = stream.getvalue().splitlines()
    assert len(lines) == len(EVENTS)
    assert lines[0] == "fit begins, 2 steps, objective likelihood"
    assert lines[2] == (
        "step 1/2  score −1.250  batch 0.750  changed answer  3.0 s"
        "  12 calls  34.6k tokens  5 from cache  3.0 s left"
    )
    assert "evidence −7.500 nats" in lines[4]
    assert "changed nothing" in lines[4]
    assert lines[5] == "step 2/2  validation 0.500, best 0.625"
    assert lines[6].startswith("fit ends after 2 steps: all steps are done")


def test_long_phases_get_a_line_per_tenth_at_most():
    """Lines within a phase come ten seconds and a tenth apart, and short phases get none."""
    now = 0.0

    def told(seconds_each):
        nonlocal now
        stream = io.StringIO()
        with progress(stream, clock=lambda: now) as observer:
            for done in range(1, 201):
                now += seconds_each
                observer(PhaseAdvanced("validate", done, 200))
        return stream.getvalue().splitlines()

    assert told(0.01) == []
    assert len(told(100.0)) == 10
    assert 1 < len(told(0.25)) <= 5


def test_a_terminal_gets_lines_and_a_display(monkeypatch):
    """On a terminal the same lines stay, and the display is taken away at the end."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    with progress(stream) as observer:
        for event in EVENTS:
            observer(event)
    shown = stream.getvalue()
    assert "step 1/2  score −1.250" in shown
    assert "\x1b[?25l" in shown, "the cursor is hidden while the display is there"
    assert "\x1b[?25h" in shown, "and shown again"


def test_a_display_ends_with_the_block_whatever_happens(monkeypatch):
    """An error passes through and leaves the cursor shown."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), progress(stream):
        fail()
    assert "\x1b[?25h" in stream.getvalue()


def test_a_dumb_terminal_gets_lines_alone(monkeypatch):
    """Where the terminal cannot move its cursor, nothing is drawn over."""
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with progress(stream) as observer:
        observer(EVENTS[0])
    assert stream.getvalue() == "fit begins, 2 steps, objective likelihood\n"


def test_a_terminal_that_knows_ascii_alone_gets_lines(monkeypatch):
    """Where frames and bars cannot be written, nothing is drawn."""

    class Old(Terminal):
        encoding = "ascii"

    monkeypatch.setenv("TERM", "xterm")
    stream = Old()
    with progress(stream) as observer:
        observer(EVENTS[0])
    assert stream.getvalue() == "fit begins, 2 steps, objective likelihood\n"


def test_a_terminal_without_colour_gets_none(monkeypatch):
    """NO_COLOR keeps the view, without its colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    with progress(stream, view="live") as observer:
        for event in EVENTS:
            observer(event)
    assert "╭─" in stream.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", stream.getvalue())


def test_what_an_event_says_is_no_control_sequence():
    """Names and reasons come through as visible characters, in one line."""
    stream = io.StringIO()
    with progress(stream) as observer:
        observer(FitFinished(1, 0.5, "a\x1b[2J\n[bold]b"))
    assert stream.getvalue().splitlines() == [
        r"fit ends after 1 step: a\x1b[2J [bold]b; best validation 0.500"
    ]


@pytest.mark.parametrize("view", ["plain", "quiet"])
def test_a_terminal_may_be_spared_the_view(monkeypatch, view):
    """Plain lines are the same as in a file, and quiet is nothing at all."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress(stream, view=view) as observer:
        observer(EVENTS[0])
    begun = "fit begins, 2 steps, objective likelihood\n"
    assert stream.getvalue() == (begun if view == "plain" else "")
