"""Trackers, each read back as its own service reads it; what is not installed is skipped."""

from __future__ import annotations

import json
import logging
import threading
from math import inf

import pytest

from langnet.errors import LangnetError
from langnet.events import FitFinished, FitStarted, StepFinished, Validated
from langnet.lm.meter import MeterReading
from langnet.report.trackers import Logging, MLflow, TensorBoard, Tracker, WandB
from tests.report.runs import ATTACKS, fitted

TEXT = f"Say it.\n# {ATTACKS[1]}"
EVENTS = (
    FitStarted(0, 2, "likelihood", {"answer": "Say."}),
    StepFinished(
        *(1, 2, -0.5, -0.75, 0.25, ("answer",), 1.5, MeterReading(prompt_tokens=7, score_calls=3)),
        calls=3,
        prompts={"answer": TEXT},
    ),
    Validated(1, 0.5, 0.5, is_best=True),
    FitFinished(1, 0.5, "all steps are done", {"answer": TEXT}),
)
LATER = (
    FitStarted(1, 2, "likelihood", {"answer": TEXT}),
    StepFinished(2, 2, -0.25, None, 0.75, (), 1.0, None, prompts={"answer": TEXT}),
    FitFinished(2, 0.75, "all steps are done", {"answer": TEXT}),
)


class Noted(Tracker):
    """Keeps what it is told; waits and fails where it is asked to."""

    service = "Noted"

    def __init__(self, *, fails=None, gate=None, **settings):
        super().__init__(**settings)
        self.told = []
        self.fails, self.gate = fails, gate

    def _begin(self, step, config):
        self.told.append(("begin", step, dict(config)))

    def _log(self, logged):
        if self.gate is not None:
            self.gate.wait(20)
        if self.fails is not None:
            raise self.fails
        self.told.append(logged)

    def _keep(self, path):
        self.told.append(("keep", path.name))

    def _end(self, *, failed):
        self.told.append(("end", failed))


def tell(tracker, events=EVENTS, keep=None):
    with tracker:
        for event in events:
            tracker(event)
        if keep is not None:
            tracker.keep(keep)


def test_events_become_numbers_and_texts():
    """Each name has its value; what is unknown or infinite is no number."""
    logging_ = Logging()
    start, step, validated, end = map(logging_, EVENTS)
    assert start.texts == {"prompt/answer": "Say."}
    assert step.texts == {"prompt/answer": TEXT}
    assert step.numbers == {
        "step/score": -0.5,
        "step/log_evidence": -0.75,
        "step/metric": 0.25,
        "step/changed": 1.0,
        "step/seconds": 1.5,
        "step/calls": 3.0,
        "step/raced": 0.0,
        "step/tokens": 7.0,
        "step/cost": 0.0,
    }
    assert validated.numbers == {"dev/metric": 0.5, "dev/best": 0.5}
    assert end.texts == {"best/answer": TEXT, "ended": "all steps are done"}
    reading = MeterReading(prompt_tokens=9, unpriced_tokens=2)
    later = logging_(StepFinished(2, 2, -inf, None, 0.5, (), 1.0, reading))
    assert later.numbers["step/tokens"] == 2.0
    assert not {"step/score", "step/log_evidence", "step/cost"} & set(later.numbers)


async def test_a_fit_is_told_in_order(tmp_path):
    """Every step, validation and prompt of a real fit comes, then the files, then the end."""
    with Noted(config={"seed": 3}) as tracker:
        found = await fitted(tmp_path / "run", observers=[tracker], traces=False)
        tracker.keep(tmp_path / "run" / "state.json")
    begin, first, *logged, keep, end = tracker.told
    assert (begin, keep, end) == (("begin", 0, {"seed": 3}), ("keep", "state.json"), ("end", False))
    assert first.texts == {"prompt/notes": "Note it.", "prompt/answer": "Say what it is."}
    assert [one.step for one in logged if "step/score" in one.numbers] == [1, 2, 3]
    assert [one.step for one in logged if "dev/metric" in one.numbers] == [0, 1, 2, 3]
    now = {}
    for one in (first, *logged):
        now |= {name: text for name, text in one.texts.items() if name.startswith("prompt/")}
    assert now == {f"prompt/{name}": text for name, text in found.state.prompts.items()}
    best = {f"best/{name}": text for name, text in found.state.best.items()}
    assert logged[-1].texts == {**best, "ended": found.reason}


def test_one_that_fails_says_so_once_and_no_secret(caplog, monkeypatch):
    """The fit's own thread never sees the failure; keys and passwords are not in what is said."""
    monkeypatch.setenv("WANDB_API_KEY", "sk-very-secret")
    fault = ConnectionError("no sk-very-secret at\nhttp://me:secret@host/")
    with caplog.at_level(logging.WARNING):
        tell(Noted(fails=fault))
    (record,) = caplog.records
    said = record.getMessage()
    assert said == (
        "Noted is told no more of this fit, which goes on: "
        "ConnectionError: no [key] at http://host/"
    )


def test_one_that_hangs_is_left_behind(caplog):
    """Events never wait for a service, and the end waits no longer than it may."""
    gate = threading.Event()
    with caplog.at_level(logging.WARNING):
        tell(Noted(gate=gate, patience=0.01))
    gate.set()
    assert "Noted has not taken all that it was told within 0.01 seconds" in caplog.text


def test_a_missing_package_is_named(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for make, extra in ((TensorBoard, "tensorboard"), (WandB, "wandb"), (MLflow, "mlflow")):
        with pytest.raises(LangnetError, match=rf"langnet\[{extra}\]"):
            make("there")


def test_tensorboard_reads_what_is_written(tmp_path):
    """Curves and prompts are in the event files; a resumed fit hides what came after its step."""
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    def events():
        for file in sorted((tmp_path / "fit").iterdir(), key=lambda file: file.stat().st_mtime_ns):
            data = file.read_bytes()
            while data:
                # A record is its length, a checksum of that, the event, and a checksum of it.
                size = int.from_bytes(data[:8], "little")
                yield Event.FromString(data[12 : 12 + size])
                data = data[16 + size :]

    tell(TensorBoard(tmp_path, name="fit", config={"seed": 3}), keep=tmp_path)
    found = [(event.step, value) for event in events() for value in event.summary.value]
    numbers = {(step, value.tag): value.simple_value for step, value in found}
    assert numbers[1, "step/score"] == -0.5
    assert numbers[1, "dev/metric"] == 0.5
    texts = {
        (step, value.tag.removesuffix("/text_summary")): value.tensor.string_val[0].decode()
        for step, value in found
        if value.tensor.string_val
    }
    assert texts[0, "prompt/answer"] == "    Say."
    assert texts[1, "prompt/answer"].splitlines() == [f"    {line}" for line in TEXT.splitlines()]
    assert texts[0, "config"] == "    seed: 3"
    tell(TensorBoard(tmp_path, name="fit"), LATER)
    starts = [event.step for event in events() if event.session_log.status == SessionLog.START]
    assert starts == [2]


def test_mlflow_reads_what_is_written(tmp_path):
    """Curves, parameters, prompts and files are in the store; one id is one run."""
    pytest.importorskip(
        "mlflow", reason="MLflow is not installed; docs/observability.md says what ran"
    )
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'store.db'}"
    client = MlflowClient(uri)
    client.create_experiment("weather", artifact_location=(tmp_path / "files").as_uri())
    settings = {"uri": uri, "name": "first", "id": "abc"}
    tell(MLflow("weather", config={"seed": 3}, **settings), keep=__file__)
    tell(MLflow("weather", config={"seed": 4, "new": 1}, **settings), LATER)
    (run,) = client.search_runs([client.get_experiment_by_name("weather").experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert run.data.params == {"seed": "3", "new": "1"}
    history = client.get_metric_history(run.info.run_id, "step/score")
    assert [(one.step, one.value) for one in history] == [(1, -0.5), (2, -0.25)]
    assert (tmp_path / "files" / run.info.run_id / "artifacts" / "test_trackers.py").is_file()
    prompt = tmp_path / "files" / run.info.run_id / "artifacts" / "prompt/answer/0001.txt"
    assert prompt.read_text() == TEXT


def test_wandb_writes_offline(tmp_path, monkeypatch):
    """Curves and prompts are in the run's local file, which holds no command line and no key."""
    wandb = pytest.importorskip(
        "wandb", reason="wandb is not installed; docs/observability.md says what ran"
    )
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    tracker = WandB("weather", directory=tmp_path, name="first", id="abc", config={"seed": 3})
    tell(tracker, keep=__file__)
    wandb.teardown()  # as at the end of a program: what W&B's own process holds is written
    (folder,) = (tmp_path / "wandb").glob("offline-run-*-abc")
    (file,) = folder.glob("*.wandb")
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for word in (b"step/score", b"-0.5", b"weather", b"first", b"seed"):
        assert word in file.read_bytes()
    assert b"0123456789" * 2 not in data
    assert b"test_trackers.py" in file.read_bytes()
    tables = [json.loads(path.read_text()) for path in folder.rglob("*.table.json")]
    assert [1, "prompt/answer", TEXT] in max((table["data"] for table in tables), key=len)


def test_wandb_wants_a_login_before_the_fit(monkeypatch, tmp_path):
    """Where nobody is logged in the error says what to do, and nobody is asked meanwhile."""
    wandb = pytest.importorskip(
        "wandb", reason="wandb is not installed; docs/observability.md says what ran"
    )
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    wandb.teardown()  # settings are read once
    with pytest.raises(LangnetError, match="WANDB_MODE=offline"):
        WandB("weather")
    wandb.teardown()
