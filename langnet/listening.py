"""A fit listens to people: what is new is taken before each step, and a pause is waited out."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import anyio

from langnet.errors import RunDeadlineExceeded
from langnet.events import GuidanceTaken, Notifier, Paused, Resumed
from langnet.guidance import Entry, Guidance
from langnet.guided import (
    Refusing,
    accepted,
    is_paused,
    parts_of,
    set_anew,
    taken,
    waiting,
)
from langnet.state import State
from langnet.vi.directions import standing

__all__ = ["STOPPED", "Listening"]

STOPPED = "stopped by guidance"
"""Why a fit ends that a person stopped."""
_PINNED = "every prompt is pinned; unpin one and go on with --resume (resume=True)"
"""Why a fit ends that has nothing left to fit."""
_EVERY = 0.5
"""Seconds between two looks while the fit is paused."""


@dataclass(slots=True, kw_only=True)
class Listening:
    """How a fit takes what people say.

    Attributes:
        guidance: what people say.
        refusing: decides what cannot be taken.
        tell: is told of events.
        deadline: when a pause ends in any case, on the event loop's clock.
    """

    guidance: Guidance
    refusing: Refusing
    tell: Notifier
    deadline: float = math.inf
    _faults: set[str] = field(default_factory=set)

    async def take(
        self, state: State, took: Callable[[State], Awaitable[State]], *, is_last: bool = False
    ) -> tuple[State, str]:
        """Takes what is new before a step; while people let the fit wait, it waits.

        Args:
            state: where the fit stands.
            took: is given the state whenever entries were taken, and gives it back as it is to go
                on from there: saved, and with a best set of prompts that is validated.
            is_last: whether no step follows, so that there is nothing to wait for.

        Returns:
            The state, and why the fit is to end; empty where it is not.

        Raises:
            RunDeadlineExceeded: the run's time was over while the fit waited.
        """
        if set_anew(state):
            # A session ended between taking this and validating what it made the best.
            state = await took(state)
        new = self._new(state)
        if is_paused(new) and not is_last:
            new = await self._waited(state)
        for part in parts_of(new):
            state = self._taken(state, part)
            state = await took(state)
        if is_last:
            return state, ""
        if any(entry.kind == "stop" for entry in new):
            return state, STOPPED
        pinned = standing(accepted(state)).pinned
        return state, _PINNED if pinned.keys() >= set(self.refusing.graph.trainable) else ""

    async def _waited(self, state: State) -> Sequence[Entry]:
        """What is new once nobody lets the fit wait any more."""
        self.tell(Paused(state.step + 1))
        while is_paused(new := self._new(state)):
            left = self.deadline - anyio.current_time()
            if left <= 0:
                raise RunDeadlineExceeded
            await anyio.sleep(min(_EVERY, left))
        self.tell(Resumed(state.step + 1))
        return new

    def _new(self, state: State) -> Sequence[Entry]:
        entries, faults = self.guidance.heard()
        for fault in faults:
            if fault not in self._faults:
                self._faults.add(fault)
                self.tell(GuidanceTaken(state.step + 1, "", refused=fault))
        return waiting(state, entries)

    def _taken(self, state: State, entries: Sequence[Entry]) -> State:
        state = taken(state, entries, self.refusing)
        for entry in state.guidance[-len(entries) :]:
            refused = state.refused.get(entry.id, "")
            self.tell(GuidanceTaken(state.step + 1, entry.kind, entry.prompt, refused, entry))
        return state
