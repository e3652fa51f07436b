"""Rounds of collecting and fitting, resumed where they were killed; see `langnet.procedure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langnet.checkpoint import RunDirectory, describe
from langnet.collect import Collected, collect, read_solutions, write_solutions
from langnet.data import Example
from langnet.events import Notifier, Observer, PhaseAdvanced
from langnet.fit import Fitted, fit
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.meter import Meter
from langnet.metrics import Metric, exact
from langnet.procedure import Procedure, Round, Stage, under
from langnet.program import Models
from langnet.vi.method import Method

__all__ = ["Rounds", "StageFit", "run_rounds"]


@dataclass(frozen=True, slots=True)
class StageFit:
    """What a stage of a round came to; `fitted` is `None` where there was nothing to learn from."""

    number: int
    stage: str
    examples: int
    fitted: Fitted | None


@dataclass(frozen=True, slots=True)
class Rounds:
    """What came of all rounds.

    Attributes:
        prompts: as they stand at the end.
        pools: what was written on the examples to train on, by round.
        fits: every stage of every round.
    """

    prompts: Mapping[str, str]
    pools: tuple[Collected, ...]
    fits: tuple[StageFit, ...]

    def onto(self, graph: Graph) -> Graph:
        """A network with those of the prompts that it has."""
        return under(graph, self.prompts)


async def run_rounds(
    procedure: Procedure,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    models: Models,
    proposer: LanguageModel,
    metric: Metric = exact,
    method: Method | None = None,
    count: int = 3,
    draws: int = 8,
    seed: int = 0,
    directory: str | Path | None = None,
    resume: bool = False,
    observers: Iterable[Observer] = (),
    meter: Meter | None = None,
) -> Rounds:
    """Collects and fits, several times.

    Args:
        procedure: what a round does.
        train: examples to learn from; each has a target at `procedure.graph.target`.
        dev: examples that decide which prompts are best, in the same form.
        models: what the nodes call.
        proposer: the model that proposes prompts.
        metric: of an answer and a target.
        method: the settings of every fit.
        count: rounds.
        draws: what is collected of each example in a round.
        seed: what every draw's seed is derived from.
        directory: where pools and the fits' checkpoints go, a folder for each round; nowhere by
            default.
        resume: whether to go on with the rounds that are there.
        observers: are told of every event.
        meter: counts the models' calls, for reports.

    Raises:
        GraphError: networks disagree about a prompt, or the directory holds other rounds.
        TooManyFailures: more runs failed than the method allows.
    """
    method = method or Method()
    run = _Run(
        *(procedure, {"train": train, "dev": dev}, models, proposer, metric, method, draws, seed),
        *(None if directory is None else Path(directory), resume, tuple(observers), meter),
        prompts=procedure.prompts,
        pools={"train": [], "dev": []},
    )
    run.begin()
    fits: list[StageFit] = []
    for number in range(1, count + 1):
        for part in run.data:
            run.pools[part].append(await run.collected(number, part))
        due = [stage for stage in procedure.stages if number == count or not stage.last_only]
        fits += [await run.fitted(number, stage) for stage in due]
    return Rounds(run.prompts, tuple(run.pools["train"]), tuple(fits))


@dataclass(slots=True)
class _Run:
    """Rounds under way."""

    procedure: Procedure
    data: Mapping[str, Sequence[Example]]
    models: Models
    proposer: LanguageModel
    metric: Metric
    method: Method
    draws: int
    seed: int
    directory: Path | None
    resume: bool
    observers: tuple[Observer, ...]
    meter: Meter | None
    prompts: dict[str, str]
    pools: dict[str, list[Collected]]

    def begin(self) -> None:
        """Makes sure that the directory holds these rounds or none."""
        if self.directory is None:
            return
        about: dict[str, Any] = describe(
            self.procedure.graph,
            self.seed,
            **self.data,
            models=self.models,
            proposer=self.proposer,
            method=self.method,
        )
        about["draws"] = self.draws
        about["prompts"] = self.prompts
        RunDirectory(self.directory).begin(about, dict, resume=self.resume)

    async def collected(self, number: int, part: str) -> Collected:
        """What is written in a round, or was before it was interrupted."""
        folder = self._folder(number)
        file = None if folder is None else folder / f"{part}.jsonl"
        if file is not None and file.exists():
            return read_solutions(file)
        tell, done, total = Notifier(self.observers), 0, self.draws * len(self.data[part])

        def advance() -> None:
            nonlocal done
            done += 1
            tell(PhaseAdvanced(f"round {number}, {part}", done, total))

        found = await collect(
            under(self.procedure.graph, self.prompts),
            self.data[part],
            models=self.models,
            draws=self.draws,
            node=self.procedure.node,
            judged=self.procedure.judged,
            metric=self.metric,
            seed=Key(("rounds", self.seed, number)).seed,
            concurrency=self.method.concurrency,
            max_failures=self.method.max_failures,
            on_run=advance,
        )
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_solutions(file, found.solutions)
        return found

    async def fitted(self, number: int, stage: Stage) -> StageFit:
        """Fits a stage, and takes on its prompts."""
        graph = under(stage.graph, self.prompts)
        key = Key(("rounds", self.seed, number, stage.name))
        train, dev = [
            await make(
                Round(number, self.data[part], self.pools[part], graph, self.models, key / part)
            )
            for make, part in ((stage.train, "train"), (stage.dev, "dev"))
        ]
        if not train or not dev:
            return StageFit(number, stage.name, len(train), None)
        folder = self._folder(number)
        method, train = _balanced(self.method, graph, train)
        fitted = await fit(
            graph.frozen(*stage.frozen) if stage.frozen else graph,
            train,
            dev,
            models=self.models,
            proposer=self.proposer,
            metric=stage.metric or self.metric,
            method=method,
            seed=key.seed,
            directory=None if folder is None else folder / stage.name,
            resume=self.resume,
            observers=self.observers,
            meter=self.meter,
        )
        self.prompts |= fitted.graph.prompts
        return StageFit(number, stage.name, len(train), fitted)

    def _folder(self, number: int) -> Path | None:
        return None if self.directory is None else self.directory / f"round{number}"


def _balanced(
    method: Method, graph: Graph, examples: Sequence[Example]
) -> tuple[Method, Sequence[Example]]:
    """A batch's share of each label, though nobody knew how many of each there would be.

    Examples of rare labels are repeated until they fill their share; free answers have none.
    """
    node = graph.nodes.get(graph.target)
    if not method.balance or node is None or node.choices is None:
        return replace(method, balance=False), examples
    by_label: dict[str, list[Example]] = {}
    for example in examples:
        by_label.setdefault(example.targets[graph.target], []).append(example)
    size = min(method.batch_size, len(examples))
    share = -(-size // len(by_label))
    more = [
        replace(found[place % len(found)], id=f"{found[place % len(found)].id}~{place}")
        for found in by_label.values()
        for place in range(len(found), share)
    ]
    return replace(method, batch_size=size), [*examples, *more]
