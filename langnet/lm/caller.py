"""Who calls a model: which node, on which example, what for.

Whoever calls says it in context variables, so that what counts and watches calls further down knows
it without a word in between. It is only looked at: no answer and no name in a cache depends on it.
Tasks take it along from where they were started.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXAMPLE", "NODE", "PURPOSE", "Caller", "Place", "caller", "calling"]


class Place:
    """Where a walk through a graph is.

    A walk writes its node in here with every visit: to set a context variable takes ten times as
    long. A place belongs to one task and to what that task waits for.

    Attributes:
        node: the node's name.
    """

    __slots__ = ("node",)

    def __init__(self, node: str = "") -> None:
        self.node = node


NODE: ContextVar[Place] = ContextVar("langnet_node", default=Place())  # noqa: B039 - nobody writes it
"""Where the node stands whose call is made."""
EXAMPLE: ContextVar[str] = ContextVar("langnet_example", default="")
"""The id of the example that is worked on."""
PURPOSE: ContextVar[str] = ContextVar("langnet_purpose", default="")
"""What the call is for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; what is not known is empty.

    Attributes:
        node: the node's name; of a proposal, the nodes that show the prompt.
        example: the example's id.
        purpose: in a step "forward", "infer", "correct", "propose" or "score"; elsewhere
            "validate", "test", "evaluate", "bound" or "diagnose".
    """

    node: str = ""
    example: str = ""
    purpose: str = ""


def caller() -> Caller:
    """Who calls now."""
    return Caller(NODE.get().node, EXAMPLE.get(), PURPOSE.get())


@contextmanager
def calling(
    *, node: str | None = None, example: str | None = None, purpose: str | None = None
) -> Iterator[None]:
    """Says who makes the calls of this block. What is `None` stays as it is.

    >>> with calling(node="answer", purpose="forward"), calling(example="7"):
    ...     caller()
    Caller(node='answer', example='7', purpose='forward')
    >>> caller()
    Caller(node='', example='', purpose='')
    """
    at = None if node is None else NODE.set(Place(node))
    given = [(EXAMPLE, example), (PURPOSE, purpose)]
    tokens = [(variable, variable.set(value)) for variable, value in given if value is not None]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
        if at is not None:
            NODE.reset(at)
