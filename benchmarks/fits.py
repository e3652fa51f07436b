"""What fits bring: networks × tasks × seeds on one model, with the default settings of a fit.

    python benchmarks/fits.py [--networks dln1,dln2] [--tasks sentiment] [--seeds 0,1,2] [--repair]
        [--steps 5] [--train-size 200] [--dev-size 100] [--test-size 200] [--set NAME=JSON]
        [--model local:smollm2] [--out runs/fits] [--show] [--json]

One fit after the other, over one model and one cache. Each leaves a directory in --out; what is
there is not fitted again, and a fit that was interrupted goes on where it was, so the same command
may be given until all is done. Ctrl-C prints what there is. `--show` only prints.

With --repair every network is also fitted from a defective start: the prompt that it answers with
is replaced by one that has nothing to do with the task. The held-out accuracy that the fit ends
with then stands beside that of the fit from the task's own description.

The examples, the same for every network and seed, are those of `langnet fit NETWORK --task TASK`.
Settings of the method are set by name, its inference's after a dot:

    python benchmarks/fits.py --set batch_size=24 --set inference.draws=3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
from fits_plan import DEFECTIVE, DESCRIPTION, NETWORKS, TASKS, Job, Plan, method_with
from fits_table import show

from langnet import Comparison, Fitted, LangnetError, LanguageModel, compare, connect, fit
from langnet.checkpoint import write_json
from langnet.events import Event, Validated
from langnet.lm.meter import Meter
from langnet.report.cost import cost_data
from langnet.report.result import interval_data


def racing_saved(directory: Path) -> int | None:
    """Calls that racing spared, by what the steps report; `None` where they do not say.

    All that is read of a run's own files stands here.
    """
    counts = []
    for file in sorted((directory / "steps").glob("*.json")):
        calls = json.loads(file.read_text(encoding="utf-8")).get("calls")
        if not isinstance(calls, dict) or "raced" not in calls:
            return None
        counts.append(calls["raced"])
    return sum(counts) if counts else None


async def run_all(plan: Plan) -> list[str]:
    """Fits what is not done yet; returns what failed, and why."""
    waiting = [job for job in plan.jobs if plan.found(job) is None]
    done = plan.all_found()
    failed: list[str] = []
    if not waiting:
        return failed
    note(f"{len(waiting)} of {len(plan.jobs)} fits to do, in {plan.out}")
    meter = Meter()
    async with connect(plan.model, cache=plan.out / "cache", meter=meter, pull=True) as model:
        for number, job in enumerate(waiting):
            left = time_left(waiting[number:], done)
            note(f"[{number + 1}/{len(waiting)}] {job}{f', {left} left in all' if left else ''}")
            try:
                found = await run_one(plan, job, model, meter)
            except LangnetError as error:
                failed.append(f"{job}: {error}")
                note(f"  {error}")
                continue
            done.append(found)
            gain = found["test"]["gain"]
            note(f"  gain {gain['mean']:+.3f} in {clock(found['cost']['seconds'])}")
    return failed


async def run_one(plan: Plan, job: Job, model: LanguageModel, meter: Meter) -> dict[str, Any]:
    """Fits, compares with the start on held-out examples, and writes what was found."""
    directory = plan.out / str(job)
    earlier = sessions(directory / "cost.json")
    data = plan.data(job)
    before, began = meter.snapshot(), time.monotonic()
    try:
        fitted = await fit(
            job.graph(),
            data.train,
            data.dev,
            models=model,
            method=plan.method,
            seed=job.seed,
            directory=directory,
            resume=True,
            meter=meter,
            observers=[partial(tell, plan.method.steps)],
        )
        compared = await compare(
            fitted.initial, fitted.graph, data.test, models=model, seed=job.seed
        )
    finally:
        cost = cost_data(meter.snapshot() - before, time.monotonic() - began, earlier)
        write_json(directory / "cost.json", cost)
    found = {
        "asked": plan.asked(job),
        **documented(fitted, compared),
        "cost": {**cost, "saved by racing": racing_saved(directory)},
    }
    write_json(directory / "found.json", found)
    return found


def documented(fitted: Fitted, compared: Comparison) -> dict[str, Any]:
    """What a fit found, as plain data."""
    before, after = compared.evaluations
    return {
        "objective": fitted.objective,
        "reason": fitted.reason,
        "prompts": {"initial": fitted.initial.prompts, "fitted": fitted.graph.prompts},
        "validations": [asdict(validation) for validation in fitted.state.validations],
        "test": {
            "initial": {**interval_data(compared.before), "values": list(before.values)},
            "fitted": {**interval_data(compared.after), "values": list(after.values)},
            "gain": interval_data(compared.gain),
        },
    }


def sessions(file: Path) -> list[dict[str, Any]]:
    """What earlier sessions of a fit cost."""
    if not file.exists():
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["sessions"]
    return found


def tell(steps: int, event: Event) -> None:
    """Says how far a fit has come."""
    if isinstance(event, Validated):
        note(
            f"  step {event.step} of {steps}: validation {event.metric:.3f}, best {event.best:.3f}"
        )


def time_left(waiting: Sequence[Job], done: Sequence[Mapping[str, Any]]) -> str:
    """An estimate by the fits that are done, those of the same network where there are any."""
    if not done:
        return ""
    seconds = 0.0
    for job in waiting:
        alike = [found for found in done if found["asked"]["network"] == job.network] or done
        seconds += sum(found["cost"]["seconds"] for found in alike) / len(alike)
    return f"about {clock(seconds)}"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def note(text: str) -> None:
    """Says something to whoever waits."""
    print(text, file=sys.stderr, flush=True)


def planned(arguments: argparse.Namespace) -> Plan:
    """What the command line asks for; the starts of one fit stand beside each other."""
    starts = (DESCRIPTION, DEFECTIVE) if arguments.repair else (DESCRIPTION,)
    return Plan(
        tuple(
            Job(network, task, seed, start)
            for seed in arguments.seeds
            for task in arguments.tasks
            for network in arguments.networks
            for start in starts
        ),
        method_with(arguments.set, arguments.steps),
        tuple(sorted(arguments.set)),
        {name: getattr(arguments, name) for name in ("train_size", "dev_size", "test_size")},
        arguments.model,
        arguments.out,
    )


def names(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    return tuple(int(part) for part in names(text))


def main() -> None:
    """Fits, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--networks", type=names, default=NETWORKS, help="such as dln1,dln2")
    parser.add_argument("--tasks", type=names, default=TASKS, help="such as questions,sentiment")
    parser.add_argument("--seeds", type=numbers, default=(0, 1, 2), help="such as 0,1,2")
    parser.add_argument("--repair", action="store_true", help="from a defective start as well")
    parser.add_argument("--steps", type=int, help="steps of each fit; by default Method's")
    parser.add_argument("--train-size", type=int, default=200, help="examples to train on")
    parser.add_argument("--dev-size", type=int, default=100, help="examples to validate on")
    parser.add_argument("--test-size", type=int, default=200, help="held-out examples")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=JSON", help="a setting of the method"
    )
    parser.add_argument("--model", default="local:smollm2", help="a model as `langnet fit` takes")
    parser.add_argument("--out", type=Path, default=Path("runs/fits"), help="where all is kept")
    parser.add_argument("--show", action="store_true", help="fit nothing, print what there is")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    arguments = parser.parse_args()
    try:
        plan = planned(arguments)
        failed, interrupted = ([], False) if arguments.show else fitted_until_interrupted(plan)
        found = plan.all_found()
    except (LangnetError, TypeError, ValueError) as error:
        parser.error(str(error))
    except click.UsageError as error:  # from the loading of networks
        parser.error(error.format_message())
    show(found, len(plan.jobs), as_json=arguments.json)
    for reason in failed:
        note(f"failed: {reason}")
    sys.exit(130 if interrupted else bool(failed))


def fitted_until_interrupted(plan: Plan) -> tuple[list[str], bool]:
    """Fits what is not done yet; returns what failed, and whether Ctrl-C ended it."""
    try:
        return asyncio.run(run_all(plan)), False
    except KeyboardInterrupt:
        note("interrupted; the same command goes on from here")
        return [], True


if __name__ == "__main__":
    main()
