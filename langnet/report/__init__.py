"""What is told about the work: progress while it lasts, tables and documents when it is done."""

from __future__ import annotations

from langnet.report.baselines import Baseline, HeldOut, baselines, calibrated, held_out
from langnet.report.progress import progress
from langnet.report.result import cost_data, held_out_data, interval_data, result_data

__all__ = [
    "Baseline",
    "HeldOut",
    "baselines",
    "calibrated",
    "cost_data",
    "held_out",
    "held_out_data",
    "interval_data",
    "progress",
    "result_data",
]
