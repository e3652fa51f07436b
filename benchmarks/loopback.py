"""A model server on the loopback that costs next to nothing, so that it limits no client.

    python benchmarks/loopback.py [--latency 0.05] [--processes 1]

It speaks as much HTTP/1.1 and as much of OpenAI's protocol as clients of chats need: every request
gets the same answer, which is made once, after the same time. It works on raw bytes in one callback
per request, and on uvloop where that is installed; several processes share the port. It says its
address on the first line of its output, and ends when its input is closed. `GET /cpu` gives the
seconds of CPU and the requests that the answering process has taken so far, so that a benchmark can
tell how far the server was from its own ceiling.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from server_process import server_process

TEXT = "The answer is forty two, as far as anybody knows."

_ANSWER = json.dumps(
    {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "toy",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": TEXT,
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 60,
            "completion_tokens": 12,
            "total_tokens": 72,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
    }
).encode()


def _message(body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_MESSAGE = _message(_ANSWER)
_LENGTH = b"\r\ncontent-length:"


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, one after another."""

    latency = 0.0
    answered = 0

    def __init__(self) -> None:
        self._data = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps what to write to."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answers once a request is complete."""
        data = self._data + data
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head = data[:end].lower()
            at = head.find(_LENGTH)
            size = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(data) >= end + 4 + size:
                data = data[end + 4 + size :]
                Connection.answered += 1
                if head.startswith(b"get"):
                    taken = {"cpu": time.process_time(), "answered": Connection.answered}
                    self._transport.write(_message(json.dumps(taken).encode()))
                elif self.latency:
                    self._loop.call_later(self.latency, self._answer)
                else:
                    self._transport.write(_MESSAGE)
        self._data = data

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_MESSAGE)


async def serve(listening: socket.socket, latency: float) -> None:
    """Serves until the standard input is closed."""
    Connection.latency = latency
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, sock=listening, backlog=4096)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()
    server.close()


def _listening(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(("127.0.0.1", port))
    return found


def loopback(latency: float = 0.0) -> AbstractContextManager[str]:
    """Runs the server in a process of its own.

    Args:
        latency: seconds that every request takes.

    Returns:
        A context that gives its address, which ends in "/v1".
    """
    return server_process(__file__, "--latency", str(latency))


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's way to make an event loop, or None where it is not installed."""
    try:
        import uvloop  # noqa: PLC0415 - may not be installed
    except ImportError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


def run(work: Coroutine[Any, Any, Any], *, fast: bool = True) -> Any:
    """Runs work on uvloop where it is installed and asked for."""
    with asyncio.Runner(loop_factory=fast_loop() if fast else None) as runner:
        return runner.run(work)


def main() -> None:
    """Serves until the standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    arguments = parser.parse_args()
    listening = _listening(0)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    run(serve(listening, arguments.latency))


if __name__ == "__main__":
    main()
