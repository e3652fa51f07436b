"""Proposals: new candidate prompts for one step, by a mix of strategies.

Every candidate is scored, none is trusted: what comes out here is cleaned of the wrapping that
models add, bounded in length, and each prompt comes once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from langnet.concurrency import concurrently
from langnet.key import Key
from langnet.vi.proposal import Proposer, Request, estimated_tokens
from langnet.vi.strategies import DEFAULT_MIX, STRATEGIES

__all__ = ["allocate", "clean", "propose"]


def allocate(mix: Mapping[str, float], count: int, turn: int) -> list[str]:
    """Which strategy makes each of the `count` proposals of a turn.

    The turns of all steps form one sequence in which each strategy comes up as evenly as its share
    allows (smooth weighted round robin).
    """
    credit = {name: 0.0 for name, share in mix.items() if share > 0}
    picks: list[str] = []
    for _ in range(count * (turn + 1)):
        for name in credit:
            credit[name] += mix[name]
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= sum(mix[name] for name in credit)
        picks.append(chosen)
    return picks[count * turn :]


async def propose(
    request: Request,
    *,
    count: int,
    key: Key,
    mix: Mapping[str, float] = DEFAULT_MIX,
    proposers: Mapping[str, Proposer] = STRATEGIES,
    turn: int = 0,
) -> list[tuple[str, str]]:
    """New candidates, cleaned and each once, with the strategy that made each.

    Raises:
        ModelError: a call failed.
    """
    strategies = allocate(mix, count, turn)
    texts = await concurrently(
        partial(proposers[name], request, key.below(name, number + turn))
        for number, name in enumerate(strategies)
    )
    seen = {_canonical(text) for text, _ in request.known} | {_canonical(request.current)}
    kept: list[tuple[str, str]] = []
    for name, text in zip(strategies, texts, strict=True):
        cleaned = clean(text)
        if (
            not cleaned
            or _canonical(cleaned) in seen
            or estimated_tokens(cleaned) > request.max_tokens
        ):
            continue
        seen.add(_canonical(cleaned))
        kept.append((cleaned, name))
    return kept


def clean(text: str) -> str:
    """A proposal without the wrapping that models add; empty where it cannot serve."""
    text = re.sub(
        r"^[<\[]/?(?:new )?instruction[>\]]|</instruction>$", "", text.strip(), flags=re.IGNORECASE
    )
    text = re.sub(r"^```\w*\n|\n?```$", "", text.strip()).strip()
    text = re.sub(
        r"^(?:new |better |improved )?(?:instruction|prompt)s?\s*:\s*",
        "",
        text,
        flags=re.IGNORECASE,
    )
    for opening, closing in ('""', "''", "“”", "**"):
        if (
            len(text) > 1
            and text[0] == opening
            and text[-1] == closing
            and opening not in text[1:-1]
        ):
            text = text[1:-1].strip()
    words = text.casefold().split()
    if len(words) >= 12 and len(set(words)) < len(words) / 4:  # noqa: PLR2004 - a loop, not a text
        return ""
    return text if any(letter.isalnum() for letter in text) else ""


def _canonical(text: str) -> str:
    return " ".join(text.casefold().split())
