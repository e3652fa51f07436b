"""What is answered: pages, events, texts on demand, and what people say."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from aiohttp import web
from anyio import to_thread

from langnet.errors import DataError, GraphError
from langnet.ui.events import Clients
from langnet.ui.pages import index_page, report_of, run_page
from langnet.ui.run_log import RunLog
from langnet.ui.said import add_entry
from langnet.ui.security import Guard, Refused, json_response
from langnet.ui.watch import Watcher

__all__ = ["application"]

_LONGEST_BODY = 128 * 1024
"""Bytes of what somebody says."""
_MOST_COMPARED = 8


def application(
    watcher: Watcher, guard: Guard | None = None, clients: Clients | None = None
) -> web.Application:
    """An aiohttp application that shows runs.

    Args:
        watcher: watches them; its task is the caller's to run.
        guard: lets in who may see them.
        clients: those who follow events.
    """
    guard = guard or Guard()
    shown = _Shown(watcher, guard, clients or Clients())
    app = web.Application(client_max_size=_LONGEST_BODY, middlewares=[guard.middleware])
    app.add_routes(
        [
            web.get("/", shown.index, allow_head=False),
            web.get("/events", shown.index_events, allow_head=False),
            web.get("/report", shown.report, allow_head=False),
            web.get("/runs/{name:.+}/events", shown.run_events, allow_head=False),
            web.get(r"/runs/{name:.+}/steps/{step:\d{1,6}}", shown.step, allow_head=False),
            web.get("/runs/{name:.+}/example", shown.example, allow_head=False),
            web.post("/runs/{name:.+}/guidance", shown.guidance),
            web.get("/runs/{name:.+}", shown.run, allow_head=False),
        ]
    )

    async def end(_app: web.Application) -> None:
        watcher.end()

    app.on_shutdown.append(end)
    return app


class _Shown:
    def __init__(self, watcher: Watcher, guard: Guard, clients: Clients) -> None:
        self.watcher = watcher
        self.guard = guard
        self.clients = clients

    async def index(self, _request: web.Request) -> web.Response:
        """The list of runs."""
        return index_page()

    async def index_events(self, request: web.Request) -> web.StreamResponse:
        """Its changes."""
        return await self.clients.follow(request, self.watcher.runs, self.watcher, self.guard)

    async def report(self, request: web.Request) -> web.Response:
        """A page of some runs that stands by itself."""
        names = request.query.getall("run", [])
        if not 1 <= len(names) <= _MOST_COMPARED:
            raise Refused(400, f"name 1 to {_MOST_COMPARED} runs: /report?run=…&run=…")
        try:
            found = [self.watcher.directory(name) for name in names]
            return await to_thread.run_sync(report_of, found)
        except GraphError as error:
            raise Refused(404, str(error)) from error

    async def run(self, request: web.Request) -> web.Response:
        """The page of a run."""
        name = request.match_info["name"]
        try:
            return await to_thread.run_sync(run_page, name, self.watcher.directory(name))
        except GraphError as error:
            raise Refused(404, str(error)) from error

    async def run_events(self, request: web.Request) -> web.StreamResponse:
        """All that there is to tell of a run, and what comes."""
        self._log(request)
        with self.watcher.reading(request.match_info["name"]) as log:
            return await self.clients.follow(request, log, self.watcher, self.guard)

    async def step(self, request: web.Request) -> web.Response:
        """The candidates of a step."""
        work = partial(self._log(request).texts.candidates, int(request.match_info["step"]))
        return await _found(work)

    async def example(self, request: web.Request) -> web.Response:
        """One example in full."""
        log = self._log(request)
        output = log.about["graph"]["outputs"][0] if log.about else ""
        return await _found(partial(log.texts.story, request.query.get("id", ""), output))

    async def guidance(self, request: web.Request) -> web.Response:
        """Takes what somebody says of a run."""
        log = self._log(request)
        await self.watcher.look(log)
        try:
            data = json.loads(await request.read())
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is no JSON: {error}") from error
        try:
            entry = await to_thread.run_sync(add_entry, log.directory, log.texts.examples, data)
        except (DataError, TypeError) as error:
            raise Refused(400, str(error)) from error
        await self.watcher.look(log)
        return json_response({"entry": entry.to_json()}, status=201)

    def _log(self, request: web.Request) -> RunLog:
        try:
            return self.watcher.log(request.match_info["name"])
        except GraphError as error:
            raise Refused(404, str(error)) from error


async def _found(work: Any) -> web.Response:
    try:
        return json_response(await to_thread.run_sync(work))
    except GraphError as error:
        raise Refused(404, str(error)) from error
