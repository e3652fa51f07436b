"""What trackers are told: numbers and texts by name, at a step.

| name | what it is |
|---|---|
| `step/score` | what the objective gave the prompts that the step took |
| `step/log_evidence` | mean bound per example, in nats |
| `step/metric` | mean of the metric over the batch, before the step |
| `step/changed` | prompts that changed |
| `step/seconds` | how long the step took |
| `step/calls` `step/raced` | calls that it sent, and those that racing spared |
| `step/tokens` `step/cost` | tokens and money since the step before, validations included |
| `dev/metric` `dev/best` | a validation, and the best so far |
| `prompt/NAME` `best/NAME` | the prompts, when they change; the best ones at the end |
| `ended` | why the fit ended |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

from langnet.events import Event, FitFinished, FitStarted, StepFinished, Validated
from langnet.lm.meter import MeterReading

__all__ = ["Logged", "Logging"]


@dataclass(frozen=True, slots=True)
class Logged:
    """What is logged of one event.

    Attributes:
        step: how many steps were done.
        numbers: by name; what is unknown or not finite is left out.
        texts: by name. They are what models wrote, and not to be trusted.
    """

    step: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class Logging:
    """Tells what to log of the events of one fit, in their order."""

    def __init__(self) -> None:
        self._reading: MeterReading | None = None

    def __call__(self, event: Event) -> Logged | None:
        """What to log of an event; `None` where it is nothing."""
        match event:
            case FitStarted():
                return Logged(event.step, texts=_named("prompt", event.prompts))
            case StepFinished():
                changed = {name: event.prompts.get(name, "") for name in event.changed}
                numbers = _finite(dict(self._step(event)))
                return Logged(event.step, numbers, _named("prompt", changed))
            case Validated():
                return Logged(
                    event.step, _finite({"dev/metric": event.metric, "dev/best": event.best})
                )
            case FitFinished():
                texts = {**_named("best", event.prompts), "ended": event.reason}
                return Logged(event.step, _finite({"dev/best": event.best}), texts)
        return None

    def _step(self, event: StepFinished) -> Iterator[tuple[str, float | None]]:
        yield "step/score", event.score
        yield "step/log_evidence", event.log_evidence
        yield "step/metric", event.metric
        yield "step/changed", len(event.changed)
        yield "step/seconds", event.seconds
        yield "step/calls", event.calls
        yield "step/raced", event.raced
        if event.reading is not None:
            took = event.reading - (self._reading or MeterReading())
            self._reading = event.reading
            yield "step/tokens", took.tokens
            yield "step/cost", took.cost


def _named(kind: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{kind}/{name}": text for name, text in texts.items()}


def _finite(numbers: Mapping[str, float | None]) -> dict[str, float]:
    return {
        name: float(number)
        for name, number in numbers.items()
        if number is not None and isfinite(number)
    }
