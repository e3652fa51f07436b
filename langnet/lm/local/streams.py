"""Computes segments in the engine's streams, and keeps what was computed for later ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from langnet.lm.local.llama import Row
from langnet.lm.local.plan import Logits, by_length, in_turn
from langnet.lm.local.prefixes import Held, Prefixes, common
from langnet.lm.local.work import Meter, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from langnet.lm.local.llama import Llama
    from langnet.lm.local.plan import Read, Segment

__all__ = ["Streams"]

_WORTH_FILLING = 8  # tokens, in place of another call; no more than the spare cells of a stream


@dataclass(slots=True, eq=False)
class _Task:
    """A segment on its way through a stream."""

    tokens: npt.NDArray[np.int32]
    reads: dict[int, list[Read]]
    keeps: list[Callable[[Held], None]]
    shared: bool
    done: int
    saved: Held | None
    stream: int = 0

    @property
    def left(self) -> int:
        """How many tokens are to be computed."""
        return max(0, len(self.tokens) - self.done)

    @property
    def limit(self) -> int:
        """How many tokens may come from elsewhere: none whose logits are read."""
        return min(self.reads, default=len(self.tokens))

    @property
    def wanted(self) -> npt.NDArray[np.int32]:
        """The tokens that may come from elsewhere."""
        return self.tokens[: self.limit]

    def token(self, position: int) -> int:
        """The token at a position; past the end any will do."""
        return int(self.tokens[min(position, len(self.tokens) - 1)])


class Streams:
    """The engine's streams as a place where segments are computed.

    Args:
        llama: the engine.
        room: for saved prefixes, in bytes.
        fewest: tokens, and rows of logits, that a call of the engine has at least. Where there
            are fewer, others that nobody wants make up the number: for some types of weights the
            engine multiplies few rows in another way than many.
        meter: counts what is computed here.
    """

    def __init__(self, llama: Llama, *, room: int, fewest: int, meter: Meter | None = None) -> None:
        self.llama = llama
        self._meter = meter or Meter()
        self._fewest = fewest
        self._prefixes = Prefixes(room)
        self._holds = [np.empty(0, np.int32) for _ in range(llama.streams)]
        self._used = [0] * llama.streams
        self._clock = 0

    def reset(self) -> None:
        """Empties the streams, after a failure or before they are used for something else."""
        self.llama.clear()
        self._holds = [np.empty(0, np.int32) for _ in self._holds]

    def enter(self, stream: int, held: Held) -> None:
        """Fills a stream with what was saved of it or of another."""
        self.llama.restore(stream, held.data)
        self._holds[stream] = held.tokens

    def save(self, stream: int) -> Held:
        """A copy of what a stream holds."""
        return Held(self._holds[stream], self.llama.save(stream))

    def compute(self, segments: Sequence[Segment], stopped: Callable[[], bool]) -> None:
        """Computes segments and what continues them, as many at once as there is room.

        Args:
            segments: that begin at the first token.
            stopped: whether to leave out the rest; asked now and then.
        """
        todo = [deque(by_length(segments))]
        while todo and not stopped():
            level = todo[-1]
            if not level:
                todo.pop()
                continue
            tasks: list[_Task] = []
            parents: list[Segment] = []
            while level and len(tasks) < self.llama.streams:
                parents.append(level.popleft())
                task = self._task(parents[-1])
                if task is not None:
                    tasks.append(task)
            self._place(tasks)
            self._blocks(tasks)
            for task in tasks:
                self._finish(task)
            todo.append(in_turn(parents))  # at once, while the streams hold what they continue

    def _task(self, segment: Segment) -> _Task | None:
        if segment.dropped():
            return None
        tokens = np.array(segment.tokens, np.int32)
        task = _Task(tokens, segment.reads(), segment.keeps(), segment.shared, 0, None)
        task.done, task.saved = self._prefixes.longest(tokens[: task.limit])
        if task.done == len(tokens) and not task.keeps:
            return None  # segments below find it in the same place
        return task

    def _place(self, tasks: list[_Task]) -> None:
        """Gives each task a stream, filled with as many of its tokens as can be had."""
        for task in tasks:
            most = common(self._holds[self._best(task.wanted)], task.wanted)
            if most >= task.done:
                task.done, task.saved = most, None
        self._assign(tasks)
        contents = [self._content(task) for task in tasks]  # before any stream is written over
        for task, content in zip(tasks, contents, strict=True):
            if content is not None:
                self.llama.restore(task.stream, content)
            self.llama.truncate(task.stream, task.done)
            self._holds[task.stream] = task.tokens[: task.done]
            self._clock += 1
            self._used[task.stream] = self._clock

    def _assign(self, tasks: list[_Task]) -> None:
        """Gives each task a stream: of those that hold what it needs, where there is a choice.

        The engine takes streams together only where they lie side by side. So those that go on
        longest come first.
        """
        tasks.sort(key=lambda task: -task.left)
        if len(tasks) == 1:
            tasks[0].stream = self._best(tasks[0].wanted)
            return
        for stream in range(len(tasks)):
            alike = (at for at in range(stream, len(tasks)) if tasks[at].left == tasks[stream].left)
            fits = (at for at in alike if self._is_in_place(tasks[at], stream))
            at = next(fits, stream)
            tasks[stream], tasks[at] = tasks[at], tasks[stream]
            tasks[stream].stream = stream

    def _is_in_place(self, task: _Task, stream: int) -> bool:
        return common(self._holds[stream], task.wanted) >= task.done

    def _content(self, task: _Task) -> npt.NDArray[np.uint8] | None:
        """What a task's stream is to be filled with, None where it is there."""
        if self._is_in_place(task, task.stream):
            return None
        if task.saved is not None:
            return task.saved.data
        return self.llama.save(self._best(task.wanted))

    def _best(self, tokens: npt.NDArray[np.int32]) -> int:
        """The stream that holds most of some tokens; among equals the longest unused."""
        streams = range(len(self._holds))
        return max(streams, key=lambda s: (common(self._holds[s], tokens), -self._used[s]))

    def _blocks(self, tasks: list[_Task]) -> None:
        """Computes what is left of each task, the same number of tokens of each at a time."""
        while active := [task for task in tasks if task.left]:
            length = self._length([task.left for task in active])
            places = [
                (task, position)
                for task in active
                for position in range(task.done, task.done + length)
            ]
            readers = [task.reads.get(position, ()) for task, position in places]
            wanted = self._accompanied([bool(reads) for reads in readers])
            rows = [
                Row(task.token(position), position, task.stream, wanted=want)
                for (task, position), want in zip(places, wanted, strict=True)
            ]
            for index, logits in self.llama.decode(rows):
                made = Logits(logits)
                for read in readers[index]:
                    read(made)
            own = sum(min(length, len(task.tokens) - task.done) for task in active)
            self._count(len(rows), prefilled=own)
            for task in active:
                task.done += length

    def _length(self, left: list[int]) -> int:
        """How many tokens of each task to compute next: no more than are left of the shortest.

        Where that saves a call, the shortest are filled up instead, by a few tokens.
        """
        room = self.llama.batch // len(left)
        length = min(room, *left)
        for longer in sorted(set(left)):
            filler = sum(max(0, longer - each) for each in left)
            if longer <= room and filler <= _WORTH_FILLING:
                length = longer
        return max(length, -(-self._fewest // len(left)))

    def _count(self, rows: int, *, prefilled: int = 0, stepped: int = 0) -> None:
        filler = rows - prefilled - stepped
        self._meter.add(Work(prefilled_tokens=prefilled, decode_calls=1, filler_tokens=filler))

    def _accompanied(self, wanted: list[bool]) -> list[bool]:
        """Asks for more rows of logits where there are some, but too few."""
        missing = self._fewest - sum(wanted) if any(wanted) else 0
        for index, want in enumerate(wanted):
            if missing > 0 and not want:
                wanted[index] = True
                missing -= 1
        return wanted

    def _finish(self, task: _Task) -> None:
        if task.done > len(task.tokens):
            self.llama.truncate(task.stream, len(task.tokens))
        self._holds[task.stream] = task.tokens
        if task.keeps or task.shared:
            held = self.save(task.stream)
            self._prefixes.put(held)
            for keep in task.keeps:
                keep(held)

    def step(self, tokens: Sequence[int]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Computes one more token in each of the first streams.

        Args:
            tokens: one for each stream.

        Yields:
            The stream and the logits that follow its token, valid until the next call.
        """
        count = -(-self._fewest // len(tokens))  # rows of a stream; the first is wanted
        wanted = self._accompanied([index % count == 0 for index in range(count * len(tokens))])
        rows = []
        for stream, token in enumerate(tokens):
            start = len(self._holds[stream])
            for index in range(count):
                want = wanted[stream * count + index]
                rows.append(Row(token, start + index, stream, wanted=want))
            self._holds[stream] = np.append(self._holds[stream], np.int32(token))
        found = self.llama.decode(rows)
        self._count(len(rows), stepped=len(tokens))
        if count > 1:
            for stream in range(len(tokens)):
                self.llama.truncate(stream, len(self._holds[stream]))
        for index, logits in found:
            if index % count == 0:
                yield index // count, logits
