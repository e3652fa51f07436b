"""`langnet fit --from-manifest` and `--seeds`: fits run again, and with several seeds."""

from __future__ import annotations

import json
import math
from statistics import fmean, stdev

import pytest
from scipy.stats import t

from langnet.cli.fit_again import deciding
from langnet.manifest import digest


@pytest.fixture
def fit_options(fit_options):
    """Options of a fit of one step, which these tests do again and again."""
    sizes = ("--train-size", 8, "--dev-size", 4, "--test-size", 8)
    return (*fit_options, *sizes, "--steps", 1, "--candidates", 2)


@pytest.fixture
def recorded(folder, call, fit_options):
    """A fit that has been done, with its manifest in m.json; gives the manifest."""
    result = call("fit", "net.py", *fit_options, "--out", "first", "--manifest", "m.json")
    assert result.exit_code == 0, result.stderr
    assert (folder / "m.json").read_bytes() == (folder / "first" / "manifest.json").read_bytes()
    return json.loads((folder / "m.json").read_text())


def test_a_manifest_holds_what_decided_the_numbers(folder, recorded, fit_options):
    """Arguments as typed but for places, the run, the network, versions, digests and the cost."""
    assert recorded["arguments"] == ["net.py", *map(str, fit_options)]
    assert recorded["run"] == {
        name: value
        for name, value in json.loads((folder / "first" / "run.json").read_text()).items()
        if name != "format"
    }
    result = json.loads((folder / "first" / "result.json").read_text())
    assert recorded["result"] == {"digest": digest(result), **result}
    assert recorded["network"]["format"] == "langnet-graph/1"
    assert recorded["cost"] == json.loads((folder / "first" / "cost.json").read_text())


def test_a_fit_comes_out_the_same_again(folder, call, recorded):
    """The same arguments give the same bytes, in a directory of their own, and it is said."""
    result = call("fit", "--from-manifest", "m.json", "--cache", "none", "--debug")
    assert result.exit_code == 0, result.stderr
    assert "the same as the manifest's, byte for byte" in result.stdout
    again = folder / "runs" / "net-weather-seed0-again"
    first = folder / "first" / "result.json"
    assert (again / "result.json").read_bytes() == first.read_bytes()
    written = json.loads((again / "manifest.json").read_text())
    assert written["run"] == recorded["run"]
    assert written["arguments"] == [*recorded["arguments"], "--cache", "none"]


def test_json_says_whether_it_is_the_same(folder, call, recorded):
    """With --json the document says so as well."""
    result = call("fit", "--from-manifest", "m.json", "--out", "again", "--json")
    assert json.loads(result.stdout)["manifest"] == {"same": True, "differences": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "cannot be loaded"),
        (
            lambda path: path.write_text(path.read_text().replace("Answer:", "So:")),
            "not what it was",
        ),
        (lambda path: path.write_text("1 / 0\n"), "division by zero"),
    ],
    ids=["gone", "changed", "broken"],
)
def test_the_network_comes_from_the_manifest_where_it_must(folder, call, recorded, change, said):
    """A source that is gone or has changed does not keep a fit from being run again."""
    change(folder / "net.py")
    result = call("fit", "--from-manifest", "m.json", "--out", "again")
    assert result.exit_code == 0, result.stderr
    assert said in result.stderr
    assert "byte for byte" in result.stdout


def test_what_makes_it_another_fit_is_refused(folder, call, recorded):
    """Other data are no reproduction: nothing is begun, and it is said what differs."""
    data = folder / "weather.jsonl"
    data.write_text(data.read_text().replace("snow", "hail"))
    result = call("fit", "--from-manifest", "m.json", "--out", "again")
    assert result.exit_code == 1
    assert "train: " in result.stderr
    assert "not the fit of the manifest" in result.stderr
    assert not (folder / "again").exists()


def test_another_network_without_a_copy_is_refused(folder, call, recorded):
    """Where the manifest holds no network, a changed one is another fit."""
    (folder / "m.json").write_text(json.dumps({**recorded, "network": None}))
    (folder / "net.py").write_text((folder / "net.py").read_text().replace("Answer:", "So:"))
    result = call("fit", "--from-manifest", "m.json", "--out", "again")
    assert result.exit_code == 1
    assert "graph: " in result.stderr


def test_another_model_is_told_and_where_the_result_differs(folder, call, recorded, toy):
    """A fit may be run with another model: it is noted, and so is what came out otherwise."""
    spec = toy.spec.replace("openai:toy@", "openai:other@")
    result = call("fit", "--from-manifest", "m.json", "--model", spec, "--out", "again")
    assert result.exit_code == 0, result.stderr
    assert "Unlike the manifest: the model 'default'" in result.stderr
    assert "The result is not the manifest's:" in result.stdout
    assert "models.default: " in result.stdout
    written = json.loads((folder / "again" / "manifest.json").read_text())["arguments"]
    assert written.count("--model") == 1
    assert spec in written


def test_a_recorded_fit_takes_no_other_arguments(folder, call, recorded):
    """What would make it another fit may not stand beside the manifest."""
    for more in (("net.py",), ("--steps", 4), ("--seed", 1), ("--seeds", "1,2"), ("--baselines",)):
        result = call("fit", "--from-manifest", "m.json", *more)
        assert result.exit_code == 2
        assert "--from-manifest runs a fit with the arguments that it had" in result.stderr


def test_a_network_or_a_manifest_is_needed(folder, call):
    """Without either there is nothing to fit."""
    result = call("fit")
    assert result.exit_code == 2
    assert "--from-manifest FILE" in result.stderr


def test_arguments_lose_places_and_passwords():
    """What decides nothing is not recorded, in either spelling, and no secret is."""
    given = ["net.py", "--out", "a", "--manifest=b", "--json", "--resume", "--steps", "3"]
    assert deciding(given) == ("net.py", "--steps", "3")
    assert deciding(["net.py", "--view", "plain", "-q", "--quiet"]) == ("net.py",)
    assert deciding(["--model", "openai:m@http://me:pw@host/v1"]) == (
        "--model",
        "openai:m@http://host/v1",
    )
    assert deciding(["--seeds", "1,2", "--seed", "3"], without=("seeds",)) == ("--seed", "3")


def test_each_seed_is_the_fit_that_it_would_be_alone(folder, call, fit_options):
    """Every seed has a run directory, the table its gain, and the mean is over seeds."""
    result = call("fit", "net.py", *fit_options, "--seeds", "5,3", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    call("fit", "net.py", *fit_options, "--seed", 3, "--out", "alone")
    run = folder / "runs" / "net-weather-seed3"
    alone = folder / "alone" / "result.json"
    assert (run / "result.json").read_bytes() == alone.read_bytes()
    manifests = [
        json.loads((place / "manifest.json").read_text()) for place in (run, folder / "alone")
    ]
    assert manifests[0]["arguments"] == manifests[1]["arguments"]
    assert [found["seed"] for found in document["seeds"]] == [5, 3]
    gains = [found["test"]["gain"]["mean"] for found in document["seeds"]]
    mean = document["mean"]["gain"]
    assert mean["mean"] == pytest.approx(fmean(gains))
    half = t.ppf(0.975, 1) * stdev(gains) / math.sqrt(2)
    assert mean["high"] - mean["mean"] == pytest.approx(half)
    assert mean["n"] == 2


def test_the_table_tells_each_seed_and_the_mean(folder, call, fit_options):
    """On a terminal there is a row per seed; --out names the folder of all."""
    result = call("fit", "net.py", *fit_options, "--seeds", "0,1", "--out", "all")
    assert result.exit_code == 0, result.stderr
    assert "mean" in result.stdout
    assert {path.name for path in (folder / "all").iterdir()} == {"seed0", "seed1"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--seeds", "1,x"), "no list of whole numbers"),
        (("--seeds", "1,1"), "names a seed twice"),
        (("--seeds", "1,2", "--seed", "0"), "either --seed or --seeds"),
    ],
)
def test_wrong_seeds_are_told(folder, call, fit_options, given, said):
    """Mistakes in --seeds are wrong usage."""
    result = call("fit", "net.py", *fit_options, *given)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
