"""What to compute for many token sequences at once: their common prefixes only once.

The work is a forest. A segment computes the tokens that follow its parent's, for all sequences
below it. How the work is cut does not change what is computed (see `Llama`), only how fast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from langnet.lm.local.sampling import next_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from langnet.lm.local.sampling import NextToken
    from langnet.lm.local.streams import Held

__all__ = ["Line", "Logits", "Read", "Segment", "plan"]


@dataclass(slots=True, eq=False)
class Logits:
    """The logits after one token, and the distributions made from them, each made once."""

    row: npt.NDArray[np.float32]
    _made: dict[tuple[float, float], NextToken] = field(default_factory=dict)

    def distribution(self, temperature: float, top_p: float) -> NextToken:
        """The distribution over the token that follows."""
        made = self._made.get((temperature, top_p))
        if made is None:
            made = next_token(self.row, temperature=temperature, top_p=top_p)
            self._made[temperature, top_p] = made
        return made


Read = Callable[[Logits], None]
"""Takes what it needs from logits, which hold only during the call."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A sequence of tokens to compute.

    Attributes:
        tokens: from the beginning of the context.
        reads: what is to be read after the token at each position; the last one is read.
        keep: receives the state after all the tokens, where that is wanted.
        dropped: whether nobody waits for it any more.
    """

    tokens: tuple[int, ...]
    reads: Mapping[int, Sequence[Read]]
    keep: Callable[[Held], None] | None
    dropped: Callable[[], bool]


@dataclass(slots=True, eq=False)
class Segment:
    """Tokens that follow a prefix, computed once for all lines that hold them.

    Attributes:
        tokens: the prefix and the segment's own.
        start: the length of the prefix.
        lines: those that run through it.
        shared: whether other segments continue it.
    """

    tokens: tuple[int, ...]
    start: int
    lines: list[Line]
    shared: bool

    def reads(self) -> dict[int, list[Read]]:
        """What is to be read in this segment, by position."""
        reads: dict[int, list[Read]] = defaultdict(list)
        for line in self.lines:
            if not line.dropped():
                for position, wanted in line.reads.items():
                    if self.start <= position < len(self.tokens):
                        reads[position].extend(wanted)
        return reads

    def keeps(self) -> list[Callable[[Held], None]]:
        """Who wants the state at the segment's end."""
        return [
            line.keep
            for line in self.lines
            if line.keep and len(line.tokens) == len(self.tokens) and not line.dropped()
        ]

    def dropped(self) -> bool:
        """Whether nobody waits for it any more."""
        return all(line.dropped() for line in self.lines)


def plan(lines: Sequence[Line], *, least: int) -> list[list[Segment]]:
    """Cuts lines into segments.

    Args:
        lines: what is to be computed.
        least: tokens that must be saved for a common prefix to become a segment of its own.

    Returns:
        Waves of segments. The parent of a segment lies in an earlier wave.
    """
    waves: list[list[Segment]] = []

    def add(depth: int, segment: Segment) -> None:
        while len(waves) <= depth:
            waves.append([])
        waves[depth].append(segment)

    todo = [(sorted(lines, key=lambda line: line.tokens), 0, 0)] if lines else []
    while todo:
        group, start, depth = todo.pop()
        first, last = group[0].tokens, group[-1].tokens
        common = _common(first, last, start)
        if common == len(last):  # all the same
            add(depth, Segment(last, start, group, shared=False))
            continue
        below = start, depth
        if (len(group) - 1) * (common - start) >= least:
            add(depth, Segment(first[:common], start, group, shared=True))
            below = common, depth + 1
            group = [line for line in group if len(line.tokens) > common]
        for _, branch in groupby(group, key=_token_at(common)):
            todo.append((list(branch), *below))
    for wave in waves:
        wave.sort(key=lambda segment: segment.tokens)  # neighbours share the most
    return waves


def _token_at(position: int) -> Callable[[Line], tuple[int, ...]]:
    return lambda line: line.tokens[position : position + 1]


def _common(first: tuple[int, ...], second: tuple[int, ...], known: int) -> int:
    """The length of the common prefix of two sequences, `known` of which is known."""
    limit = min(len(first), len(second))
    length = known
    while length < limit and first[length] == second[length]:
        length += 1
    return length
