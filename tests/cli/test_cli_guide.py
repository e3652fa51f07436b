"""`langnet guide`: what is said of a run, and how it is shown, taken and replayed."""

from __future__ import annotations

import json

import pytest

from langnet.guidance import FILE, Guidance


@pytest.fixture
def small(fit_options):
    """Options of a fit of one step."""
    sizes = ("--train-size", 8, "--dev-size", 4, "--test-size", 8)
    return ("fit", "net.py", *fit_options, *sizes, "--candidates", 2, "--out", "run", "--steps")


@pytest.fixture
def run(folder, call, small):
    """A run directory of a fit that has done one step."""
    result = call(*small, 1)
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def test_what_is_said_is_taken_shown_and_replayed(folder, call, small, run):
    """The resumed fit takes it, says so and ships the pin; its manifest leads to the same again."""
    shown = json.loads((run / "examples.jsonl").read_text().splitlines()[0])["example"]
    wanted = Guidance.at(run)
    assert "Nobody has said anything" in call("guide", "run").stdout
    for said in (
        ("rate", shown, "bad", "--because", "It is warm."),
        ("feedback", "Be short."),
        ("candidate", "answer", "warm warm"),
        ("propose", "1", "--prompt", "answer"),
        ("ban", "answer", "alpha"),
        ("pin", "answer", "Say which it is, warm or cold."),
        ("pause",),
        ("resume",),
    ):
        result = call("guide", "run", *said, "--by", "me")
        assert result.exit_code == 0, result.stderr
    rating = wanted.entries()[0]
    rows = (run / "validations" / "0001.jsonl").read_text() + (
        run / "steps" / "0001.traces.jsonl"
    ).read_text()
    texts = [row["texts"] for row in map(json.loads, rows.splitlines()) if row["example"] == shown]
    assert rating.output in [text["answer"] for text in texts]
    assert (rating.node, rating.good, rating.by) == ("answer", False, "me")
    result = call("guide", "run")
    assert "not yet" in result.stdout
    assert result.stderr == "The fit is finished; 1 of 1 step done.\n"
    result = call("guide", "run", "unpin", "answer", "--json")
    # It is taken one step later, for there is nothing left to fit while it is pinned.
    entry = json.loads(result.stdout)
    assert entry["kind"] == "unpin"

    result = call(*small, 3, "--resume")
    assert result.exit_code == 0, result.stderr
    assert "guidance before step 2: pin for answer" in result.stderr
    told = json.loads(call("guide", "run", "--json").stdout)
    assert [item["step"] for item in told] == [1] * 9
    assert all(item["taken"] and item["refused"] is None for item in told)
    assert "before step 2" in call("guide", "run").stdout

    manifest = json.loads((run / "manifest.json").read_text())
    assert [entry["kind"] for entry in manifest["guidance"]] == [item["kind"] for item in told]
    assert not any({"by", "at"} & set(entry) for entry in manifest["guidance"])
    again = call("fit", "--from-manifest", "run/manifest.json", "--out", "again")
    assert "the same as the manifest's, byte for byte" in again.stdout, again.stdout
    replayed = Guidance.at(folder / "again").entries()
    assert {entry.kind for entry in replayed}.isdisjoint({"pause", "resume"})
    assert (folder / "again/prompts.yaml").read_bytes() == (run / "prompts.yaml").read_bytes()


def test_a_stopped_fit_says_how_to_go_on_and_is_stopped_again(folder, call, small, run):
    """A fit that ended by a person's word ends so when it is run again, and comes out the same."""
    assert call("guide", "run", "stop").exit_code == 0
    result = call(*small, 2, "--resume")
    assert "stopped by guidance" in result.stdout
    assert "Go on with: langnet fit net.py" in result.stderr
    again = call("fit", "--from-manifest", "run/manifest.json", "--out", "again")
    assert "byte for byte" in again.stdout


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        (("pin", "anwser"), "it fits shared, answer"),
        (("feedback", "Hm.", "--prompt", "x"), "it fits shared, answer"),
        (("rate", "weather:999", "good"), "holds the ids of all"),
        (("rate", "weather:999", "good", "--output", "hot"), "holds the ids of all"),
        (("rate", "weather:1", "good", "--node", "text"), "rate one of vote, answer"),
        (("candidate", "answer", "  "), "must say its text"),
        (("ban", "answer", "@nowhere.txt"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_at_once(folder, call, made_up, said, mend):
    """What the run does not know is told with the mend, and nothing is written."""
    result = call("guide", made_up, *said)
    assert result.exit_code in {1, 2}
    assert mend in result.stderr
    assert not (made_up / FILE).exists()


def test_a_rating_finds_the_latest_texts(call, made_up):
    """The latest text of the node and what its parents said go with a rating, on plates too."""
    assert call("guide", made_up, "rate", "weather:1", "good").exit_code == 0
    assert call("guide", made_up, "rate", "weather:1", "bad", "--node", "vote").exit_code == 1
    chosen = ("--node", "vote", "--output", "second")
    assert call("guide", made_up, "rate", "weather:1", "bad", *chosen).exit_code == 0
    older = ("--node", "vote", "--output", "said long ago")
    assert call("guide", made_up, "rate", "weather:1", "bad", *older).exit_code == 0
    found = [(item.output, item.texts) for item in Guidance.at(made_up).entries()]
    assert found == [
        ("new", {"vote": "('first', 'second')"}),
        ("second", {"idea": "two"}),
        ("said long ago", {}),
    ]


def test_without_texts_a_rating_says_what_it_is_about(call, made_up):
    """Where a run keeps no texts, or none of the example yet, the rated text has to be given."""
    result = call("guide", made_up, "rate", "weather:2", "good")
    assert "has not seen" in result.stderr
    assert call("guide", made_up, "rate", "weather:2", "good", "--output", "x").exit_code == 0
    for path in (*made_up.glob("*/*.jsonl"), made_up / "examples.jsonl"):
        path.unlink()
    assert "--no-traces" in call("guide", made_up, "rate", "weather:1", "good").stderr
    assert call("guide", made_up, "rate", "weather:1", "good", "--output", "x").exit_code == 0


@pytest.fixture
def made_up(folder):
    """A run directory with the records of a network with a plate, written by hand."""
    node = {"template": "{prompt}", "trainable": True}
    graph = {
        "order": ["text", "idea", "vote", "answer"],
        "parents": {"idea": ["text"], "vote": ["text", "idea"], "answer": ["vote"]},
        "outputs": ["answer"],
        "target": "answer",
        "nodes": {
            "idea": {**node, "trainable": False, "prompt": ""},
            "vote": {**node, "prompt": {"name": "shared", "text": "Vote."}},
            "answer": {**node, "prompt": "Answer."},
        },
    }
    path = folder / "made-up"
    for name in ("steps", "validations"):
        (path / name).mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"graph": graph}))
    examples = [{"example": f"weather:{number}", "part": "train"} for number in (1, 2)]
    lines = "".join(json.dumps(row) + "\n" for row in examples)
    (path / "examples.jsonl").write_text(lines)
    for file, answer in [
        ("steps/0001.traces.jsonl", "old"),
        ("validations/0000.jsonl", "older"),
        ("validations/0001.jsonl", "new"),
    ]:
        texts = {"idea": ["one", "two"], "vote": ["first", "second"], "answer": answer}
        row = {"example": "weather:1", "value": 1.0, "texts": texts}
        (path / file).write_text(json.dumps(row) + "\n")
    return path
