"""What a command that is interrupted leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["eval", "fit"])
def test_an_interrupted_command_leaves_no_unfinished_file(folder, data, fit_options, toy, command):
    """Ctrl-C in the middle of open calls ends with 130; the cache is closed, no file is half."""
    toy.hold_at = 20
    options = fit_options if command == "fit" else (*data, "--model", toy.spec)
    arguments = [sys.executable, "-m", "langnet", command, "net.py", *map(str, options)]
    if command == "fit":
        arguments += ["--out", "run"]
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LANGNET_CACHE": str(folder / "cache"),
        "PATH": "",
    }
    with subprocess.Popen(  # noqa: S603 - our own program
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert toy.held.wait(60), "it never got so far"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert (folder / "cache" / "cache.db").exists()
    left = [file.name for file in folder.rglob("*") if file.is_file()]
    assert not [name for name in left if name.startswith("journal-") or "tmp" in name]
