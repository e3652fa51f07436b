"""The worked examples run: a network in FastAPI, in aiohttp, and in a plain script."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from langnet import graph_file
from langnet.graph import Graph
from langnet.node import Input, Node
from langnet.testing import GatedModel, ScriptedModel
from tests.cli.answering import WORDS, answering

EXAMPLES = Path(__file__).parent.parent / "examples"
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")
ECHO = ScriptedModel(lambda context, key: context)


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def network_file(tmp_path):
    graph_file.save(ONE, tmp_path / "one.yaml")
    return tmp_path / "one.yaml"


async def alive(app, stack):
    """The application with its lifespan begun, and a client of it."""
    await stack.enter_async_context(app.router.lifespan_context(app))
    transport = httpx.ASGITransport(app)
    return await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://app")
    )


async def test_fastapi_answers_and_streams(network_file):
    """An answer is the network's output; a stream tells of every node and ends with the trace."""
    async with AsyncExitStack() as stack:
        client = await alive(example("fastapi_app").application(network_file, ECHO), stack)
        found = await client.post("/answers", json={"x": "in"})
        assert found.json() == {"answer": "in|a", "values": {"x": "in", "a": "in|a"}}
        told = await client.post("/streams", json={"x": "in"})
        assert "Valued(node='a', value='in|a')" in told.text
        assert "Finished(" in told.text.splitlines()[-1]


async def test_a_request_that_is_given_up_ends_its_calls(network_file):
    """When the client hangs up, nothing that its request asked of the model is still open."""
    model = GatedModel(ECHO)
    app = example("fastapi_app").application(network_file, model)
    body = b'{"x": "in"}'
    gone = anyio.Event()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if messages:
            return messages.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/answers",
        "raw_path": b"/answers",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "scheme": "http",
        "server": ("app", 80),
        "client": ("client", 1),
    }
    async with app.router.lifespan_context(app), anyio.create_task_group() as tasks:
        tasks.start_soon(app, scope, receive, send)
        await model.arrived(1)
        gone.set()
        with anyio.fail_after(10):
            while model.open:
                await anyio.lowlevel.checkpoint()


async def test_two_applications_in_one_loop_share_nothing(network_file):
    """Each has its network, and closing one leaves the other at work."""
    made = example("fastapi_app").application
    async with AsyncExitStack() as outer:
        first = await alive(made(network_file, ECHO), outer)
        async with AsyncExitStack() as inner:
            other = ScriptedModel(lambda context, key: "other")
            second = await alive(made(network_file, other), inner)
            assert (await second.post("/answers", json={"x": "in"})).json()["answer"] == "other"
        assert (await first.post("/answers", json={"x": "in"})).json()["answer"] == "in|a"


async def test_aiohttp_answers(network_file):
    """The same network in an aiohttp application."""
    app = example("aiohttp_app").application(network_file, ECHO)
    async with TestClient(TestServer(app)) as client:
        response = await client.post("/answers", json={"x": "in"})
        assert await response.json() == {"answer": "in|a"}


def test_a_plain_script_answers_its_input(network_file):
    """Lines go in, answers come out, in order."""
    with answering() as toy:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, EXAMPLES / "script.py", network_file, toy.spec],
            input="one\ntwo\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PYTHONPATH": str(EXAMPLES.parent)},
        )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(set(line.split()) <= set(WORDS) for line in lines)


def test_a_script_asks_what_the_network_was_fitted_with(tmp_path):
    """The directory of a run is enough."""
    with answering() as toy:
        graph_file.save(ONE, tmp_path / "best.yaml", models={"default": toy.spec})
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, EXAMPLES / "script.py", tmp_path],
            input="one\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PYTHONPATH": str(EXAMPLES.parent)},
        )
        assert toy.requests == 1
    assert set(done.stdout.split()) <= set(WORDS)


@pytest.mark.model
def test_the_notebook_runs_from_top_to_bottom(tmp_path, smollm2_path):
    """Every cell runs in a kernel, on smaller sizes; what shows itself is shown."""
    small = ("steps=1", "batch_size=4", "train_size=6", "dev_size=4", "test_size=4")
    settings = [argument for setting in small for argument in ("--set", setting)]
    runner = Path(__file__).parent / "notebook.py"
    done = subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            runner,
            EXAMPLES / "notebook.ipynb",
            *settings,
            "--to",
            tmp_path / "n.ipynb",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ran = json.loads((tmp_path / "n.ipynb").read_text())
    kept = json.loads((EXAMPLES / "notebook.ipynb").read_text())
    assert [kinds(cell) for cell in ran["cells"]] == [kinds(cell) for cell in kept["cells"]]


def kinds(cell):
    """What a cell's outputs are, by their types."""
    found = {
        "stream" if "text" in each else tuple(each["data"]) for each in cell.get("outputs", ())
    }
    return sorted(found, key=str)


def test_the_notebooks_outputs_are_those_of_a_run():
    """It is committed as it ran: every cell with its outputs, and nothing of the machine."""
    text = (EXAMPLES / "notebook.ipynb").read_text()
    cells = json.loads(text)["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in codes] == [*range(1, len(codes) + 1)]
    html = [
        each["data"]["text/html"] for cell in codes for each in cell["outputs"] if "data" in each
    ]
    assert len(html) == 5
    assert not any("<script" in "".join(lines) for lines in html)
    assert not re.search(r"/(home|tmp|root|work|usr)/", text)
