"""What a proposer is asked, and how long a prompt may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langnet.key import Key
from langnet.lm.base import LanguageModel

__all__ = ["Observation", "Proposer", "Request", "estimated_tokens"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One example as a proposer sees it.

    Attributes:
        context: what the node saw, without its prompt.
        output: what the node said.
        target: what it should have said: the observed text, or the inferred one (h*); `None`
            where only the network's answer is known to be wrong.
    """

    context: str
    output: str
    target: str | None

    @property
    def is_success(self) -> bool:
        """Whether the node said what it should have said."""
        return self.output == self.target


@dataclass(frozen=True, slots=True)
class Request:
    """What a proposer is asked.

    Attributes:
        current: the incumbent prompt.
        known: prompts with their scores, the best first: the incumbent and the memory.
        observations: the batch.
        labels: the node's choices; empty for a node without.
        model: the proposing model.
        max_tokens: the longest prompt, in tokens (estimated at four bytes each).
        temperature: of the proposing model's draws.
    """

    current: str
    known: tuple[tuple[str, float], ...]
    observations: tuple[Observation, ...]
    labels: tuple[str, ...]
    model: LanguageModel
    max_tokens: int = 400
    temperature: float = 0.7


Proposer = Callable[[Request, Key], Awaitable[str]]
"""Gives one new prompt, or an empty text where it has none to give."""


def estimated_tokens(text: str) -> int:
    """The tokens of a text, estimated at four bytes each."""
    return len(text.encode()) // 4
