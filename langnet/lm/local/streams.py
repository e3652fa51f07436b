"""Computes segments in the engine's streams, and keeps what was computed for later ones."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from langnet.lm.local.llama import Row
from langnet.lm.local.plan import Logits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from langnet.lm.local.llama import Llama
    from langnet.lm.local.plan import Read, Segment

__all__ = ["Held", "Prefixes", "Streams"]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A saved stream: the keys and values of some tokens.

    Attributes:
        tokens: of shape (token,).
        data: as `Llama.save` gives it.
    """

    tokens: npt.NDArray[np.int32]
    data: npt.NDArray[np.uint8]


def _common(first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]) -> int:
    size = min(len(first), len(second))
    differ = first[:size] != second[:size]
    where = int(differ.argmax()) if size else 0
    return where if size and differ[where] else size


class Prefixes:
    """Saved streams, the most recently used ones up to a size.

    What it holds decides how fast an answer comes, never what it is: a token's keys and values
    are the same bits whoever computed them.

    Args:
        room: in bytes.
    """

    __slots__ = ("_entries", "_room", "_size")

    def __init__(self, room: int) -> None:
        self._room = room
        self._size = 0
        self._entries: OrderedDict[bytes, Held] = OrderedDict()

    def put(self, held: Held) -> None:
        """Keeps a saved stream and drops the least recently used ones where room is short."""
        key = held.tokens.tobytes()
        old = self._entries.pop(key, None)
        self._size += held.data.nbytes - (old.data.nbytes if old else 0)
        self._entries[key] = held
        while self._size > self._room:
            _, dropped = self._entries.popitem(last=False)
            self._size -= dropped.data.nbytes

    def longest(self, tokens: npt.NDArray[np.int32]) -> tuple[int, Held | None]:
        """The saved stream that begins with the most of these tokens, and with how many."""
        length, best = 0, None
        for key, held in self._entries.items():
            common = _common(held.tokens, tokens)
            if common > length:
                length, best = common, key
        if best is None:
            return 0, None
        self._entries.move_to_end(best)
        return length, self._entries[best]


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
    def limit(self) -> int:
        """How many tokens may come from elsewhere: none whose logits are read."""
        return min(self.reads, default=len(self.tokens))

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
    """

    def __init__(self, llama: Llama, *, room: int, fewest: int) -> None:
        self.llama = llama
        self._fewest = fewest
        self._unit = max(2, fewest)  # a block has a multiple of so many tokens: never one alone
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
        """Computes segments that do not depend on one another, as many at once as there is room.

        Args:
            segments: a wave.
            stopped: whether to leave out the rest; asked now and then.
        """
        todo = deque(segments)
        while todo and not stopped():
            tasks: list[_Task] = []
            while todo and len(tasks) < self.llama.streams:
                task = self._task(todo.popleft())
                if task is not None:
                    tasks.append(task)
            self._place(tasks)
            self._blocks(tasks)
            for task in tasks:
                self._finish(task)

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
        """Gives each task a stream, where it finds as many of its tokens as can be had."""
        tasks.sort(key=lambda task: -self._left(task))  # streams that go on longest come first
        for index, task in enumerate(tasks):
            wanted = task.tokens[: task.limit]
            task.stream = self._best(wanted) if len(tasks) == 1 else index
            common = _common(self._holds[task.stream], wanted)
            if common >= task.done:
                task.done = common
            elif task.saved is not None:
                self.llama.restore(task.stream, task.saved.data)
            self.llama.truncate(task.stream, task.done)
            self._holds[task.stream] = task.tokens[: task.done]
            self._clock += 1
            self._used[task.stream] = self._clock

    def _best(self, tokens: npt.NDArray[np.int32]) -> int:
        """The stream that holds most of some tokens; among equals the longest unused."""
        streams = range(len(self._holds))
        return max(streams, key=lambda s: (_common(self._holds[s], tokens), -self._used[s]))

    def _left(self, task: _Task) -> int:
        """Tokens to compute, filled up to a multiple of the unit."""
        return max(0, -(-(len(task.tokens) - task.done) // self._unit) * self._unit)

    def _blocks(self, tasks: list[_Task]) -> None:
        """Computes what is left of each task, the same number of tokens of each at a time."""
        while active := [task for task in tasks if self._left(task)]:
            room = self.llama.batch // len(active) // self._unit * self._unit
            length = min(room, *(self._left(task) for task in active))
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
            for task in active:
                task.done += length

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
        """Computes one more token in each of the first streams, as a block like any other.

        Args:
            tokens: one for each stream.

        Yields:
            The stream and the logits that follow its token, valid until the next call.
        """
        count = max(2, -(-self._fewest // len(tokens)))  # rows of a stream; the first is wanted
        wanted = self._accompanied([index % count == 0 for index in range(count * len(tokens))])
        rows = []
        for stream, token in enumerate(tokens):
            start = len(self._holds[stream])
            for index in range(count):
                want = wanted[stream * count + index]
                rows.append(Row(token, start + index, stream, wanted=want))
            self._holds[stream] = np.append(self._holds[stream], np.int32(token))
        found = self.llama.decode(rows)
        for stream in range(len(tokens)):
            self.llama.truncate(stream, len(self._holds[stream]))
        for index, logits in found:
            if index % count == 0:
                yield index // count, logits
