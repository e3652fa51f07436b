"""Trackers: what a fit does, told to TensorBoard, Weights & Biases or MLflow.

    with TensorBoard("logs") as tracker:
        await fit(graph, train, dev, models=model, observers=[tracker])

Each is an observer that works in a thread of its own, so that a slow server holds up no fit. One
that fails says so once, and the fit goes on without it.
"""

from langnet.report.trackers.logged import Logged, Logging
from langnet.report.trackers.mlflow import MLflow
from langnet.report.trackers.tensorboard import TensorBoard
from langnet.report.trackers.tracker import Tracker
from langnet.report.trackers.wandb import WandB

__all__ = ["Logged", "Logging", "MLflow", "TensorBoard", "Tracker", "WandB"]
