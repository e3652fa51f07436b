"""Fakes and laws that users can run on their own models and graphs.

- `TableModel` has exact probabilities over a finite vocabulary, `ScriptedModel` says what it is
  told to, and `GatedModel` answers only when a test lets it.
- `check_model` holds any model to the contract of `langnet.lm.base.LanguageModel`.
- `enumerate_traces` and `exact_evidence` work out by enumeration what sampling only estimates.
"""

from __future__ import annotations

from langnet.testing.contract import check_model
from langnet.testing.exact import Outcome, enumerate_traces, exact_evidence
from langnet.testing.models import GatedModel, ScriptedModel, TableModel, hashed_distribution

__all__ = [
    "GatedModel",
    "Outcome",
    "ScriptedModel",
    "TableModel",
    "check_model",
    "enumerate_traces",
    "exact_evidence",
    "hashed_distribution",
]
