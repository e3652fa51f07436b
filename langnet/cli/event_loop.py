"""What commands run on: the fastest event loop that is installed, and a patient garbage collector.

With hundreds of calls open, Python looks for cyclic garbage after every few calls and goes through
all that they hold, though calls leave none: that takes two fifths of a call's time.
"""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio

__all__ = ["patient_collector", "run"]

# New objects before the youngest, and collections of each age before the next, are gone through.
_THRESHOLDS = (50_000, 20, 50)
T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Runs work to its end on asyncio, on uvloop's event loop where that is installed."""
    with patient_collector():
        return anyio.run(work, backend="asyncio", backend_options={"use_uvloop": _has_uvloop()})


def _has_uvloop() -> bool:
    """Whether uvloop is installed (the extra `fast`)."""
    return importlib.util.find_spec("uvloop") is not None


@contextmanager
def patient_collector() -> Iterator[None]:
    """Lets Python look for cyclic garbage seldom within the block.

    It is for who owns the process, such as a command. Cyclic garbage of some ten megabytes may
    wait at any time.
    """
    before = gc.get_threshold()
    gc.freeze()  # what is imported stays
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
