"""Joins requests that a server can answer together, without making a lone one wait.

Servers with a completions endpoint mostly take a list of prompts in one request. Requests are
joined where all but their prompts is the same, the seed included: greedy draws, scores of given
texts, and labels by their first token. A draw with a seed of its own goes alone, since one request
carries one seed.

A request that finds none under way goes at once, together with those that were made in the same
turn of the event loop. While others are under way, requests gather for two milliseconds at most, or
until the batch is full; and while a batch waits for its turn at a limiter, more may join it. So
the fewer turns there are, the fuller are the batches (group commit: Gray and Reuter, "Transaction
Processing", 1993, section 9.4).

A batch takes one turn as one request, with the tokens of all. Where the server refuses it, such as
for one prompt that is too long, each is asked alone, so that nobody is harmed by somebody else's
prompt. Who is cancelled leaves; the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio.lowlevel import checkpoint

from langnet.errors import RateLimited, RequestRejected
from langnet.lm.base import Usage
from langnet.lm.batch import Ask, Batch, Batching, Gathering, shares, twin
from langnet.lm.clock import current_time
from langnet.lm.deadline import off_the_clock
from langnet.lm.limited import SHARED, taken
from langnet.lm.tokens import counter
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from langnet.lm.base import LanguageModel
    from langnet.lm.limiter import Limiter

__all__ = ["Gathered"]

WINDOW = 0.002
"""Seconds for which requests gather at most while others are under way."""


class Gathered(Wrapper):
    """A model whose requests are joined, and take their turns; it stands in place of `Limited`.

    Use it as `async with Gathered(model, limiter) as model:`, since batches are tasks of their own.

    Args:
        model: the server's model; `batch` says how many prompts a request may carry.
        limiter: gives the turns; others may share it. `None` lets every batch go.
        name: of the user whose share this is.
        queued: is told the seconds that each request waited for others and for its turn, in the
            task that waited.
    """

    def __init__(
        self,
        model: LanguageModel,
        limiter: Limiter | None = None,
        *,
        name: str = "",
        queued: Callable[[float], None] | None = None,
    ) -> None:
        if not isinstance(model, Batching):
            raise TypeError(f"{model!r} cannot take several prompts in one request")
        super().__init__(model)
        self.limiter = limiter
        self._server: Batching = model
        self._member = None if limiter is None else limiter.member(name)
        self._queued = queued
        self._tokens = counter(model)
        self._gathering = Gathering(model.batch or 1)
        self._open = 0  # batches that gather no longer, and are not answered yet
        self._tasks = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._server.gathered(self._ask)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.gathered(None)
        self._tasks.cancel_scope.cancel()
        # An error from within is not the group's, which would wrap it.
        await self._tasks.__aexit__(None, None, None)

    async def _ask(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Usage]:
        """One request of the model's, which may travel with others."""
        prompt, longest = body["prompt"], body["max_tokens"]
        counts = self.limiter is not None and self.limiter.counts_tokens
        ask = Ask(prompt, longest, self._tokens(prompt) + longest if counts else 0)
        batch, is_new = self._gathering.joined(body, ask, self._fits)
        if batch.turn is not None and self.limiter is not None:
            self.limiter.change(batch.turn, tokens=ask.tokens, drawn=ask.drawn)
        if is_new and not self._open:
            await self._first(batch, ask)
        elif is_new:
            self._tasks.start_soon(self._run, batch)
        return await self._answer(ask)

    async def _first(self, batch: Batch, ask: Ask) -> None:
        """Sends a batch that finds none under way: in the caller's own task, if it stays alone."""
        try:
            await checkpoint()  # those of the same turn of the event loop may join
            alone = len(batch.asks) == 1 and self._goes(batch)
        except BaseException:
            self._drop(ask)
            if batch.asks != [ask]:
                self._tasks.start_soon(self._run, batch)
            raise
        if alone:
            await self._opened(batch)
        else:
            # A task of its own, which does not end with any of those who wait for it.
            self._tasks.start_soon(self._run, batch)

    async def _answer(self, ask: Ask) -> tuple[dict[str, Any], Usage]:
        """Waits for an answer, and leaves the batch where nobody waits any more."""
        try:
            if not ask.sent.is_set():  # to wait for what has come would take a turn of the loop
                with off_the_clock():
                    await ask.sent.wait()
            if self._queued is not None:
                self._queued(ask.queued)
            if not ask.done.is_set():
                await ask.done.wait()
        finally:
            if not ask.done.is_set():
                self._drop(ask)
        if ask.answer is not None:
            return ask.answer
        raise twin(ask.error or RuntimeError(f"{self.model!r} gave no answer"))

    def _drop(self, ask: Ask) -> None:
        """Lets a prompt go whose caller does not wait any more."""
        batch = ask.batch
        ask.dropped = True
        if batch is None:
            return
        turn = batch.turn
        waits = not ask.sent.is_set() and (turn is None or turn.taken is None)
        if waits and len(batch.asks) > 1:
            batch.asks.remove(ask)
            if turn is not None and self.limiter is not None:
                self.limiter.change(turn, tokens=-ask.tokens, drawn=-ask.drawn)
        if all(other.dropped for other in batch.asks):
            self._gathering.close(batch)
            batch.scope.cancel()

    async def _run(self, batch: Batch) -> None:
        """Sends a batch, once it is full or has waited long enough, in its turn."""
        try:
            with batch.scope:
                if self._open and not batch.go.is_set():
                    with anyio.move_on_after(WINDOW):
                        await batch.go.wait()
                await self._opened(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers raise it
            for ask in batch.asks:
                ask.fail(error)
        finally:
            self._gathering.close(batch)
            for ask in batch.asks:
                ask.fail(RuntimeError(f"{self.model!r} was closed before its answer came"))

    async def _opened(self, batch: Batch) -> None:
        """Sends a batch, while others gather; the last that ends lets them go."""
        self._open += 1
        try:
            await self._sent(batch)
        finally:
            self._open -= 1
            if not self._open:
                self._gathering.hurry()

    def _fits(self, tokens: int, drawn: int) -> bool:
        """Whether one request may take so many tokens."""
        return self.limiter is None or self.limiter.fits(tokens, drawn)

    def _goes(self, batch: Batch) -> bool:
        """Whether a batch has its turn at once; else it has one to wait for."""
        if self.limiter is None or self._member is None:
            return True
        if batch.turn is None:
            tokens, drawn = batch.size
            batch.turn = self.limiter.ask(self._member, tokens=tokens, drawn=drawn)
        return self.limiter.goes(batch.turn)

    async def _sent(self, batch: Batch) -> None:
        """Sends a batch in its turn, and hands out the answers."""
        if self.limiter is not None and not self._goes(batch) and batch.turn is not None:
            await self.limiter.wait(batch.turn)
        self._gathering.close(batch)
        asks = batch.asks
        now = current_time()
        for ask in asks:
            ask.queued = now - ask.since
            ask.sent.set()
        prompts = [ask.prompt for ask in asks]
        try:
            # One prompt is sent as without batches.
            choices, usage = await (
                self._server.request(batch.body, prompts)
                if len(prompts) > 1
                else self._server.request({**batch.body, "prompt": prompts[0]})
            )
        except BaseException as error:
            if isinstance(error, RateLimited):
                error.add_note(SHARED)
            self._leave(batch, error=error)
            if not isinstance(error, RequestRejected) or len(asks) == 1:
                raise
        else:
            self._leave(batch, usage)
            for ask, choice, used in zip(asks, choices, shares(usage, asks, choices), strict=True):
                ask.answer = choice, used
                ask.done.set()
            return
        async with anyio.create_task_group() as tasks:
            for ask in asks:
                if ask.dropped:
                    continue
                one = Batch("", batch.body)
                one.add(ask)
                one.go.set()
                tasks.start_soon(self._run, one)

    def _leave(
        self, batch: Batch, usage: Usage | None = None, error: BaseException | None = None
    ) -> None:
        if self.limiter is not None and batch.turn is not None:
            tokens, drawn = taken(usage or Usage())
            self.limiter.leave(batch.turn, tokens=tokens, drawn=drawn, error=error)
