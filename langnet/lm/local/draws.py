"""Draws texts token by token, as many at once as there are streams."""

from __future__ import annotations

import codecs
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langnet.lm.base import Completion, Usage
from langnet.lm.local.plan import Logits
from langnet.lm.local.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from langnet.lm.base import Decoding
    from langnet.lm.local.prefixes import Held
    from langnet.lm.local.streams import Streams
    from langnet.lm.local.vocabulary import Vocabulary
    from langnet.lm.local.work import Meter

__all__ = ["Draw", "Draws"]


@dataclass(slots=True, eq=False)
class Draw:
    """One text that is being drawn.

    Attributes:
        decoding: how.
        uniform: gives a number in [0, 1) for each token.
        held: the prompt, and later the stream where it had to make room for something else.
        prompt_tokens: that this draw answers for in its usage.
        deliver: receives the text.
        fail: receives an error instead.
        dropped: whether nobody waits for it any more.
        heard: receives the bytes of every token, where somebody listens.
        tokens: drawn so far.
        data: their bytes.
    """

    decoding: Decoding
    uniform: Callable[[], float]
    held: Held
    prompt_tokens: int
    deliver: Callable[[Completion], None]
    fail: Callable[[Exception], None]
    dropped: Callable[[], bool]
    heard: Callable[[bytes], None] | None = None
    tokens: list[int] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)

    def advance(self, logits: Logits, vocabulary: Vocabulary) -> bool:
        """Draws the next token. Returns whether the text goes on."""
        token = self._next(logits)
        if token in vocabulary.generation_ends:
            self._finish("stop")
            return False
        self.tokens.append(token)
        searched = len(self.data)
        self.data += vocabulary.pieces[token]
        if self.heard is not None:
            self.heard(vocabulary.pieces[token])
        if self._cut(searched):
            self._finish("stop")
            return False
        if len(self.tokens) == self.decoding.max_tokens:
            self._finish("length")
            return False
        return True

    def _next(self, logits: Logits) -> int:
        if self.decoding.temperature == 0:
            return int(logits.row.argmax())
        distribution = logits.distribution(self.decoding.temperature, self.decoding.top_p)
        return distribution.draw(self.uniform())

    def _cut(self, searched: int) -> bool:
        """Cuts the text at the first stop string that it holds, if any."""
        found = []
        for string in self.decoding.stop:
            pattern = string.encode()
            at = self.data.find(pattern, max(0, searched - len(pattern) + 1))
            if at >= 0:
                found.append(at)
        if found:
            del self.data[min(found) :]
        return bool(found)

    def _finish(self, finish: str) -> None:
        # An incremental decoder leaves out a last character whose bytes are not complete.
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self.data))
        usage = Usage(prompt_tokens=self.prompt_tokens, completion_tokens=len(self.tokens))
        self.deliver(Completion(text.strip(), finish, usage))


class Draws:
    """The texts that are being drawn: some in streams, the others waiting for one."""

    def __init__(self, streams: Streams, vocabulary: Vocabulary, meter: Meter) -> None:
        self._streams = streams
        self._vocabulary = vocabulary
        self._meter = meter
        self._active: list[Draw] = []  # by stream
        self._waiting: deque[Draw] = deque()

    def __bool__(self) -> bool:
        return bool(self._active or self._waiting)

    def begin(self, draw: Draw, logits: Logits) -> None:
        """Draws a text's first token after its prompt; the rest follow in steps."""
        if not draw.dropped() and self._advance(draw, logits):
            self._waiting.append(draw)

    def _advance(self, draw: Draw, logits: Logits) -> bool:
        self._meter.add(Work(drawn_tokens=1))
        return draw.advance(logits, self._vocabulary)

    def park(self) -> None:
        """Makes the streams free for something else."""
        for stream, draw in enumerate(self._active):
            if not draw.dropped():
                draw.held = self._streams.save(stream)
        self._waiting.extendleft(reversed(self._active))
        self._active.clear()

    def step(self) -> None:
        """Draws one token of as many texts as there are streams."""
        self._settle()
        if not self._active:
            return
        fed = [draw.tokens[-1] for draw in self._active]
        goes_on = [
            self._advance(self._active[stream], Logits(row))
            for stream, row in self._streams.step(fed)
        ]
        self._drop(goes_on)

    def abandon(self, error: Exception) -> None:
        """Fails all texts."""
        for draw in (*self._active, *self._waiting):
            draw.fail(error)
        self._active.clear()
        self._waiting.clear()

    def _settle(self) -> None:
        self._drop([not draw.dropped() for draw in self._active])
        while self._waiting and len(self._active) < self._streams.llama.streams:
            draw = self._waiting.popleft()
            if not draw.dropped():
                self._streams.enter(len(self._active), draw.held)
                self._active.append(draw)

    def _drop(self, goes_on: list[bool]) -> None:
        """Takes finished texts out; the last streams' texts move into the gaps."""
        for stream in reversed(range(len(goes_on))):
            if goes_on[stream]:
                continue
            last = self._active.pop()
            if stream < len(self._active):
                self._streams.enter(stream, self._streams.save(len(self._active)))
                self._active[stream] = last
