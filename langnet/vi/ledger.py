"""The ledger of a step: every model it calls is asked each question once, and calls are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from langnet.lm.base import LanguageModel
from langnet.lm.once import Answers, Once, Tally
from langnet.program import Models

__all__ = ["PHASES", "Ledger", "Phase"]

Phase = Literal["forward", "infer", "correct", "propose", "score"]

PHASES: tuple[Phase, ...] = ("forward", "infer", "correct", "propose", "score")
"""The phases of a step, in their order."""


class Ledger:
    """What one step asked, by phase. The answers are shared between phases."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.tallies: dict[Phase, Tally] = {phase: Tally() for phase in PHASES}

    def model(self, model: LanguageModel, phase: Phase) -> LanguageModel:
        """A model whose calls are booked under a phase."""
        return Once(model, self.answers, self.tallies[phase], phase)

    def models(self, models: Models, phase: Phase) -> Models:
        """Models whose calls are booked under a phase."""
        if not isinstance(models, Mapping):
            return self.model(models, phase)
        return {name: self.model(model, phase) for name, model in models.items()}

    def forget(self) -> None:
        """Asks again what was asked before."""
        self.answers = Answers()
