"""Held-out comparisons: a network before and after its fit, and against simple baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from langnet.compare import Comparison, compare
from langnet.data import Example
from langnet.diagnose.variants import IRRELEVANT
from langnet.evaluate import Evaluation, evaluate
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.metrics import Interval, Metric, exact, interval, paired_interval
from langnet.program import Models, Program

__all__ = ["IRRELEVANT", "Baseline", "HeldOut", "baselines", "calibrated", "held_out"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a baseline did on the held-out examples.

    Attributes:
        metric: its metric and interval.
        gain: the paired difference, fitted minus baseline.
        evaluation: what it answered.
    """

    metric: Interval
    gain: Interval
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A comparison on held-out examples.

    Attributes:
        examples: what was held out.
        comparison: the network before and after its fit.
        baselines: other networks on the same examples, by name.
    """

    examples: tuple[Example, ...]
    comparison: Comparison
    baselines: Mapping[str, Baseline]


def baselines(graph: Graph) -> dict[str, Graph]:
    """What a fitted network has to beat besides its own beginning, by name.

    The prompt that the answer is made with is left empty, or replaced by one that has nothing to
    do with the task: a gain that an irrelevant prompt brings as well is none of the prompt's. The
    third keeps the prompts and calibrates the choices (see `calibrated`), where there are any.
    """
    names = _answering_prompts(graph)
    found = {
        "empty prompt": graph.with_prompts(dict.fromkeys(names, "")),
        "irrelevant prompt": graph.with_prompts(dict.fromkeys(names, IRRELEVANT)),
    }
    with_calibration = calibrated(graph)
    if with_calibration != graph:
        found["initial prompt, calibrated"] = with_calibration
    return found


def calibrated(graph: Graph) -> Graph:
    """The graph with contextual calibration of every node's choices (Zhao et al. 2021)."""
    for name, node in graph.nodes.items():
        if node.choices is not None:
            graph = graph.replace(name, choices=dataclasses.replace(node.choices, calibrate=True))
    return graph


async def held_out(
    initial: Graph,
    fitted: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    others: Mapping[str, Graph] | None = None,
    metric: Metric = exact,
    seed: int = 0,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[str], None] | None = None,
) -> HeldOut:
    """Compares a network before and after its fit, and others with it, on the same examples.

    Args:
        initial: the network before.
        fitted: the network after.
        examples: neither trained nor validated on.
        models: what the nodes call.
        others: more networks by name; see `baselines`. They count 0 where they fail, however often.
        metric: of a prediction and a target.
        seed: what every draw's seed is derived from.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail; they count as 0.
        on_example: is told "before", "after" or a name after each example.

    Raises:
        DataError: there are no examples, or one has no target.
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    with calling(purpose="test"):
        comparison = await compare(
            initial,
            fitted,
            examples,
            models=models,
            metric=metric,
            seed=seed,
            concurrency=concurrency,
            max_failures=max_failures,
            on_example=on_example,
        )
        key = Key(("test", seed))
        after = comparison.evaluations[1].values
        found = {}
        for name, graph in (others or {}).items():
            evaluation = await evaluate(
                Program(graph, models),
                examples,
                metric=metric,
                key=key,
                concurrency=concurrency,
                max_failures=1.0,  # a baseline that does not fit the context ends no comparison
                on_example=None if on_example is None else partial(on_example, name),
            )
            found[name] = Baseline(
                interval(evaluation.values, key=key),
                paired_interval(evaluation.values, after, key=key),
                evaluation,
            )
    return HeldOut(tuple(examples), comparison, found)


def _answering_prompts(graph: Graph) -> tuple[str, ...]:
    """The prompts of the target, or of the language nodes nearest above a target that is none."""
    nodes, names, frontier = graph.nodes, [], [graph.target]
    while frontier:
        name = frontier.pop(0)
        if name in nodes:
            names.append(nodes[name].prompt_name)
        else:
            frontier += graph.structure.parents[name]
    return tuple(dict.fromkeys(names))
