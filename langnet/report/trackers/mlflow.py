"""Events as a run of MLflow."""

from __future__ import annotations

import importlib.util
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from langnet.report.trackers.logged import Logged
from langnet.report.trackers.tracker import Tracker, missing

__all__ = ["MLflow"]

_TAG = "langnet.id"
_LONGEST_PARAMETER = 500


class MLflow(Tracker):
    """Logs to an experiment of MLflow.

    Prompts are artefacts, `prompt/NAME/0003.txt`, and so are kept files.

    Args:
        experiment: its name; it is made where there is none.
        uri: of the tracking server or store; by default MLflow's own, `MLFLOW_TRACKING_URI`. Names
            and passwords belong into MLflow's own variables.
        **settings: see `Tracker`.

    Raises:
        LangnetError: MLflow is not installed.
    """

    service: ClassVar[str] = "MLflow"

    def __init__(self, experiment: str, *, uri: str | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        if importlib.util.find_spec("mlflow") is None:
            raise missing("MLflow", "mlflow")
        self.experiment = experiment
        self.uri = uri
        self._client: Any = None
        self._run = ""

    def _begin(self, step: int, config: Mapping[str, Any]) -> None:  # noqa: ARG002 - runs know it
        from mlflow.entities import Param  # noqa: PLC0415 - only who uses it needs it
        from mlflow.tracking import MlflowClient  # noqa: PLC0415 - likewise

        # A client of its own: whatever run the program has active is not touched.
        self._client = MlflowClient(self.uri)
        found = self._client.get_experiment_by_name(self.experiment)
        place = found.experiment_id if found else self._client.create_experiment(self.experiment)
        name = self.id or secrets.token_hex(8)
        quoted = name.replace("'", "")
        runs = self._client.search_runs([place], f"tags.`{_TAG}` = '{quoted}'", max_results=1)
        if runs:
            self._client.update_run(runs[0].info.run_id, status="RUNNING")
            run = runs[0]
        else:
            run = self._client.create_run(place, tags={_TAG: quoted}, run_name=self.name or None)
        self._run = run.info.run_id
        parameters = [
            Param(_name(key), str(value)[:_LONGEST_PARAMETER])
            for key, value in config.items()
            if _name(key) not in run.data.params  # MLflow lets none be changed
        ]
        self._client.log_batch(self._run, params=parameters)

    def _log(self, logged: Logged) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415 - only who uses it needs it

        now = int(time.time() * 1000)
        metrics = [
            Metric(_name(name), number, now, logged.step) for name, number in logged.numbers.items()
        ]
        self._client.log_batch(self._run, metrics=metrics)
        for name, text in logged.texts.items():
            self._client.log_text(self._run, text, f"{_name(name)}/{logged.step:04d}.txt")

    def _keep(self, path: Path) -> None:
        self._client.log_artifact(self._run, str(path))

    def _end(self, *, failed: bool) -> None:
        self._client.set_terminated(self._run, status="FAILED" if failed else "FINISHED")


def _name(text: str) -> str:
    """A name that MLflow takes for parameters, metrics and files."""
    return re.sub(r"[^\w/.-]+", "-", text)
