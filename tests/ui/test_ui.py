"""The viewer over HTTP: who is let in, what it tells, what it takes, and how it ends."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import pytest
from click.testing import CliRunner
from yarl import URL

from langnet.cli import main
from langnet.errors import LangnetError
from langnet.guidance import Guidance
from langnet.report.live import Snapshot
from langnet.report.page import read_runs
from langnet.ui import viewing
from langnet.ui.events import Clients
from langnet.ui.files import find_runs
from langnet.ui.run_log import RunLog
from langnet.ui.status import run_row, status_of

ROOT = Path(__file__).parents[2]
FEEDBACK = {"kind": "feedback", "text": "Answer with the label alone."}


@pytest.fixture
def runs(run, tmp_path):
    """A folder with one run that may be changed."""
    shutil.copytree(run, tmp_path / "runs" / "weather")
    return tmp_path / "runs"


class Viewer:
    """A browser's side of a viewer: it has been let in, unless it is to be a stranger."""

    def __init__(self, session, address):
        self.session = session
        self.address = URL(address)
        self.origin = self.address.origin()

    def get(self, path, **settings):
        return self.session.get(self.origin.join(URL(path)), allow_redirects=False, **settings)

    def post(self, path, *, headers=None, **settings):
        own = {"Origin": str(self.origin)}
        return self.session.post(
            self.origin.join(URL(path)), headers=own if headers is None else headers, **settings
        )

    async def events(self, path, count, **settings):
        """The first events of a stream, each with its id."""
        found = []
        with anyio.fail_after(10):
            return await self._events(path, count, found, **settings)

    async def _events(self, path, count, found, **settings):
        async with self.get(path, **settings) as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            number = None
            async for line in response.content:
                if line.startswith(b"id: "):
                    number = line[4:].strip().decode()
                elif line.startswith(b"data: "):
                    found.append((number, json.loads(line[6:])))
                    number = None
                if len(found) == count:
                    return found
        return found


@asynccontextmanager
async def viewed(*roots, enters=True, **settings):
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        viewing(roots, interval=0.02, **settings) as address,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        viewer = Viewer(session, address)
        if enters:
            async with session.get(address) as response:
                assert response.status == 200
        yield viewer


def says_of_itself(directory, **values):
    """A fit's own word on how it stands."""
    here = {"pid": os.getpid(), "host": platform.node(), "at": time.time()}
    (directory / "live.json").write_text(json.dumps(Snapshot(**(here | values)).to_json()))


async def until(condition):
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - a server's own state has no event
            await anyio.sleep(0.01)


async def test_the_secret_in_the_address_lets_in_once_and_leaves_it(runs):
    """It becomes a cookie that scripts cannot read, and what follows has a clean address."""
    async with viewed(runs, enters=False) as viewer:
        async with viewer.get("/") as response:
            assert response.status == 401
            assert "Open the address that langnet ui has printed" in await response.text()
        async with viewer.get(f"/?token={viewer.address.query['token'][:-1]}x") as response:
            assert response.status == 401
        async with viewer.get(f"/?a=b&token={viewer.address.query['token']}") as response:
            assert response.status == 303
            assert response.headers["Location"] == "/?a=b"
            cookie = response.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with viewer.get("/") as response:
            assert response.status == 200
            assert viewer.address.query["token"] not in await response.text()


async def test_a_key_in_the_header_serves_programs(runs):
    """Without cookies the secret may stand in the header of authorisation."""
    async with viewed(runs, enters=False) as viewer:
        for secret, status in ((viewer.address.query["token"], 200), ("no", 401), ("é", 401)):
            headers = {"Authorization": f"Bearer {secret}"}
            async with viewer.get("/", headers=headers) as response:
                assert response.status == status


async def test_every_answer_forbids_what_a_page_does_not_need(runs):
    """Its own scripts and styles by digest, no frames, no other origin, nothing kept."""
    async with viewed(runs) as viewer:
        for path in ("/", "/runs/weather", "/report?run=weather", "/runs/none", "/events"):
            async with viewer.get(path) as response:
                headers = response.headers
                policy = headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe-eval" not in policy
                assert "'unsafe-inline'" not in policy or path.startswith("/report")
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Referrer-Policy"] == "no-referrer"
                assert headers["Cache-Control"] == "no-store"
                assert not any(name.startswith("Access-Control") for name in headers)
                if path in ("/", "/runs/weather"):
                    page = await response.text()
                    assert not re.search(r"<[^>]*\son[a-z]+=", page.split("<script>")[0])
                    assert "innerHTML" not in page


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "{port}", ""]
)
async def test_another_host_is_refused(runs, host):
    """A name that somebody made to lead here gets nothing, not even with the cookie."""
    async with viewed(runs) as viewer:
        headers = {"Host": host.format(port=viewer.origin.port)}
        for path in ("/", "/runs/weather", "/events"):
            async with viewer.get(path, headers=headers) as response:
                assert response.status in (400, 421)
                assert "weather" not in await response.text()


async def test_another_page_is_refused(runs):
    """A change needs the viewer's own origin and JSON; what another page embeds is not given."""
    async with viewed(runs) as viewer:
        own = str(viewer.origin)
        plain = {"Origin": own, "Content-Type": "text/plain"}
        form = {"Origin": own, "Content-Type": "application/x-www-form-urlencoded"}
        as_json = {"Content-Type": "application/json"}
        body = json.dumps(FEEDBACK)
        for headers, status in (
            ({**as_json}, 403),
            ({**as_json, "Origin": "null"}, 403),
            ({**as_json, "Origin": "http://evil.example"}, 403),
            ({**as_json, "Origin": own.replace("http:", "https:")}, 403),
            ({**as_json, "Origin": f"http://127.0.0.1:{viewer.origin.port + 1}"}, 403),
            (plain, 415),
            (form, 415),
        ):
            path = "/runs/weather/guidance"
            async with viewer.post(path, headers=headers, data=body) as response:
                assert response.status == status
        for site in ("cross-site", "same-site"):
            embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
            async with viewer.get("/events", headers=embedded) as response:
                assert response.status == 403
        async with viewer.get("/runs/weather/guidance") as response:
            assert response.status in (404, 405)
        assert not (runs / "weather" / "guidance.jsonl").exists()


async def test_nothing_outside_the_runs_is_given(runs, tmp_path):
    """Neither by dots, nor by names that are no runs, nor by links that lead elsewhere."""
    secret = tmp_path / "secret"
    shutil.copytree(runs / "weather", secret)
    (runs / "linked").symlink_to(secret)
    inner = runs / "inner"
    shutil.copytree(runs / "weather", inner)
    shutil.rmtree(inner / "steps")
    (inner / "steps").symlink_to(secret / "steps")
    assert [*find_runs([runs])] == ["weather"]
    async with viewed(runs) as viewer:
        port = viewer.origin.port
        for path in (
            "/runs/../../secret",
            "/runs/weather/../../secret",
            "/runs/..%2f..%2fsecret",
            "/runs/linked",
            "/runs/inner",
            "/runs/weather/steps/..%2frun",
            "/runs//etc",
            "/runs/weather/steps/999",
            "/runs/weather/example?id=../run.json",
            "/report?run=../secret",
        ):
            # As it stands: a client's library would take the dots out.
            cookie = "; ".join(f"{one.key}={one.value}" for one in viewer.session.cookie_jar)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}")
            writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
            status = (await reader.read()).split(b" ", 2)[1]
            writer.close()
            assert status in (b"404", b"400"), path


async def test_what_is_too_long_or_no_entry_is_refused(runs):
    """Each with its own status and what is wrong; nothing is written."""
    async with viewed(runs) as viewer:
        path = "/runs/weather/guidance"
        async with viewer.post(path, json={**FEEDBACK, "text": "x" * 200_000}) as response:
            assert response.status == 413
        for data, says in (
            ([], "a mapping"),
            ({"kind": "nonsense"}, "no guidance of the kind"),
            ({"kind": "feedback"}, "must say its text"),
            ({**FEEDBACK, "prompt": "none"}, "fits no prompt 'none'"),
            ({**FEEDBACK, "id": "mine"}, "leave id out"),
            ({**FEEDBACK, "other": 1}, "has no other"),
            ({**FEEDBACK, "text": "x" * 20_001}, "20,001 characters"),
            ({"kind": "proposals", "count": 1000}, "at most 64"),
            ({"kind": "candidate", "prompt": "answer", "text": 3}, "text=3"),
            (
                {
                    "kind": "rating",
                    "example": "e9999",
                    "node": "answer",
                    "output": "x",
                    "good": True,
                },
                "no example 'e9999'",
            ),
            (
                {"kind": "rating", "example": "e1", "node": "text", "output": "x", "good": True},
                "fits no node 'text'",
            ),
        ):
            async with viewer.post(path, json=data) as response:
                assert response.status == 400
                assert says in (await response.json())["error"]
        headers = {"Origin": str(viewer.origin), "Content-Type": "application/json"}
        async with viewer.post(path, headers=headers, data=b"{") as response:
            assert response.status == 400
        async with viewer.post("/runs/none/guidance", json=FEEDBACK) as response:
            assert response.status == 404
        assert not (runs / "weather" / "guidance.jsonl").exists()


async def test_what_somebody_says_is_where_the_fit_finds_it(runs):
    """An entry lands in the run's guidance, and every page is told that it waits."""
    async with viewed(runs) as viewer:
        async with viewer.post("/runs/weather/guidance", json={**FEEDBACK, "by": "A"}) as response:
            assert response.status == 201
        (entry,) = Guidance.at(runs / "weather").entries()
        assert (entry.kind, entry.text, entry.by, entry.step) == (
            "feedback",
            FEEDBACK["text"],
            "A",
            None,
        )
        async with viewer.get("/runs/weather/events") as response:
            async for line in response.content:
                if b'"part":"said"' in line:
                    (told,) = json.loads(line[6:])["entries"]
                    assert (told["text"], told["taken"]) == (FEEDBACK["text"], None)
                    break


async def test_a_run_is_told_whole_and_what_comes_is_told_alone(runs):
    """The events hold what the report holds; after one of them, only what came later."""
    (whole,) = read_runs([runs / "weather"])
    async with viewed(runs) as viewer:
        # begin, head, examples, three steps with their batches, four validations, four states
        events = await viewer.events("/runs/weather/events", 17)
        parts = [event["part"] for _, event in events]
        assert parts[0] == "begin"
        steps = [event for _, event in events if event["part"] == "step"]
        assert [step["step"] for step in steps] == [step.number for step in whole.steps]
        assert [step["calls"] for step in steps] == [dict(step.calls) for step in whole.steps]
        seen = [event for _, event in events if event["part"] == "seen" and event["kind"]]
        values = [[value for _, value, _ in event["rows"]] for event in seen]
        means = [sum(found) / len(found) for found in values]
        assert means == pytest.approx([value for _, value in whole.validations])

        dev = next(story for story in whole.stories if story.part == "dev")
        async with viewer.get(f"/runs/weather/example?id={dev.id}") as response:
            story = await response.json()
        told = [
            {name: story["texts"][n] for name, n in moment["texts"].items()}
            for moment in story["moments"]
        ]
        assert told == [dict(moment.texts) for moment in dev.moments]
        async with viewer.get("/runs/weather/steps/2") as response:
            candidates = await response.json()
        for choice in whole.steps[1].choices:
            texts = [text for text, *_ in candidates[choice.prompt]]
            assert texts == [candidate.text for candidate in choice.candidates]

        ids = [number for number, _ in events if number]
        for after in ({"headers": {"Last-Event-ID": ids[-2]}}, {"params": {"after": ids[-2]}}):
            later = await viewer.events("/runs/weather/events", 1, **after)
            assert later[0][0] == ids[-1]
        stranger = await viewer.events("/runs/weather/events", 1, params={"after": "other-3"})
        assert stranger[0][1]["part"] == "begin"


def test_each_file_is_parsed_once(runs, monkeypatch):
    """A look at a run that has not changed reads none of its steps and validations."""
    from langnet.ui import run_log, texts

    log = RunLog(runs / "weather")
    assert log.poll(10.0)
    assert log.is_whole

    def refuse(*_):
        raise AssertionError("parsed again")

    monkeypatch.setattr(run_log, "read_step", refuse)
    monkeypatch.setattr(texts, "read_moment", refuse)
    _, cursor = log.since(None)
    assert not log.poll(10.0)
    (runs / "weather" / "result.json").write_text('{"metric": "exact"}')
    assert log.poll(10.0)
    events, _ = log.since(cursor)
    assert {json.loads(event.split(b"data: ")[1])["part"] for event in events} == {
        "outline",
        "live",
    }


def test_a_large_run_is_read_in_several_goes(runs):
    """No look takes much longer than it may; the run is whole after enough of them."""
    log = RunLog(runs / "weather")
    looks = 0
    while not log.is_whole:
        log.poll(0.0)
        looks += 1
    assert looks > 3
    at_once = RunLog(runs / "weather")
    at_once.poll(10.0)
    assert len(log.since(None)[0]) == len(at_once.since(None)[0])


async def test_runs_appear_change_and_go(runs):
    """The list tells of a run that came later, of its changes, and that it is gone."""
    async with viewed(runs) as viewer, viewer.get("/events") as response:

        async def told(part, name):
            async for line in response.content:
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    found = event.get("name") or event.get("run", {}).get("name")
                    if event["part"] == part and found == name:
                        return event.get("run")
            return None

        with anyio.fail_after(20):
            row = await told("run", "weather")
            assert row["step"] == 3
            assert len(row["validations"]) == 4
            says_of_itself(runs / "weather", status="running", steps=9)
            row = await told("run", "weather")
            assert (row["status"], row["steps"]) == ("running", 9)
            shutil.copytree(runs / "weather", runs / "rounds" / "one")
            assert (await told("run", "rounds/one"))["step"] == 3
            shutil.rmtree(runs / "weather")
            await told("gone", "weather")
        async with viewer.get("/runs/rounds/one") as page:
            assert page.status == 200
        async with viewer.get("/runs/weather") as page:
            assert page.status == 404


def test_a_fit_that_died_is_interrupted(runs):
    """What live.json says holds as long as its process does; without it, the files tell."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    directory = runs / "weather"
    for status, pid, shown in (
        ("running", os.getpid(), "running"),
        ("paused", process.pid, "interrupted"),
        ("failed", process.pid, "failed"),
    ):
        says_of_itself(directory, status=status, pid=pid)
        assert run_row("weather", directory)["status"] == shown
    assert status_of(None, {}, 0.0) == "finished"
    assert status_of(None, None, 0.0) == "interrupted"
    assert status_of(None, None, time.time()) == "running"


@pytest.mark.parametrize("name", ["state", "result", "live", "cost", "credit"])
@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"test": 3, "shares": 1}', '{"step": "x", "validations": [{}, 3]}', '"x"'],
)
async def test_no_file_brings_the_viewer_down(runs, name, text):
    """Whatever stands in a file of a run, its row is there and so are the other runs."""
    shutil.copytree(runs / "weather", runs / "other")
    (runs / "weather" / f"{name}.json").write_text(text)
    assert run_row("weather", runs / "weather")["name"] == "weather"
    RunLog(runs / "weather").poll(10.0)
    async with viewed(runs) as viewer:
        async with viewer.get("/runs/weather") as response:
            assert response.status in (200, 404)
        assert len(await viewer.events("/runs/weather/events", 3)) == 3
        assert (await viewer.events("/events", 3))[0][1]["part"] == "begin"
        async with viewer.get("/runs/other") as response:
            assert response.status == 200


async def test_what_cannot_be_read_is_told_and_the_rest_is_shown(runs):
    """A broken line costs its own file and neither the run nor the others."""
    (runs / "weather" / "validations" / "0001.jsonl").write_text('{"example":\n')
    shutil.copytree(runs / "weather", runs / "broken")
    (runs / "broken" / "run.json").write_text("{")
    async with viewed(runs) as viewer:
        events = [event for _, event in await viewer.events("/runs/weather/events", 17)]
        assert any(event["part"] == "fault" for event in events)
        seen = [event["step"] for event in events if event["part"] == "seen" and event["kind"]]
        assert seen == [0, 2, 3]
        async with viewer.get("/runs/broken") as response:
            assert response.status == 404
            assert "run.json" in await response.text()
        events = await viewer.events("/runs/broken/events", 2)
        assert events[1][1]["part"] == "fault"


async def test_many_follow_and_too_many_are_turned_away(runs):
    """Fifty pages are told the same; past the limit a page is told to come back."""
    async with viewed(runs, clients=Clients(most=50)) as viewer:
        connector = aiohttp.TCPConnector(limit=0)
        found = []

        async def follow(session, enough):
            async with session.get(viewer.origin / "events") as response:
                assert response.status == 200
                async for line in response.content:
                    if b'"weather"' in line:
                        found.append(line)
                        break
                await enough.wait()

        async with (
            aiohttp.ClientSession(
                connector=connector, cookie_jar=viewer.session.cookie_jar
            ) as session,
            anyio.create_task_group() as tasks,
        ):
            enough = anyio.Event()
            for _ in range(50):
                tasks.start_soon(follow, session, enough)
            await until(lambda: len(found) == 50)
            async with session.get(viewer.origin / "events") as response:
                assert response.status == 503
            enough.set()
        assert len(set(found)) == 1


async def test_a_slow_client_is_let_go_and_the_others_are_served(runs):
    """Who does not take what it is sent loses its connection, and costs nobody else anything."""
    text = "x" * 400_000
    state = json.loads((runs / "weather" / "state.json").read_text())
    clients = Clients(patience=0.2)
    async with viewed(runs, clients=clients) as viewer:
        _, writer = await asyncio.open_connection("127.0.0.1", viewer.origin.port)
        cookie = "; ".join(f"{one.key}={one.value}" for one in viewer.session.cookie_jar)
        host = f"Host: 127.0.0.1:{viewer.origin.port}"
        request = ("GET /runs/weather/events HTTP/1.1", host, f"Cookie: {cookie}", "", "")
        writer.transport.pause_reading()
        writer.write("\r\n".join(request).encode())
        await until(lambda: clients.count == 1)

        def write():
            for number in range(200):
                state["best"] = {"notes": f"{number}{text}", "answer": ""}
                path = runs / "weather" / "state.tmp"
                path.write_text(json.dumps(state))
                path.replace(runs / "weather" / "state.json")
                yield

        writing = write()
        with anyio.fail_after(20):
            while clients.count:
                next(writing)
                await anyio.sleep(0.03)
        events = await viewer.events("/runs/weather/events", 3)
        assert events[0][1]["part"] == "begin"
        writer.close()


async def test_a_silent_stream_has_a_heartbeat(runs):
    """Where nothing changes a comment comes now and then, which no page takes for an event."""
    async with (
        viewed(runs, clients=Clients(heartbeat=0.05)) as viewer,
        viewer.get("/events") as response,
    ):
        with anyio.fail_after(10):
            async for line in response.content:
                if line.startswith(b":"):
                    break


async def test_only_loopback_is_listened_on(runs):
    """Another host is refused with the mend: a tunnel."""
    with pytest.raises(LangnetError, match="ssh -L"):
        async with viewing([runs], host="0.0.0.0"):  # noqa: S104 - it is refused
            pass


def test_the_command_refuses_another_host(runs):
    """The message says how to come from elsewhere."""
    result = CliRunner().invoke(main, ["ui", str(runs), "--host", "example.org"])
    assert result.exit_code == 1
    assert "ssh -L" in result.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_at_once_though_pages_are_open(runs, sent):
    """It prints the address, serves, and ends with 0 while somebody follows."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "langnet", "ui", str(runs), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        address = json.loads(text)["url"]
        url = URL(address)
        connection = http.client.HTTPConnection(url.host, url.port)
        headers = {"Authorization": f"Bearer {url.query['token']}"}
        connection.request("GET", "/runs/weather/events", headers=headers)
        response = connection.getresponse()
        assert response.status == 200
        response.readline()
        began = time.monotonic()
        process.send_signal(sent)
        response.read()
        connection.close()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 3
        assert "The viewer has ended." in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
