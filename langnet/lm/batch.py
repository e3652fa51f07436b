"""One request for several prompts: what travels in it, and how its answer is shared out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import anyio

from langnet.lm.base import Usage
from langnet.lm.clock import current_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from langnet.lm.fair import Turn

__all__ = ["Ask", "Batch", "Batching", "Gathering", "shares", "twin"]

# `json.dumps` with options would build an encoder per call.
_encode = json.JSONEncoder(sort_keys=True).encode


@runtime_checkable
class Batching(Protocol):
    """A server's model whose requests can be joined."""

    batch: int | None
    """How many prompts one request may carry; `None` for one."""

    async def request(
        self, body: Mapping[str, Any], prompts: Sequence[str] | None = None
    ) -> tuple[list[dict[str, Any]], Usage]:
        """Sends one request; gives a choice for each prompt in their order, and the tokens.

        Raises:
            ModelError: the request failed.
            CapabilityError: the server does not answer each of several prompts.
        """
        ...

    def gathered(
        self, ask: Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, Any], Usage]]] | None
    ) -> None:
        """Passes every request to `ask` from now on, in place of `request`; `None` undoes it."""
        ...


class Ask:
    """One prompt on its way.

    Args:
        prompt: the prompt.
        longest: the longest answer, in tokens.
        tokens: that it may take; 0 where nobody counts.

    Attributes:
        drawn: how many of `tokens` are its answer's.
        batch: what it travels in.
        since: when it was asked for, in seconds.
        queued: seconds that it waited before it was sent.
        sent: is set once it was sent, or never will be.
        done: is set once there is an answer or an error.
        dropped: whether nobody waits for it any more.
        answer: the choice, and the tokens that it took.
        error: why there is none.
    """

    __slots__ = (
        "answer",
        "batch",
        "done",
        "drawn",
        "dropped",
        "error",
        "longest",
        "prompt",
        "queued",
        "sent",
        "since",
        "tokens",
    )

    def __init__(self, prompt: str, longest: int, tokens: int) -> None:
        self.prompt = prompt
        self.longest = longest
        self.tokens = tokens
        self.drawn = min(longest, tokens)
        self.batch: Batch | None = None
        self.since = current_time()
        self.queued = 0.0
        self.sent = anyio.Event()
        self.done = anyio.Event()
        self.dropped = False
        self.answer: tuple[dict[str, Any], Usage] | None = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Ends it with an error, unless it has ended."""
        if not self.done.is_set():
            self.error = error
            self.sent.set()
            self.done.set()


class Batch:
    """Prompts that go in one request.

    Args:
        name: the same for all that may join.
        body: the request without its prompts.

    Attributes:
        asks: the prompts; those that nobody waits for are taken out until it is sent.
        go: is set once it gathers no longer.
        scope: in which it is sent.
        turn: its turn at the limiter.
    """

    __slots__ = ("asks", "body", "go", "name", "scope", "turn")

    def __init__(self, name: str, body: Mapping[str, Any]) -> None:
        self.name = name
        self.body = body
        self.asks: list[Ask] = []
        self.go = anyio.Event()
        self.scope = anyio.CancelScope()
        self.turn: Turn | None = None

    @property
    def size(self) -> tuple[int, int]:
        """The tokens that it may take, and those of them that are answers'."""
        return sum(ask.tokens for ask in self.asks), sum(ask.drawn for ask in self.asks)

    def has_room(self, ask: Ask, fits: Callable[[int, int], bool]) -> bool:
        """Whether a prompt can still join."""
        if self.turn is not None and self.turn.taken is not None:
            return False
        tokens, drawn = self.size
        return fits(tokens + ask.tokens, drawn + ask.drawn)

    def add(self, ask: Ask) -> None:
        """Takes one more along."""
        self.asks.append(ask)
        ask.batch = self


class Gathering:
    """The batches that can still be joined.

    Args:
        most: prompts in one.
    """

    __slots__ = ("_batches", "_most")

    def __init__(self, most: int) -> None:
        self._batches: dict[str, Batch] = {}
        self._most = most

    def joined(
        self, body: Mapping[str, Any], ask: Ask, fits: Callable[[int, int], bool]
    ) -> tuple[Batch, bool]:
        """The batch that a prompt travels with, and whether it is a new one.

        Args:
            body: the request, but for its prompt the same for all in a batch.
            ask: the prompt.
            fits: whether one request may take so many tokens, of which some are answers'.
        """
        rest = {name: value for name, value in body.items() if name != "prompt"}
        # A seed of its own draws a text of its own, and finds nobody to join.
        alone = bool(rest.get("temperature") and rest.get("seed")) or self._most == 1
        name = "" if alone else _encode(rest)
        batch = self._batches.get(name)
        if batch is not None and not batch.has_room(ask, fits):
            self.close(batch)
            batch = None
        is_new = batch is None
        if batch is None:
            batch = Batch(name, rest)
            if not alone:
                self._batches[name] = batch
        batch.add(ask)
        if alone or len(batch.asks) == self._most:
            self.close(batch)
        return batch, is_new

    def close(self, batch: Batch) -> None:
        """Lets nobody join a batch any more."""
        if self._batches.get(batch.name) is batch:
            del self._batches[batch.name]
        batch.go.set()

    def hurry(self) -> None:
        """Lets all go that gather."""
        for batch in self._batches.values():
            batch.go.set()


def shares(usage: Usage, asks: Sequence[Ask], choices: Sequence[Mapping[str, Any]]) -> list[Usage]:
    """What each prompt took of a request's tokens, by lengths; the sum is what the server says."""
    if len(asks) == 1:
        return [usage]
    prompts = [len(ask.prompt) + 1 for ask in asks]
    texts = [
        min(ask.longest, len(str(choice.get("text") or "")) + 1)
        for ask, choice in zip(asks, choices, strict=True)
    ]
    parts = (
        _parts(usage.prompt_tokens, prompts),
        _parts(usage.completion_tokens, texts),
        _parts(usage.cached_tokens, prompts),
    )
    return [Usage(*part) for part in zip(*parts, strict=True)]


def _parts(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in parts in proportion to weights.

    >>> _parts(10, [1, 1, 1]), _parts(3, [5, 1])
    ([3, 3, 4], [2, 1])
    """
    total, done, sums = sum(weights), 0, []
    for weight in weights:
        done += weight
        sums.append(whole * done // total)
    return [end - begin for begin, end in zip([0, *sums], sums, strict=False)]


def twin(error: Exception) -> Exception:
    """An error like another: several tasks that raise the same one would write into each other's.

    Notes and tracebacks belong to whoever raises it.
    """
    other = type(error).__new__(type(error), *error.args)
    other.args = error.args
    other.__dict__.update(error.__dict__)
    if notes := getattr(error, "__notes__", None):
        other.__notes__ = list(notes)
    other.__cause__ = error.__cause__
    return other.with_traceback(error.__traceback__)
