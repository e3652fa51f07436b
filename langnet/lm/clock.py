"""The event loop's clock."""

from __future__ import annotations

import asyncio

import anyio

__all__ = ["current_time"]


def current_time() -> float:
    """What `anyio.current_time` says, in seconds, at a tenth of the cost where asyncio runs.

    A call of a model reads the clock eight times.
    """
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:  # another kind of event loop
        return anyio.current_time()
