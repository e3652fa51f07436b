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

__all__ = ["EXAMPLE", "NODE", "PURPOSE", "Caller", "caller", "calling"]

NODE: ContextVar[str] = ContextVar("langnet_node", default="")
"""The node whose call is made. Three variables rather than one, since a visit sets this alone."""
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
    return Caller(NODE.get(), EXAMPLE.get(), PURPOSE.get())


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
    given = [(NODE, node), (EXAMPLE, example), (PURPOSE, purpose)]
    tokens = [(variable, variable.set(value)) for variable, value in given if value is not None]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
