"""Collecting what a network writes, with what came of it: many draws per example, each judged.

This is where self-training begins (STaR, V-STaR, rejection sampling), and where coverage, votes and
verifiers are measured: solve many times, keep every solution together with whether its answer is
right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from langnet.data import Example
from langnet.errors import DataError, GraphError
from langnet.functions import flat
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Metric, exact
from langnet.program import Models, Program
from langnet.run import stream
from langnet.text_file import write_text
from langnet.trace import Failure, Site, Trace

__all__ = ["Collected", "Solution", "collect", "read_solutions", "write_solutions"]


@dataclass(frozen=True, slots=True)
class Solution:
    """One text that a network wrote on the way to an answer, judged by that answer.

    Attributes:
        example: id of the example.
        draw: its number among the example's solutions, from 0.
        inputs: of the example.
        context: what the model saw.
        text: what it wrote.
        answer: what the network made of it.
        value: the metric of the answer, between 0 and 1.
    """

    example: str
    draw: int
    inputs: Mapping[str, Any]
    context: str
    text: str
    answer: str
    value: float

    @property
    def is_correct(self) -> bool:
        """Whether the metric found nothing wrong with the answer."""
        return self.value >= 1.0

    def to_json(self) -> dict[str, Any]:
        """The solution as plain data."""
        return {
            "example": self.example,
            "draw": self.draw,
            "inputs": dict(self.inputs),
            "context": self.context,
            "text": self.text,
            "answer": self.answer,
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected.

    Attributes:
        solutions: in the order of the examples, and of the draws within each.
        failures: runs that failed; their examples have fewer solutions.
    """

    solutions: tuple[Solution, ...]
    failures: tuple[Failure, ...] = ()

    def by_example(self) -> dict[str, tuple[Solution, ...]]:
        """The solutions of each example, by its id."""
        found: dict[str, list[Solution]] = {}
        for solution in self.solutions:
            found.setdefault(solution.example, []).append(solution)
        return {example: tuple(solutions) for example, solutions in found.items()}

    def __add__(self, other: Collected) -> Collected:
        """Both together, such as those of two rounds or of two models."""
        return Collected(self.solutions + other.solutions, self.failures + other.failures)

    def counts(self) -> list[tuple[int, int]]:
        """For each example how many solutions there are, and how many are correct."""
        return [
            (len(solutions), sum(solution.is_correct for solution in solutions))
            for solutions in self.by_example().values()
        ]

    def verification(
        self,
        node: str = "verdict",
        *,
        solution: str = "solution",
        labels: tuple[str, str] = ("Yes", "No"),
    ) -> list[Example]:
        """Examples for a verifier: is this solution correct?

        Args:
            node: the node that says so.
            solution: the input that holds the solution's text.
            labels: of a correct solution, and of another one.
        """
        return [
            Example(
                f"{example}#{place}",
                {**one.inputs, solution: one.text},
                {node: labels[0] if one.is_correct else labels[1]},
            )
            for example, several in self.by_example().items()
            for place, one in enumerate(several)
        ]


async def collect(
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    draws: int = 8,
    node: str | None = None,
    judged: str | None = None,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_run: Callable[[], None] | None = None,
) -> Collected:
    """Runs a network several times on each example, and judges what it wrote.

    Args:
        graph: the network. Where the node is plural in it, every element is a solution.
        examples: each has a target at `graph.target`.
        models: what the nodes call.
        draws: runs per example.
        node: the language node whose texts are collected; by default the target, or the only
            language node that it reads.
        judged: the part whose value the metric compares with the target; by default the target. It
            has as many elements as the node.
        metric: of an answer and a target.
        seed: decides every draw; further draws of the same seed begin with these.
        concurrency: runs in flight.
        max_failures: the share of runs that may fail.
        on_run: called after each run, for progress.

    Raises:
        GraphError: the node cannot be told, or is none of the network's.
        DataError: an example has no target.
        TooManyFailures: more runs failed than `max_failures` allows.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}")
    node = _node(graph, node)
    judged = judged or graph.target
    if judged not in graph.parts:
        raise GraphError(f"{judged!r} is no part of {graph.name}; name one that gives an answer")
    graph, target_node = _needed(graph, node, judged), graph.target
    by_run = {f"{one.id}#{draw}": (one, draw) for one in examples for draw in range(draws)}
    runs = (Example(name, one.inputs, one.targets) for name, (one, _) in by_run.items())
    found: dict[str, list[Solution]] = {example.id: [] for example in examples}
    failures: list[Failure] = []
    async with stream(
        Program(graph, models),
        runs,
        key=Key(("collect", seed)),
        concurrency=concurrency,
        max_failures=max_failures,
    ) as outcomes:
        names = iter(by_run)
        async for outcome in outcomes:
            example, draw = by_run[next(names)]
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                target = _target(example, target_node)
                pairs = _pairs(outcome, node, judged)
                for place, (site, answer) in enumerate(pairs):
                    value = float(metric(answer, target))
                    number = draw * len(pairs) + place
                    found[example.id].append(
                        Solution(
                            example=example.id,
                            draw=number,
                            inputs=example.inputs,
                            context=site.context,
                            text=site.text,
                            answer=answer,
                            value=value,
                        )
                    )
            if on_run is not None:
                on_run()
    return Collected(tuple(one for several in found.values() for one in several), tuple(failures))


def write_solutions(path: str | Path, solutions: Iterable[Solution]) -> None:
    """Writes solutions as JSON lines, all or nothing."""
    lines = (json.dumps(one.to_json(), ensure_ascii=False) for one in solutions)
    write_text(Path(path), "".join(f"{line}\n" for line in lines))


def read_solutions(path: str | Path) -> Collected:
    """Reads what `write_solutions` wrote.

    Raises:
        DataError: a line is no solution; the message names it.
    """
    text = Path(path).read_text(encoding="utf-8")
    lines = enumerate(text.splitlines(), 1)
    return Collected(tuple(_solution(f"{path}, line {n}", line) for n, line in lines if line))


def _solution(where: str, line: str) -> Solution:
    try:
        record = json.loads(line)
        one = Solution(**record)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} is no solution: {error}") from error
    kinds = (str, int, dict, str, str, str, float | int)
    values = [getattr(one, field.name) for field in fields(one)]
    if not all(isinstance(value, kind) for value, kind in zip(values, kinds, strict=True)):
        raise DataError(f"{where} is no solution: a field has the wrong type")
    return one


def _node(graph: Graph, named: str | None) -> str:
    if named is not None:
        if named not in graph.nodes:
            raise GraphError(
                f"{named!r} is no language node of {graph.name}; there is {', '.join(graph.nodes)}"
            )
        return named
    above = list(_language_parents(graph, graph.target))
    if len(above) != 1:
        raise GraphError(
            f"which texts of {graph.name} are its solutions? The target {graph.target!r} reads "
            f"{', '.join(above) or 'no language node'}; name one with node="
        )
    return above[0]


def _needed(graph: Graph, *names: str) -> Graph:
    """What these parts depend on, so that nothing else is asked for."""
    needed, frontier = set(names), [*names]
    while frontier:
        above = set(graph.structure.parents.get(frontier.pop(), ())) - needed
        needed |= above
        frontier += above
    others = [name for name in graph.parts if name not in needed]
    return graph.without(*others, outputs=tuple(dict.fromkeys(names)))


def _language_parents(graph: Graph, name: str) -> Iterator[str]:
    """The part itself if it is a language node, or the nearest ones above it."""
    if name in graph.nodes:
        yield name
        return
    seen: set[str] = set()
    for parent in graph.structure.parents.get(name, ()):
        for found in _language_parents(graph, parent):
            if found not in seen:
                seen.add(found)
                yield found


def _target(example: Example, name: str) -> str:
    target = example.targets.get(name)
    if target is None:
        raise DataError(f"example {example.id!r} has no target at node {name!r}; give it one")
    return target


def _pairs(trace: Trace, node: str, judged: str) -> list[tuple[Site, str]]:
    texts = trace.at(node)
    answers = [str(answer) for answer in flat(trace[judged])]
    if len(answers) == 1:
        answers *= len(texts)
    if len(texts) != len(answers):
        raise GraphError(
            f"{node!r} has {len(texts)} texts, but {judged!r} has {len(answers)} values on example "
            f"{trace.example!r}; judge a part with one value for each text (judged=)"
        )
    return list(zip(texts, answers, strict=True))
