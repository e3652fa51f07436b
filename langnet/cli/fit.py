"""`langnet fit`: fits the prompts of a network, and says what that brought on held-out data."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from langnet import graph_file
from langnet.checkpoint import write_json
from langnet.cli.connection import Connected, ModelOptions, connected
from langnet.cli.group import (
    Command,
    command_line,
    common,
    note,
    on_interrupt,
    output,
    print_json,
    run_async,
)
from langnet.cli.network import load_network
from langnet.cli.options import (
    data_options,
    feedback_option,
    files_option,
    freeze_option,
    metric_option,
    model_options,
    network_options,
    prompt_options,
    proposer_option,
    size_option,
)
from langnet.cli.prompts import named_texts, prompted
from langnet.cli.settings import budget_of, budget_options, method_of, method_options
from langnet.cli.task import DataOptions, Measure, Splits, adapted, load_data, measure, taken
from langnet.errors import GraphError
from langnet.events import Event, FitStarted, Observer, PhaseAdvanced
from langnet.fit import Fitted, fit
from langnet.graph import Graph
from langnet.lm.budget import Budget
from langnet.lm.meter import Meter, MeterReading
from langnet.report.baselines import HeldOut, baselines, held_out
from langnet.report.progress import progress
from langnet.report.result import cost_data, result_data
from langnet.report.table import cost_line, held_out_table, prompts_table
from langnet.report.words import counted, quantity
from langnet.vi.method import Method

__all__ = ["fit_command"]


@dataclass(frozen=True, slots=True)
class _Job:
    """What the command line asks for."""

    graph: Graph
    splits: Splits
    metric: Measure
    models: ModelOptions
    method: Method
    budget: Budget | None
    seed: int
    baselines: bool
    directory: Path
    resume: bool
    traces: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of it."""

    fitted: Fitted
    test: HeldOut | None
    result: dict[str, Any]
    cost: dict[str, Any]


@click.command("fit", cls=Command)
@click.argument("network")
@data_options
@files_option("dev", "A file to validate on, instead of a part of --data.")
@files_option("test", "A file of held-out examples, instead of a part of --data.")
@size_option("train", 200, "to train on")
@size_option("dev", 100, "to validate on")
@size_option("test", 200, "held out for the comparison at the end")
@metric_option
@model_options
@proposer_option
@prompt_options
@freeze_option
@feedback_option
@method_options
@budget_options
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@click.option(
    "--baselines", "with_baselines", is_flag=True, help="Compare with simple baselines as well."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="The run directory; by default runs/NETWORK-TASK-seedN.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the run directory.")
@click.option(
    "--traces/--no-traces",
    default=True,
    show_default=True,
    help="Keep every text that the fit sees, for reports.",
)
@network_options
@common
def fit_command(network: str, *, as_json: bool, **options: Any) -> None:
    """Fit the prompts of NETWORK, and compare it with its beginning on held-out examples.

    Without --data the examples are generated for the network's own task. What --dev and --test
    do not give is split off from --data. The run directory holds the checkpoint, result.json
    (all that the seed decides), cost.json, prompts.yaml, and best.yaml, the fitted network.

    Examples:
        langnet fit graphs/dln2.py --steps 5 --baselines
        langnet fit graphs/dln2.py --steps 5 --baselines --resume
        langnet fit graphs/dln1.py --data subj.csv --labels 0=subjective,1=objective
        langnet fit graphs/dln2.py --model openai:NAME@http://127.0.0.1:8000/v1 --json
        langnet fit graphs/dln2.py --budget-calls 2000 --schedule reverse
        langnet fit graphs/dln1.py --feedback answer="Too many objective where it is an opinion."
    """
    job = _job(network, options)
    splits = job.splits
    note(
        f"{job.graph.name} on {splits.task.spec}: {len(splits.train)} examples to train on, "
        f"{len(splits.dev)} to validate on, {len(splits.test)} held out"
    )
    outcome = run_async(partial(_fit, job))
    files = _write(job, outcome)
    if as_json:
        shown = {name: str(path) for name, path in files.items()}
        print_json({**outcome.result, "cost": outcome.cost, "files": shown})
        return
    console = output()
    fitted = outcome.fitted
    console.print(prompts_table(fitted.initial.prompts, fitted.graph.prompts))
    if outcome.test is not None:
        console.print(held_out_table(outcome.test, job.metric.name))
    console.print(f"Objective: {fitted.objective}. {cost_line(outcome.cost)}.", soft_wrap=True)
    if fitted.plan is not None:
        total = fitted.plan.total
        console.print(
            f"The fit was planned to take at most {counted(total.calls, 'call')} and "
            f"{quantity(total.tokens)} tokens. It ended because: {fitted.reason}.",
            soft_wrap=True,
        )
    names = ", ".join(path.name for path in files.values())
    console.print(f"Written to {job.directory}: {names}.", soft_wrap=True)


def _job(source: str, options: dict[str, Any]) -> _Job:
    network = load_network(source, settings=options["settings"], trust=options["trust"])
    data = load_data(taken(DataOptions, options), network.task)
    graph = prompted(network.graph(data.task), options)
    if options["freeze"]:
        graph = graph.frozen(*options["freeze"])
    splits = replace(
        data,
        train=adapted(data.train, graph),
        dev=adapted(data.dev, graph),
        test=adapted(data.test, graph),
    )
    task = re.sub(r"[^\w.-]+", "-", data.task.spec)  # what stands in a directory's name
    name = f"{graph.name}-{task}-seed{options['seed']}"
    return _Job(
        graph,
        splits,
        measure(options["metric"], data.task),
        taken(ModelOptions, options),
        replace(method_of(options), feedback=_feedback(options, graph)),
        budget_of(options),
        options["seed"],
        options["with_baselines"],
        Path(options["out"] or Path("runs", name)),
        options["resume"],
        options["traces"],
    )


async def _fit(job: _Job) -> _Outcome:
    meter = Meter()
    others = baselines(job.graph) if job.baselines else {}
    earlier = _sessions(job.directory)
    began = time.monotonic()
    has_begun = False

    def begun(event: Event) -> None:
        nonlocal has_begun
        if isinstance(event, FitStarted):
            has_begun = True
            on_interrupt(f"Go on with: {command_line('--resume')}")

    try:
        with progress(
            sys.stderr, meter=meter, later=len(job.splits.test) * (2 + len(others))
        ) as observer:
            async with connected(job.graph, job.models, meter=meter, observer=observer) as opened:
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
                    observers=[begun, observer],
                    meter=meter,
                    budget=job.budget,
                    spent=_spent(earlier),
                    plan=True,
                    traces=job.traces,
                )
                test = await _held_out(job, fitted, others, opened, observer)
                result = _result(job, fitted, test, opened)
    finally:
        cost = cost_data(meter.snapshot(), time.monotonic() - began, earlier)
        # Where this fit has not begun, what is in the directory belongs to another one.
        if has_begun:
            write_json(job.directory / "cost.json", cost)
    return _Outcome(fitted, test, result, cost)


async def _held_out(
    job: _Job, fitted: Fitted, others: dict[str, Graph], opened: Connected, observer: Observer
) -> HeldOut | None:
    if not job.splits.test:
        return None
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


def _result(job: _Job, fitted: Fitted, test: HeldOut | None, opened: Connected) -> dict[str, Any]:
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


def _write(job: _Job, outcome: _Outcome) -> dict[str, Path]:
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
        graph_file.save(outcome.fitted.graph, network)
    except GraphError as error:
        note(f"The network cannot be saved, its prompts are: {error}")
    else:
        files["network"] = network
    return files


def _feedback(options: dict[str, Any], graph: Graph) -> dict[str, tuple[str, ...]]:
    """What a person says, by prompt."""
    found: dict[str, tuple[str, ...]] = {}
    for item in options.pop("feedback"):
        for name, text in named_texts([item], "--feedback").items():
            if name not in graph.prompts:
                raise click.UsageError(
                    f"--feedback {name}=… names no prompt; the prompts are "
                    + ", ".join(graph.prompts)
                )
            found[name] = (*found.get(name, ()), text)
    return found


def _spent(sessions: Sequence[Mapping[str, Any]]) -> MeterReading:
    """What earlier sessions took."""
    names = [field.name for field in fields(MeterReading)]
    return sum(
        (MeterReading(**{name: session.get(name, 0) for name in names}) for session in sessions),
        MeterReading(),
    )


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
