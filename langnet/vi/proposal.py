"""What a proposer is asked, what it costs, and how long a prompt may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langnet.key import Key
from langnet.lm.base import LanguageModel

__all__ = [
    "Observation",
    "Proposer",
    "Request",
    "Strategy",
    "calls_of",
    "estimated_tokens",
]


def estimated_tokens(text: str) -> int:
    """The tokens of a text, estimated at four bytes each."""
    return len(text.encode("utf-8", "surrogatepass")) // 4


@dataclass(frozen=True, slots=True)
class Observation:
    """One example as a proposer sees it.

    Attributes:
        context: what the node saw, without its prompt.
        output: what the node said.
        target: what it should have said: the observed text, or the inferred one (h*); `None`
            where only the network's answer is known to be wrong.
        feedback: what the metric said about the network's answer; `None` where it said nothing.
        right: whether the metric took the output for right; `None` where that is told from the
            target alone, as with hidden texts.
        by_person: whether it is a person who says so.
    """

    context: str
    output: str
    target: str | None
    feedback: str | None = None
    right: bool | None = None
    by_person: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the node said what it should have said."""
        return self.output == self.target if self.right is None else self.right


@dataclass(frozen=True, slots=True)
class Request:
    """What a proposer is asked.

    Attributes:
        current: the incumbent prompt.
        known: prompts with their scores, the best first: the incumbent and the memory. Scores may
            have any unit; the higher, the better.
        observations: the batch.
        labels: the node's choices; empty for a node without.
        model: the proposing model.
        max_tokens: the longest prompt, in tokens as `count_tokens` counts them.
        temperature: of the proposing model's draws.
        pool: solved training examples beyond the batch, for demonstrations that are not what the
            prompt is scored on; where it is empty, the batch is used.
        parent: the prompt to start from; `None` leaves the choice among the incumbent and the
            known prompts to chance, as in the paper.
        feedback: texts that people gave about the answers.
        count_tokens: the number of tokens of a text; by default estimated at four bytes each.
        banned: texts that the prompt is not to be, as `canonical` has them.
    """

    current: str
    known: tuple[tuple[str, float], ...]
    observations: tuple[Observation, ...]
    labels: tuple[str, ...]
    model: LanguageModel
    max_tokens: int = 400
    temperature: float = 0.7
    pool: tuple[Observation, ...] = ()
    parent: str | None = None
    feedback: tuple[str, ...] = ()
    count_tokens: Callable[[str], int] = estimated_tokens
    banned: frozenset[str] = frozenset()

    @property
    def starts(self) -> tuple[str, ...]:
        """The prompts to start from, each once: the parent, or the incumbent and the known."""
        if self.parent is not None:
            return (self.parent,)
        return tuple(dict.fromkeys((self.current, *(text for text, _ in self.known))))

    def fits(self, prompt: str) -> bool:
        """Whether a prompt is short enough."""
        return self.count_tokens(prompt) <= self.max_tokens


Proposer = Callable[[Request, Key], Awaitable[str]]
"""Gives one new prompt, or an empty text where it has none to give."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A proposer that says what it costs; it is called as the proposer itself is.

    Attributes:
        propose: gives one new prompt, or an empty text where it has none to give.
        calls: how many calls of the proposing model are answered for one prompt, at most. A
            context that does not fit is refused before anything is computed, and is not counted.
    """

    propose: Proposer
    calls: int = 1

    def __post_init__(self) -> None:
        if self.calls < 0:
            raise ValueError(f"calls must be at least 0, not {self.calls}")

    def __call__(self, request: Request, key: Key) -> Awaitable[str]:
        """Asks the proposer."""
        return self.propose(request, key)


def calls_of(proposer: Proposer) -> int:
    """The calls of the model for one prompt, at most: as declared, or 1 for a plain function."""
    return proposer.calls if isinstance(proposer, Strategy) else 1
