"""The endpoints: chat completions, the list of models, health and metrics."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from functools import partial

import anyio
from aiohttp import web

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import LangnetError
from langnet.lm.base import Usage
from langnet.lm.meter import Meter
from langnet.network import Network
from langnet.report.telemetry import Telemetry
from langnet.serve.answer import Cut, chunk, completion, event
from langnet.serve.counters import Counters
from langnet.serve.failures import error_response, failure_response
from langnet.serve.guard import CHAT, guard
from langnet.serve.pieces import told
from langnet.serve.request import Asked, RequestError, parsed
from langnet.trace import Trace

__all__ = ["ServeSettings", "application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How a network is served.

    Attributes:
        name: what clients call it; by default the graph's own name.
        main: the input that takes the conversation; by default the graph's first.
        api_key: what clients must show; nothing by default.
        longest_body: bytes of a request.
        most_waiting: requests that may wait for their turn; further ones are told to come back.
        read_timeout: seconds that a client may take to send its request.
    """

    name: str | None = None
    main: str | None = None
    api_key: str | None = None
    longest_body: int = 2**20
    most_waiting: int = 1000
    read_timeout: float = 30.0


def application(
    network: Network,
    settings: ServeSettings | None = None,
    *,
    telemetry: Telemetry | None = None,
) -> web.Application:
    """An aiohttp application that serves a network; it can be a part of a larger one.

    Args:
        network: what answers.
        settings: how it is served.
        telemetry: makes a span of each request, below the one that the client's headers name.

    Raises:
        ValueError: the network has no input of the name that the settings give.
    """
    settings = settings or ServeSettings()
    served = _Served(network, settings)
    guarded = guard(
        served.counters, api_key=settings.api_key, model=served.name, telemetry=telemetry
    )
    app = web.Application(client_max_size=settings.longest_body, middlewares=[guarded])
    app.add_routes(
        [
            web.post(CHAT, served.complete),
            web.get("/v1/models", served.models),
            web.get("/v1/models/{name:.+}", served.model),
            web.get("/health", served.health),
            web.get("/metrics", served.metrics),
        ]
    )
    return app


class _Served:
    def __init__(self, network: Network, settings: ServeSettings) -> None:
        graph = network.graph
        self.network = network
        self.settings = settings
        self.name = settings.name or graph.name
        self.main = settings.main or graph.inputs[0]
        self.created = int(time.time())
        self.counters = Counters()
        if self.main not in graph.inputs:
            raise ValueError(
                f"{graph.name} has no input {self.main!r}; it reads {', '.join(graph.inputs)}"
            )

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answers a conversation."""
        asked = parsed(await self._body(request), self.network.graph.inputs, self.main)
        if asked.model:
            self._known(asked.model)
        waiting = self.counters.open - self.network.concurrency
        if waiting >= self.settings.most_waiting:
            busy = error_response(
                429, "too many requests wait here; come back later", "rate_limit_error"
            )
            busy.headers["Retry-After"] = "1"
            return busy
        with self.counters.running():
            if asked.stream:
                return await self._streamed(request, asked)
            meter = Meter()
            traces = await self._run(asked, meter)
            usage = self._used(meter)
        document = completion(
            _name(),
            self.name,
            int(time.time()),
            traces,
            usage,
            with_trace=asked.with_trace,
            stop=asked.stop,
        )
        return web.json_response(document)

    async def _streamed(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Sends the answer in pieces; a failure after the first becomes an event of its own."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        meter = Meter()
        head = (_name(), self.name, int(time.time()))
        make = partial(chunk, *head, with_usage=asked.with_usage)
        cuts = [Cut(asked.stop) for _ in range(asked.number)]
        await response.prepare(request)
        for index in range(asked.number):
            await response.write(event(make(index=index, role="assistant", text="")))
        try:
            async with told(self.network, _examples(asked), meter) as pieces:
                async for index, text in pieces:
                    piece = cuts[index].rest() if text is None else cuts[index](text)
                    if piece:
                        await response.write(event(make(index=index, text=piece)))
                    if text is None:
                        await response.write(event(make(index=index, finish="stop")))
        except LangnetError as error:
            failed = failure_response(error)
            assert isinstance(failed.body, bytes)  # noqa: S101 - made of JSON here
            await response.write(event(failed.body.decode()))
        else:
            usage = self._used(meter)
            if asked.with_usage:
                await response.write(event(make(usage=usage)))
            await response.write(event("[DONE]"))
        await response.write_eof()
        return response

    async def models(self, _request: web.Request) -> web.Response:
        """Lists the one model that there is."""
        return web.json_response({"object": "list", "data": [self._model()]})

    async def model(self, request: web.Request) -> web.Response:
        """Describes it."""
        self._known(request.match_info["name"])
        return web.json_response(self._model())

    async def health(self, _request: web.Request) -> web.Response:
        """Says that the server is up, and how busy."""
        return web.json_response(
            {"status": "ok", "model": self.name, "open_requests": self.counters.open}
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Counts in Prometheus' text format."""
        return web.Response(
            body=self.counters.text().encode(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def _run(self, asked: Asked, meter: Meter) -> list[Trace]:
        return await each(partial(self.network.run, meter=meter), _examples(asked))

    async def _body(self, request: web.Request) -> object:
        try:
            with anyio.fail_after(self.settings.read_timeout):
                data = await request.read()
        except TimeoutError:
            raise RequestError("the request did not come to its end in time", status=408) from None
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"the body is no JSON: {error}") from error

    def _known(self, name: str) -> None:
        if name != self.name:
            raise RequestError(
                f"there is no model {name!r} here; there is {self.name!r}",
                field="model",
                status=404,
                code="model_not_found",
            )

    def _used(self, meter: Meter) -> Usage:
        reading = meter.snapshot()
        usage = Usage(reading.prompt_tokens, reading.completion_tokens, reading.cached_tokens)
        self.counters.used(usage)
        return usage

    def _model(self) -> dict[str, object]:
        return {
            "id": self.name,
            "object": "model",
            "created": self.created,
            "owned_by": "langnet",
            "inputs": list(self.network.graph.inputs),
        }


def _examples(asked: Asked) -> list[Example]:
    """One for each answer. The id decides the draws: an equal request gets an equal answer."""
    return [
        Example(f"seed {asked.seed}, answer {index}", asked.inputs) for index in range(asked.number)
    ]


def _name() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"
