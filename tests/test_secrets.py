"""No secret gets out: whatever a fit leaves, says or raises, the API key is not in it."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import traceback
from collections import deque

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langnet import Decoding, Key, Method, fit
from langnet.errors import LangnetError
from langnet.lm.connect import connect
from langnet.lm.meter import Meter
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries
from langnet.report import JsonLines, Telemetry, cost_data, parts_of
from tests.cli.conftest import call, data, fit_options, folder, toy
from tests.lm.server import fault, raw, reset, serving, told
from tests.test_fit import data as examples
from tests.test_fit import network

__all__ = ["call", "data", "fit_options", "folder", "toy"]  # fixtures

SECRET = "sk-planted-7d41c0a9f3e84b52"  # noqa: S105 - made up: nothing may repeat it
OTHER = "sk-another-19aa5c77d2e04f61"
KEYS = [Key(("draw", i)) for i in range(2)]


@pytest.fixture(autouse=True)
def planted(monkeypatch, caplog):
    """The key stands in the environment, and everything is logged."""
    monkeypatch.setenv("PLANTED_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)
    with caplog.at_level(logging.DEBUG):
        yield
    assert SECRET not in caplog.text
    assert OTHER not in caplog.text


def leaks(*parts):
    """Where a key is in what is given."""
    return [part for part in map(str, parts) if SECRET in part or OTHER in part]


def leaking_files(directory):
    """The files that hold a key, and how many there are."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    secrets = [SECRET.encode(), OTHER.encode()]
    return [path for path in files if any(s in path.read_bytes() for s in secrets)], len(files)


def all_of(error):
    """All that can be seen of an error: its words, notes, chain, frames with their variables."""
    # The first frame is the test's, which knows the key.
    error.__traceback__ = error.__traceback__.tb_next
    seen = traceback.TracebackException.from_exception(error, capture_locals=True)
    pickled = pickle.dumps((type(error), error.args, vars(error)))
    return ["".join(seen.format()), repr(error), str(error), repr(pickled), repr(vars(error))]


def test_a_fit_with_everything_on_leaves_no_key(folder, call, fit_options, toy):
    """Run directory, cache, log, report and messages of the command line hold no key."""
    toy.refuse = "hard 27"
    spec = toy.spec + "&key_env=PLANTED_KEY"
    options = [spec if option == toy.spec else option for option in fit_options]
    log = ("--log", "calls.jsonl", "--log-content", "--otel")
    track = ("--track", "tensorboard:logs")
    run = (*options, "--out", "run", "--max-failures", 0.5, "--debug", *log, *track)
    shown = call("fit", "net.py", *run, "--baselines")
    assert shown.exit_code == 0, shown.stderr
    assert toy.keys
    assert set(toy.keys) == {f"Bearer {SECRET}"}  # it was sent
    as_json = call("fit", "net.py", *run, "--out", "again", "--json")
    assert as_json.exit_code == 0, as_json.stderr
    test = ("--data", "weather.jsonl", "--labels", "1=hot,0=icy", "--model", spec)
    evaluated = call("eval", "net.py", *test, "--max-failures", 0.5, "--json", *log)
    assert json.loads(evaluated.stdout)["failures"]
    toy.refuse = "sun"
    failed = call("eval", "net.py", *test, "--max-failures", 0, "--debug", *log)
    assert failed.exit_code == 1
    assert "is refused" in failed.stderr
    refused = call("eval", "net.py", *test[:-1], spec + "&nonsense=1", "--debug")
    assert refused.exit_code == 2
    results = (shown, as_json, evaluated, failed, refused)
    assert not leaks(*(result.stdout + result.stderr for result in results))
    lines = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    kinds = {line["event"] for line in lines}
    assert {"CallFinished", "FitStarted", "StepFinished", "FitFinished"} <= kinds
    errors = [line["message"] for line in lines if line.get("error")]
    assert errors
    assert all("Bearer [key]" in message for message in errors)
    found, number = leaking_files(folder)
    assert not found
    assert number > 15
    assert json.loads((folder / "run" / "live.json").read_text())["status"] == "finished"


async def test_spans_and_documents_of_a_fit_hold_no_key(tmp_path):
    """The same from Python, with spans, over a server that fails in every way on the way."""
    exporter, meter = InMemorySpanExporter(), Meter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    events = []
    async with serving(tops=True, top={"hot": -0.4, "icy": -1.2}) as server:
        echo = f"you sent Bearer {SECRET}"
        server.faults = deque([None, fault(500, echo), fault(429, echo), raw(echo), reset] * 3)
        spec = f"openai:toy@{server.url}?choose=1&key_env=PLANTED_KEY"
        with JsonLines(tmp_path / "log.jsonl", content=True) as log, Telemetry(provider) as spans:

            def observe(event):
                events.append(event)
                log(event)
                spans(event)

            async with connect(
                spec,
                meter=meter,
                cache=tmp_path / "cache",
                retries=Retries(first_wait=0.0),
                observe=observe,
                observe_content=True,
            ) as model:
                fitted = await fit(
                    network(),
                    examples(12),
                    examples(6, 100),
                    models=model,
                    method=Method(steps=1, batch_size=4, candidates=2, concurrency=2),
                    directory=tmp_path / "run",
                    observers=[observe],
                    meter=meter,
                    plan=True,
                )
                stack = repr(model), repr(vars_of(model))
        assert set(server.keys) == {f"Bearer {SECRET}"}
    assert meter.snapshot().retries > 3
    spans_json = [span.to_json() for span in exporter.get_finished_spans()]
    provider.shutdown()
    assert len(spans_json) > 20
    document = cost_data(meter.snapshot(), 1.0, parts=parts_of(meter))
    assert not leaks(*spans_json, document, repr(fitted), *map(repr, events), repr(meter), *stack)
    found, number = leaking_files(tmp_path)
    assert not found
    assert number >= 5


def vars_of(model):
    """What is held by a model and all that it is made of."""
    found = []
    while model is not None:
        names = [name for kind in type(model).__mro__ for name in getattr(kind, "__slots__", ())]
        found.append(
            {name: getattr(model, name, None) for name in names} | getattr(model, "__dict__", {})
        )
        model = getattr(model, "model", None)
    return found


@pytest.mark.parametrize(
    "trouble",
    [
        fault(400, f"Bearer {SECRET}"),
        fault(401, f"the key {SECRET} is wrong"),
        fault(429, SECRET),
        fault(503, SECRET, retry_after="999"),
        fault(307, SECRET, location=f"http://example.invalid/{SECRET}?key={SECRET}"),
        raw(f"<html>{SECRET}</html>"),
        raw(f"<html>{SECRET}</html>", status=502),
        raw("x" * 490 + SECRET),
        told({"error": {"message": SECRET, "code": 500}}),
        told({"error": SECRET}),
        told({"choices": [{"message": {"content": {"text": SECRET}}}]}),
        told({"choices": SECRET}),
        told([SECRET]),
        reset,
    ],
)
async def test_no_error_holds_the_key_nor_what_hangs_on_it(trouble):
    """Whatever a server answers, neither words, notes, causes, frames nor pickles have the key."""
    async with serving() as server:
        server.faults.extend([trouble] * 4)
        spec = f"openai:toy@{server.url}?key_env=PLANTED_KEY"
        retries = Retries(attempts=2, first_wait=0.0)
        async with connect(spec, retries=retries, cache=None) as model:
            with pytest.raises(LangnetError) as caught:
                await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert server.keys[0] == f"Bearer {SECRET}"
    assert not leaks(*all_of(caught.value))


async def test_no_connection_holds_no_key(tmp_path):
    """A server that is not there is told of without the key."""
    async with serving() as server:
        url = server.url
    for spec in (
        f"openai:toy@{url}?key_env=PLANTED_KEY",
        f"openai:toy@{url.replace('http', 'https')}?key_env=PLANTED_KEY",
    ):
        async with connect(spec, retries=None) as model:
            with pytest.raises(LangnetError) as caught:
                await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert not leaks(*all_of(caught.value))


def test_a_model_that_cannot_be_made_shows_no_key():
    """What is wrong with a model's arguments is said without its key."""
    for arguments in (
        {"endpoint": "nowhere"},
        {"base_url": "ftp://example.invalid"},
        {"api_key": f"{SECRET} \N{SNOWMAN}"},
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            OpenAIModel("toy", **{"api_key": SECRET, **arguments})
        assert not leaks(*all_of(caught.value))


def test_the_key_in_this_test_would_be_found(tmp_path):
    """The search finds a key in files and in errors, so that it can fail."""
    (tmp_path / "leak").write_text(f"x{SECRET}x")
    assert leaking_files(tmp_path) == ([tmp_path / "leak"], 1)

    def fail():
        held = os.environ["PLANTED_KEY"]
        raise ValueError(len(held))

    with pytest.raises(ValueError, match="27") as caught:
        fail()
    assert leaks(*all_of(caught.value))
    assert leaks(io.StringIO(OTHER).getvalue())
