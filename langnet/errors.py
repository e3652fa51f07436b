"""The errors that langnet raises.

    LangnetError
    ├── GraphError (ValueError)     a graph, a file of one, or data that does not fit it
    ├── DataError (ValueError)      a data file or an example that cannot be read
    ├── CapabilityError             a model is asked for what it cannot do
    ├── BudgetExceeded              a call would exceed what may be spent
    │   └── RunDeadlineExceeded     the time that the run had is over
    ├── TooManyFailures             more examples failed than the caller allows
    └── ModelError                  a call to a language model failed
        ├── TransientError          may pass by itself: time-outs, resets, broken answers, 5xx
        │   └── RateLimited         the server refuses for now: 429, or it says when to come back
        ├── DeadlineExceeded        the time that the call had is over
        └── RequestRejected         will fail again in the same way: other 4xx, redirects,
            │                       certificates
            └── ContextOverflow     the request does not fit the model's context

A `TransientError` is asked again by `langnet.lm.retry`, and nothing else is. Only a `ModelError` is
recorded as the failure of one example. Everything else propagates.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BudgetExceeded",
    "CapabilityError",
    "ContextOverflow",
    "DataError",
    "DeadlineExceeded",
    "GraphError",
    "LangnetError",
    "ModelError",
    "RateLimited",
    "RequestRejected",
    "RunDeadlineExceeded",
    "TooManyFailures",
    "TransientError",
]


class LangnetError(Exception):
    """Base of every error that langnet raises on purpose."""


class GraphError(LangnetError, ValueError):
    """A graph cannot be built, loaded or run as asked.

    Attributes:
        faults: every fault found, each with its mend; the message lists them all.
    """

    def __init__(self, *faults: str) -> None:
        self.faults: tuple[str, ...] = faults
        if len(faults) == 1:
            message = faults[0]
        else:
            message = f"{len(faults)} faults:\n" + "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[GraphError], tuple[str, ...]]:
        return type(self), self.faults


class DataError(LangnetError, ValueError):
    """A data file or an example cannot be used as asked."""


class CapabilityError(LangnetError):
    """A model is asked for something that it cannot do, such as scoring a given text."""


class ModelError(LangnetError):
    """A call to a language model failed.

    The executor adds a note that names the node and the example.

    Attributes:
        partial: what did arrive of a call for several answers (`langnet.lm.partial.Partial`), so
            that nobody pays for it again; `None` where there is nothing.
    """

    partial: Any = None


class BudgetExceeded(LangnetError):
    """A call was not sent, since it could exceed the budget. `fit` ends with the best so far."""


class RunDeadlineExceeded(BudgetExceeded):
    """The time that a run had is over: a call was cut off or not sent. `fit` ends as above."""

    def __init__(
        self, message: str = "the deadline of the run has passed; give it more time"
    ) -> None:
        super().__init__(message)


class TooManyFailures(LangnetError):
    """More examples failed than `max_failures` allows. The first failure is the cause."""


class TransientError(ModelError):
    """A failure that may pass by itself: a time-out, a reset, a broken answer, a 5xx status."""


class RateLimited(TransientError):
    """The server refuses for now.

    Attributes:
        retry_after: seconds to wait, where the server said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(ModelError):
    """The time that a call had is over. The last failure before that is the cause."""


class RequestRejected(ModelError):
    """The server or the engine refuses this request and would refuse it again."""


class ContextOverflow(RequestRejected):
    """The request does not fit the model's context.

    Attributes:
        needed: tokens that the request needs, its answer included.
        available: tokens that the model's context holds.
    """

    def __init__(self, message: str, *, needed: int | None, available: int | None) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available
