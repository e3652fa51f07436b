"""What is told about the work: progress while it lasts, tables and documents when it is done."""

from __future__ import annotations

from langnet.report.baselines import Baseline, HeldOut, baselines, calibrated, held_out
from langnet.report.cost import cost_data, cost_table, parts_of
from langnet.report.json_lines import JsonLines
from langnet.report.progress import progress, showing
from langnet.report.result import held_out_data, interval_data, result_data
from langnet.report.telemetry import Telemetry
from langnet.report.trackers import MLflow, TensorBoard, WandB

__all__ = [
    "Baseline",
    "HeldOut",
    "JsonLines",
    "MLflow",
    "Telemetry",
    "TensorBoard",
    "WandB",
    "baselines",
    "calibrated",
    "cost_data",
    "cost_table",
    "held_out",
    "held_out_data",
    "interval_data",
    "parts_of",
    "progress",
    "result_data",
    "showing",
]
