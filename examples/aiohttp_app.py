"""A network in an aiohttp application: opened once, called by every request.

pip install "langnet[local]"
NETWORK=runs/first python aiohttp_app.py

MODEL=… names another model than the one that the network was fitted with.
"""

import os
from collections.abc import AsyncIterator

from aiohttp import web

import langnet
from langnet import Network

NETWORK = web.AppKey("network", Network)


def application(network_file: str, model: str | None = None) -> web.Application:
    """An application with a network of its own."""

    async def network(app: web.Application) -> AsyncIterator[None]:
        async with langnet.load(network_file, models=model, timeout=60) as opened:
            app[NETWORK] = opened
            yield

    async def answer(request: web.Request) -> web.Response:
        trace = await request.app[NETWORK](**await request.json())
        return web.json_response({"answer": trace.output})

    app = web.Application()
    app.cleanup_ctx.append(network)
    app.add_routes([web.post("/answers", answer)])
    return app


if __name__ == "__main__":
    # With handler_cancellation a request whose client hangs up is cancelled, and its calls with it.
    web.run_app(
        application(os.environ["NETWORK"], os.environ.get("MODEL")),
        host="127.0.0.1",
        handler_cancellation=True,
    )
