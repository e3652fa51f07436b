"""Language models without a language model behind them: exact, scripted and gated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio

from langnet.errors import CapabilityError
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
    Usage,
    refuse_schema,
)
from langnet.lm.wrapper import Wrapper

__all__ = ["GatedModel", "ScriptedModel", "TableModel", "hashed_distribution"]

Distribution = Callable[[str], Mapping[str, float]]
"""Gives each text that may follow a context its probability."""


class TableModel:
    """An exact language model: whole texts with known probabilities, one "token" each.

    >>> model = TableModel(lambda context: {"Yes": 0.75, "No": 0.25})
    >>> model.probabilities("Is it?", Decoding(temperature=0.5))
    {'Yes': 0.9, 'No': 0.1}

    Attributes:
        distribution: the probability of each text after a context.
        identity: see `LanguageModel`.
        capabilities: what the model owns up to; everything unless given.
        calls: how often each method was called, by its name.
        usage: the tokens that all calls took; a word of a context counts as one.
    """

    def __init__(
        self,
        distribution: Distribution,
        *,
        identity: str = "table",
        capabilities: Capabilities | None = None,
    ) -> None:
        self.distribution = distribution
        self.identity = identity
        self.capabilities = capabilities or Capabilities(score=True, choose=True)
        self.calls: Counter[str] = Counter()
        self.usage = Usage()

    def probabilities(self, context: str, decoding: Decoding) -> dict[str, float]:
        """The probability of each text under `decoding`; temperature 0 counts as 1, as in scores.

        The temperature acts on whole texts, then the nucleus is taken, then texts end at a stop
        string; texts that become the same add up.
        """
        table = {text: p for text, p in self.distribution(context).items() if p > 0}
        if abs(math.fsum(table.values()) - 1) > 1e-9:  # noqa: PLR2004 - rounding
            raise ValueError(
                f"the probabilities after {context!r} sum to {math.fsum(table.values())!r}; "
                "let them sum to 1"
            )
        power = 1 / (decoding.temperature or 1.0)
        tempered = _rescaled({text: p**power for text, p in table.items()})
        ended: dict[str, float] = {}
        for text, p in _rescaled(_nucleus(tempered, decoding.top_p)).items():
            kept = _ended(text, decoding.stop)
            ended[kept] = ended.get(kept, 0.0) + p
        return ended

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key by the inverse of the cumulative distribution."""
        _demand(self, "sample", self.capabilities.sample)
        refuse_schema(decoding, self.identity)
        self.calls["sample"] += 1
        table = self.probabilities(context, decoding)
        completions = []
        for order, key in enumerate(keys):
            if decoding.temperature == 0:
                text = max(table, key=table.__getitem__)
            else:
                (text,) = key.rng().choices(list(table), list(table.values()))
            usage = Usage(0 if order else _words(context), 1)
            self.usage += usage
            completions.append(Completion(text, "stop", usage))
        return completions

    async def score(
        self,
        context: str,
        texts: Sequence[str],
        *,
        decoding: Decoding,
        end: bool = True,  # noqa: ARG002 - a text is one token, its end included
    ) -> TextScores:
        """The exact log-probability of each text, -inf for one that never follows."""
        _demand(self, "score", self.capabilities.score)
        refuse_schema(decoding, self.identity, scoring=True)
        self.calls["score"] += 1
        table = self.probabilities(context, decoding)
        usage = Usage(_words(context) + len(texts))
        self.usage += usage
        return TextScores(tuple(TextScore((_log(table.get(text, 0)),)) for text in texts), usage)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """The exact log-probability that one of a choice's texts follows."""
        _demand(self, "choose", self.capabilities.choose)
        self.calls["choose"] += 1
        table = self.probabilities(context, Decoding())
        usage = Usage(_words(context) + len(choices))
        self.usage += usage
        return LabelScores(
            tuple(
                _log(math.fsum(table.get(text, 0) for text in set(choice.texts)))
                for choice in choices
            ),
            usage,
        )

    async def aclose(self) -> None:
        """Does nothing: the model holds nothing."""


def hashed_distribution(
    vocabulary: Sequence[str], *, seed: int = 0, concentration: float = 1.0
) -> Distribution:
    """A random but fixed distribution over a vocabulary for every context.

    Each is drawn from a symmetric Dirichlet distribution whose seed is a hash of the context, so
    that every graph has an exact posterior that is not trivial.

    Args:
        vocabulary: the texts.
        seed: gives other distributions.
        concentration: of the Dirichlet distribution; small is peaked, large is nearly uniform.
    """
    texts = tuple(dict.fromkeys(vocabulary))

    def distribution(context: str) -> dict[str, float]:
        rng = Key(("hashed-distribution", seed, context)).rng()
        # The floor keeps every text possible where the concentration is small.
        return _rescaled({text: rng.gammavariate(concentration, 1) + 1e-9 for text in texts})

    return distribution


class ScriptedModel:
    """A model that says what it is told to, for reproducing published numbers.

    >>> model = ScriptedModel({"2 + 2 =": "4"})

    Attributes:
        identity: see `LanguageModel`.
        calls: how often each method was called, by its name.
    """

    def __init__(
        self,
        answer: Mapping[str, str] | Callable[[str, Key], str],
        score: Callable[[str, str], Sequence[float]] | None = None,
        *,
        identity: str = "scripted",
    ) -> None:
        """Takes the script.

        Args:
            answer: the text for a context, or for a context and a key. A function may raise what
                a call is to fail with.
            score: the log-probability of each token of a text after a context, in nats; without
                it the model only samples.
            identity: see `LanguageModel`.
        """
        self.identity = identity
        self.calls: Counter[str] = Counter()
        self._answer = answer
        self._score = score

    @property
    def capabilities(self) -> Capabilities:
        """Samples, and scores and chooses where it was given scores."""
        return Capabilities(score=self._score is not None, choose=self._score is not None)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """The text of the script up to a stop string, once per key."""
        self.calls["sample"] += 1
        return [Completion(_ended(self._text(context, key), decoding.stop)) for key in keys]

    async def score(
        self,
        context: str,
        texts: Sequence[str],
        *,
        decoding: Decoding,  # noqa: ARG002 - the script decides
        end: bool = True,  # noqa: ARG002 - the script decides
    ) -> TextScores:
        """The scores of the script."""
        self.calls["score"] += 1
        return TextScores(tuple(self._scored("score", context, text) for text in texts))

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """The summed probabilities of each choice's texts by the scores of the script."""
        self.calls["choose"] += 1
        return LabelScores(
            tuple(
                _log(
                    math.fsum(
                        math.exp(self._scored("choose", context, text).logprob)
                        for text in set(choice.texts)
                    )
                )
                for choice in choices
            )
        )

    async def aclose(self) -> None:
        """Does nothing: the model holds nothing."""

    def _text(self, context: str, key: Key) -> str:
        if callable(self._answer):
            return self._answer(context, key)
        if context not in self._answer:
            raise CapabilityError(f"the script has no answer to {context!r}; write one")
        return self._answer[context]

    def _scored(self, method: str, context: str, text: str) -> TextScore:
        if self._score is None:
            raise CapabilityError(
                f"the scripted model cannot {method}; give it log-probabilities with score=…"
            )
        return TextScore(tuple(self._score(context, text)))


class GatedModel(Wrapper):
    """A model over a model whose calls wait until a test releases them, in any order.

    >>> async def both_at_once(gated):
    ...     await gated.arrived(2)  # two calls are waiting
    ...     gated.release(1)  # the second goes first

    Attributes:
        model: the model that answers once a call is released.
        peak: the most calls that were ever open at once.
    """

    def __init__(self, model: LanguageModel) -> None:
        super().__init__(model)
        self.peak = 0
        self._gates: list[tuple[str, anyio.Event]] = []
        self._open = 0
        self._always = False
        self._changed = anyio.Event()

    @property
    def waiting(self) -> tuple[str, ...]:
        """The contexts of the calls that wait, in the order in which they came."""
        return tuple(context for context, _ in self._gates)

    @property
    def open(self) -> int:
        """How many calls were begun and have not ended."""
        return self._open

    async def arrived(self, count: int, *, patience: float = 10.0) -> None:
        """Waits until `count` calls are waiting.

        Args:
            count: how many calls.
            patience: seconds to wait at most, so that a test fails instead of hanging.

        Raises:
            TimeoutError: fewer calls came.
        """
        with anyio.move_on_after(patience):
            while len(self._gates) < count:
                await self._changed.wait()
        if len(self._gates) < count:
            raise TimeoutError(
                f"{len(self._gates)} of {count} calls arrived within {patience:g} s: {self.waiting}"
            )

    def release(self, which: int | str = 0) -> str:
        """Lets one waiting call go on, by its place in `waiting` or its context.

        Returns:
            The call's context.
        """
        place = self.waiting.index(which) if isinstance(which, str) else which
        context, gate = self._gates.pop(place)
        gate.set()
        return context

    def release_all(self) -> None:
        """Lets all waiting calls go on, and those that come later too."""
        self._always = True
        while self._gates:
            self.release()

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Waits for its release, then samples."""
        async with self._gate(context):
            return await self.model.sample(context, decoding=decoding, keys=keys)

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Waits for its release, then scores."""
        async with self._gate(context):
            return await self.model.score(context, texts, decoding=decoding, end=end)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Waits for its release, then chooses."""
        async with self._gate(context):
            return await self.model.choose(context, choices)

    @asynccontextmanager
    async def _gate(self, context: str) -> AsyncIterator[None]:
        self._open += 1
        self.peak = max(self.peak, self._open)
        entry = (context, anyio.Event())
        try:
            if not self._always:
                self._gates.append(entry)
                changed, self._changed = self._changed, anyio.Event()
                changed.set()
                await entry[1].wait()
            yield
        finally:
            self._open -= 1
            # A call that was cancelled is not there to be released any more.
            self._gates = [other for other in self._gates if other is not entry]


def _demand(model: TableModel, method: str, able: bool) -> None:
    if not able:
        raise CapabilityError(f"the model {model.identity!r} is declared unable to {method}")


def _rescaled(table: Mapping[str, float]) -> dict[str, float]:
    norm = math.fsum(table.values())
    return {text: p / norm for text, p in table.items()}


def _nucleus(table: Mapping[str, float], top_p: float) -> dict[str, float]:
    """The most probable texts that together reach `top_p`, in their own order."""
    kept: set[str] = set()
    mass = 0.0
    for text, p in sorted(table.items(), key=lambda item: -item[1]):
        if mass >= top_p:
            break
        kept.add(text)
        mass += p
    return {text: p for text, p in table.items() if text in kept}


def _ended(text: str, stop: Sequence[str]) -> str:
    places = [place for word in stop if (place := text.find(word)) >= 0]
    return text[: min(places, default=len(text))].strip()


def _words(context: str) -> int:
    return len(context.split())


def _log(p: float) -> float:
    return math.log(p) if p > 0 else -math.inf
