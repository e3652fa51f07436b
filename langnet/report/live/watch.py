"""Looks at a fit while it goes on: at its events, and a few times a second at its meter.

Nothing is done for a call: what it adds to the counters is there in any case.
"""

from __future__ import annotations

import os
import platform
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from langnet.drawing.text import outline
from langnet.events import Event
from langnet.graph import Graph
from langnet.lm.limits import LimiterReading
from langnet.lm.meter import Meter, MeterReading
from langnet.report.live.snapshot import NodeNow, RateNow, Snapshot, Status
from langnet.report.timeline import Timeline

__all__ = ["Watch"]

_WINDOW = 5.0
"""Seconds that rates are taken over."""
_APART = 0.2
"""Seconds between two readings for a rate, at least."""
_RATES = ("requests", "tokens", "input_tokens", "output_tokens")


@dataclass(slots=True)
class _Place:
    """A node's counters, added up over purposes and models."""

    calls: int = 0
    open: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    purposes: dict[str, tuple[int, int]] = field(default_factory=dict)  # open and all calls


class Watch:
    """An observer that says at any moment how the work stands.

    Args:
        meter: counts the calls.
        graph: the network, which the view draws.
        later: examples that will be evaluated outside the fit, for the time left.
        clock: gives seconds.
        now: gives seconds since 1970.

    Attributes:
        timeline: what the events add up to.
        meter: see above.
    """

    def __init__(
        self,
        *,
        meter: Meter | None = None,
        graph: Graph | None = None,
        later: int = 0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.timeline = Timeline(later=later, clock=clock)
        self.meter = meter
        self._name = "" if graph is None else graph.name
        self._initial = {} if graph is None else graph.prompts
        self._network = (
            () if graph is None else tuple(zip(graph.order, outline(graph), strict=True))
        )
        self._clock = clock
        self._now = now
        self._host = platform.node()
        self._readings: deque[tuple[float, int, int, dict[str, int]]] = deque()
        self._readings.append((clock(), 0, 0, {}))
        self._purposes: dict[str, tuple[str, dict[str, tuple[int, int]]]] = {}

    def __call__(self, event: Event) -> None:
        """Takes an event in."""
        self.timeline(event)

    def snapshot(self, status: Status | None = None) -> Snapshot:
        """How the work stands now.

        Args:
            status: by default "running", or "paused" where a person lets the fit wait.
        """
        line, meter = self.timeline, self.meter
        reading = MeterReading() if meter is None else meter.snapshot()
        places = {} if meter is None else _places(meter)
        calls, tokens, by_node = self._rates(reading, places)
        best, initial = line.best_prompts, self._initial or line.initial
        is_over = status not in {None, "running", "paused"}
        return Snapshot(
            status=status or ("paused" if line.is_paused else "running"),
            name=self._name,
            pid=os.getpid(),
            host=self._host,
            at=self._now(),
            step=line.step,
            steps=line.planned,
            objective=line.objective,
            phase=line.phase,
            done=line.done if line.phase else 0,
            total=line.total if line.phase else 0,
            elapsed=line.elapsed,
            left=line.left,
            reading=reading,
            currency="USD" if meter is None else meter.prices.currency,
            calls_per_second=calls,
            tokens_per_second=tokens,
            network=self._network,
            nodes={
                name: NodeNow(
                    calls=place.calls,
                    open=place.open,
                    purpose="" if is_over else self._purpose(name, place, by_node[name]),
                    prompt_tokens=place.prompt_tokens,
                    completion_tokens=place.completion_tokens,
                    calls_per_second=by_node[name],
                )
                for name, place in places.items()
            },
            limits={
                name: _rate(limiter)
                for name, limiter in ({} if meter is None else meter.limits()).items()
            },
            evidence=_finite(line.evidence),
            scores=_finite(line.scores),
            validation=_finite(line.validations),
            best=line.best,
            best_step=line.best_step,
            prompts=dict(best),
            changed=tuple(name for name in best if best[name] != initial.get(name, best[name])),
            reason=line.reason,
        )

    def _rates(
        self, reading: MeterReading, places: dict[str, _Place]
    ) -> tuple[float, float, dict[str, float]]:
        """Calls and tokens a second, and the calls of each node."""
        now, readings = self._clock(), self._readings
        while len(readings) > 1 and readings[1][0] <= now - _WINDOW:
            readings.popleft()
        then, calls, tokens, nodes = readings[0]
        if now - readings[-1][0] >= _APART:
            made = {name: place.calls for name, place in places.items()}
            readings.append((now, reading.calls, reading.tokens, made))
        each = max(now - then, _APART)
        by_node = {name: (p.calls - nodes.get(name, 0)) / each for name, p in places.items()}
        return (reading.calls - calls) / each, (reading.tokens - tokens) / each, by_node

    def _purpose(self, name: str, place: _Place, rate: float) -> str:
        """What a node calls for: what most of its open calls are for, or else its last."""
        last, before = self._purposes.get(name, ("", {}))
        purpose, (is_open, more) = max(
            (
                (purpose, (opened, calls - before.get(purpose, (0, 0))[1]))
                for purpose, (opened, calls) in place.purposes.items()
            ),
            key=lambda item: item[1],
        )
        if is_open or more:
            last = purpose
        self._purposes[name] = last, place.purposes
        return last if place.open or rate > 0 else ""


def _places(meter: Meter) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for (node, purpose, _), counts in meter.places.items():
        place = found.get(node)
        if place is None:
            place = found[node] = _Place()
        place.calls += counts.calls
        place.open += counts.open
        place.prompt_tokens += counts.prompt_tokens
        place.completion_tokens += counts.completion_tokens
        opened, calls = place.purposes.get(purpose, (0, 0))
        place.purposes[purpose] = opened + counts.open, calls + counts.calls
    return found


def _finite(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, float | None], ...]:
    """What JSON can hold; a value that is no finite number is unknown."""
    return tuple((step, value if isfinite(value) else None) for step, value in points)


def _rate(reading: LimiterReading) -> RateNow:
    limits = {name: getattr(reading, f"{name}_per_minute") for name in _RATES}
    known = {name: limit for name, limit in limits.items() if limit is not None and limit < inf}
    return RateNow(
        used={name: reading.used.get(name, 0) for name in known},  # type: ignore[call-overload]
        limits=known,
        open=reading.open,
        concurrency=reading.concurrency,
        waiting=reading.waiting,
        refused=reading.refused,
        closed_for=reading.closed_for,
    )
