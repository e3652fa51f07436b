"""Checkpoints: plain JSON, written atomically, one directory per run.

RUN/
  run.json         what the run is: format, graph, seed
  state.json       all that the next step depends on
  steps/0001.json  what step 1 did: candidates, scores, choices
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.vi.step import StepResult

__all__ = ["RunDirectory", "write_json"]

FORMAT = "langnet-run/1"

S = TypeVar("S")


class RunDirectory:
    """The directory of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(
        self,
        initial: Mapping[str, Any],
        parse: Callable[[Mapping[str, Any]], S],
        graph: Graph,
        *,
        resume: bool,
    ) -> S | None:
        """Begins a run, or gives the state of the one that is there.

        Raises:
            GraphError: a run is there and is not to be resumed, or it belongs to another fit.
        """
        about = {"format": FORMAT, "seed": initial["seed"], "graph": describe(graph)}
        file = self.path / "run.json"
        if file.exists():
            if not resume:
                raise GraphError(
                    f"{self.path} holds a run already; go on with it by --resume (resume=True), "
                    "or give another directory"
                )
            found = _read(file)
            if found != about:
                differing = [name for name in about if found.get(name) != about[name]]
                raise GraphError(
                    f"the run in {self.path} cannot be resumed, since its {', '.join(differing)} "
                    "differs; resume with what it was begun with, or give another directory"
                )
            state = self.path / "state.json"
            return parse(_read(state)) if state.exists() else None
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(file, about)
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        """Writes the state."""
        write_json(self.path / "state.json", state)

    def save_step(self, number: int, result: StepResult) -> None:
        """Writes what a step did."""
        data = asdict(
            result, dict_factory=lambda pairs: {k: v for k, v in pairs if k != "failures"}
        )
        data["failures"] = [
            {"example": failure.example, "error": str(failure.error)} for failure in result.failures
        ]
        write_json(self.path / "steps" / f"{number:04d}.json", data)


def describe(graph: Graph) -> dict[str, Any]:
    """What makes a graph the same one: its language nodes and edges, prompts included."""
    return {
        "order": list(graph.order),
        "parents": {name: list(parents) for name, parents in graph.structure.parents.items()},
        "outputs": list(graph.outputs),
        "target": graph.target,
        "nodes": {name: json.loads(json.dumps(asdict(node))) for name, node in graph.nodes.items()},
    }


def write_json(path: Path, data: Any) -> None:
    """Writes JSON so that a reader finds the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1, allow_nan=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"{path} cannot be read as JSON: {error}") from error
