"""Examples: what they are, how they are read from files, split and drawn in batches."""

from __future__ import annotations

from langnet.data.batch import batch, data_hash, split
from langnet.data.example import Example
from langnet.data.gsm8k import VERDICTS, read_gsm8k, read_gsm8k_solutions
from langnet.data.presets import (
    AIRLINE_LABELS,
    DISASTER_LABELS,
    MPQA_LABELS,
    PRESETS,
    SUBJ_LABELS,
    TREC_LABELS,
    read_airline,
    read_bbh,
    read_disaster,
    read_mpqa,
    read_scan,
    read_subj,
    read_trec,
)
from langnet.data.read import read

__all__ = [
    "AIRLINE_LABELS",
    "DISASTER_LABELS",
    "MPQA_LABELS",
    "PRESETS",
    "SUBJ_LABELS",
    "TREC_LABELS",
    "VERDICTS",
    "Example",
    "batch",
    "data_hash",
    "read",
    "read_airline",
    "read_bbh",
    "read_disaster",
    "read_gsm8k",
    "read_gsm8k_solutions",
    "read_mpqa",
    "read_scan",
    "read_subj",
    "read_trec",
    "split",
]
