"""What stands before every endpoint: the key, the counts, spans, and errors as answers."""

from __future__ import annotations

import hmac
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from langnet.errors import LangnetError
from langnet.report.telemetry import Telemetry
from langnet.serve.counters import Counters
from langnet.serve.failures import error_response, failure_response
from langnet.serve.request import RequestError

__all__ = ["CHAT", "guard"]

CHAT = "/v1/chat/completions"
"""Where conversations are answered."""
_BEARER = "Bearer "


def guard(
    counters: Counters, *, api_key: str | None, model: str, telemetry: Telemetry | None
) -> Middleware:
    """A middleware that checks the key, counts, and turns errors into answers.

    Args:
        counters: count every answer.
        api_key: what clients must show; nothing where it is `None`.
        model: what clients call the network.
        telemetry: makes a span of each request.
    """

    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.monotonic()
        response: web.StreamResponse
        try:
            if request.path.startswith("/v1/"):
                _admit(request, api_key)
            response = await handler(request)
        except RequestError as error:
            kind = "invalid_request_error"
            response = error_response(error.status, error.message, kind, error.field, error.code)
        except web.HTTPException as error:
            response = error_response(error.status, error.reason, "invalid_request_error")
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except LangnetError as error:
            response = failure_response(error)
        counters.answered(request.path, response.status, time.monotonic() - began)
        return response

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if telemetry is None:
            return await answered(request, handler)
        resource = request.match_info.route.resource
        route = "other" if resource is None else resource.canonical
        about = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
        with telemetry.request(
            request.method, route, request.headers, about if route == CHAT else {}
        ) as told:
            response = await answered(request, handler)
            told(response.status)
            return response

    return guarded


def _admit(request: web.Request, api_key: str | None) -> None:
    if api_key is None:
        return
    shown = request.headers.get("Authorization", "")
    if not hmac.compare_digest(shown.encode(), f"{_BEARER}{api_key}".encode()):
        raise RequestError(
            "this server asks for an API key, and this one is wrong",
            status=401,
            code="invalid_api_key",
        )
