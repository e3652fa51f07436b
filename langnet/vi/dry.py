"""Dry runs: models that answer nothing of substance and count what they are asked.

What a step will ask is found out by taking the step with such models: no formula can drift away
from the code. Their texts are as long as they may be and all different, and hardly any is more
probable than another, so that no question falls away.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from langnet.functions import only_if
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScore,
    TextScores,
)
from langnet.lm.tokens import counter
from langnet.node import Function
from langnet.vi.ledger import Ledger, Phase

__all__ = ["Count", "Dry", "DryLedger", "dry_graph"]


_GREEDY = "greedy-"
"""Begins the texts that stand for the most probable ones."""


@dataclass(frozen=True, slots=True)
class Count:
    """What was asked, or will be at most.

    Attributes:
        calls: calls of a model; the draws or texts of one context are one call.
        texts: texts drawn, texts scored, and sets of labels.
        prompt_tokens: tokens of contexts and given texts.
        completion_tokens: tokens drawn.
    """

    calls: int = 0
    texts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Count) -> Count:
        return Count(
            self.calls + other.calls,
            self.texts + other.texts,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def __mul__(self, times: int) -> Count:
        return Count(
            self.calls * times,
            self.texts * times,
            self.prompt_tokens * times,
            self.completion_tokens * times,
        )


class Dry:
    """Stands for a model in a dry run: it says and can do the same, and only counts.

    Attributes:
        count: what it was asked so far.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.identity = model.identity
        self.capabilities: Capabilities = model.capabilities
        self.count = Count()
        self._tokens = counter(model)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Texts that are all different, each as long as it may be."""
        first = "x" if decoding.temperature > 0 else _GREEDY
        texts = [f"{first}{_text(context, key, decoding.max_tokens)}" for key in keys]
        self.count += Count(1, len(texts), self._tokens(context), len(texts) * decoding.max_tokens)
        return [Completion(text) for text in texts]

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """About the same for every text: a little less where one is the most probable.

        A step that changes nothing asks less, so what was there before should not win.
        """
        del decoding, end
        context_count = context.count(_GREEDY)
        tokens = self._tokens(context) + sum(map(self._tokens, texts))
        self.count += Count(1, len(texts), tokens)
        counts = [context_count + text.count(_GREEDY) for text in texts]
        return TextScores(tuple(TextScore((-1.0 - count / 1000,)) for count in counts))

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """The same for every label."""
        labels = sum(self._tokens(text) for choice in choices for text in choice.texts)
        self.count += Count(1, 1, self._tokens(context) + labels)
        return LabelScores((-1.0,) * len(choices))

    async def aclose(self) -> None:
        """Nothing: there is nothing to close."""


class DryLedger(Ledger):
    """A ledger whose models are dry."""

    def __init__(self) -> None:
        super().__init__()
        self._dry: dict[tuple[Phase, str], Dry] = {}

    def model(self, model: LanguageModel, phase: Phase) -> LanguageModel:
        """A dry model in the place of a model; the same one for the same phase."""
        dry = self._dry.setdefault((phase, model.identity), Dry(model))
        return super().model(dry, phase)

    def count(self, phase: Phase) -> Count:
        """What was asked in a phase, each question once."""
        return sum((dry.count for (of, _), dry in self._dry.items() if of == phase), Count())


def dry_graph(graph: Graph) -> tuple[Graph, bool]:
    """The graph with functions that take what a dry run gives them.

    A function is called as it is; where it raises on a text that no model wrote, a text or, where
    it is plural, one element stands for its value. Every branch of `only_if` is taken.

    Returns:
        The graph, and whether every number of elements is known beforehand: it is not where a
        function's depends on a text that is yet to be drawn.
    """
    known = True
    upstream: dict[str, bool] = {}
    for name in graph.order:
        parents = graph.structure.parents[name]
        upstream[name] = name in graph.nodes or any(upstream[parent] for parent in parents)
    changed = graph
    for name, part in graph.functions.items():
        known = known and not (part.plural and upstream[name])
        likelihood = None if part.likelihood is None else _certain
        changed = changed.replace(name, function=_guarded(part), likelihood=likelihood)
    return changed, known


def _certain(target: Any, value: Any) -> float:
    del target, value
    return 0.0


def _guarded(part: Function) -> Callable[..., Any]:
    function = part.function
    if isinstance(function, only_if):
        function = function.always

    @functools.wraps(part.function)  # whose parameters are the edges
    async def guarded(**values: Any) -> Any:
        try:
            result = function(**values)
            if inspect.isawaitable(result):
                result = await result
        except Exception:  # noqa: BLE001 - it was written for texts of a model
            text = _text(part.name, Key((repr(values),)), 1)
            return (text,) if part.plural else text
        return result

    return guarded


def _text(context: str, key: Key, tokens: int) -> str:
    """A text of about so many tokens that belongs to one draw."""
    digest = blake2b(f"{key.path}\n{context}".encode("utf-8", "surrogatepass"), digest_size=6)
    return " ".join([digest.hexdigest(), *["and"] * max(0, tokens - 8)])
