"""A server that misbehaves in every way, over real sockets: nothing is lost, all is counted."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import anyio
import anyio.lowlevel
import pytest

from langnet import Example, Graph, Input, Key, Node, Program
from langnet.errors import DeadlineExceeded, RateLimited, RequestRejected, TransientError
from langnet.lm.base import Decoding
from langnet.lm.budget import Budget
from langnet.lm.connect import connect
from langnet.lm.meter import Meter
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retries
from langnet.run import run_all, stream
from langnet.trace import Failure
from tests.lm.server import SECRET, told
from tests.lm.server import serving as usual

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
NAMES = ("faulty_server", "faults")


def _modules():
    """The benchmark's server; no package holds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        found = SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
        for name in NAMES:
            del sys.modules[name]
        return found


MODULES = _modules()
SERVER = MODULES.faulty_server
GRAPH = Graph(
    Input("text"),
    Node("thoughts", "Think about {text}", trainable=False),
    Node("answer", "Answer by {thoughts}", trainable=False),
)
EXAMPLES = [Example(f"e{number}", {"text": str(number)}) for number in range(3)]
KEY = Key(("faults",))
QUICK = Retries(attempts=3, first_wait=0.002, call_deadline=20.0)


def line(server, timeout=5.0):
    return f"openai:toy@{server.url}?key_env=FAULTS_KEY&timeout={timeout}"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("FAULTS_KEY", SECRET)


def said(error):
    """All that an error and those behind it say."""
    texts, seen = [], set()
    pending = [error]
    while pending:
        found = pending.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        notes = getattr(found, "__notes__", [])
        texts += [str(found), repr(found), repr(found.args), repr(vars(found)), *notes]
        pending += [found.__cause__, found.__context__]
    return "\n".join(texts)


@pytest.mark.parametrize("fault", SERVER.PASSING)
async def test_what_passes_ends_as_the_right_answer(fault):
    """Each fault once per call: all answers are right, and each call is paid twice, by both."""
    meter = Meter()
    async with SERVER.serving(SERVER.script(fault)) as server:
        timeout = 0.15 if "stall" in fault else 5.0
        async with connect(line(server, timeout), meter=meter, retries=QUICK) as model:
            found = await run_all(Program(GRAPH, model), EXAMPLES, key=KEY)
    answers = {SERVER.answer_to(request) for request in server.arrivals}
    assert [trace.example for trace in found] == ["e0", "e1", "e2"]
    assert all({trace["thoughts"], trace["answer"]} <= answers for trace in found)
    assert set(server.arrivals.values()) == {2}
    reading = meter.snapshot()
    assert server.billed == reading.calls == 12
    assert reading.retries == reading.errors == reading.texts_drawn == 6
    assert server.keys == {f"Bearer {SECRET}"}


@pytest.mark.parametrize("fault", SERVER.FAULTS)
async def test_what_stays_is_a_recorded_error_that_says_where(fault):
    """Each fault every time: a failure of the example, at its node, after so many tries."""
    meter = Meter()
    tries = 2 if fault in SERVER.PASSING else 1
    async with SERVER.serving(lambda *_: fault) as server:
        timeout = 0.1 if "stall" in fault else 5.0
        retries = Retries(attempts=2, first_wait=0.0)
        async with connect(line(server, timeout), meter=meter, retries=retries) as model:
            found = await run_all(Program(GRAPH, model), EXAMPLES, key=KEY, max_failures=1.0)
    kinds = (TransientError, RateLimited) if fault in SERVER.PASSING else (RequestRejected,)
    for example, failure in zip(EXAMPLES, found, strict=True):
        assert isinstance(failure, Failure)
        assert type(failure.error) in kinds
        text = said(failure.error)
        assert f"at node 'thoughts' of example {example.id!r}" in text
        assert ("failed 2 times" in text) == (tries == 2)
        assert SECRET not in text
    assert set(server.arrivals.values()) == {tries}
    assert server.billed == meter.snapshot().calls == meter.snapshot().errors == 3 * tries


async def test_mixed_faults_add_up():
    """The benchmark's account of a small run: every call is a right answer or a clear error."""
    kinds = [kind for kind in SERVER.FAULTS if "stall" not in kind and "date" not in kind]
    found = await MODULES.faults.account(400, 0.5, 50, 1, kinds)
    assert found.adds_up
    assert found.errors
    assert found.right > 200
    assert set(found.faults) == set(kinds)


async def test_an_account_that_does_not_add_up_says_so():
    """The sum is a check: it fails where the meter's count is not the server's."""
    found = await MODULES.faults.account(5, 0.0, 5, 0, [])
    assert found.adds_up
    for change in ({"metered": 6}, {"lost": 1}, {"right": 4}, {"duplicated": 1}, {"leaked": 1}):
        assert not type(found)(**{**vars(found), **change}).adds_up


async def test_a_stall_ends_within_the_time_out():
    """A server that goes silent in the middle of an answer is given up after `timeout`."""
    async with SERVER.serving(SERVER.script("stall within the body")) as server:
        model = OpenAIModel("toy", base_url=server.url, timeout=0.1)
        with anyio.fail_after(5), pytest.raises(TransientError, match=r"silent for 0\.1 s"):
            await model.sample("Q", decoding=Decoding(), keys=[KEY])
        await model.aclose()


async def test_a_deadline_cuts_a_stall():
    """The call's deadline holds where the time-out is longer."""
    async with SERVER.serving(SERVER.script("stall within the body")) as server:
        retries = Retries(call_deadline=0.15)
        async with connect(line(server), retries=retries) as model:
            with anyio.fail_after(5), pytest.raises(DeadlineExceeded, match=r"0\.15 s"):
                await model.sample("Q", decoding=Decoding(), keys=[KEY])
    assert server.billed == 1


async def test_a_redirect_is_not_followed_and_says_where_it_leads():
    """The key and the prompt go nowhere else; what may be secret in the address is left out."""
    async with usual() as other, SERVER.serving(SERVER.script("redirect")) as server:
        server.elsewhere = f"{other.url}/chat/completions?token={SECRET}"
        async with connect(line(server)) as model:
            with pytest.raises(RequestRejected, match="redirects are not followed") as caught:
                await model.sample("Q", decoding=Decoding(), keys=[KEY])
    assert f"({other.url}/chat/completions)" in str(caught.value)
    assert SECRET not in said(caught.value)
    assert other.requests == []


async def test_of_several_draws_only_those_that_failed_are_paid_again():
    """Eight draws, half of them fail once: twelve requests."""
    keys = [KEY / number for number in range(8)]
    meter = Meter()

    def plan(text, times):
        number = next(n for n, key in enumerate(keys) if text.endswith(f" {key.seed % 2**31}"))
        return "500" if number % 2 and not times else None

    async with (
        SERVER.serving(plan) as server,
        connect(line(server), meter=meter, retries=QUICK) as model,
    ):
        drawn = await model.sample("Q", decoding=Decoding(), keys=keys)
    assert [text.text for text in drawn] == [
        SERVER.answer_to(f"Q {key.seed % 2**31}") for key in keys
    ]
    assert sorted(server.arrivals.values()) == [1, 1, 1, 1, 2, 2, 2, 2]
    reading = meter.snapshot()
    assert (reading.calls, reading.texts_drawn, reading.completion_tokens) == (2, 8, 16)


async def test_a_draw_that_fails_for_good_ends_the_others():
    """What cannot be mended is not waited for."""
    keys = [KEY / number for number in range(3)]
    first = f"Q {keys[0].seed % 2**31}"
    plan = SERVER.script("stall within the body")
    async with (
        SERVER.serving(lambda text, times: "400" if text == first else plan(text, times)) as server,
        connect(line(server)) as model,
    ):
        with anyio.fail_after(4), pytest.raises(RequestRejected):
            await model.sample("Q", decoding=Decoding(), keys=keys)
    assert server.billed <= 3


async def test_a_budget_holds_over_retries():
    """The server is asked no more often than the budget says, whatever it answers."""
    meter = Meter()
    async with SERVER.serving(lambda *_: "500") as server:
        retries = Retries(attempts=50, first_wait=0.0)
        async with connect(line(server), meter=meter, retries=retries) as model:
            with meter.limited(Budget(calls=7)), pytest.raises(Exception, match="7 calls"):
                await run_all(Program(GRAPH, model), EXAMPLES, key=KEY, max_failures=1.0)
    assert server.billed == meter.snapshot().calls == 7


async def test_leaving_a_stream_ends_stalled_calls():
    """Fifty calls that hang end at once with the block, and leave no task and no socket."""
    before = asyncio.all_tasks()
    examples = [Example(f"e{number}", {"text": str(number)}) for number in range(50)]
    async with SERVER.serving(lambda *_: "stall within the body") as server:
        model = OpenAIModel("toy", base_url=server.url)
        async with stream(Program(GRAPH, model), examples, key=KEY, concurrency=50):
            with anyio.fail_after(5):
                while server.stalled < 50:
                    await anyio.lowlevel.checkpoint()
        assert not model._connection.session.connector._acquired
        await model.aclose()
        with anyio.fail_after(5):
            while server.stalled:
                await anyio.lowlevel.checkpoint()
    assert asyncio.all_tasks() == before


# Below HTTP


async def answering(data, **settings):
    """A bare server that sends the same bytes to everybody."""

    async def answer(reader, writer):
        try:
            await reader.read(65536)
            writer.write(data)
            await writer.drain()
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0, **settings)


def port_of(server):
    return server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    ],
)
async def test_broken_http_may_pass_and_shows_no_key(data):
    """Whatever stands in place of an answer is a transient error without the request's headers."""
    async with await answering(data) as server:
        url = f"http://127.0.0.1:{port_of(server)}/v1"
        model = OpenAIModel("toy", base_url=url, api_key=SECRET, timeout=5)
        with pytest.raises(TransientError) as caught:
            await model.sample("Q", decoding=Decoding(), keys=[KEY])
        await model.aclose()
    assert SECRET not in said(caught.value)


async def test_the_http_layer_would_show_the_key():
    """Why some errors have no cause: this is what they would say."""
    request = aiohttp.RequestInfo("u", "POST", {"Authorization": SECRET}, "u")
    assert SECRET in repr(aiohttp.ClientResponseError(request, ()))


async def test_speaking_https_to_an_http_server_is_final():
    """A handshake that fails will fail again; the error says what to look at."""
    async with await answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        spec = f"openai:toy@https://127.0.0.1:{port_of(server)}/v1"
        async with connect(spec) as model:
            with pytest.raises(RequestRejected, match="http or https"):
                await model.sample("Q", decoding=Decoding(), keys=[KEY])


async def test_a_certificate_that_nobody_vouches_for_is_final(tmp_path):
    """It is not tried again, and the error says what is wrong and what would mend it."""
    pem = tmp_path / "server.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    try:
        subprocess.run(  # noqa: S603, ASYNC221
            [*command.split(), "-keyout", pem, "-out", tmp_path / "cert.pem"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    pem.write_bytes(pem.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    async with await answering(b"", ssl=context) as server:
        spec = f"openai:toy@https://127.0.0.1:{port_of(server)}/v1"
        meter = Meter()
        async with connect(spec, meter=meter) as model:
            with pytest.raises(RequestRejected, match=r"certificate.*SSL_CERT_FILE"):
                await model.sample("Q", decoding=Decoding(), keys=[KEY])
    assert meter.snapshot().calls == 1


# Statuses


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, RequestRejected),
        (501, {"error": "never"}, RequestRejected),
        (502, {"error": "behind me"}, TransientError),
        (529, {"error": "overloaded"}, TransientError),
        (200, {"error": {"message": "slow", "code": 429}}, RateLimited),
        (200, {"error": {"message": "who", "code": 401}}, RequestRejected),
        (200, {"error": "something"}, TransientError),
        (200, {"choices": [{"message": "text"}]}, TransientError),
        (200, {"choices": [{"message": {"content": {"text": "x"}}}]}, TransientError),
        (200, {"choices": [{"message": {"content": ["x"]}}]}, TransientError),
        (200, {"choices": [{"text": 5}]}, TransientError),
    ],
)
async def test_each_answer_is_the_kind_that_says_whether_to_try_again(status, body, kind):
    """What servers and the gateways before them say, by its meaning."""

    def fault(request):
        response = told(body)(request)
        response.set_status(status)
        return response

    async with usual() as server:
        server.faults.append(fault)
        model = OpenAIModel("toy", base_url=server.url)
        with pytest.raises(kind) as caught:
            await model.sample("Q", decoding=Decoding(), keys=[KEY])
        await model.aclose()
    assert type(caught.value) is kind
