"""Who may ask what: a viewer shows and steers somebody's runs, and any page can reach loopback.

A secret in the address lets a browser in, which keeps it as a cookie from then on. Requests must
name the viewer itself as their host, so that no other name can be made to lead here (DNS
rebinding), and what changes something must come from one of its own pages, as JSON.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from typing import Any

from aiohttp import web

from langnet.errors import LangnetError
from langnet.ui.wire import encoded

__all__ = ["Guard", "Refused", "loopback", "policy"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BEARER = "Bearer "
_FIXED = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer."""
_NOTHING = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""The policy of what is no page."""
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")


class Refused(Exception):
    """A request that is not answered as it is.

    Attributes:
        status: of HTTP.
        message: says why, and what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def loopback(host: str) -> str:
    """The host, if only programs of this machine can reach it.

    Raises:
        LangnetError: it is another one.
    """
    if host not in _LOOPBACK:
        raise LangnetError(
            f"the viewer listens on loopback alone, not on {host!r}: who reaches it can steer "
            "fits. From another machine, go through a tunnel with the same port at both ends: "
            "ssh -L 8322:127.0.0.1:8322 THIS-MACHINE, and --port 8322 here"
        )
    return host


def policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """The policy of a page: its own scripts and styles, by digest, and requests to its server.

    Args:
        scripts: digests of its scripts; see `langnet.report.page.sources.digest`.
        styles: digests of its styles.
    """
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src", *(f"'sha256-{one}'" for one in scripts)]),
            " ".join(["style-src", *(f"'sha256-{one}'" for one in styles)]),
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class Guard:
    """Lets in who knows the secret.

    Attributes:
        token: the secret.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(32)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Checks a request, and says with every answer what a browser may do with it."""
        response: web.StreamResponse
        try:
            response = self._entered(request) or await handler(request)
        except Refused as error:
            response = _told(request, error.status, error.message)
        except web.HTTPException as error:
            response = _told(request, error.status, error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        if not response.prepared:
            self.protect(response)
        return response

    def protect(self, response: web.StreamResponse) -> None:
        """Sets the headers of an answer that has not begun; a policy of its own is kept."""
        response.headers.update(_FIXED)
        response.headers.setdefault("Content-Security-Policy", _NOTHING)

    def _entered(self, request: web.Request) -> web.Response | None:
        """Refuses a request, or sends one with the secret in its address on, with the cookie."""
        port = _port(request)
        if request.headers.get("Host", "") not in _hosts(port):
            raise Refused(
                421,
                f"this viewer answers to 127.0.0.1:{port} and localhost:{port} alone; through a "
                "tunnel, take the same port at both ends",
            )
        # Another page's pictures and scripts come here as well, and from the same site at that.
        embeds = request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
        if embeds and request.headers.get("Sec-Fetch-Mode") != "navigate":
            raise Refused(403, "another page asked for this")
        cookie = f"langnet-ui-{port}"
        shown = request.query.get("token", "")
        known = [request.cookies.get(cookie, ""), shown]
        known.append(request.headers.get("Authorization", "").removeprefix(_BEARER))
        if not any([self._is_token(one) for one in known]):  # noqa: C419 - each takes its time
            raise Refused(
                401,
                "This page needs the secret that stands in the viewer's address. Open the address "
                "that langnet ui has printed, ?token=… included; a viewer that was started anew "
                "has a new one.",
            )
        if request.method in _CHANGING:
            _check_change(request)
        if request.method != "GET" or not self._is_token(shown):
            return None
        clean = request.rel_url.without_query_params("token")
        response = web.Response(status=303, headers={"Location": str(clean)})
        response.set_cookie(cookie, self.token, httponly=True, samesite="Strict", path="/")
        return response

    def _is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(errors="replace"), self.token.encode())


def _check_change(request: web.Request) -> None:
    """A change comes from a page of this server, and as JSON, which no form can send."""
    if request.headers.get("Origin") != f"http://{request.headers['Host']}":
        raise Refused(403, "what changes a run must come from a page of this viewer (Origin)")
    if request.content_type != "application/json":
        raise Refused(415, "the body is to be JSON: Content-Type: application/json")


def _port(request: web.Request) -> int:
    assert request.transport is not None  # noqa: S101 - it has just been read from
    port: int = request.transport.get_extra_info("sockname")[1]
    return port


def _hosts(port: int) -> frozenset[str]:
    return frozenset(f"{'[::1]' if host == '::1' else host}:{port}" for host in _LOOPBACK)


def _told(request: web.Request, status: int, message: str) -> web.Response:
    """An error as a page where one was asked for, and as JSON elsewhere."""
    if "text/html" not in request.headers.get("Accept", ""):
        return json_response({"error": message}, status=status)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        '<meta name=color-scheme content="light dark">'
        f"<title>langnet: {status}</title><h1>{status}</h1><p>{escape(message)}</p></html>"
    )
    return web.Response(text=page, status=status, content_type="text/html")


def json_response(data: Any, *, status: int = 200) -> web.Response:
    """Data as JSON."""
    return web.Response(body=encoded(data), status=status, content_type="application/json")
