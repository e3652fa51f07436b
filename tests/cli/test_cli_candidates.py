"""`langnet fit --candidates-from`: resumed, and run again from the manifest."""

from __future__ import annotations

import json


def test_a_list_survives_resuming_and_is_in_the_manifest(folder, call, fit_options):
    """A fit that goes on takes no text twice; one run again needs the file no more."""
    (folder / "list.txt").write_text("Be warm, be warm.\nBe cold.\n")
    options = ("net.py", *fit_options, "--no-traces", "--candidates-from", "list.txt")
    found = call("fit", *options, "--out", "run", "--steps", 1)
    assert found.exit_code == 0, found.stderr
    assert "2 for answer" in found.stderr
    assert call("fit", *options, "--out", "run", "--steps", 2, "--resume").exit_code == 0
    lines = (folder / "run" / "guidance.jsonl").read_text().splitlines()
    assert [json.loads(line)["by"] for line in lines] == ["list.txt"] * 2
    step = json.loads((folder / "run" / "steps" / "0001.json").read_text())
    (choice,) = step["selections"]
    origins = [one["origin"] for one in choice["candidates"]]
    assert origins.count("list") == 2
    (folder / "list.txt").unlink()
    again = call("fit", "--from-manifest", "run/manifest.json", "--out", "again")
    assert again.exit_code == 0, again.stderr
    assert "the same as the manifest's" in again.stdout
