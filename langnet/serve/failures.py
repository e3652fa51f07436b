"""What goes wrong, as a client of OpenAI's is told."""

from __future__ import annotations

from aiohttp import web

from langnet.errors import ContextOverflow, DeadlineExceeded, LangnetError, ModelError, RateLimited
from langnet.serve.answer import error_document

__all__ = ["error_response", "failure_response"]


def error_response(
    status: int, message: str, kind: str, field: str | None = None, code: str | None = None
) -> web.Response:
    """An answer with an error in OpenAI's form."""
    return web.json_response(error_document(message, kind, field, code), status=status)


def failure_response(error: LangnetError) -> web.Response:
    """What it means to the client that a run failed. The notes say at which node."""
    message = " ".join([str(error), *(f"({note})" for note in getattr(error, "__notes__", ()))])
    match error:
        case RateLimited():
            response = error_response(429, message, "rate_limit_error")
            if error.retry_after is not None:
                response.headers["Retry-After"] = f"{error.retry_after:.0f}"
            return response
        case ContextOverflow():
            kind = "invalid_request_error"
            return error_response(400, message, kind, "messages", "context_length_exceeded")
        case DeadlineExceeded():
            return error_response(504, message, "timeout")
        case ModelError():
            return error_response(502, message, "upstream_error")
    return error_response(400, message, "invalid_request_error")
