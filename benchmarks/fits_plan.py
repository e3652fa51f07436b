"""What `fits.py` is asked for: which network on which task, from which start, by which method."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from langnet import Graph, Inference, LangnetError, Method, tasks
from langnet.cli.network import load_network
from langnet.cli.task import DataOptions, Splits, adapted, load_data
from langnet.report.baselines import baselines

GRAPHS = Path(__file__).parent.parent / "graphs"
NETWORKS = ("dln1", "dln2", "chain3", "diamond", "ensemble")
TASKS = ("questions", "sentiment", "subjectivity")
DESCRIPTION, DEFECTIVE = "description", "defective"


@dataclass(frozen=True, slots=True)
class Job:
    """One fit.

    Attributes:
        network: a name in graphs/, or what `langnet fit` takes for a network.
        task: name of a generated task.
        seed: of every draw.
        start: the prompt that the network answers with at first: "description" or "defective".
    """

    network: str
    task: str
    seed: int
    start: str

    def __str__(self) -> str:
        ending = "" if self.start == DESCRIPTION else f"-{self.start}"
        return f"{Path(self.network).stem}-{self.task}-seed{self.seed}{ending}"

    def graph(self) -> Graph:
        """The network with its prompts at the start."""
        own = GRAPHS / f"{self.network}.py"
        source = str(own) if own.is_file() else self.network
        graph = load_network(source).graph(tasks.get(self.task))
        return graph if self.start == DESCRIPTION else baselines(graph)["irrelevant prompt"]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is asked for.

    Attributes:
        jobs: the fits, in their order.
        method: the settings of each.
        settings: those that were given by name.
        sizes: examples to train on, to validate on, and held out.
        model: names the model.
        out: the directory of all fits.
    """

    jobs: tuple[Job, ...]
    method: Method
    settings: tuple[str, ...]
    sizes: Mapping[str, Any]
    model: str
    out: Path

    def data(self, job: Job) -> Splits:
        """The examples of a fit, whose targets are the network's."""
        splits = load_data(DataOptions(task=job.task, **self.sizes), None)
        graph = job.graph()
        return replace(
            splits,
            train=adapted(splits.train, graph),
            dev=adapted(splits.dev, graph),
            test=adapted(splits.test, graph),
        )

    def found(self, job: Job) -> dict[str, Any] | None:
        """What a fit found, where it is done.

        Raises:
            LangnetError: the fit that is there was another one.
        """
        file = self.out / str(job) / "found.json"
        if not file.exists():
            return None
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if found["asked"] != self.asked(job):
            raise LangnetError(f"{file} was asked for otherwise; give another --out, or delete it")
        return found

    def all_found(self) -> list[dict[str, Any]]:
        """What the fits that are done found, in their order."""
        return [found for job in self.jobs if (found := self.found(job)) is not None]

    def asked(self, job: Job) -> dict[str, Any]:
        """What tells one fit from another on record; the checkpoint knows more."""
        return {
            **asdict(job),
            **self.sizes,
            "steps": self.method.steps,
            "set": list(self.settings),
            "model": self.model,
        }


def method_with(settings: Sequence[str], steps: int | None) -> Method:
    """The default method with some settings changed: NAME=JSON, or inference.NAME=JSON.

    Raises:
        ValueError: a setting is of another form, or out of range.
        TypeError: there is no setting of that name.
    """
    given: dict[str, Any] = {} if steps is None else {"steps": steps}
    inference: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set needs NAME=JSON, not {setting!r}")
        try:
            read = json.loads(value)
        except ValueError:
            read = value  # a word needs no quotes
        if name.startswith("inference."):
            inference[name.removeprefix("inference.")] = read
        else:
            given[name] = read
    if inference:
        given["inference"] = Inference(**inference)
    return Method(**given)
