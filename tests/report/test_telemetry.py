"""Spans: one per call under its step under the fit, with the conventions' names."""

from __future__ import annotations

import json
import sys
import time

import aiohttp
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode

from langnet import Graph, Inference, Input, Method, Network, Node, fit
from langnet.errors import LangnetError, RequestRejected
from langnet.events import FitStarted, StepStarted
from langnet.guidance import Entry
from langnet.key import Key
from langnet.lm.base import Decoding
from langnet.lm.budget import Budget
from langnet.lm.caller import calling
from langnet.lm.connect import connect
from langnet.lm.meter import Meter
from langnet.report import Telemetry
from langnet.serve import application
from langnet.serve import serving as serving_app
from langnet.testing import TableModel
from tests.lm.server import fault, serving
from tests.test_fit import data, distribution, network

KEYS = [Key(("draw", i)) for i in range(2)]


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


async def test_a_call_is_a_span_with_the_conventions_attributes(exporter, provider):
    """A server's call has its model, provider, address, decoding, tokens and ending."""
    with Telemetry(provider) as telemetry:
        async with (
            serving() as server,
            connect(f"openai:toy@{server.url}", observe=telemetry) as model,
        ):
            before = time.time_ns()
            decoding = Decoding(temperature=0.5, max_tokens=7, stop="\n")
            with calling(node="answer", example="e7", purpose="forward"):
                await model.sample("one two", decoding=decoding, keys=KEYS)
            server.faults.append(fault(404, "no such model"))
            with pytest.raises(RequestRejected):
                await model.sample("one two", decoding=decoding, keys=KEYS[:1])
    good, bad = exporter.get_finished_spans()
    assert (good.name, good.kind) == ("chat toy", SpanKind.CLIENT)
    assert before <= good.start_time <= good.end_time <= time.time_ns()
    found = dict(good.attributes)
    assert found.pop("langnet.queued") >= 0
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "toy",
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.stop_sequences": ("\n",),
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2].removesuffix("/v1")),
        "langnet.node": "answer",
        "langnet.example": "e7",
        "langnet.purpose": "forward",
        "langnet.attempts": 1,
        "langnet.hits": 0,
        "langnet.waited": 0.0,
    }
    assert bad.status.status_code is StatusCode.ERROR
    assert bad.attributes["error.type"] == "RequestRejected"
    known = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    for span in (good, bad):
        assert {name for name in span.attributes if name.startswith("gen_ai.")} <= known


async def test_what_was_said_is_in_a_span_only_where_asked(exporter, provider):
    """Messages are attributes with observe_content=True, in the conventions' form; else none."""
    model = TableModel(lambda context: {"a private answer": 1.0})
    with Telemetry(provider) as telemetry:
        for content in (False, True):
            async with connect(model, observe=telemetry, observe_content=content) as watched:
                await watched.sample("a private context", decoding=Decoding(), keys=KEYS[:1])
                await watched.score("a private context", ["private"], decoding=Decoding())
    *silent, drawn, scored = exporter.get_finished_spans()
    assert "private" not in str([dict(span.attributes) for span in silent])
    assert json.loads(drawn.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "a private context"}]}
    ]
    (answer,) = json.loads(drawn.attributes["gen_ai.output.messages"])
    assert answer["parts"][0]["content"] == "a private answer"
    assert answer["finish_reason"] == "stop"
    assert scored.attributes["langnet.texts"] == ("private",)


@pytest.mark.parametrize("staleness", [0, 1])
async def test_spans_of_a_fit_are_nested(exporter, provider, staleness):
    """Steps are children of the fit, that of the block; every call is in one of them."""
    method = Method(
        steps=2, batch_size=8, candidates=4, staleness=staleness, inference=Inference(draws=3)
    )
    with Telemetry(provider, name="command") as telemetry:
        async with connect(TableModel(distribution), observe=telemetry) as model:
            examples = data(24), data(10, 100)
            await fit(network(), *examples, models=model, method=method, observers=[telemetry])
    spans = exporter.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans}
    assert len({span.context.trace_id for span in spans}) == 1
    (outermost,) = [span for span in spans if span.parent is None]
    (whole,) = [span for span in spans if span.name == "fit"]
    assert outermost.name == "command"
    assert by_id[whole.parent.span_id] is outermost
    assert whole.attributes["langnet.fit.reason"] == "all steps are done"
    steps = [span for span in spans if span.name.startswith("step ")]
    assert [span.name for span in steps] == ["step 1", "step 2"]
    assert all(by_id[span.parent.span_id] is whole for span in steps)
    noted = [event for span in (whole, *steps) for event in span.events]
    assert [event.name for event in noted].count("validated") == 3
    calls = [span for span in spans if span.kind is SpanKind.CLIENT]
    parents = {by_id[span.parent.span_id].name for span in calls}
    assert {"step 1", "step 2"} <= parents <= {"fit", "step 1", "step 2"}
    for call in calls:
        if call.attributes["langnet.purpose"] in {"propose", "score"}:
            assert by_id[call.parent.span_id].name.startswith("step ")


async def test_a_fit_that_ends_early_leaves_no_span_open(exporter, provider):
    """A budget in the middle of a step ends its span and the fit's; an error ends all."""
    meter = Meter()
    with Telemetry(provider) as telemetry:
        async with connect(TableModel(distribution), meter=meter, observe=telemetry) as model:
            method = Method(steps=2, batch_size=8, candidates=4)
            await fit(
                network(),
                *(data(24), data(10, 100)),
                models=model,
                method=method,
                observers=[telemetry],
                meter=meter,
                budget=Budget(calls=60),
            )
    names = [span.name for span in exporter.get_finished_spans() if span.kind is SpanKind.INTERNAL]
    assert names == ["step 1", "fit"]
    exporter.clear()
    telemetry = Telemetry(provider)
    telemetry(FitStarted(0, 2, "likelihood", {}))
    telemetry(StepStarted(1, 2))
    error = RuntimeError("what it says of a prompt")
    telemetry.__exit__(type(error), error, None)
    step, whole = exporter.get_finished_spans()
    assert (step.name, whole.name) == ("step 1", "fit")
    for span in (step, whole):
        assert span.attributes["error.type"] == "RuntimeError"
        assert "prompt" not in str(span.to_json())


def test_it_says_what_to_install(monkeypatch):
    """Without OpenTelemetry the error says how to get it."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(LangnetError, match=r"langnet\[otel\]"):
        Telemetry()


async def test_a_served_request_is_a_span_over_its_calls(exporter, provider):
    """Its parent is the span that the client names, not what is open at the server."""
    graph = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with Telemetry(provider, name="langnet serve") as telemetry:
        async with (
            connect(TableModel(lambda context: {"yes": 1.0}), observe=telemetry) as model,
            Network.open(graph, models=model) as network,
            serving_app(application(network, telemetry=telemetry)) as url,
            aiohttp.ClientSession(headers={"traceparent": f"00-{trace}-{parent}-01"}) as session,
        ):
            body = {"messages": [{"role": "user", "content": "in"}]}
            for path, status in (("/v1/chat/completions", 200), ("/nowhere", 404)):
                async with session.post(f"{url}{path}", json=body) as response:
                    assert response.status == status
    call, served, lost, _ = exporter.get_finished_spans()
    assert (served.name, served.kind) == ("POST /v1/chat/completions", SpanKind.SERVER)
    assert format(served.context.trace_id, "032x") == trace
    assert format(served.parent.span_id, "016x") == parent
    assert call.parent.span_id == served.context.span_id
    assert dict(served.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "one",
    }
    assert (lost.name, lost.attributes["http.response.status_code"]) == ("POST other", 404)


async def test_what_people_say_of_a_fit_is_an_event_of_its_span(exporter, provider):
    """The fit's span tells what kind of guidance was taken or refused, and none of its words."""
    said = [Entry(kind="feedback", text="private"), Entry(kind="unpin", prompt="answer")]
    with Telemetry(provider) as telemetry:
        method = Method(steps=1, batch_size=4, candidates=2)
        await fit(
            network(),
            *(data(8), data(4, 100)),
            models=TableModel(distribution),
            method=method,
            guidance=said,
            observers=[telemetry],
        )
    (whole,) = [span for span in exporter.get_finished_spans() if span.name == "fit"]
    told = [dict(event.attributes) for event in whole.events if event.name == "guidance"]
    assert told == [
        {"langnet.guidance.kind": "feedback", "langnet.guidance.refused": False},
        {"langnet.guidance.kind": "unpin", "langnet.guidance.refused": True},
    ]
    assert "private" not in whole.to_json()
