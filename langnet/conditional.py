"""The conditional distribution of one language node: p(text | context), drawn from and scored."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import anyio

from langnet.concurrency import each
from langnet.errors import CapabilityError, ModelError
from langnet.key import Key
from langnet.lm.base import Decoding, LanguageModel, TextScore
from langnet.lm.caller import NODE, Place
from langnet.node import Choices, Node
from langnet.trace import log_mean_exp, log_sum_exp

__all__ = ["Conditional", "Drawn"]

T = TypeVar("T")

_WRAPPING = " \n\t\"'.:()*"
"""What may surround a label in a free text without being part of it."""


class Drawn(NamedTuple):
    """A text with its log-probability in nats where that came for free."""

    text: str
    logprob: float | None


class Conditional:
    """p(text | context) of a language node under one model.

    A node without choices is the model at the node's decoding. A node with choices is normalised
    over its labels: p(label) ∝ Σ over verbalisers of p(verbaliser | context), divided by the same
    without content where the choices are calibrated, and raised to 1 / temperature.

    Attributes:
        node: the node.
        model: the model that the node calls.
        blanks: contexts without content, for calibration; empty where there is none.
    """

    __slots__ = (
        "_blank_logprobs",
        "_decodings",
        "_lock",
        "_patterns",
        "_place",
        "blanks",
        "model",
        "node",
    )

    def __init__(self, node: Node, model: LanguageModel, blanks: Sequence[str] = ()) -> None:
        self.node = node
        self.model = model
        self.blanks = tuple(dict.fromkeys(blanks))
        self._decodings = (node.decoding, replace(node.decoding, temperature=0.0))
        self._blank_logprobs: tuple[float, ...] | None = None
        self._lock: anyio.Lock | None = None
        self._place = Place(node.name)
        self._patterns = [] if node.choices is None else _patterns(node.choices)

    def decoding(self, *, greedy: bool = False) -> Decoding:
        """How the node's text is drawn; with `greedy` at temperature 0."""
        return self._decodings[greedy]

    async def draw(self, context: str, keys: Sequence[Key], *, greedy: bool = False) -> list[Drawn]:
        """Draws one text per key; with `greedy` the most probable one.

        Where the node has choices and the model cannot compare labels, the model writes freely,
        and a text that begins with a choice is taken for it.

        Raises:
            ModelError: the call failed.
        """
        if self.node.choices is not None and self.model.capabilities.choose:
            return await self._draw_labels(context, keys, greedy=greedy)
        completions = await self._called(
            self.model.sample(context, decoding=self._decodings[greedy], keys=keys)
        )
        return [Drawn(self._matched(completion.text), None) for completion in completions]

    async def logprobs(self, context: str, texts: Sequence[str]) -> list[float]:
        """log p(text | context) of given texts, in nats; −inf for what is none of the choices.

        Raises:
            CapabilityError: the model cannot score.
            ModelError: the call failed.
        """
        if self.node.choices is not None:
            known = dict(
                zip(self.node.choices.labels, await self.label_logprobs(context), strict=True)
            )
            return [known.get(text, -math.inf) for text in texts]
        return [score.logprob for score in await self.scores(context, texts)]

    async def scores(self, context: str, texts: Sequence[str]) -> tuple[TextScore, ...]:
        """The scores of given texts, token by token.

        Raises:
            CapabilityError: the model cannot score.
            ModelError: the call failed.
        """
        if not self.model.capabilities.score:
            raise CapabilityError(
                f"node {self.node.name!r} needs log-probabilities of given texts, but its model "
                f"{self.model.identity!r} does not give them; use a model that scores (a local "
                "one, or a server with echo or prompt log-probs), or the rollout objective"
            )
        scored = await self._called(self.model.score(context, texts, decoding=self.node.decoding))
        return scored.scores

    async def label_logprobs(self, context: str) -> tuple[float, ...]:
        """log p(label | context) of each choice, in nats, normalised over the choices.

        Raises:
            CapabilityError: the model cannot compare labels.
            ModelError: the call failed.
        """
        assert self.node.choices is not None  # noqa: S101 - callers ask nodes with choices only
        if not self.model.capabilities.choose:
            raise CapabilityError(
                f"node {self.node.name!r} needs the probabilities of its choices, but its model "
                f"{self.model.identity!r} does not give them; use a model with top log-probs, or "
                "the rollout objective"
            )
        logits = await self._raw(context)
        if self.blanks:
            blank = await self._without_content()
            logits = tuple(
                logit if logit == -math.inf else logit - without
                for logit, without in zip(logits, blank, strict=True)
            )
        temperature = self.node.decoding.temperature or 1.0
        logits = tuple(logit / temperature for logit in logits)
        norm = log_sum_exp(logits)
        return tuple(logit - norm for logit in logits)

    async def _called(self, call: Awaitable[T]) -> T:
        """Makes a call in the node's name, for those who count and watch calls."""
        token = NODE.set(self._place)
        try:
            return await call
        finally:
            NODE.reset(token)

    async def _draw_labels(self, context: str, keys: Sequence[Key], *, greedy: bool) -> list[Drawn]:
        assert self.node.choices is not None  # noqa: S101 - callers ask nodes with choices only
        labels = self.node.choices.labels
        logprobs = await self.label_logprobs(context)
        if greedy or self.node.decoding.temperature == 0:
            best = max(range(len(labels)), key=logprobs.__getitem__)
            return [Drawn(labels[best], logprobs[best])] * len(keys)
        weights = [math.exp(logprob) for logprob in logprobs]
        picks = (key.rng().choices(range(len(labels)), weights)[0] for key in keys)
        return [Drawn(labels[pick], logprobs[pick]) for pick in picks]

    async def _raw(self, context: str) -> tuple[float, ...]:
        assert self.node.choices is not None  # noqa: S101 - callers ask nodes with choices only
        scored = await self._called(self.model.choose(context, self.node.choices.choices))
        norm = log_sum_exp(scored.logprobs)
        if norm == -math.inf:
            raise ModelError(
                f"the model {self.model.identity!r} gives no probability to any choice of node "
                f"{self.node.name!r}; let its template or prompt ask for one of "
                f"{', '.join(map(repr, self.node.choices.labels))}, or give the choices verbalisers"
            )
        return tuple(logprob - norm for logprob in scored.logprobs)

    async def _without_content(self) -> tuple[float, ...]:
        assert self.node.choices is not None  # noqa: S101 - callers ask nodes with choices only
        if self._lock is None:
            self._lock = anyio.Lock()
        async with self._lock:
            if self._blank_logprobs is None:
                rows = await each(self._raw, self.blanks)
                blank = tuple(log_mean_exp(column) for column in zip(*rows, strict=True))
                if -math.inf in blank:
                    label = self.node.choices.labels[blank.index(-math.inf)]
                    raise ModelError(
                        f"the choice {label!r} of node {self.node.name!r} cannot be calibrated, "
                        f"since the model {self.model.identity!r} gives it no probability without "
                        "content; leave calibrate out, or give the choice verbalisers"
                    )
                self._blank_logprobs = blank
            return self._blank_logprobs

    def _matched(self, text: str) -> str:
        """The choice that a free text begins with, the longest if several do; else the text."""
        if not self._patterns:
            return text
        said = _bare(text)
        matches = [
            (found.end(), label)
            for label, pattern in self._patterns
            if (found := pattern.match(said))
        ]
        return max(matches)[1] if matches else text


def _patterns(choices: Choices) -> list[tuple[str, re.Pattern[str]]]:
    """What a text begins with that means a label."""
    return [
        (choice.label, re.compile(re.escape(_bare(text)) + _ending(_bare(text))))
        for choice in choices.choices
        for text in choice.texts
    ]


def _ending(text: str) -> str:
    """Keeps "No" apart from "Not", and "1" from "12" and "1.5"; scripts without case run on."""
    last = text[-1:]
    return r"(?!\w|[.,]\d)" if last.isdigit() or last.lower() != last.upper() else ""


def _bare(text: str) -> str:
    return text.strip(_WRAPPING).casefold() or text.casefold()
