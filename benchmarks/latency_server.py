"""A model server on the loopback that takes a fixed time for every request.

    python benchmarks/latency_server.py [--latency 0.2] [--port 0]

It speaks OpenAI's protocol for completions: it draws texts, and it scores given ones by `echo`.
Every request waits for the same time, however many are open, as a large remote service would have
them wait; so what a client takes is the length of its longest chain of requests. The server says
its address on the first line of its output, and ends when its input is closed.

The model behind it is a small exact one, a pure function of the request. A token is a word with the
white space before it, and the probability of a word depends on all that stands before it:

- After "Answer:" it knows the labels "hot" and "icy". It tends to the right one ("hot" where the
  last paragraph speaks of the sun) the more its context speaks of warmth; how much warmth is
  needed differs from example to example.
- Elsewhere it writes three of a few words, and likes to repeat those of its context.

So warm prompts answer better, the hidden text passes warmth on, and a fit has something to find in
either prompt.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
import random
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from aiohttp import web
from server_process import server_process

WORDS = ("warm", "cold", "alpha", "beta", "gamma", "delta")
LABELS = ("hot", "icy")
LENGTH = 3
"""Words of a text, where the request allows as many."""

_FLOOR = 1e-6
_TOKEN = re.compile(r"\s*\S+|\s+$")


def tokens_of(text: str) -> list[str]:
    """The words of a text, each with the white space before it."""
    return _TOKEN.findall(text)


def next_word(context: str) -> dict[str, float]:
    """The probability of each known word after a context; they sum to 1."""
    _, about, last = ("", "", *context.rsplit("\n\n", 2))[-3:]
    if context.rstrip().endswith("Answer:"):
        warmth, chill = (min(_count(word, context), 5) for word in ("warm", "cold"))
        ease = _uniform("ease", about.partition(" notes")[0])
        odds = math.exp(3.2 * (ease - 0.65) + 0.3 * (warmth - chill))
        right, wrong = LABELS if "sun" in about else LABELS[::-1]
        return {right: odds / (1 + odds), wrong: 1 / (1 + odds)}
    # Notes depend on what they are about, and on the prompt by the words that it repeats.
    path = (about, str(len(last.split()))) if last.startswith("Notes:") else (context,)
    weights = {
        word: (0.05 + _uniform(word, *path)) * (1 + min(_count(word, context), 3)) for word in WORDS
    }
    total = math.fsum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


def drawn(body: Mapping[str, Any]) -> list[str]:
    """The tokens that a request draws: the same for the same request."""
    prompt, temperature = body["prompt"], body.get("temperature", 1.0)
    rng = random.Random(f"{body.get('seed', 0)} {prompt}")
    tokens: list[str] = []
    length = 1 if prompt.rstrip().endswith("Answer:") else LENGTH
    for _ in range(min(length, body["max_tokens"])):
        table = next_word(prompt + "".join(tokens))
        if temperature == 0:
            word = max(table, key=table.__getitem__)
        else:
            weights = [p ** (1 / temperature) for p in table.values()]
            (word,) = rng.choices(list(table), weights)
        tokens.append(f" {word}")
    return tokens


def completion(body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request for a completion."""
    prompt = body["prompt"]
    written = drawn(body)
    choice: dict[str, Any] = {"index": 0, "text": "".join(written), "finish_reason": "stop"}
    given = tokens_of(prompt)
    if body.get("echo"):
        listed = [*given, *written]
        choice["text"] = "".join(listed)
        choice["logprobs"] = {"tokens": listed, "token_logprobs": _logprobs(listed)}
    usage = {"prompt_tokens": len(given), "completion_tokens": len(written)}
    return {"object": "text_completion", "choices": [choice], "usage": usage}


def _logprobs(tokens: list[str]) -> list[float | None]:
    """The log-probability of each token after those before it, in nats; of the first, none."""
    logprobs: list[float | None] = [None]
    context = tokens[0]
    for token in tokens[1:]:
        word = token.strip()
        known = word in WORDS or word in LABELS
        logprobs.append(math.log(next_word(context).get(word, _FLOOR) if known else _FLOOR))
        context += token
    return logprobs


def _count(word: str, context: str) -> int:
    return len(re.findall(rf"\b{word}\b", context))


@lru_cache(maxsize=100_000)
def _uniform(*path: str) -> float:
    """A number in [0, 1) that belongs to some texts."""
    digest = hashlib.blake2b("\0".join(path).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


async def serve(latency: float, port: int) -> None:
    """Serves on 127.0.0.1 until the standard input is closed.

    Args:
        latency: seconds that every request takes.
        port: 0 takes a free one.
    """

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        loop = asyncio.get_running_loop()
        due = loop.time() + latency
        found = completion(body)
        await asyncio.sleep(due - loop.time())
        return web.json_response(found)

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/completions", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


def latency_server(latency: float) -> AbstractContextManager[str]:
    """Runs a server in a process of its own, so that it takes nothing from the client's loop.

    Args:
        latency: seconds that every request takes.

    Returns:
        A context that gives its address, which ends in "/v1".
    """
    return server_process(__file__, "--latency", str(latency))


def main() -> None:
    """Serves until the standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds per request")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.latency, arguments.port))


if __name__ == "__main__":
    main()
