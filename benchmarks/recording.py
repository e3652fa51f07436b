"""A ledger that writes down what goes out, for `planning.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from langnet import Key, LanguageModel
from langnet.lm.base import Choice, Completion, Decoding, LabelScores, TextScores
from langnet.lm.local import Work
from langnet.vi.ledger import PHASES, Ledger, Phase


class Embedded(LanguageModel, Protocol):
    """A model that counts tokens and what it computes."""

    @property
    def work(self) -> Work:
        """What was computed so far."""
        ...

    def count_tokens(self, text: str) -> int:
        """The tokens of a text."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """One call that was sent and answered.

    Attributes:
        phase: of the step.
        kind: "sample", "score" or "choose".
        context: what came before.
        texts: how many texts were drawn or scored after it, or labels compared.
    """

    phase: Phase
    kind: str
    context: str
    texts: int


class Recording(Ledger):
    """A ledger that writes down what goes out, and what had been computed when a phase began."""

    def __init__(self, engine: Embedded) -> None:
        super().__init__()
        self.engine = engine
        self.questions: list[Question] = []
        self.began: dict[Phase, Work] = {}

    def model(self, model: LanguageModel, phase: Phase) -> LanguageModel:
        """A model whose calls are booked and written down."""
        return super().model(_Recorded(model, phase, self), phase)

    def work(self) -> dict[Phase, Work]:
        """What was computed by phase: each ends before the next one begins."""
        marks = [*self.began.values(), self.engine.work]
        spent = [after - before for before, after in pairwise(marks)]
        return dict.fromkeys(PHASES, Work()) | dict(zip(self.began, spent, strict=True))

    def contexts(self, phase: Phase) -> list[str]:
        """The contexts that texts were drawn from in a phase, one for each text."""
        return [
            question.context
            for question in self.questions
            if question.phase == phase and question.kind == "sample"
            for _ in range(question.texts)
        ]


class _Recorded:
    """A model whose answered calls a recording writes down."""

    def __init__(self, model: LanguageModel, phase: Phase, recording: Recording) -> None:
        self.model = model
        self.identity = model.identity
        self.capabilities = model.capabilities
        self._phase = phase
        self._recording = recording

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        self._begin()
        found = await self.model.sample(context, decoding=decoding, keys=keys)
        self._write("sample", context, len(keys))
        return found

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        self._begin()
        found = await self.model.score(context, texts, decoding=decoding, end=end)
        self._write("score", context, len(texts))
        return found

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        self._begin()
        found = await self.model.choose(context, choices)
        self._write("choose", context, sum(len(choice.texts) for choice in choices))
        return found

    async def aclose(self) -> None:
        """Nothing: the model belongs to the caller."""

    def _begin(self) -> None:
        self._recording.began.setdefault(self._phase, self._recording.engine.work)

    def _write(self, kind: str, context: str, texts: int) -> None:
        self._recording.questions.append(Question(self._phase, kind, context, texts))
