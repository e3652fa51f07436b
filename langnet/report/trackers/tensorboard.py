"""Events as TensorBoard reads them: `tensorboard --logdir logs` shows curves and prompts."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from langnet.report.trackers.logged import Logged
from langnet.report.trackers.tracker import Tracker, missing

__all__ = ["TensorBoard"]


class TensorBoard(Tracker):
    """Writes event files to a directory. It keeps no further files.

    A fit that goes on writes to the same directory; what an interrupted session logged of later
    steps is hidden. Texts stand there as they are, and no markup in them is rendered.

    Args:
        directory: where runs are; `tensorboard --logdir` takes it.
        name: the run's own directory below it; by default the directory itself.
        **settings: see `Tracker`.

    Raises:
        LangnetError: tensorboardX is not installed.
    """

    service: ClassVar[str] = "TensorBoard"

    def __init__(self, directory: str | Path, *, name: str = "", **settings: Any) -> None:
        super().__init__(name=name, **settings)
        if importlib.util.find_spec("tensorboardX") is None:
            raise missing("tensorboardX", "tensorboard")
        self.directory = Path(directory, name)
        self._writer: Any = None

    def _begin(self, step: int, config: Mapping[str, Any]) -> None:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - only who uses it needs it

        self._writer = SummaryWriter(str(self.directory), purge_step=step + 1 if step else None)
        if config:
            rows = "\n".join(f"{name}: {value}" for name, value in config.items())
            self._writer.add_text("config", _verbatim(rows), step)

    def _log(self, logged: Logged) -> None:
        for name, number in logged.numbers.items():
            self._writer.add_scalar(name, number, logged.step)
        for name, text in logged.texts.items():
            self._writer.add_text(name, _verbatim(text), logged.step)
        self._writer.flush()

    def _keep(self, path: Path) -> None:
        """TensorBoard keeps no files."""

    def _end(self, *, failed: bool) -> None:  # noqa: ARG002 - event files have no status
        self._writer.close()


def _verbatim(text: str) -> str:
    """A text that TensorBoard, which renders Markdown, shows as it is: a block of code."""
    return "\n".join(f"    {line}" for line in text.splitlines() or [""])
