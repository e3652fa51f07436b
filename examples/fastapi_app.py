"""A network in a FastAPI application: opened once, called by every request.

pip install "langnet[local]" fastapi uvicorn
NETWORK=runs/first uvicorn fastapi_app:app

MODEL=… names another model than the one that the network was fitted with.

curl http://127.0.0.1:8000/answers -H 'Content-Type: application/json' -d '{"text": "…"}'
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

import langnet
from langnet import Example, ModelError, Network, Trace


def application(network_file: str, model: str | None = None) -> FastAPI:
    """An application with a network of its own; several may live in one process."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with langnet.load(network_file, models=model, timeout=60) as network:
            app.state.network = network
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/answers")
    async def answer(inputs: dict[str, str], request: Request) -> dict[str, Any]:
        network: Network = request.app.state.network
        trace = await _unless_gone(request, network, inputs)
        return {"answer": trace.output, "values": dict(trace.values)}

    @app.post("/streams")
    async def stream(inputs: dict[str, str], request: Request) -> StreamingResponse:
        network: Network = request.app.state.network

        async def lines() -> AsyncIterator[str]:
            async with network.watch(Example("call", inputs), pieces=True) as events:
                async for event in events:
                    yield f"{event}\n"

        return StreamingResponse(lines(), media_type="text/plain")

    return app


async def _unless_gone(request: Request, network: Network, inputs: dict[str, str]) -> Trace:
    """The network's answer; who hangs up is not waited for, and what it asked of models ends.

    FastAPI lets a request run on when its client has gone, so somebody has to watch.
    """
    found: list[Trace] = []

    async def watch(scope: anyio.CancelScope) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, tasks.cancel_scope)
            found.append(await network(**inputs))
            tasks.cancel_scope.cancel()
    except* ModelError as group:
        raise HTTPException(502, str(group.exceptions[0])) from group
    if not found:
        raise HTTPException(499, "the client has gone")
    return found[0]


if "NETWORK" in os.environ:
    app = application(os.environ["NETWORK"], os.environ.get("MODEL"))
