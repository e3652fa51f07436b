"""Rounds: what a network writes becomes the examples of its next fits.

Some procedures need more than one fit: V-STaR (arXiv 2402.06457) solves, judges, and fits a solver
and a verifier to the pool; AGILE (arXiv 1806.01946) fits a discriminator against what a policy
does, and the policy to the discriminator, in turn. A round is always the same: collect what the
networks write under the prompts as they stand, make examples of it, fit. A `Procedure` says which
networks; prompts of the same name are one prompt in all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langnet.checkpoint import RunDirectory, describe
from langnet.collect import Collected, collect, read_solutions, write_solutions
from langnet.data import Example
from langnet.errors import GraphError
from langnet.events import Notifier, Observer, PhaseAdvanced
from langnet.fit import Fitted, fit
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.meter import Meter
from langnet.metrics import Metric, exact
from langnet.program import Models
from langnet.vi.method import Method

__all__ = ["Examples", "Procedure", "Round", "Rounds", "Stage", "StageFit", "run_rounds"]


@dataclass(frozen=True, slots=True)
class Round:
    """What the examples of a stage are made of.

    Attributes:
        number: of the round, from 1.
        examples: what was collected on: those to train on, or those to validate on.
        pools: what was written, judged, one pool for each round so far.
        graph: the stage's network with the prompts as they stand.
        models: what its nodes call.
        key: what every draw's seed is derived from.
    """

    number: int
    examples: Sequence[Example]
    pools: Sequence[Collected]
    graph: Graph
    models: Models
    key: Key

    @property
    def pool(self) -> Collected:
        """All pools in one."""
        first, *more = self.pools
        return sum(more, first)


Examples = Callable[[Round], Awaitable[Sequence[Example]]]
"""Makes the examples of a stage; see `langnet.lessons`."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One fit of every round.

    Attributes:
        name: of the stage.
        graph: the network that is fitted.
        train: makes the examples to train on.
        dev: makes those to validate on.
        metric: what validates; by default that of the rounds.
        frozen: names of prompts that this stage leaves as they are.
        last_only: whether it waits for the last round.
    """

    name: str
    graph: Graph
    train: Examples
    dev: Examples
    metric: Metric | None = None
    frozen: tuple[str, ...] = ()
    last_only: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """What a round does.

    Attributes:
        graph: the network whose texts are collected; the targets judge them.
        stages: the fits, one after the other.
        node: the node whose texts are collected; see `collect`.
        judged: the part that is judged; see `collect`.
    """

    graph: Graph
    stages: tuple[Stage, ...]
    node: str | None = None
    judged: str | None = None

    @property
    def prompts(self) -> dict[str, str]:
        """The prompts of all networks at the start.

        Raises:
            GraphError: one name stands for two texts.
        """
        found: dict[str, str] = {}
        for graph in (self.graph, *(stage.graph for stage in self.stages)):
            for name, text in graph.prompts.items():
                if found.setdefault(name, text) != text:
                    raise GraphError(
                        f"the prompt {name!r} of {graph.name} begins otherwise than in another "
                        "network of the rounds; one name is one prompt, so give it one text"
                    )
        return found

    def beginning(self, prompts: Mapping[str, str]) -> Procedure:
        """The procedure with other prompts at the start."""
        stages = tuple(replace(one, graph=_under(one.graph, prompts)) for one in self.stages)
        return replace(self, graph=_under(self.graph, prompts), stages=stages)


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
        return _under(graph, self.prompts)


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
            _under(self.procedure.graph, self.prompts),
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
        graph = _under(stage.graph, self.prompts)
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


def _under(graph: Graph, prompts: Mapping[str, str]) -> Graph:
    return graph.with_prompts({name: prompts[name] for name in graph.prompts if name in prompts})
