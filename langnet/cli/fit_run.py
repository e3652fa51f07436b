"""The work of `langnet fit`: the fit itself, the comparison at its end, and what it leaves."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langnet import graph_file
from langnet.checkpoint import describe, write_json
from langnet.cli.connection import Connected, connected, recorded_models
from langnet.cli.fit_again import guidance_again, refuse, reproduced
from langnet.cli.fit_baselines import counted_baselines, with_examples
from langnet.cli.fit_job import Job
from langnet.cli.group import command_line, note, on_interrupt
from langnet.cli.track import Tracking
from langnet.cli.view import shown
from langnet.cli.watch import meter_of
from langnet.errors import GraphError, RunDeadlineExceeded
from langnet.events import Event, FitStarted, Observer, PhaseAdvanced, StepFinished
from langnet.fit import Fitted, fit
from langnet.graph import Graph
from langnet.guided import accepted
from langnet.lm.meter import MeterReading
from langnet.lm.reading import total
from langnet.manifest import manifest
from langnet.report.baselines import HeldOut, baselines, held_out
from langnet.report.cost import cost_data, parts_of
from langnet.report.result import result_data

__all__ = ["Outcome", "cut_off", "document_of", "is_cut_off", "run_fit", "write"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        fitted: the fit.
        test: the comparison on held-out examples, if there are any.
        run: what the run is; see `langnet.checkpoint.describe`.
        result: what the seed decides.
        cost: calls, tokens and seconds.
        differences: where the result is not that of the manifest; `None` where there is none.
    """

    fitted: Fitted
    test: HeldOut | None
    run: dict[str, Any]
    result: dict[str, Any]
    cost: dict[str, Any]
    differences: tuple[str, ...] | None


async def run_fit(job: Job, tracked: Tracking) -> Outcome:
    """Fits, compares on held-out examples, and writes what it cost, whatever happens."""
    meter = meter_of(job.watch)
    earlier = _sessions(job.directory)
    began = time.monotonic()
    has_begun = False

    def spent() -> dict[str, Any]:
        return cost_data(
            meter.snapshot(),
            time.monotonic() - began,
            earlier,
            parts=parts_of(meter),
            currency=meter.prices.currency,
        )

    def noted(event: Event) -> None:
        nonlocal has_begun
        if isinstance(event, FitStarted):
            has_begun = True
            on_interrupt(f"Go on with: {command_line('--resume')}")
        elif isinstance(event, StepFinished):
            # A session that is killed must not forget what it has spent of the budget.
            write_json(job.directory / "cost.json", spent())

    try:
        later = len(job.splits.test) * (2 + (counted_baselines(job) if job.baselines else 0))
        async with (
            shown(meter=meter, graph=job.graph, later=later, directory=job.directory) as observer,
            connected(
                job.graph, job.models, meter=meter, observer=observer, watch=job.watch
            ) as opened,
        ):
            run = describe(
                job.graph,
                job.seed,
                train=job.splits.train,
                dev=job.splits.dev,
                models=opened.models,
                proposer=opened.proposer,
                method=job.method,
            )
            if job.recorded is not None:
                refuse(job.recorded, run, job.directory)
            tracked.configure(
                run, network=job.graph.name, task=job.splits.task.spec, metric=job.metric.name
            )
            fitted = await fit(
                job.graph,
                job.splits.train,
                job.splits.dev,
                models=opened.models,
                proposer=opened.proposer,
                metric=job.metric.metric,
                method=job.method,
                seed=job.seed,
                directory=job.directory,
                resume=job.resume,
                traces=job.traces,
                observers=[noted, observer, *opened.observers, *tracked.observers],
                meter=meter,
                budget=job.budget,
                spent=_spent(earlier),
                plan=True,
                guidance=guidance_again(job.recorded) or job.candidates,
            )
            test = await _held_out(job, fitted, opened, observer)
            result = _result(job, fitted, test, opened)
    finally:
        cost = spent()
        # Where this fit has not begun, what is in the directory belongs to another one.
        if has_begun:
            write_json(job.directory / "cost.json", cost)
    differences = None if job.recorded is None else reproduced(job.recorded, result)
    return Outcome(fitted, test, run, result, cost, differences)


async def _held_out(
    job: Job, fitted: Fitted, opened: Connected, observer: Observer
) -> HeldOut | None:
    if not job.splits.test:
        return None
    try:
        return await _compared(job, fitted, opened, observer)
    except RunDeadlineExceeded:
        return None


async def _compared(job: Job, fitted: Fitted, opened: Connected, observer: Observer) -> HeldOut:
    others: dict[str, Graph] = {}
    if job.baselines:
        others = {**await with_examples(job, opened), **baselines(job.graph)}
    return await held_out(
        fitted.initial,
        fitted.graph,
        job.splits.test,
        models=opened.models,
        others=others,
        metric=job.metric.metric,
        seed=job.seed,
        concurrency=job.method.concurrency,
        max_failures=job.method.max_failures,
        on_example=_counting(observer, len(job.splits.test)),
    )


def _counting(observer: Observer, total: int) -> Callable[[str], None]:
    """Tells of each example that one of the compared networks has answered."""
    done: Counter[str] = Counter()

    def count(name: str) -> None:
        done[name] += 1
        observer(PhaseAdvanced(f"test, {name}", done[name], total))

    return count


def _result(job: Job, fitted: Fitted, test: HeldOut | None, opened: Connected) -> dict[str, Any]:
    splits = job.splits
    return result_data(
        fitted,
        about={
            "task": splits.task.spec,
            "metric": job.metric.name,
            "models": {name: model.identity for name, model in opened.models.items()},
            "proposer": opened.proposer.identity,
        },
        data={"train": splits.train, "dev": splits.dev, "test": splits.test},
        test=test,
    )


def is_cut_off(job: Job, outcome: Outcome) -> bool:
    """Whether the run's deadline came before the end of the fit, or of the comparison."""
    return _is_uncompared(job, outcome) or outcome.fitted.reason == str(RunDeadlineExceeded())


def cut_off(job: Job, outcome: Outcome) -> str:
    """What is said where the run's deadline came first."""
    return (
        "The deadline of the run has passed. The best prompts so far are kept"
        + (
            "; they are not compared on held-out examples yet"
            if _is_uncompared(job, outcome)
            else ""
        )
        + f". Go on with: {command_line('--resume')}"
    )


def _is_uncompared(job: Job, outcome: Outcome) -> bool:
    return bool(job.splits.test) and outcome.test is None


def write(job: Job, outcome: Outcome) -> dict[str, Path]:
    """Writes what came of the fit, and gives the files by what they hold."""
    files = {
        "result": job.directory / "result.json",
        "cost": job.directory / "cost.json",
        "prompts": job.directory / "prompts.yaml",
    }
    write_json(files["result"], outcome.result)
    graph_file.save_prompts(outcome.fitted.graph, files["prompts"])
    network = job.directory / "best.yaml"
    try:
        models = recorded_models(job.graph, job.models)
        graph_file.save(outcome.fitted.graph, network, models=models)
    except GraphError as error:
        note(f"The network cannot be saved, its prompts are: {error}")
    else:
        files["network"] = network
    document = manifest(
        arguments=job.arguments,
        run=outcome.run,
        network=_data(job.graph),
        result=outcome.result,
        cost=outcome.cost,
        guidance=accepted(outcome.fitted.state),
    )
    files["manifest"] = job.directory / "manifest.json"
    write_json(files["manifest"], document)
    if job.copy is not None:
        write_json(job.copy, document)
    return files


def document_of(outcome: Outcome, files: Mapping[str, Path]) -> dict[str, Any]:
    """What `--json` prints of a fit."""
    found = {
        **outcome.result,
        "cost": outcome.cost,
        "files": {name: str(path) for name, path in files.items()},
    }
    if outcome.differences is not None:
        found["manifest"] = {
            "same": not outcome.differences,
            "differences": [*outcome.differences],
        }
    return found


def _data(graph: Graph) -> dict[str, Any] | None:
    """The graph as a graph file holds it; `None` where it cannot be saved."""
    try:
        return graph_file.to_dict(graph)
    except GraphError:
        return None


def _spent(sessions: Sequence[Mapping[str, Any]]) -> MeterReading:
    """What earlier sessions took."""
    return total(map(MeterReading.from_json, sessions))


def _sessions(directory: Path) -> list[dict[str, Any]]:
    """What earlier sessions of this run cost."""
    file = directory / "cost.json"
    if not file.exists():
        return []
    try:
        sessions: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["sessions"]
    except (ValueError, LookupError) as error:
        raise GraphError(f"{file} cannot be read ({error!r}); delete it to go on") from error
    return sessions
