"""A real HTTP server in a thread that speaks OpenAI's chat protocol over a toy model.

The toy model knows two labels, and is the surer of the right one the more its prompt speaks of
warmth; other texts are drawn from a few words by the request's seed. All of it is a pure function
of the request.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from langnet.key import Key

WORDS = ("warm", "cold", "alpha", "beta", "gamma")


class Toy:
    """What the server has seen, and what it waits for.

    Attributes:
        url: its address, which ends in "/v1".
        requests: how many requests have come.
        hold_at: the request from which on answers wait for `gate`.
        refuse: a word that makes the server refuse a request.
        keys: the authorisation headers that it was sent; a refusal repeats the last.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        self.hold_at: int | None = None
        self.refuse: str | None = None
        self.keys: list[str | None] = []
        self.held = threading.Event()
        self.gate = threading.Event()
        self.lock = threading.Lock()

    @property
    def spec(self) -> str:
        return f"openai:toy@{self.url}?choose=1"

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.requests += 1
            is_held = self.hold_at is not None and self.requests >= self.hold_at
        if is_held:
            self.held.set()
            self.gate.wait(60)
        prompt = body["messages"][-1]["content"]
        if self.refuse is not None and self.refuse in prompt:
            message = f"{self.refuse} is refused, with the header {self.keys[-1]!r}"
            return 400, {"error": {"message": message}}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        if body.get("logprobs"):
            truth = "hot" if "sun" in prompt else "icy"
            other = "icy" if truth == "hot" else "hot"
            # Some sentences are hard: they take a warm prompt.
            right = (0.7 if "easy" in prompt else 0.35) + 0.2 * prompt.count("warm")
            right = min(right, 0.95)
            tops = [
                {"token": truth, "logprob": math.log(right)},
                {"token": other, "logprob": math.log(1 - right)},
            ]
            tops.sort(key=lambda top: -top["logprob"])
            choice["message"] = {"role": "assistant", "content": tops[0]["token"]}
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
        else:
            rng = Key(("toy", prompt, body.get("seed", 0))).rng()
            text = " ".join(rng.choices(WORDS, k=3))
            choice["message"] = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": 3}
        return 200, {"choices": [choice], "usage": usage}


@contextmanager
def answering() -> Iterator[Toy]:
    """Runs the server at a free port of 127.0.0.1."""
    toy = Toy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            toy.keys.append(self.headers["Authorization"])
            status, document = toy.answer(body)
            data = json.dumps(document).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, _request: Any, _client: Any) -> None:
            """Says nothing: clients that are interrupted cut their connections."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        host, port = server.server_address[:2]
        toy.url = f"http://{host}:{port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield toy
        finally:
            toy.gate.set()
            server.shutdown()
            thread.join()
