"""How commands show their progress: a view on a terminal, plain lines, or nothing."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from langnet.report.live import read_live
from tests.cli import answering
from tests.report.screen import Screen

HOSTILE = "warm\x1b[2J\x1b]0;owned\x07[bold]"


def on_terminal(folder, arguments, *, columns=100, rows=30, interrupt=None):
    """Runs the command line on a terminal; gives its exit code and what it wrote there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LANGNET_CACHE": str(folder / "cache"),
        "PATH": "",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "langnet", *map(str, arguments)],
        env=environment,
        stdin=slave,
        stdout=subprocess.DEVNULL,
        stderr=slave,
    ) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:  # the other end is closed
                more = b""
            if not more:
                break
            written += more
            if interrupt is not None and interrupt():
                process.send_signal(signal.SIGINT)
                interrupt = None
        code = process.wait(60)
    os.close(master)
    return code, written.decode().replace("\r\n", "\n")


def test_a_fit_on_a_terminal_shows_the_view_and_leaves_lines(folder, fit_options, monkeypatch):
    """The view comes and goes; what a model wrote neither moves the cursor nor names the window."""
    monkeypatch.setattr(answering, "WORDS", (HOSTILE, "cold"))
    options = (*fit_options, "--test-size", 0, "--out", "run")
    code, written = on_terminal(folder, ("fit", "net.py", *options))
    assert code == 0, written
    screen = Screen(100)
    screen.feed(written)
    assert screen.is_cursor_shown
    left = screen.text.splitlines()
    assert left[1] == "fit begins, 3 steps, objective likelihood"
    assert left[-1].startswith("fit ends after 3 steps: all steps are done")
    assert "╭─" not in screen.text
    for part in ("╭─", "net", "likelihood", "● answer", "validation", "best prompts so far"):
        assert part in written
    live = read_live(folder / "run")
    assert (live.status, live.step, live.steps) == ("finished", 3, 3)
    assert any("\x1b" in text for text in live.prompts.values()), "it was worth the test"
    assert live.reading.calls == json.loads((folder / "run" / "cost.json").read_text())["calls"]


def test_an_interrupted_fit_leaves_a_clean_terminal(folder, fit_options, toy):
    """Ctrl-C takes the view away, shows the cursor, and says so in live.json."""
    toy.hold_at = 60
    arguments = ("fit", "net.py", *fit_options, "--out", "run")
    code, written = on_terminal(folder, arguments, interrupt=toy.held.is_set)
    assert code == 130
    screen = Screen(100)
    screen.feed(written)
    assert screen.is_cursor_shown
    assert "╭─" in written
    assert "╭─" not in screen.text
    assert "Interrupted." in screen.text
    assert read_live(folder / "run").status == "interrupted"


@pytest.mark.parametrize(
    ("options", "lines"),
    [((), True), (("--view", "plain"), True), (("--view", "quiet"), False), (("-q",), False)],
)
def test_elsewhere_there_are_plain_lines_or_none(call, folder, fit_options, options, lines):
    """Without a terminal nothing is drawn, and where quiet is asked for nothing is told."""
    shown = call("fit", "net.py", *fit_options, "--steps", 1, "--test-size", 0, *options)
    assert shown.exit_code == 0, shown.stderr
    assert ("step 1/1" in shown.stderr) == lines
    assert "\x1b" not in shown.stderr
    assert "╭" not in shown.stderr


def test_two_ways_of_showing_are_refused(call, folder, fit_options):
    """--quiet and another view contradict each other."""
    refused = call("fit", "net.py", *fit_options, "-q", "--view", "plain")
    assert refused.exit_code == 2
    assert "either --view or --quiet" in refused.stderr
