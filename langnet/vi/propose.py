"""Proposals: new candidate prompts for one step, by a mix of strategies.

Every candidate is scored, none is trusted: what comes out here is cleaned of the wrapping that
models add, bounded in length, and each prompt comes once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from langnet.concurrency import concurrently
from langnet.errors import ContextOverflow
from langnet.key import Key
from langnet.lm.base import (
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScores,
)
from langnet.lm.wrapper import Wrapper
from langnet.vi.cleaning import canonical, clean
from langnet.vi.proposal import Proposer, Request, calls_of
from langnet.vi.shares import allocate
from langnet.vi.strategies import DEFAULT_MIX, STRATEGIES

__all__ = ["Proposals", "most_calls", "propose"]

_HEEDING = "feedback"
"""The strategy that heeds what people say."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What came of asking for new prompts.

    Attributes:
        kept: the new prompts, each with the strategy that made it.
        dropped: how many were dropped as "empty", "duplicate" or "too long", or as "banned" where
            there are bans; with those kept they add up to the number asked for.
        calls: how many calls the proposing model answered, a cache before it included; at most
            `most_calls` where every proposer keeps to what it declares.
    """

    kept: tuple[tuple[str, str], ...]
    dropped: Mapping[str, int]
    calls: int


def most_calls(
    mix: Mapping[str, float] = DEFAULT_MIX,
    proposers: Mapping[str, Proposer] = STRATEGIES,
    *,
    count: int,
    turn: int = 0,
) -> int:
    """How many calls the proposing model answers for the proposals of a turn, at most.

    It is known before anything is sent. A strategy that has nothing to give may take fewer.
    """
    return sum(calls_of(proposers[name]) for name in allocate(mix, count, turn))


async def propose(
    request: Request,
    *,
    count: int,
    key: Key,
    mix: Mapping[str, float] = DEFAULT_MIX,
    proposers: Mapping[str, Proposer] = STRATEGIES,
    turn: int = 0,
    more: int = 0,
    told: bool = False,
) -> Proposals:
    """New candidates, cleaned, bounded in length, and each once.

    Where a strategy has nothing to give, another one takes its place, drawn by the shares among
    those that need no more calls than are left of what the first had declared. A context that
    does not fit the proposing model counts as nothing to give.

    Args:
        request: what is asked.
        count: how many proposals are made, before any are dropped.
        key: what every draw's seed is derived from.
        mix: shares of the strategies; see `langnet.vi.shares.adapted` for shares that learn.
        proposers: the strategies by name; plain functions count as one call each.
        turn: the number of the step: which strategies come up.
        more: how many more proposals a person asks for. `feedback` makes them, as far as there is
            something to make them from.
        told: whether a person said something new, so that `feedback` makes at least one.

    Raises:
        ModelError: a call failed.
    """
    strategies = allocate(mix, count, turn)
    if told and _HEEDING not in strategies:
        more = max(more, 1)
    strategies += [_HEEDING] * more if _HEEDING in proposers else allocate(mix, more, turn)
    seen: Counter[str] = Counter()
    slots = []
    for number, name in enumerate(strategies):
        # The last part counts how often a strategy has come up, for those that take turns.
        slots.append(
            partial(_filled, request, name, number, turn + seen[name], key, mix, proposers)
        )
        seen[name] += 1
    found = await concurrently(slots)

    known = {canonical(text) for text in (request.current, *request.starts)}
    known |= {canonical(text) for text, _ in request.known}
    dropped = {"empty": 0, "duplicate": 0, "too long": 0}
    if request.banned:
        dropped["banned"] = 0
    kept: list[tuple[str, str]] = []
    for text, name, _ in found:
        cleaned = clean(text)
        if not cleaned:
            dropped["empty"] += 1
        elif canonical(cleaned) in request.banned:
            dropped["banned"] += 1
        elif canonical(cleaned) in known:
            dropped["duplicate"] += 1
        elif not request.fits(cleaned):
            dropped["too long"] += 1
        else:
            known.add(canonical(cleaned))
            kept.append((cleaned, name))
    return Proposals(tuple(kept), dropped, sum(calls for _, _, calls in found))


async def _filled(
    request: Request,
    name: str,
    number: int,
    turn: int,
    key: Key,
    mix: Mapping[str, float],
    proposers: Mapping[str, Proposer],
) -> tuple[str, str, int]:
    """One proposal, the strategy that made it at last, and the calls it took."""
    model = _Counted(request.model)
    counted = replace(request, model=model)
    allowed = calls_of(proposers[name])
    tried: list[str] = []
    while True:
        tried.append(name)
        try:
            text = await proposers[name](counted, key.below(name, number, turn))
        except ContextOverflow:
            text = ""
        if clean(text):
            break
        others = {
            other: share
            for other, share in mix.items()
            if share > 0
            and other not in tried
            and calls_of(proposers[other]) + model.calls <= allowed
        }
        if not others:
            break
        rng = key.below("instead", number, len(tried)).rng()
        (name,) = rng.choices(list(others), list(others.values()))
    return text, name, model.calls


class _Counted(Wrapper):
    """A model that counts the calls it answered."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__(model)
        self.calls = 0

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        found = await super().sample(context, decoding=decoding, keys=keys)
        self.calls += 1
        return found

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        found = await super().score(context, texts, decoding=decoding, end=end)
        self.calls += 1
        return found

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        found = await super().choose(context, choices)
        self.calls += 1
        return found
