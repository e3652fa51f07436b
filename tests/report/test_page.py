"""Pages: complete, self-contained, and deaf to what a model wrote."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from langnet import DataError, Function, Graph, GraphError, Input, Method, Node
from langnet.checkpoint import describe
from langnet.cli import main
from langnet.report.page import read_runs, report_page
from langnet.report.page.network import network_of
from langnet.testing import ScriptedModel
from tests.report.runs import ATTACKS, data

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "dln" / "training_traces.json"
published = pytest.mark.skipif(not PUBLISHED.exists(), reason="the published runs are not here")


def index(page):
    """The data of a page that is read at once."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def block(page, number):
    packed = re.search(rf'id="block-{number}">(.*?)</script>', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_a_page_holds_the_whole_run(run):
    """Every candidate and every text of every example can be read back from the page."""
    page = report_page([run])
    (found,) = index(page)
    assert found["steps"] == [1, 2, 3]
    for prompt in found["prompts"]:
        candidates = block(page, prompt["block"])
        for number, step in enumerate(found["steps"]):
            done = json.loads((run / "steps" / f"{step:04d}.json").read_text())
            (choice,) = [one for one in done["selections"] if one["prompt"] == prompt["name"]]
            texts = [candidate["text"] for candidate in choice["candidates"]]
            assert [text for text, *_ in candidates[number]] == texts
    dev = {one["id"]: one for one in found["examples"] if one["part"] == "dev"}
    for step in range(4):
        for line in (run / "validations" / f"{step:04d}.jsonl").read_text().splitlines():
            row = json.loads(line)
            one = dev[row["example"]]
            number, place = one["block"]
            told = block(page, number)[place]
            at = [seen[:2] for seen in one["seen"]].index([step, 1])
            texts = told["moments"][at]["texts"]
            assert {name: told["texts"][n] for name, n in texts.items()} == row["texts"]
            assert one["seen"][at][2] == row["value"]


def test_a_page_asks_for_nothing_and_runs_its_own_script_only(run):
    """No address stands in it, and its policy allows the one script that is there, by digest."""
    page = report_page([run])
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "innerHTML" not in script


def test_what_a_model_wrote_is_escaped(run):
    """Markup in prompts, inputs and outputs stands nowhere in a page as markup."""
    page = report_page([run], title=ATTACKS[0])
    assert all(attack not in page for attack in ATTACKS)
    assert "<title>&lt;script&gt;alert(1)" in page
    assert ATTACKS[0] in json.dumps(index(page))


def test_the_same_run_gives_the_same_page(run):
    """A page holds no time and no order of chance."""
    assert report_page([run]) == report_page([run])


def test_a_run_without_its_texts_or_in_the_midst_has_a_page(run, tmp_path):
    """Traces may be missing, and the batch of a step that is not over is left out."""
    bare = tmp_path / "bare"
    shutil.copytree(run, bare, ignore=shutil.ignore_patterns("*.jsonl"))
    (found,) = index(report_page([bare]))
    assert found["examples"] == []
    assert found["steps"] == [1, 2, 3]
    young = tmp_path / "young"
    shutil.copytree(run, young)
    state = json.loads((young / "state.json").read_text())
    (young / "state.json").write_text(json.dumps({**state, "step": 2}))
    (found,) = index(report_page([young]))
    assert found["steps"] == [1, 2]
    assert all(kind or step < 3 for one in found["examples"] for step, kind, *_ in one["seen"])


def test_what_is_no_run_is_named(run, tmp_path):
    """A directory without a run and a broken line are refused, with the file's name."""
    with pytest.raises(GraphError, match=r"run\.json"):
        report_page([tmp_path])
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (broken / "validations" / "0001.jsonl").write_text('{"example":\n')
    with pytest.raises(GraphError, match=r"0001\.jsonl, line 1"):
        report_page([broken])
    other = tmp_path / "other.json"
    other.write_text('{"a": 1}')
    with pytest.raises(DataError, match=r"other\.json"):
        report_page([other])


def test_infinite_scores_are_shown_not_lost(run, tmp_path):
    """A prompt that scored −∞ has that in the page, whose JSON knows no infinity."""
    directory = tmp_path / "run"
    shutil.copytree(run, directory)
    file = directory / "steps" / "0001.json"
    step = json.loads(file.read_text())
    step["selections"][0]["candidates"][1]["score"] = float("-inf")
    file.write_text(json.dumps(step))
    page = report_page([directory])
    (prompt, *_) = index(page)[0]["prompts"]
    assert block(page, prompt["block"])[0][1][2] == "−∞"


def test_a_network_that_cannot_be_saved_is_drawn_all_the_same(tmp_path):
    """Without its file a network is drawn from what the run says, functions and plates included."""
    graph = Graph(
        Input("text"),
        Node("view", "{prompt}\n{text}", "Look.", draws=3),
        Function("vote", lambda view: view[0]),
        Node("answer", "{prompt}\n{vote}", "Say.", choices=("a", "b")),
    )
    model = ScriptedModel({})
    about = json.loads(
        json.dumps(
            describe(
                graph, 0, train=data(1), dev=data(1), models=model, proposer=model, method=Method()
            )
        )
    )
    found = network_of(tmp_path, about, "net")
    assert found.order == graph.order
    assert found.structure.axes == graph.structure.axes
    assert found.prompts == graph.prompts


def test_the_command_says_where_the_page_is(run, tmp_path, monkeypatch):
    """A page goes beside its run, several to the current directory, or where one says."""
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    call = CliRunner().invoke
    result = call(main, ["report", "copy", "--json"])
    assert json.loads(result.stdout) == {"page": "copy/report.html", "runs": ["copy"]}
    assert (copy / "report.html").is_file()
    assert call(main, ["report", "copy", str(run)]).exit_code == 0
    assert "2 runs compared" in (tmp_path / "report.html").read_text()
    assert call(main, ["report", "copy", "-o", "here.html"]).exit_code == 0
    assert (tmp_path / "here.html").is_file()
    assert call(main, ["report", str(tmp_path)]).exit_code == 1


@published
def test_published_runs_are_replayed():
    """Each prompt that a published step ends with is the candidate that it chose."""
    runs = read_runs([PUBLISHED])
    training = json.loads(PUBLISHED.read_text())
    assert [run.name for run in runs] == list(training)
    for run in runs:
        assert len(run.steps) == len(training[run.name]["training"]) - 1
        for step in run.steps:
            for choice in step.choices:
                # What one layer ended with is cut short on record.
                layers = training[run.name]["training"][step.number]["layers"]
                taken = choice.candidates[choice.chosen]
                assert taken.text.startswith(layers[list(run.initial).index(choice.prompt)])
                assert taken.score == max(one.score for one in choice.candidates)
        assert len(run.stories) == len(training[run.name]["examples"])
    assert report_page([PUBLISHED]).count("<article") == len(runs)
