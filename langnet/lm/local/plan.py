"""What to compute for many token sequences at once: their common prefixes only once.

The work is a forest. A segment computes the tokens that follow its parent's, for all sequences
below it. How the work is cut does not change what is computed (see `Llama`), only how fast.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from langnet.lm.local.sampling import next_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from langnet.lm.local.prefixes import Held
    from langnet.lm.local.sampling import NextToken

__all__ = ["Line", "Logits", "Read", "Segment", "by_length", "in_turn", "plan"]

_MOST_IN_PLACE = 3  # segments that continue another one in turn, in its own stream


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
        lines: those that run through it, each with how many of `tokens` it begins with.
        children: segments that continue it, or what it holds up to some token of its own.
    """

    tokens: tuple[int, ...]
    start: int
    lines: list[tuple[Line, int]]
    children: list[Segment] = field(default_factory=list)

    def reads(self) -> dict[int, list[Read]]:
        """What is to be read in this segment, by position."""
        reads: dict[int, list[Read]] = defaultdict(list)
        for line, until in self.lines:
            if not line.dropped():
                for position, wanted in line.reads.items():
                    if self.start <= position < until:
                        reads[position].extend(wanted)
        return reads

    def keeps(self) -> list[Callable[[Held], None]]:
        """Who wants the state at the segment's end."""
        return [
            line.keep
            for line, until in self.lines
            if line.keep and until == len(line.tokens) == len(self.tokens) and not line.dropped()
        ]

    def dropped(self) -> bool:
        """Whether nobody waits for it any more."""
        return all(line.dropped() for line, _ in self.lines)

    @property
    def shared(self) -> bool:
        """Whether its state is to be saved, since its stream will soon hold something else."""
        below = self.children
        return len(below) > _MOST_IN_PLACE or any(child.children for child in below)


def plan(lines: Sequence[Line], *, least: int) -> list[Segment]:
    """Cuts lines into segments.

    A line that is the beginning of others is computed with one of them. Where lines part, a short
    rest of one is computed with what comes before, and the others go back to where they parted.

    Args:
        lines: what is to be computed.
        least: tokens that must be saved for a common prefix to become a segment of its own, and
            the most that a short rest has.

    Returns:
        The segments that begin at the first token.
    """
    roots: list[Segment] = []
    # Lines in order, how much of them is computed before, and where their segments belong; at
    # last lines that end within what these lines have in common.
    todo: list[tuple[list[Line], int, list[Segment], list[Line]]] = []
    if lines:
        todo.append((sorted(lines, key=lambda line: line.tokens), 0, roots, []))
    while todo:
        group, start, siblings, within = todo.pop()
        first, last = group[0].tokens, group[-1].tokens
        common = _common(first, last, start)
        if common == len(last):  # all the same
            siblings.append(Segment(last, start, _through([*group, *within], last)))
            continue
        ended = [line for line in group if len(line.tokens) == common]
        branches = [
            list(branch)
            for _, branch in groupby(group[len(ended) :], key=lambda line: line.tokens[common])
        ]
        kept = any(line.keep for line in ended)
        if len(branches) == 1 and not kept:
            todo.append((branches[0], start, siblings, [*within, *ended]))
        elif (len(group) - 1) * (common - start) >= least:
            segment = Segment(first[:common], start, [])
            rest = None if kept else _short(branches, common, least)
            if rest is not None:
                segment.tokens = rest[0].tokens
                branches.remove(rest)
            segment.lines = _through([*group, *within], segment.tokens)
            siblings.append(segment)
            todo.extend((branch, common, segment.children, []) for branch in branches)
        else:
            if kept:
                branches.append(ended)
                ended = []
            todo.append((branches[0], start, siblings, [*within, *ended]))
            todo.extend((branch, start, siblings, []) for branch in branches[1:])
    return roots


def _through(lines: list[Line], tokens: tuple[int, ...]) -> list[tuple[Line, int]]:
    """Lines with how many of some tokens they begin with."""
    return [(line, _common(line.tokens, tokens, 0)) for line in lines]


def _short(branches: list[list[Line]], common: int, most: int) -> list[Line] | None:
    """The longest of the branches that have no more than so many tokens, all of them the same."""
    found = [
        branch
        for branch in branches
        if branch[0].tokens == branch[-1].tokens and len(branch[0].tokens) - common <= most
    ]
    return max(found, key=lambda branch: len(branch[0].tokens), default=None)


def _common(first: tuple[int, ...], second: tuple[int, ...], known: int) -> int:
    """The length of the common prefix of two sequences, `known` of which is known."""
    limit = min(len(first), len(second))
    length = known
    while length < limit and first[length] == second[length]:
        length += 1
    return length


def in_turn(parents: Sequence[Segment]) -> deque[Segment]:
    """What continues some segments: few after each are taken in turn, many one after the other.

    So a stream goes on with what it holds. Of many after one segment, none would.
    """
    few = [parent.children for parent in parents if not parent.shared]
    many = [parent.children for parent in parents if parent.shared]
    turns = zip_longest(*few)
    ordered = [child for turn in turns for child in turn if child is not None]
    for children in many:
        ordered += by_length(children)
    return deque(ordered)


def by_length(segments: Sequence[Segment]) -> list[Segment]:
    """Those of like length side by side: they are computed in common blocks."""
    return sorted(segments, key=lambda segment: (len(segment.tokens), segment.tokens))
