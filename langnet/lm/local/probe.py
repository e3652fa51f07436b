"""Finds out, for a model at hand, whether its answers depend on what is computed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from langnet.errors import CapabilityError
from langnet.lm.local.library import ENGINE
from langnet.lm.local.plan import Line, Segment
from langnet.lm.local.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from langnet.lm.local.llama import Llama
    from langnet.lm.local.plan import Logits, Read
    from langnet.lm.local.prefixes import Held

    Rows = list[npt.NDArray[np.float32]]

__all__ = ["Exactness", "probe"]

_FEWEST = (1, 2, 8)
_LONG = 72  # more than the rows from which on any known way of multiplying or attending changes
_CUTS = (4, 10, 16)
_STEPS = (1, 2, 5, 8)


@dataclass(frozen=True, slots=True)
class Exactness:
    """What was found.

    Attributes:
        exact: whether the same tokens gave the same bits in every arrangement that was tried.
        fewest: rows that a call must have for that (see `Streams`).
    """

    exact: bool
    fewest: int


def probe(llama: Llama) -> Exactness:
    """Computes a few tokens in several arrangements and compares the logits bit by bit.

    For some types of weights the engine multiplies few rows in another way than many. So calls of
    one, of two and of eight rows at least are tried, in this order.

    Raises:
        CapabilityError: the engine computes logits that are no numbers.
    """
    tokens = tuple((17 + 7919 * index) % llama.vocabulary for index in range(_LONG))
    for fewest in _FEWEST:
        if fewest <= llama.streams and _agrees(Streams(llama, room=0, fewest=fewest), tokens):
            return Exactness(exact=True, fewest=fewest)
    return Exactness(exact=False, fewest=1)


def _agrees(streams: Streams, tokens: tuple[int, ...]) -> bool:
    """Whether tokens have the same logits in a long block, in short ones, and side by side."""
    ends = [cut - 1 for cut in _CUTS]
    *long, after = _blocks(streams, [(tokens, [*ends, _CUTS[-1]])])
    if not all(np.isfinite(row).all() for row in (*long, after)):
        raise CapabilityError(
            f"the engine computes logits that are no numbers; langnet expects xllamacpp {ENGINE}"
        )
    together = _blocks(streams, [(tokens[:cut], [cut - 1]) for cut in _CUTS])
    streams.reset()
    short: Rows = []
    for cut in _CUTS:  # each goes on where the last one ended
        short += _blocks(streams, [(tokens[:cut], [cut - 1])], fresh=False)
    return _same(long, together) and _same(long, short) and _steps_agree(streams, tokens, after)


def _steps_agree(
    streams: Streams, tokens: tuple[int, ...], expected: npt.NDArray[np.float32]
) -> bool:
    """Whether the token after the last cut has the same logits as one more, beside few or many."""
    kept: list[Held] = []
    prompt = tokens[: _CUTS[-1]]
    _blocks(streams, [(prompt, [len(prompt) - 1])], kept=kept)
    found: Rows = []
    for count in _STEPS:
        if count <= streams.llama.streams:
            for stream in range(count):
                streams.enter(stream, kept[0])
            found += [row.copy() for _, row in streams.step([tokens[len(prompt)]] * count)]
    streams.reset()
    return _same([expected] * len(found), found)


def _same(first: Rows, second: Rows) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def _blocks(
    streams: Streams,
    wanted: Sequence[tuple[tuple[int, ...], Sequence[int]]],
    *,
    fresh: bool = True,
    kept: list[Held] | None = None,
) -> Rows:
    """The logits at some positions of token sequences, which are computed side by side."""
    if fresh:
        streams.reset()
    rows: dict[tuple[int, int], npt.NDArray[np.float32]] = {}

    def reader(index: int, position: int) -> Read:
        def read(logits: Logits) -> None:
            rows[index, position] = logits.row.copy()

        return read

    keep = None if kept is None else kept.append
    segments = []
    for index, (tokens, positions) in enumerate(wanted):
        reads = {position: [reader(index, position)] for position in positions}
        line = Line(tokens, reads, keep, lambda: False)
        segments.append(Segment(tokens, 0, [(line, len(tokens))]))
    streams.compute(segments, lambda: False)
    return [rows[index, at] for index, (_, positions) in enumerate(wanted) for at in positions]
