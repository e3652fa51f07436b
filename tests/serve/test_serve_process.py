"""The real `langnet serve`: under load, with bad clients, and to its end by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import anyio
import httpx
import openai
import pytest

from langnet import Graph, Input, Node, graph_file
from tests.cli.answering import WORDS, answering

ROOT = Path(__file__).parents[2]
ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")


def says(text):
    return [{"role": "user", "content": text}]


@contextmanager
def serving(folder, toy, *more):
    """The process, and the address that it prints."""
    graph_file.save(ONE, folder / "one.yaml")
    arguments = ["serve", "one.yaml", "--model", toy.spec, "--port", "0", "--json", *more]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "langnet", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        document = ""
        for line in process.stdout:
            document += line
            if line == "}\n":
                break
        yield process, json.loads(document)["url"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process):
    """Waits for the end, which is to be a good one."""
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "The server has ended." in said
    assert "Traceback" not in said


async def test_load_and_bad_clients_leave_it_healthy(tmp_path):
    """The official client, 500 requests at once, and clients that are slow, greedy or killed."""
    with (
        answering() as toy,
        serving(tmp_path, toy, "--cache", "cache", "--max-body", "10000") as (process, url),
    ):
        port = int(url.removesuffix("/v1").rpartition(":")[2])
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(head)
            killed = socket.create_connection(("127.0.0.1", port))
            # Closing resets the connection, as the system does for a process that is killed.
            killed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            toy.hold_at = 1
            body = json.dumps({"messages": says("held")}).encode()
            killed.sendall(head.replace(b"500", str(len(body)).encode())[:-1] + body)
            assert await anyio.to_thread.run_sync(toy.held.wait, 10)
            killed.close()
            toy.hold_at = None
            toy.gate.set()
            async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as made:
                found = await made.chat.completions.create(model="one", messages=says("in"))
                text = found.choices[0].message.content
                assert set(text.split()) <= set(WORDS)
                stream = await made.chat.completions.create(
                    model="one", messages=says("in"), stream=True
                )
                parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
                assert "".join(parts) == text
                with pytest.raises(openai.APIStatusError) as error:
                    await made.chat.completions.create(model="one", messages=says("x" * 20_000))
                assert error.value.status_code == 413
            answers = []
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:

                async def ask(number):
                    body = {"messages": says(f"q{number % 20}")}
                    async with session.post(f"{url}/chat/completions", json=body) as response:
                        found = await response.json()
                        answers.append((number % 20, found["choices"][0]["message"]["content"]))

                async with anyio.create_task_group() as group:
                    for number in range(500):
                        group.start_soon(ask, number)
                assert len(answers) == 500
                assert len(set(answers)) == 20
                async with session.get(url.replace("/v1", "/health")) as response:
                    assert (await response.json())["open_requests"] == 0
        process.send_signal(signal.SIGTERM)
        await anyio.to_thread.run_sync(ended, process)


def test_sigterm_loses_no_request(tmp_path):
    """What was taken is answered, streams and those that wait among it; what comes is refused."""
    with (
        answering() as toy,
        serving(tmp_path, toy, "--cache", "none", "--concurrency", "2") as (process, url),
        openai.OpenAI(base_url=url, api_key="any", max_retries=0) as made,
    ):
        toy.hold_at = 1
        answers = {}

        def ask(number):
            found = made.chat.completions.create(
                model="one", messages=says(f"q{number}"), stream=number % 2 == 1
            )
            answers[number] = (
                "".join(chunk.choices[0].delta.content or "" for chunk in found)
                if number % 2
                else found.choices[0].message.content
            )

        asking = [threading.Thread(target=ask, args=[number]) for number in range(6)]
        for thread in asking:
            thread.start()
        while httpx.get(url.replace("/v1", "/health")).json()["open_requests"] < len(asking):
            pass
        with openai.OpenAI(base_url=url, api_key="any", max_retries=0) as other:
            process.send_signal(signal.SIGTERM)
            port = int(url.removesuffix("/v1").rpartition(":")[2])
            while is_listening(port):
                pass
            with pytest.raises(openai.APIConnectionError):
                other.chat.completions.create(model="one", messages=says("late"))
            toy.gate.set()
        for thread in asking:
            thread.join(20)
        ended(process)
    assert sorted(answers) == list(range(6))
    assert all(text and set(text.split()) <= set(WORDS) for text in answers.values())


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
