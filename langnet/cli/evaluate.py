"""`langnet eval`: how well a network does on examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from langnet.cli.bounds import Bounding, bound_options, bounding_of
from langnet.cli.connection import ModelOptions, connected
from langnet.cli.group import (
    CUT_OFF,
    Command,
    common,
    note,
    output,
    print_json,
    print_report,
    run_async,
)
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    metric_option,
    model_options,
    network_options,
    prompt_options,
    size_option,
)
from langnet.cli.predictions import write_predictions
from langnet.cli.prompts import prompted
from langnet.cli.ranking import Ranking, ranking_of, ranking_options
from langnet.cli.settings import failures_option
from langnet.cli.task import DataOptions, Measure, adapted, load_data, measure, taken
from langnet.cli.view import shown, view_options
from langnet.cli.watch import WatchOptions, meter_of, watch_options
from langnet.confidence import PROBABILITY
from langnet.data import Example
from langnet.errors import DataError, RunDeadlineExceeded
from langnet.evaluate import Evaluation, evaluate
from langnet.events import PhaseAdvanced
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.meter import Meter
from langnet.metrics import Interval, confusion, interval
from langnet.program import Program
from langnet.report.bounds import bound_report
from langnet.report.cost import cost_table, parts_of, spending_data
from langnet.report.result import interval_data
from langnet.report.table import confusion_table, measured
from langnet.report.words import counted
from langnet.vi.bound import Bound, bound

__all__ = ["evaluate_command"]

_MOST_COLUMNS = 12
_FAILURES_SHOWN = 5
_FAILED = "(failed)"


@dataclass(frozen=True, slots=True)
class _Job:
    """What the command line asks for."""

    graph: Graph
    examples: list[Example]
    task: str
    metric: Measure
    models: ModelOptions
    watch: WatchOptions
    seed: int
    concurrency: int
    max_failures: float
    bounding: Bounding | None
    ranking: Ranking | None

    @property
    def targets(self) -> list[str]:
        """The right answers."""
        return [example.targets[self.graph.target] for example in self.examples]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found: how the network answers, and its bounds where they were asked for."""

    evaluation: Evaluation
    bounds: Bound | None
    area: Interval | None


@click.command("eval", cls=Command)
@click.argument("network")
@data_options
@size_option("test", 200, "to evaluate on")
@metric_option
@model_options
@watch_options
@prompt_options
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False),
    help="A file to write each answer to, as JSON lines.",
)
@ranking_options
@bound_options
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@failures_option
@network_options
@view_options
@common
def evaluate_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Evaluate NETWORK on examples with known answers.

    A generated task gives the examples that `langnet fit` holds out. Of --data all are taken, up
    to --test-size. Bounds need models that give the log-probabilities of given texts.

    Examples:
        langnet eval graphs/dln2.py
        langnet eval graphs/dln2.py --prompts runs/dln2-subjectivity-seed0/prompts.yaml
        langnet eval best.yaml --data test.csv --input text --target label --test-size all
        langnet eval best.yaml --task subjectivity --predictions answers.jsonl --json
        langnet eval graphs/verifier.py --auc Yes
        langnet eval graphs/dln2.py --test-size 40 --bound 16
    """
    predictions = options.pop("predictions")
    job = _job(network, options)
    meter = meter_of(job.watch)
    found = run_async(partial(_evaluate, job, meter))
    job, found, cut_off = _finished(job, found)
    if predictions is not None:
        target = job.graph.target
        write_predictions(Path(predictions), job.examples, target, found.evaluation)
        note(f"The answers are in {predictions}.")
    mean = interval(found.evaluation.values, key=Key(("test", job.seed)))
    cost = spending_data(meter.snapshot(), parts_of(meter), currency=meter.prices.currency)
    if as_json:
        print_json(_document(job, found, mean, cost))
    else:
        _print(job, found, mean)
        if found.bounds is not None:
            print_report(bound_report(found.bounds))
        print_report([cost_table(cost)])
    if cut_off:
        total = counted(len(job.examples) + cut_off, "example")
        note(
            f"The deadline of the run has passed: {cut_off} of {total} were not answered, and "
            "count for nothing."
        )
        click.get_current_context().exit(CUT_OFF)


def _finished(job: _Job, found: _Found) -> tuple[_Job, _Found, int]:
    """What was answered before the run's deadline, and how much was not.

    Raises:
        RunDeadlineExceeded: nothing was.
    """
    evaluation = found.evaluation
    late = {f.example for f in evaluation.failures if isinstance(f.error, RunDeadlineExceeded)}
    kept = [place for place, example in enumerate(job.examples) if example.id not in late]
    if not kept:
        raise RunDeadlineExceeded
    answered = replace(
        evaluation,
        values=tuple(evaluation.values[place] for place in kept),
        predictions=tuple(evaluation.predictions[place] for place in kept),
        kept=tuple(evaluation.kept[place] for place in kept) if evaluation.kept else (),
    )
    examples = [job.examples[place] for place in kept]
    return replace(job, examples=examples), replace(found, evaluation=answered), len(late)


def _job(source: str, options: dict[str, Any]) -> _Job:
    bounding = bounding_of(options)
    ranking = ranking_of(options.pop("auc"), options.pop("auc_by"))
    network = load_network(
        source, settings=options["settings"], preset=options["preset"], trust=options["trust"]
    )
    options["recorded"] = network.models
    data = load_data(taken(DataOptions, options), network.task)
    graph = prompted(network.graph(data.task), options)
    if ranking is not None:
        graph = ranking.graph(graph)
    if not data.test:
        raise DataError("there are no examples to evaluate on; give --test-size a larger number")
    return _Job(
        graph,
        adapted(data.test, graph),
        data.task.spec,
        measure(options["metric"], data.task),
        taken(ModelOptions, options),
        taken(WatchOptions, options),
        options["seed"],
        options["concurrency"],
        options["max_failures"],
        bounding,
        ranking,
    )


async def _evaluate(job: _Job, meter: Meter) -> _Found:
    total = len(job.examples)
    later = total if job.bounding is None else 2 * total
    done: Counter[str] = Counter()
    async with shown(meter=meter, graph=job.graph, later=later) as observer:

        def advance(phase: str) -> None:
            done[phase] += 1
            observer(PhaseAdvanced(phase, done[phase], total))

        async with connected(
            job.graph, job.models, meter=meter, observer=observer, watch=job.watch
        ) as opened:
            program = Program(job.graph, opened.models)
            # The bound comes first: a model that cannot score is told of before anything is spent.
            bounds = None
            if job.bounding is not None:
                bounds = await bound(
                    program,
                    job.examples,
                    key=Key(("bound", job.seed)),
                    concurrency=job.concurrency,
                    max_failures=job.max_failures,
                    on_example=partial(advance, "bound"),
                    **asdict(job.bounding),
                )
            evaluation = await evaluate(
                program,
                job.examples,
                metric=job.metric.metric,
                key=Key(("test", job.seed)),
                concurrency=job.concurrency,
                max_failures=job.max_failures,
                cut_off=True,
                keep=None if job.ranking is None else PROBABILITY,
                on_example=partial(advance, "evaluate"),
            )
    area = None
    if job.ranking is not None:
        area = job.ranking.area(job.examples, job.graph.target, evaluation)
    return _Found(evaluation, bounds, area)


def _print(job: _Job, found: _Found, mean: Interval) -> None:
    console = output()
    console.print(
        f"{job.metric.name} {measured(mean)}, {mean.confidence:.0%} interval, "
        f"on {counted(mean.n, 'example')} of {job.task}",
        soft_wrap=True,
    )
    if job.ranking is not None and found.area is not None:
        console.print(job.ranking.told(found.area), soft_wrap=True)
    counts = _confusion(job, found.evaluation)
    if counts is not None:
        console.print(confusion_table(counts))
    failures = found.evaluation.failures
    for failure in failures[:_FAILURES_SHOWN]:
        console.print(f"{failure.example} failed: {failure.error}", soft_wrap=True)
    if len(failures) > _FAILURES_SHOWN:
        console.print(f"{len(failures)} examples failed in all")


def _confusion(job: _Job, found: Evaluation) -> dict[tuple[str, str], int] | None:
    """How often each target met each answer; `None` where that would make no table."""
    answers = [_FAILED if value is None else str(value) for value in found.predictions]
    if max(len(set(job.targets)), len(set(answers))) > _MOST_COLUMNS:
        return None
    return confusion(answers, job.targets)


def _document(job: _Job, found: _Found, mean: Interval, cost: dict[str, Any]) -> dict[str, Any]:
    evaluation = found.evaluation
    counts = _confusion(job, evaluation)
    bounds = {} if found.bounds is None else {"bound": found.bounds.to_json()}
    ranked = {} if found.area is None else {"auc": interval_data(found.area)}
    return {
        "network": job.graph.name,
        "task": job.task,
        "metric": job.metric.name,
        **interval_data(mean),
        "confusion": counts
        and [
            {"target": target, "prediction": prediction, "count": count}
            for (target, prediction), count in counts.items()
        ],
        "failures": [
            {
                "example": failure.example,
                "error": str(failure.error),
                "kind": type(failure.error).__name__,
                "notes": list(getattr(failure.error, "__notes__", ())),
            }
            for failure in evaluation.failures
        ],
        **bounds,
        **ranked,
        "cost": cost,
    }
