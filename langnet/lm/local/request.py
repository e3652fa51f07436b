"""What is asked of the engine, in tokens, and how the answers are put together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from langnet.errors import ContextOverflow
from langnet.lm.base import joined
from langnet.lm.local.draws import Draw
from langnet.lm.local.plan import Line, Logits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from langnet.key import Key
    from langnet.lm.base import Completion, Decoding
    from langnet.lm.local.draws import Draws
    from langnet.lm.local.plan import Read
    from langnet.lm.local.prefixes import Held
    from langnet.lm.local.ticket import Ticket
    from langnet.lm.local.vocabulary import Vocabulary

__all__ = ["Request", "SampleRequest", "ScoreRequest", "Scored"]


class Request(Protocol):
    """Something to compute. Every method is called in the engine's thread."""

    def dropped(self) -> bool:
        """Whether nobody waits for the answer any more."""
        ...

    def lines(self, vocabulary: Vocabulary, room: int) -> list[Line]:
        """The token sequences to compute.

        Raises:
            ContextOverflow: they take more than `room` tokens.
        """
        ...

    def ready(self, draws: Draws) -> None:
        """Goes on, now that the lines are computed."""
        ...

    def fail(self, error: Exception) -> None:
        """Tells who waits that there will be no answer."""
        ...


@dataclass(slots=True, eq=False)
class SampleRequest:
    """Draw one text per key after a context."""

    ticket: Ticket[list[Completion]]
    context: str
    decoding: Decoding
    keys: Sequence[Key]
    heard: Callable[[int, bytes], None] | None = None
    _tokens: int = 0
    _row: npt.NDArray[np.float32] | None = None
    _held: Held | None = None
    _drawn: dict[int, Completion] = field(default_factory=dict)

    def dropped(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.ticket.dropped

    def lines(self, vocabulary: Vocabulary, room: int) -> list[Line]:
        """The prompt.

        Raises:
            ContextOverflow: the prompt and `max_tokens` take more than `room` tokens.
        """
        tokens = vocabulary.context(self.context)
        self._tokens = len(tokens)
        longest = self.decoding.max_tokens
        _check_room(
            f"a prompt of {len(tokens)} tokens and max_tokens={longest}",
            len(tokens) + longest,
            room,
        )
        last = len(tokens) - 1
        return [Line(tuple(tokens), {last: [self._read]}, self._keep, self.dropped)]

    def _read(self, logits: Logits) -> None:
        self._row = logits.row.copy()

    def _keep(self, held: Held) -> None:
        self._held = held

    def ready(self, draws: Draws) -> None:
        """Begins one draw per key."""
        if self._row is None or self._held is None:
            return  # dropped on the way
        logits = Logits(self._row)
        for index, key in enumerate(self.keys):
            draw = Draw(
                decoding=self.decoding,
                uniform=key.rng().random,
                held=self._held,
                prompt_tokens=0 if index else self._tokens,
                deliver=self._collector(index),
                fail=self.fail,
                dropped=self.dropped,
                heard=None if self.heard is None else partial(self.heard, index),
            )
            draws.begin(draw, logits)

    def _collector(self, index: int) -> Callable[[Completion], None]:
        def collect(completion: Completion) -> None:
            self._drawn[index] = completion
            if len(self._drawn) == len(self.keys):
                self.ticket.deliver([self._drawn[i] for i in range(len(self.keys))])

        return collect

    def fail(self, error: Exception) -> None:
        """Tells who waits that there will be no answer."""
        self.ticket.fail(error)


@dataclass(frozen=True, slots=True)
class Scored:
    """Log-probabilities in nats of the tokens of each text, and how many tokens were given."""

    logprobs: tuple[tuple[float, ...], ...]
    tokens: int


@dataclass(slots=True, eq=False)
class ScoreRequest:
    """Score texts after a context.

    Attributes:
        ticket: where the answer goes.
        context: what comes before.
        texts: what is scored.
        temperature: of the softmax, above 0.
        top_p: of the nucleus.
        stop: strings that end a text.
        max_tokens: a text of so many tokens or more has no end of its own.
        end: whether a text's end is scored; None to score the ends of all texts where the tokens
            of one begin those of another, and of none elsewhere.
    """

    ticket: Ticket[Scored]
    context: str
    texts: Sequence[str]
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    max_tokens: float = math.inf
    end: bool | None = True
    _outputs: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _given: int = 0

    def dropped(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.ticket.dropped

    def lines(self, vocabulary: Vocabulary, room: int) -> list[Line]:
        """Each text after the context, up to the last token whose logits are read.

        Raises:
            ContextOverflow: the longest text does not fit after its context.
        """
        before = vocabulary.context(self.context)
        texts = [_after(vocabulary, self.context, before, text) for text in self.texts]
        longest = max((len(text.tokens) for text in texts), default=0)
        _check_room("a context and the longest text to score", longest, room)
        end = self.end
        if end is None:
            end = any(one.begins(other) for one in texts for other in texts)
        ending = vocabulary.ending(self.stop) if end else None
        self._given = len(before) + sum(len(text.own) for text in texts)
        lines = []
        for text in texts:
            reads = self._reads(text, ending)
            if reads:
                tokens = tuple(text.tokens[: max(reads) + 1])
                lines.append(Line(tokens, reads, None, self.dropped))
        return lines

    def _reads(self, text: _Text, ending: npt.NDArray[np.intp] | None) -> dict[int, list[Read]]:
        """What to read after which token; a text's results go into an array of its own."""
        own = text.own
        ends = ending is not None and len(own) < self.max_tokens
        output = np.full(len(own) + ends, math.nan)
        self._outputs.append(output)
        first = text.split - 1
        reads = {first + i: [self._token(output, i, token)] for i, token in enumerate(own)}
        if ends and ending is not None:
            reads[len(text.tokens) - 1] = [self._mass(output, ending)]
        return reads

    def _token(self, output: npt.NDArray[np.float64], index: int, token: int) -> Read:
        def read(logits: Logits) -> None:
            output[index] = logits.distribution(self.temperature, self.top_p).logprob(token)

        return read

    def _mass(self, output: npt.NDArray[np.float64], tokens: npt.NDArray[np.intp]) -> Read:
        def read(logits: Logits) -> None:
            output[-1] = logits.distribution(self.temperature, self.top_p).log_mass(tokens)

        return read

    def ready(self, draws: Draws) -> None:  # noqa: ARG002 - as every request
        """Hands over the scores."""
        scores = tuple(tuple(output.tolist()) for output in self._outputs)
        self.ticket.deliver(Scored(scores, self._given))

    def fail(self, error: Exception) -> None:
        """Tells who waits that there will be no answer."""
        self.ticket.fail(error)


@dataclass(frozen=True, slots=True)
class _Text:
    """A context and a text in tokens; those from `split` on are the text's own."""

    tokens: list[int]
    split: int

    @property
    def own(self) -> list[int]:
        return self.tokens[self.split :]

    def begins(self, other: _Text) -> bool:
        size = len(self.tokens)
        return size < len(other.tokens) and other.tokens[:size] == self.tokens


def _after(vocabulary: Vocabulary, context: str, before: list[int], text: str) -> _Text:
    if not text:
        return _Text(before, len(before))
    tokens = vocabulary.start + vocabulary.tokenise(context + joined(context, text))
    split = 0
    while split < min(len(before), len(tokens)) and before[split] == tokens[split]:
        split += 1
    if split == 0:  # nothing of the context is left to condition on
        return _Text([vocabulary.separator, *tokens], 1)
    return _Text(tokens, split)


def _check_room(what: str, needed: int, room: int) -> None:
    if needed > room:
        raise ContextOverflow(
            f"{what} need {needed} tokens, and the model's context holds {room}; shorten the "
            "prompt or the input, or load the model with a larger context_size",
            needed=needed,
            available=room,
        )
