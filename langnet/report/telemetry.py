"""Events as OpenTelemetry spans: one of the fit, one of each step, one of each call.

    with Telemetry() as telemetry:
        async with connect("openai:gpt-4o", observe=telemetry) as model:
            await fit(graph, train, dev, models=model, observers=[telemetry])

Names and attributes are those of the semantic conventions for generative AI, version 1.37 and
later (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/); langnet's own begin with
`langnet.`. Spans go to the tracer provider that the process has set up, as with
`opentelemetry-instrument`. It takes `pip install "langnet[otel]"`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from langnet.errors import LangnetError
from langnet.events import (
    CallFinished,
    Event,
    FitFinished,
    FitStarted,
    GuidanceTaken,
    Paused,
    Resumed,
    StepFinished,
    StepStarted,
    Validated,
)
from langnet.report.call_attributes import call_attributes

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["Telemetry"]


class Telemetry:
    """An observer that makes spans of events.

    It belongs to one fit at a time; fits that run beside each other have one each.

    A call's span is a child of whatever span is open where the call was made: that of the step, or
    one of the user's own. Prompts and answers are in it only where `connect(…,
    observe_content=True)` tells of them.

    Args:
        tracer_provider: where spans go; by default the one of the process.
        name: of a span around all that happens in its block; there is none where it is empty.

    Raises:
        LangnetError: OpenTelemetry is not installed.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, *, name: str = "") -> None:
        try:
            # Only who uses it needs it.
            from opentelemetry import context, trace  # noqa: PLC0415
        except ImportError as error:
            raise LangnetError(
                'OpenTelemetry is not installed; pip install "langnet[otel]"'
            ) from error
        self._context, self._trace = context, trace
        self._tracer = trace.get_tracer("langnet", tracer_provider=tracer_provider)
        self._name = name
        self._open: list[tuple[Span, Token[Context]]] = []
        self._fit = 0  # how many are open in a fit, its own included

    def __call__(self, event: Event) -> None:
        """Begins, ends or makes the event's span."""
        match event:
            case CallFinished():
                self._call(event)
            case FitStarted():
                self._begin(
                    "fit",
                    {
                        "langnet.fit.steps": event.steps,
                        "langnet.fit.step": event.step,
                        "langnet.fit.objective": event.objective,
                    },
                )
                self._fit = len(self._open)
            case GuidanceTaken():
                # What a person wrote is content, which no span holds unasked.
                self._note(
                    "guidance",
                    {
                        "langnet.guidance.kind": event.kind,
                        "langnet.guidance.refused": bool(event.refused),
                    },
                )
            case Paused() | Resumed():
                self._note(type(event).__name__.lower(), {"langnet.step": event.step})
            case StepStarted():
                self._begin(f"step {event.step}", {"langnet.step": event.step})
            case StepFinished():
                self._end(
                    {
                        "langnet.step.metric": event.metric,
                        "langnet.step.score": event.score,
                        "langnet.step.changed": event.changed,
                    }
                )
            case Validated():
                self._note(
                    "validated",
                    {
                        "langnet.step": event.step,
                        "langnet.validation.metric": event.metric,
                        "langnet.validation.is_best": event.is_best,
                    },
                )
            case FitFinished():
                self._close(self._fit)  # a step that a budget has ended
                self._end({"langnet.fit.best": event.best, "langnet.fit.reason": event.reason})

    @contextmanager
    def request(
        self, method: str, route: str, headers: Mapping[str, str], attributes: Mapping[str, Any]
    ) -> Iterator[Callable[[int], None]]:
        """A span of kind `SERVER` around the answer to a request; calls made there are below it.

        Its parent is the span that the client's headers name, whatever is open here.

        Args:
            method: of HTTP.
            route: the path of the route, in which nothing comes from the client.
            headers: of the request.
            attributes: further ones.

        Yields:
            Takes the status that was answered with.
        """
        from opentelemetry import propagate  # noqa: PLC0415 - only who uses it needs it

        http = {"http.request.method": method, "http.route": route}
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=propagate.extract(headers, context=self._context.Context()),
            kind=self._trace.SpanKind.SERVER,
            attributes={**http, **attributes},
            record_exception=False,  # it may say something of a prompt
            set_status_on_exception=False,
        ) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    span.set_attribute("error.type", str(status))
                    span.set_status(self._trace.StatusCode.ERROR)

            try:
                yield answered
            except BaseException as error:  # a client that hung up, too
                span.set_attribute("error.type", type(error).__name__)
                raise

    def close(self) -> None:
        """Ends the spans that are open yet, as after an error."""
        self._close(0)

    def __enter__(self) -> Self:
        if self._name:
            self._begin(self._name, {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            for span, _ in self._open:
                # The class alone: a span is no place for what an error says of a prompt.
                span.set_status(self._trace.StatusCode.ERROR)
                span.set_attribute("error.type", kind.__name__)
        self.close()

    def _begin(self, name: str, attributes: dict[str, Any]) -> None:
        span = self._tracer.start_span(name, attributes=attributes)
        # The tasks of a step are started from here, and take the context along.
        token = self._context.attach(self._trace.set_span_in_context(span))
        self._open.append((span, token))

    def _note(self, name: str, attributes: dict[str, Any]) -> None:
        """An event of the span that is open."""
        if self._open:
            self._open[-1][0].add_event(name, attributes)

    def _end(self, attributes: dict[str, Any]) -> None:
        if self._open:
            span, token = self._open.pop()
            span.set_attributes(attributes)
            self._context.detach(token)
            span.end()

    def _close(self, left: int) -> None:
        while len(self._open) > left:
            self._end({})

    def _call(self, event: CallFinished) -> None:
        attributes = call_attributes(event)
        began = int(event.started * 1e9)
        span = self._tracer.start_span(
            f"{attributes['gen_ai.operation.name']} {event.model}",
            kind=self._trace.SpanKind.CLIENT,
            attributes={name: value for name, value in attributes.items() if value is not None},
            start_time=began,
        )
        if event.error:
            span.set_status(self._trace.StatusCode.ERROR, event.message)
        span.end(min(began + int(event.seconds * 1e9), time.time_ns()))
