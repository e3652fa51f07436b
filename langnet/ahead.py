"""Looking ahead: batches that are seen while earlier ones are still being learnt from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
from anyio.abc import TaskGroup

from langnet.state import State
from langnet.vi.look import Look

__all__ = ["Ahead"]


class Ahead:
    """Batches that are seen ahead of their step, under prompts that are `staleness` steps old.

    Step t is seen under the prompts before step t − staleness, whatever may have happened
    meanwhile: which prompts those are does not depend on how fast calls come back, and a resumed
    fit sees the same. (Bounded staleness as in Noukhovitch et al. 2024, arXiv 2410.18252, who
    train on texts of a policy that is some updates old.)

    Args:
        tasks: where looking goes on in the background.
        staleness: how many steps old the prompts are.
        look: sees the batch of a step under some prompts.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        staleness: int,
        look: Callable[[int, Mapping[str, str]], Awaitable[Look]],
    ) -> None:
        self._tasks = tasks
        self._staleness = staleness
        self._look = look
        self._begun: dict[int, anyio.Event] = {}
        self._done: dict[int, Look] = {}

    async def take(self, state: State, steps: int) -> Look | None:
        """What was seen of the next step's batch; those after it are begun.

        With a staleness of 0 nothing is seen ahead, and the step looks for itself: `None`.
        """
        if not self._staleness:
            return None
        for number in range(state.step, min(state.step + self._staleness + 1, steps)):
            if number not in self._begun:
                self._begun[number] = anyio.Event()
                prompts = state.prompts_at(max(0, number - self._staleness))
                self._tasks.start_soon(self._see, number, prompts)
        await self._begun[state.step].wait()
        return self._done.pop(state.step)

    async def _see(self, number: int, prompts: Mapping[str, str]) -> None:
        self._done[number] = await self._look(number, prompts)
        self._begun[number].set()
