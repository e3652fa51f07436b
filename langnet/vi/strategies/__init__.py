"""Strategies: where new candidate prompts come from.

A strong model can rewrite an instruction when it is shown what went right and wrong. A weak one
cannot, so most of the strategies here need no instruction following at all: plain wordings tried
out, demonstrations, a list of instructions with their scores to be continued, recombination of
prompts that did well, and leaving sentences out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from langnet.vi.proposal import Strategy
from langnet.vi.strategies.completion import continuation, induction, paraphrase
from langnet.vi.strategies.editing import deletion, recombination
from langnet.vi.strategies.examples import demonstrations, neighbours
from langnet.vi.strategies.reflection import MESSAGES, feedback, rewrite
from langnet.vi.strategies.wordings import THOUGHTS, WORDINGS, phrasing

__all__ = [
    "DEFAULT_MIX",
    "MESSAGES",
    "STRATEGIES",
    "THOUGHTS",
    "WORDINGS",
    "continuation",
    "deletion",
    "demonstrations",
    "feedback",
    "induction",
    "neighbours",
    "paraphrase",
    "phrasing",
    "recombination",
    "rewrite",
]

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "rewrite": Strategy(rewrite),
        "feedback": Strategy(feedback),
        "continuation": Strategy(continuation),
        "paraphrase": Strategy(paraphrase),
        "induction": Strategy(induction),
        "phrasing": Strategy(phrasing, calls=0),
        "demonstrations": Strategy(demonstrations, calls=0),
        "neighbours": Strategy(neighbours, calls=0),
        "recombination": Strategy(recombination, calls=0),
        "deletion": Strategy(deletion, calls=0),
    }
)
"""The strategies by name, with the calls that each makes for one prompt."""

DEFAULT_MIX: Mapping[str, float] = MappingProxyType(
    {
        "phrasing": 4.0,
        "demonstrations": 2.0,
        "neighbours": 1.0,
        "continuation": 2.0,
        "paraphrase": 1.0,
        "rewrite": 1.0,
        "feedback": 1.0,
        "recombination": 1.0,
    }
)
"""Shares of a mix that serves weak and strong proposers. Without feedback of any kind, the share
of `feedback` goes to the others."""
