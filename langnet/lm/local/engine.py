"""The one thread that computes: it takes what has arrived, shares its prefixes and batches it."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langnet.errors import LangnetError, ModelError
from langnet.lm.local.draws import Draws
from langnet.lm.local.llama import Llama
from langnet.lm.local.plan import plan
from langnet.lm.local.probe import Exactness, probe
from langnet.lm.local.streams import Streams
from langnet.lm.local.vocabulary import Vocabulary
from langnet.lm.local.work import Meter, Work

if TYPE_CHECKING:
    from pathlib import Path

    from langnet.lm.local.request import Request

__all__ = ["Engine", "Settings"]

_WORTH_SHARING = 8  # tokens saved, below which a common prefix is computed again


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an engine is set up.

    Attributes:
        threads: that compute.
        context_size: tokens that a request may take.
        streams: sequences that are computed side by side, eight or more.
        batch: tokens in one call of the engine at most, eight or more for each stream.
        prefix_bytes: room for saved prefixes.
    """

    threads: int
    context_size: int
    streams: int = 8
    batch: int = 256
    prefix_bytes: int = 256 * 2**20


@dataclass(frozen=True, slots=True)
class _Loaded:
    llama: Llama
    vocabulary: Vocabulary
    exactness: Exactness


class Engine:
    """Owns a model and the thread that alone touches it.

    Construction waits until the model is loaded and tested, so it belongs in a worker thread
    where an event loop runs.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._meter = Meter()
        loaded: queue.SimpleQueue[_Loaded | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._main,
            args=(path, settings, loaded),
            name=f"langnet-{path.stem}",
            daemon=True,  # `LocalModel` sees to it that it ends before the interpreter does
        )
        self._thread.start()
        outcome = loaded.get()
        if isinstance(outcome, Exception):
            self._thread.join()
            raise outcome
        self._vocabulary = outcome.vocabulary
        self.exact = outcome.exactness.exact
        self.context_size = outcome.llama.context_size

    # From any thread

    def submit(self, request: Request) -> None:
        """Asks for something.

        Raises:
            ModelError: the engine is closed.
        """
        with self._lock:
            self._check_open()
            self._inbox.put(request)

    def count_tokens(self, text: str) -> int:
        """The tokens of a text.

        Raises:
            ModelError: the engine is closed.
        """
        with self._lock:  # the vocabulary must not be freed meanwhile
            self._check_open()
            return len(self._vocabulary.tokenise(text))

    def work(self) -> Work:
        """What was computed so far, the test at the beginning not counted."""
        return self._meter.snapshot()

    def close(self) -> None:
        """Fails what is pending, ends the thread and frees the model."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._inbox.put(None)
        if threading.current_thread() is not self._thread:  # a collector may run in any thread
            self._thread.join()

    def _check_open(self) -> None:
        if self._closed:
            raise _closed_error()

    # In the engine's thread

    def _main(
        self, path: Path, settings: Settings, loaded: queue.SimpleQueue[_Loaded | Exception]
    ) -> None:
        try:
            llama = Llama(
                path,
                threads=settings.threads,
                context_size=settings.context_size,
                streams=settings.streams,
                batch=settings.batch,
            )
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            loaded.put(error)
            return
        try:
            try:
                outcome = _Loaded(llama, Vocabulary(llama), probe(llama))
            except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
                loaded.put(error)
                return
            loaded.put(outcome)
            self._serve(outcome, settings)
        finally:
            llama.close()

    def _serve(self, loaded: _Loaded, settings: Settings) -> None:
        fewest = loaded.exactness.fewest
        streams = Streams(
            loaded.llama, room=settings.prefix_bytes, fewest=fewest, meter=self._meter
        )
        draws = Draws(streams, loaded.vocabulary, self._meter)
        try:
            while not self._closed:
                requests = self._arrived(wait=not draws)
                try:
                    self._advance(requests, loaded, streams, draws)
                except Exception as error:  # noqa: BLE001 - raised where the answers are awaited
                    draws.abandon(error)
                    for request in requests:
                        request.fail(error)
                    streams.reset()
        finally:
            with self._lock:
                self._closed = True
            draws.abandon(_closed_error())
            for request in self._arrived(wait=False):
                request.fail(_closed_error())

    def _advance(
        self, requests: list[Request], loaded: _Loaded, streams: Streams, draws: Draws
    ) -> None:
        """Begins what has arrived, and draws one token of every text that is under way."""
        if requests:
            draws.park()
            self._prefill(requests, loaded, streams, draws)
        draws.step()

    def _arrived(self, *, wait: bool) -> list[Request]:
        """The requests that are there."""
        requests: list[Request] = []
        try:
            item = self._inbox.get(block=wait)
            while True:
                if item is not None:
                    requests.append(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            return requests

    def _prefill(
        self, requests: list[Request], loaded: _Loaded, streams: Streams, draws: Draws
    ) -> None:
        """Computes all that does not depend on a draw."""
        lines = []
        sound = []
        for request in requests:
            try:
                if not request.dropped():
                    lines.extend(request.lines(loaded.vocabulary, loaded.llama.context_size))
                    sound.append(request)
            except LangnetError as error:  # it concerns this request alone
                request.fail(error)
        self._meter.add(Work(requested_tokens=sum(len(line.tokens) for line in lines)))
        streams.compute(plan(lines, least=_WORTH_SHARING), lambda: self._closed)
        for request in sound:
            if self._closed:
                request.fail(_closed_error())
            elif not request.dropped():
                request.ready(draws)


def _closed_error() -> ModelError:
    return ModelError("the local model is closed; keep it open until all answers are there")
