"""Virtual time: an event loop whose clock jumps to whatever is due next, so that no test waits."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for something to happen it moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("every task waits, and nothing is due: this would hang")
        self.now += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Jumping()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine function in virtual time, which begins at zero."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main())
