"""Tracking a fit from the command line."""

from __future__ import annotations

import json

import pytest

from langnet.cli.track import flat


def test_a_resumed_fit_goes_on_in_the_same_tracked_run(folder, call, fit_options):
    """Tracking changes no result, no manifest, and a fit that goes on keeps its run's id."""
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    options = ("net.py", *fit_options, "--out", "run", "--no-traces")
    track = ("--track", "tensorboard:logs")
    found = call("fit", *options, *track)
    assert found.exit_code == 0, found.stderr
    known = (folder / "run" / "tracked.json").read_text()
    assert len([*(folder / "logs" / "run").iterdir()]) == 1
    arguments = json.loads((folder / "run" / "manifest.json").read_text())["arguments"]
    assert not [word for word in arguments if "track" in word or "tensorboard" in word]
    result = (folder / "run" / "result.json").read_bytes()
    again = call("fit", *options, *track, "--resume")
    assert again.exit_code == 0, again.stderr
    assert (folder / "run" / "tracked.json").read_text() == known
    assert (folder / "run" / "result.json").read_bytes() == result
    assert len([*(folder / "logs" / "run").iterdir()]) == 2


@pytest.mark.parametrize("spec", ["tensorboard", "wandb:", "comet:x"])
def test_what_names_no_service_is_told(folder, call, fit_options, spec):
    """The message says what is taken, before anything is fitted."""
    found = call("fit", "net.py", *fit_options, "--track", spec)
    assert found.exit_code == 2
    assert "mlflow:EXPERIMENT" in found.stderr
    assert not (folder / "runs").exists()


def test_settings_are_flat():
    """Nested settings go by dotted names, and what is empty is left out."""
    data = {"seed": 0, "method": {"steps": 2, "mix": {"a": 0.5}, "patience": None}, "l": ["x"]}
    assert dict(flat(data)) == {"seed": 0, "method.steps": 2, "method.mix.a": 0.5, "l": '["x"]'}
