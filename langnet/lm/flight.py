"""Single flight: the same question asked by several at the same time is one call.

A call belongs to all who wait for it, not to the first who asked. So it runs in a task of its own:
a call in the first asker's task would end where that one is cancelled, and could not be handed on,
since cancel scopes and time-outs below belong to the task that entered them. Its lifetime lies
within that of its askers: it begins with the first, and the last one that leaves before it ends
cancels it, and waits until it has ended. That is what a task group does for its tasks, with the
askers in place of one owner, so that no scope has to be opened where a model is made, and nothing
runs that nobody waits for. A task of an anyio group would cost 10 µs a call more.

What each asker gets:

- A call runs in the context (`contextvars`) of the first asker. Who joins it gets whole answers.
- What fails, fails for all who wait, and the next asker sends it anew. Each gets an error object
  of its own. A bug is given on in the same way.
- Answers are told apart by question, so that a call for several draws is joined for one of them,
  and one that arrived is an answer also where the call failed for the others.
- An answer can be joined until all its askers have taken it: who asks the cache above in vain at
  that moment does not send it again.

Where it stands: cache → single flight → retry → meter → limit → server. Above what tries again, so
that joined askers share the attempts, and above the meter, so that a call is counted once.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from langnet.errors import LangnetError, ModelError
from langnet.lm.base import TextScores, Usage
from langnet.lm.partial import Partial, partial_of
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

    from langnet.key import Key
    from langnet.lm.base import Choice, Completion, Decoding, LabelScores, LanguageModel, TextScore

__all__ = ["Flights", "PerQuestion", "SingleFlight"]

T = TypeVar("T")


class _Call:
    """One call under way: what it asks, who waits for it, and what came of it."""

    # Defaults of the class: there is one object per call, and hardly any needs all of this.
    task: asyncio.Task[None]
    askers = 0
    answers: Mapping[Hashable, Any] = MappingProxyType({})
    error: BaseException | None = None
    ended = False
    is_shared = False

    def __init__(self, names: Sequence[Hashable]) -> None:
        self.names = names
        self.waiting: list[asyncio.Future[None]] = []


class Flights:
    """The calls under way, by the questions that they ask."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call] = {}

    def __len__(self) -> int:
        """How many questions are being asked."""
        return len(self._calls)

    def of(
        self,
        names: Sequence[Hashable],
        ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]],
    ) -> Awaitable[list[T]]:
        """The answer to each question; those that nobody asks now are asked in one call.

        Args:
            names: of the questions, each all that can change its answer.
            ask: answers questions by their names.

        Raises:
            ModelError: a question was not answered; `partial` holds the others by their places.
        """
        return self._one(names, ask) if len(names) == 1 else self._several(names, ask)

    async def _one(
        self, names: Sequence[Hashable], ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]]
    ) -> list[T]:
        # Nearly all calls are of this kind, so it is `_several` without its loops.
        name = names[0]
        call = self._calls.get(name) or self._begin(names, ask)
        call.askers += 1
        try:
            if not call.ended:
                call.waiting.append(arrived := asyncio.get_running_loop().create_future())
                await arrived
            if name not in call.answers:
                raise _failure(names, [call])
            return [call.answers[name]]
        finally:
            abandoned = [call] if self._is_abandoned(call) else None
            del call  # a traceback holds this frame, and a call its error
            if abandoned:
                await _cancelled(abandoned)

    async def _several(
        self, names: Sequence[Hashable], ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]]
    ) -> list[T]:
        if not names:
            return []
        calls = [self._calls.get(name) or self._begin(names, ask) for name in names]
        joined = dict.fromkeys(calls)
        for call in joined:
            call.askers += 1
        try:
            for call in joined:
                if not call.ended:
                    call.waiting.append(arrived := asyncio.get_running_loop().create_future())
                    await arrived
                if not (call.error is None or isinstance(call.error, ModelError)):
                    raise _error_of(call)
            if any(name not in call.answers for name, call in zip(names, calls, strict=True)):
                raise _failure(names, calls)
            return [call.answers[name] for name, call in zip(names, calls, strict=True)]
        finally:
            abandoned = [call for call in joined if self._is_abandoned(call)]
            del calls, joined, call  # a traceback holds this frame, and a call its error
            if abandoned:
                await _cancelled(abandoned)

    def _begin(
        self,
        names: Sequence[Hashable],
        ask: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]],
    ) -> _Call:
        """Asks those of some questions that nobody asks now."""
        if len(names) > 1:
            names = [name for name in dict.fromkeys(names) if name not in self._calls]
        call = _Call(names)
        for name in names:
            self._calls[name] = call
        call.task = asyncio.get_running_loop().create_task(self._run(call, ask))
        return call

    async def _run(
        self, call: _Call, ask: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    ) -> None:
        try:
            call.answers = dict(zip(call.names, await ask(call.names), strict=True))
        except BaseException as error:
            call.error = error
            call.is_shared = call.askers > 1
            if isinstance(error, ModelError):
                arrived = partial_of(error).answers
                call.answers = {call.names[place]: answer for place, answer in arrived.items()}
            self._forget(call, [name for name in call.names if name not in call.answers])
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            call.ended = True
            for waiter in call.waiting:
                if not waiter.done():
                    waiter.set_result(None)
            del call  # its error's traceback holds this frame

    def _is_abandoned(self, call: _Call) -> bool:
        """Takes one asker from a call; says whether it goes on and nobody waits for it."""
        call.askers -= 1
        if call.askers:
            return False
        self._forget(call, call.names)
        return not call.ended

    def _forget(self, call: _Call, names: Sequence[Hashable]) -> None:
        calls = self._calls
        for name in names:
            if calls.get(name) is call:
                del calls[name]


async def _cancelled(calls: list[_Call]) -> None:
    """Cancels calls and waits for their end, however often the one who waits is cancelled."""
    for call in calls:
        call.task.cancel()
    interrupted = False
    with anyio.CancelScope(shield=True):
        while waiting := [call.task for call in calls if not call.task.done()]:
            try:
                await asyncio.wait(waiting)
            except asyncio.CancelledError:
                interrupted = True
    while calls:  # one that failed on its way out is a bug, and nobody else would hear of it
        call = calls.pop()
        if isinstance(call.error, Exception) and not isinstance(call.error, LangnetError):
            raise _error_of(call)
    if interrupted:
        raise asyncio.CancelledError


def _failure(names: Sequence[Hashable], calls: Sequence[_Call]) -> BaseException:
    """The first error, with all answers that this asker's questions have."""
    failed = next(call for name, call in zip(names, calls, strict=True) if name not in call.answers)
    error = _error_of(failed)
    if isinstance(error, ModelError) and failed.names != names:
        found = {
            place: call.answers[name]
            for place, (name, call) in enumerate(zip(names, calls, strict=True))
            if name in call.answers
        }
        error.partial = Partial(found) if found else None
    return error


def _error_of(call: _Call) -> BaseException:
    """The error of a call, for one of those who wait.

    Where several wait each gets a copy, so that notes and tracebacks do not mix. An error of
    langnet's is what its arguments and attributes say; how others are built nobody knows, so they
    are given on as they are.
    """
    error = call.error
    assert error is not None  # noqa: S101 - an answer is missing
    if not (call.is_shared and isinstance(error, LangnetError)):
        return error
    kind = type(error)
    copy = kind.__new__(kind, *error.args)
    copy.__dict__.update(error.__dict__)
    if notes := getattr(error, "__notes__", None):
        copy.__notes__ = list(notes)
    copy.__cause__, copy.__context__ = error.__cause__, error.__context__
    copy.__suppress_context__ = error.__suppress_context__
    return copy.with_traceback(error.__traceback__)


class PerQuestion(Wrapper):
    """Takes calls apart: a draw for a key, a score of a text, a set of labels are one question.

    A subclass says where the answers come from.
    """

    __slots__ = ()

    def answers(
        self, names: Sequence[Hashable], ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]]
    ) -> Awaitable[list[T]]:
        """The answer to each question; see `Flights.of`."""
        raise NotImplementedError

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key; see `LanguageModel.sample`.

        Raises:
            ModelError: the call failed.
        """
        # The most probable text is the same for every key.
        paths: Sequence[Key | None] = keys if decoding.temperature > 0 else [None] * len(keys)

        def ask(names: Sequence[Any]) -> Awaitable[Sequence[Completion]]:
            wanted: Sequence[Key] = keys
            if len(keys) > 1:
                wanted = keys[:1] if decoding.temperature == 0 else [name[-1] for name in names]
            return self.model.sample(context, decoding=decoding, keys=wanted)

        # Fields, since the hash of the dataclass would cost more than the rest of the call.
        d = decoding
        head = ("sample", context, d.temperature, d.max_tokens, d.stop, d.top_p)
        return await self.answers([(head, path) for path in paths], ask)

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts; see `LanguageModel.score`. Its usage is what this call itself took.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score.
        """
        usage = Usage()

        async def ask(names: Sequence[Any]) -> Sequence[TextScore]:
            nonlocal usage
            wanted = [name[-1] for name in names]
            found = await self.model.score(context, wanted, decoding=decoding, end=end)
            usage = found.usage
            return found.scores

        d = decoding
        head = ("score", context, end, d.temperature, d.max_tokens, d.stop, d.top_p)
        names = [(head, text) for text in texts]
        return TextScores(tuple(await self.answers(names, ask)), usage)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set; see `LanguageModel.choose`.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
        """

        async def ask(_: Sequence[Any]) -> Sequence[LabelScores]:
            return [await self.model.choose(context, choices)]

        (answer,) = await self.answers([("choose", context, tuple(choices))], ask)
        return answer


class SingleFlight(PerQuestion):
    """A model that is never asked the same question twice at the same time.

    Args:
        model: the model, with what tries again, counts and limits.
    """

    __slots__ = ("_flights",)

    def __init__(self, model: LanguageModel) -> None:
        super().__init__(model)
        self._flights = Flights()

    def answers(
        self, names: Sequence[Hashable], ask: Callable[[Sequence[Any]], Awaitable[Sequence[T]]]
    ) -> Awaitable[list[T]]:
        """The answer to each question; see `Flights.of`."""
        return self._flights.of(names, ask)
