"""Events as a run of Weights & Biases."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from langnet.errors import LangnetError
from langnet.report.trackers.logged import Logged
from langnet.report.trackers.tracker import Tracker, missing

__all__ = ["WandB"]


class WandB(Tracker):
    """Logs to a project of Weights & Biases.

    Curves go by steps, prompts are rows of the table `prompts`, and kept files are artefacts.
    Who logs in, and whether anything is sent (`WANDB_MODE=offline`), is W&B's own affair; it is not
    told of the command line, the machine, the code or what is installed.

    Args:
        project: the project, or ENTITY/PROJECT.
        directory: where W&B writes its local files; by default where it likes.
        **settings: see `Tracker`.

    Raises:
        LangnetError: wandb is not installed, or knows nobody to log in as.
    """

    service: ClassVar[str] = "Weights & Biases"

    def __init__(
        self, project: str, *, directory: str | Path | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        if importlib.util.find_spec("wandb") is None:
            raise missing("wandb", "wandb")
        _log_in()
        entity, _, self.project = project.rpartition("/")
        self.entity = entity or None
        self._directory = None if directory is None else str(directory)
        self._rows: list[tuple[int, str, str]] = []
        self._run: Any = None

    def _begin(self, step: int, config: Mapping[str, Any]) -> None:  # noqa: ARG002 - "done" says it
        import wandb  # noqa: PLC0415 - only who uses it needs it

        self._run = wandb.init(
            entity=self.entity,
            project=self.project,
            name=self.name or None,
            id=self.id or None,
            resume="allow" if self.id else None,
            dir=self._directory,
            config=dict(config),
            allow_val_change=True,  # of settings that a fit which goes on may change
            reinit="create_new",  # the run is ours, and none of the program's own is touched
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_git=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
            ),
        )
        self._run.define_metric("done")
        self._run.define_metric("*", step_metric="done")

    def _log(self, logged: Logged) -> None:
        import wandb  # noqa: PLC0415 - only who uses it needs it

        data: dict[str, Any] = {"done": logged.step, **logged.numbers}
        if logged.texts:
            self._rows += [(logged.step, name, text) for name, text in logged.texts.items()]
            columns = ["step", "name", "text"]
            data["prompts"] = wandb.Table(columns=columns, data=[[*row] for row in self._rows])
        self._run.log(data)

    def _keep(self, path: Path) -> None:
        # An artefact is a copy, which what is written to the file later does not change.
        name = f"{self._run.id}-{path.name}"
        self._run.log_artifact(str(path), name=name, type="fit")

    def _end(self, *, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


def _log_in() -> None:
    """Logs in before the fit begins: on a terminal W&B asks for a key, and waits."""
    import wandb  # noqa: PLC0415 - only who uses it needs it

    if wandb.setup().settings.mode not in {"online", "shared"}:
        return
    try:
        wandb.login()
    except wandb.errors.Error as error:
        raise LangnetError(
            "Weights & Biases knows nobody to log in as; run wandb login, set WANDB_API_KEY, or "
            "keep the run here with WANDB_MODE=offline"
        ) from error
