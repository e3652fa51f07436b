"""Checkpoints: plain JSON, written atomically, one directory per run.

RUN/
  run.json         what the run is: format, seed, graph, data, models, method
  state.json       all that the next step depends on
  best.yaml        the network with the best prompts, once the fit has ended
  steps/0001.json  what step 1 did: candidates, scores, choices
  costs/0001.json  calls, tokens and seconds of step 1 and its validation, where a meter counts

and, unless traces are left out, as JSON lines (see `langnet.record`):

  examples.jsonl           the examples that are trained and validated on
  steps/0001.traces.jsonl  the batch of step 1 as it was seen
  validations/0001.jsonl   what the network answered in the validation after step 1
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from langnet import graph_file
from langnet.data import Example, data_hash
from langnet.errors import DataError, GraphError
from langnet.graph import Graph
from langnet.lm.base import LanguageModel
from langnet.lm.meter import MeterReading
from langnet.program import Models
from langnet.text_file import discard_unfinished, write_text
from langnet.vi.calls import Account
from langnet.vi.method import Method
from langnet.vi.step import StepResult

__all__ = ["RunDirectory", "describe", "described_graph", "write_json"]

FORMAT = "langnet-run/2"

S = TypeVar("S")


class RunDirectory:
    """The directory of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(
        self, about: Mapping[str, Any], parse: Callable[[Mapping[str, Any]], S], *, resume: bool
    ) -> S | None:
        """Begins a run, or gives the state of the one that is there.

        Args:
            about: what the run is; see `describe`.
            parse: makes a state of plain data.
            resume: whether to go on with a run that is there.

        Raises:
            GraphError: a run is there and is not to be resumed, or it belongs to another fit.
        """
        about = {"format": FORMAT, **about}
        file = self.path / "run.json"
        if file.exists():
            if not resume:
                raise GraphError(
                    f"{self.path} holds a run already; go on with it by --resume (resume=True), "
                    "or give another directory"
                )
            differing = _differing(_read(file), about)
            if differing:
                raise GraphError(
                    f"the run in {self.path} cannot be resumed, since {', '.join(differing)} "
                    "differs; resume with what it was begun with, or give another directory"
                )
            for folder in (self.path, self.path / "steps"):
                discard_unfinished(folder)
            state = self.path / "state.json"
            return parse(_read(state)) if state.exists() else None
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(file, about)
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        """Writes the state."""
        write_json(self.path / "state.json", state)

    def save_network(self, graph: Graph) -> None:
        """Writes the network, where every function of it can be named in a file."""
        with suppress(GraphError):
            graph_file.save(graph, self.path / "best.yaml")

    def save_step(self, number: int, result: StepResult, account: Account | None = None) -> None:
        """Writes what a step did, and how that compares with the plan where there was one."""
        data = asdict(
            result, dict_factory=lambda pairs: {k: v for k, v in pairs if k != "failures"}
        )
        data["failures"] = [
            {"example": failure.example, "error": str(failure.error)} for failure in result.failures
        ]
        data["account"] = None if account is None else asdict(account)
        write_json(self.path / "steps" / f"{number:04d}.json", data)

    def save_cost(self, number: int, took: MeterReading, seconds: float) -> None:
        """Writes what a step took with its validation: apart, since no seed decides that."""
        data = {"seconds": round(seconds, 3), **took.to_json()}
        write_json(self.path / "costs" / f"{number:04d}.json", data)

    def save_lines(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes rows as JSON lines, all or nothing.

        Args:
            name: the file's path in the directory, with "/".
            rows: plain data.
        """
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(f"{line}\n" for line in lines))


def describe(
    graph: Graph,
    seed: int,
    *,
    train: Sequence[Example],
    dev: Sequence[Example],
    models: Models,
    proposer: LanguageModel,
    method: Method,
) -> dict[str, Any]:
    """What makes two fits the same one: all that the state depends on besides itself.

    How long a fit goes on, how many examples are in flight, how many may fail and what people say
    are left out: they may be changed when it is resumed.
    """
    by_name = models if isinstance(models, Mapping) else {"every node": models}
    settings = {
        field.name: _plain(getattr(method, field.name))
        for field in fields(method)
        if field.name not in _FREE
    }
    return {
        "seed": seed,
        "graph": described_graph(graph),
        "train": _digest(train),
        "dev": _digest(dev),
        "models": {name: model.identity for name, model in sorted(by_name.items())},
        "proposer": proposer.identity,
        "method": settings,
    }


def described_graph(graph: Graph) -> dict[str, Any]:
    """What of a graph makes two fits the same one."""
    return {
        "order": list(graph.order),
        "parents": {name: list(parents) for name, parents in graph.structure.parents.items()},
        "outputs": list(graph.outputs),
        "target": graph.target,
        "nodes": {name: _plain(asdict(node)) for name, node in graph.nodes.items()},
    }


_FREE = ("steps", "stop_after", "concurrency", "max_failures", "feedback")


def _digest(examples: Sequence[Example]) -> str:
    try:
        return data_hash(examples)
    except DataError:
        # Inputs that JSON cannot hold are told apart by their ids alone.
        return data_hash([replace(example, inputs={}) for example in examples])


def _plain(value: Any) -> Any:
    """Settings as JSON: functions go by their names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(element) for name, element in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(element) for element in value]
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__qualname__)
        # What a function was made with decides what it does: trust_region(1), trust_region(2).
        cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        return [name, *map(_plain, cells)] if cells else name
    return value


def _differing(found: Any, wanted: Mapping[str, Any]) -> list[str]:
    if not isinstance(found, dict):
        return list(wanted)
    return [name for name in wanted if found.get(name) != wanted[name]]


def write_json(path: Path, data: Any) -> None:
    """Writes JSON so that a reader finds the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"{path} cannot be read as JSON: {error}") from error
