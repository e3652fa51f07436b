"""A made-up language model of a small vocabulary: a real server on 127.0.0.1, and a model object.

The server stands where a page of the docs has a server: in OpenAI's protocol it draws by the
request's seed, scores given texts by `echo` and `prompt_logprobs`, gives top log-probabilities, and
streams. `StandIn` stands where a page has the embedded model, and can do what that can: score at
any temperature, the end of a text included. Their numbers are made of checksums, so that each
context has a distribution of its own, and the same one every time.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any
from zlib import crc32

from aiohttp import web

from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    TextScore,
    TextScores,
    Usage,
)

if TYPE_CHECKING:
    from langnet.key import Key

_TOKEN = re.compile(r"\s*\S+|\s+$")
_WORD = re.compile(r"[A-Za-z]+|\d")
VOCABULARY = [
    *("subjective", "objective", "positive", "negative", "Yes", "No", "True", "False"),
    *("abbreviation", "description", "entity", "location", "number", "person"),
    *("A", "B", "C", *"0123456789"),
]


def logprob(token: str, before: str) -> float:
    """The model's log-probability of a token after a text, in nats."""
    return -0.1 - crc32(f"{len(before)}{token.strip()}".encode()) % 1000 / 250


def top(context: str, number: int) -> dict[str, float]:
    """The most probable next tokens: of the vocabulary, what the context speaks of comes first."""
    said = set(_WORD.findall(context))
    words = sorted(VOCABULARY, key=lambda word: (word not in said, logprob(word, context)))
    return {f" {word}": logprob(word, context) for word in words[:number]}


def drawn(context: str, body: dict[str, Any]) -> tuple[list[str], str]:
    """The tokens of a text that follows, cut as the request asks, and how it ended."""
    seed = body.get("seed") if body.get("temperature", 1) else 0
    random = Random(f"{seed}{crc32(context.encode())}")
    word, digit = random.choice(list(top(context, 6))), random.randrange(10)
    text = random.choice((f"{word}", f" It is{word}.\nThe answer is {digit}.", f" {digit}"))
    for stop in body.get("stop") or ():
        text = text.split(stop)[0]
    tokens = _TOKEN.findall(text)
    most = body.get("max_tokens") or body.get("max_completion_tokens") or 64
    return tokens[:most], "stop" if len(tokens) <= most else "length"


class StandIn:
    """The made-up model as an object, in place of the embedded one."""

    capabilities = Capabilities(score=True, choose=True)

    def __init__(self, name: str) -> None:
        self.identity = f"made up:{name}"

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """One text per key."""
        completions = []
        for key in keys:
            body = {
                "seed": key.rng().random(),
                "temperature": decoding.temperature,
                "stop": decoding.stop,
                "max_tokens": decoding.max_tokens,
            }
            tokens, finish = drawn(context, body)
            usage = Usage(len(_TOKEN.findall(context)), len(tokens))
            completions.append(Completion("".join(tokens).strip(), finish, usage))
        return completions

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """A log-probability for every token of each text, and one for its end."""
        power = 1 / (decoding.temperature or 1.0)
        scores = [
            TextScore(
                tuple(
                    power * logprob(token, context)
                    for token in (*_TOKEN.findall(text), *([""] if end else []))
                )
            )
            for text in texts
        ]
        return TextScores(tuple(scores), Usage(len(_TOKEN.findall(context)) * len(texts)))

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """A log-probability for each label."""
        found = [max(logprob(text, context) for text in choice.texts) for choice in choices]
        return LabelScores(tuple(found), Usage(len(_TOKEN.findall(context))))

    async def aclose(self) -> None:
        """Does nothing: the model holds nothing."""


def _context(body: dict[str, Any]) -> str:
    if "messages" not in body:
        return str(body["prompt"])
    return "\n".join(str(message["content"]) for message in body["messages"])


def _completion(body: dict[str, Any], context: str, tokens: list[str]) -> dict[str, Any]:
    choice: dict[str, Any] = {"text": "".join(tokens)}
    given = _TOKEN.findall(context)
    if body.get("echo"):
        listed = [*given, *tokens]
        places = [sum(map(len, listed[:place])) for place in range(len(listed))]
        numbers = [logprob(t, context[:p]) for t, p in zip(listed, places, strict=True)]
        choice = {
            "text": "".join(listed),
            "logprobs": {
                "tokens": listed,
                "token_logprobs": [None, *numbers[1:]],
                "text_offset": places,
            },
        }
    elif body.get("logprobs"):
        found = top(context, body["logprobs"])
        choice["logprobs"] = {"tokens": tokens, "top_logprobs": [found]}
    if body.get("prompt_logprobs") is not None:
        choice["prompt_logprobs"] = [
            None,
            *({"1": {"logprob": logprob(t, context), "decoded_token": t}} for t in given[1:]),
        ]
    return choice


def _chat(body: dict[str, Any], context: str, tokens: list[str]) -> dict[str, Any]:
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": "".join(tokens)}}
    if body.get("logprobs"):
        found = top(context, body.get("top_logprobs", 20))
        entries = [{"token": token, "logprob": number} for token, number in found.items()]
        choice["logprobs"] = {"content": [{**entries[0], "top_logprobs": entries}]}
    return choice


async def _answer(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    context = _context(body)
    tokens, finish = drawn(context, body)
    usage = {
        "prompt_tokens": len(_TOKEN.findall(context)),
        "completion_tokens": len(tokens),
    }
    is_chat = "messages" in body
    if body.get("stream"):
        return await _stream(request, tokens, finish, usage, is_chat=is_chat)
    choice = (_chat if is_chat else _completion)(body, context, tokens)
    choice.update(index=0, finish_reason=finish)
    return web.json_response({"choices": [choice], "usage": usage})


async def _stream(
    request: web.Request, tokens: list[str], finish: str, usage: dict[str, int], *, is_chat: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for token in tokens:
        piece: dict[str, Any] = {"delta": {"content": token}} if is_chat else {"text": token}
        await _event(response, {"choices": [{"index": 0, "finish_reason": None, **piece}]})
    last: dict[str, Any] = {"delta": {}} if is_chat else {"text": ""}
    await _event(response, {"choices": [{"index": 0, "finish_reason": finish, **last}]})
    await _event(response, {"choices": [], "usage": usage})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _event(response: web.StreamResponse, data: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(data)}\n\n".encode())


@asynccontextmanager
async def _listening() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _answer)
    app.router.add_post("/v1/completions", _answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


@contextmanager
def loopback() -> Iterator[str]:
    """Runs the server in a thread of its own; gives its host and port."""
    ready, address = threading.Event(), [""]
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def work() -> None:
        over = asyncio.Event()
        async with _listening() as address[0]:
            stop.append((asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(work(),), name="loopback model")
    thread.start()
    assert ready.wait(30), "the server does not start"
    try:
        yield address[0]
    finally:
        loop, over = stop[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()
