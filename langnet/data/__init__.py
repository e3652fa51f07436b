"""Examples: what they are, how they are read from files, split and drawn in batches."""

from __future__ import annotations

from langnet.data.batch import batch, data_hash, split
from langnet.data.example import Example
from langnet.data.presets import (
    PRESETS,
    SUBJ_LABELS,
    TREC_LABELS,
    read_bbh,
    read_gsm8k,
    read_scan,
    read_subj,
    read_trec,
)
from langnet.data.read import read

__all__ = [
    "PRESETS",
    "SUBJ_LABELS",
    "TREC_LABELS",
    "Example",
    "batch",
    "data_hash",
    "read",
    "read_bbh",
    "read_gsm8k",
    "read_scan",
    "read_subj",
    "read_trec",
    "split",
]
