"""`langnet fit`: fits the prompts of a network, and says what that brought on held-out data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from langnet.cli.fit_again import again, anew, deciding
from langnet.cli.fit_job import Job, job_of
from langnet.cli.fit_run import Outcome, cut_off, document_of, is_cut_off, run_fit, write
from langnet.cli.fit_seeds import fit_seeds, seeds_of
from langnet.cli.group import (
    CUT_OFF,
    Command,
    arguments,
    command_line,
    common,
    note,
    output,
    print_json,
    run_async,
)
from langnet.cli.options import (
    candidates_option,
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
from langnet.cli.settings import budget_options, method_options
from langnet.cli.track import track_option, tracking
from langnet.cli.view import view_options
from langnet.cli.watch import watch_options
from langnet.listening import STOPPED
from langnet.manifest import read_manifest
from langnet.report.cost import cost_line, cost_table
from langnet.report.table import held_out_table, prompts_table
from langnet.report.words import counted, quantity

__all__ = ["fit_command"]

_SHOWN = 10
"""Differences from a manifest that are told, at most."""


@click.command("fit", cls=Command)
@click.argument("network", required=False)
@data_options
@files_option("dev", "A file to validate on, instead of a part of --data.")
@files_option("test", "A file of held-out examples, instead of a part of --data.")
@size_option("train", 200, "to train on")
@size_option("dev", 100, "to validate on")
@size_option("test", 200, "held out for the comparison at the end")
@metric_option
@model_options
@watch_options
@track_option
@proposer_option
@prompt_options
@freeze_option
@candidates_option
@feedback_option
@method_options
@budget_options
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every draw.")
@click.option(
    "--seeds",
    type=seeds_of,
    metavar="N,N,…",
    help="Fit with each of these seeds, and tell the mean over them.",
)
@click.option(
    "--baselines", "with_baselines", is_flag=True, help="Compare with simple baselines as well."
)
@click.option(
    "--shots",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Solved examples that the baselines k-shot and KATE show.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="The run directory; by default runs/NETWORK-TASK-seedN.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the run directory.")
@click.option(
    "--manifest",
    type=click.Path(dir_okay=False),
    help="A file for a copy of manifest.json, all that decided the numbers.",
)
@click.option(
    "--from-manifest",
    type=click.Path(exists=True, dir_okay=False),
    help="Run the fit of a manifest again, and say whether the same comes out.",
)
@click.option(
    "--traces/--no-traces",
    default=True,
    show_default=True,
    help="Keep every text that the fit sees, for reports.",
)
@network_options
@view_options
@common
def fit_command(**options: Any) -> None:
    """Fit the prompts of NETWORK, and compare it with its beginning on held-out examples.

    Without --data the examples are generated for the network's own task. What --dev and --test
    do not give is split off from --data. The run directory holds the checkpoint, result.json
    (all that the seed decides), cost.json, manifest.json, prompts.yaml, and best.yaml, the fitted
    network.

    Examples:
        langnet fit graphs/dln2.py --steps 5 --baselines
        langnet fit graphs/dln2.py --steps 5 --baselines --resume
        langnet fit graphs/dln2.py --steps 5 --seeds 0,1,2
        langnet fit --from-manifest runs/first/manifest.json --out runs/again
        langnet fit graphs/dln2.py --data navigate.json --preset paper/navigate
        langnet fit graphs/dln1.py --data subj.csv --labels 0=subjective,1=objective
        langnet fit graphs/dln2.py --model openai:NAME@http://127.0.0.1:8000/v1 --json
        langnet fit graphs/dln2.py --budget-calls 2000 --schedule reverse
        langnet fit graphs/dln2.py --track tensorboard:logs --track mlflow:dln2
        langnet fit graphs/dln1.py --candidates-from prompts.txt
        langnet fit graphs/dln1.py --feedback answer="Too many objective where it is an opinion."
    """
    context = click.get_current_context()
    typed, recorded = arguments()[1:], None
    if options["from_manifest"] is not None:
        recorded = read_manifest(options["from_manifest"])
        before = deciding(recorded["arguments"], without=anew(context))
        context, options = again(context, recorded)
        typed = (*before, *typed)
    if options["network"] is None:
        raise click.UsageError("name a NETWORK, or a fit to be run again by --from-manifest FILE")
    as_json, seeds = options.pop("as_json"), options.pop("seeds")
    if seeds is not None and context.get_parameter_source("seed") is ParameterSource.COMMANDLINE:
        raise click.UsageError("give either --seed or --seeds, not both")
    job = job_of(context, options, arguments=deciding(typed, without=("seeds",)), recorded=recorded)
    splits = job.splits
    note(
        f"{job.graph.name} on {splits.task.spec}: {len(splits.train)} examples to train on, "
        f"{len(splits.dev)} to validate on, {len(splits.test)} held out"
    )
    if seeds is not None:
        fit_seeds(job, seeds, as_json=as_json)
        return
    with tracking(job.track, job.directory, resume=job.resume) as tracked:
        outcome = run_async(partial(run_fit, job, tracked))
        files = write(job, outcome)
        tracked.keep(files)
    if as_json:
        print_json(document_of(outcome, files))
    else:
        _show(job, outcome, files)
    if outcome.fitted.reason == STOPPED:
        note(f"Go on with: {command_line('--resume')}")
    if is_cut_off(job, outcome):
        note(cut_off(job, outcome))
        context.exit(CUT_OFF)


def _show(job: Job, outcome: Outcome, files: Mapping[str, Path]) -> None:
    console = output()
    fitted = outcome.fitted
    console.print(prompts_table(fitted.initial.prompts, fitted.graph.prompts))
    if outcome.test is not None:
        console.print(held_out_table(outcome.test, job.metric.name))
    console.print(cost_table(outcome.cost))
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
    if outcome.differences is not None:
        console.print(_verdict(outcome.differences), soft_wrap=True)


def _verdict(differences: Sequence[str]) -> str:
    """Says whether the result is that of the manifest."""
    if not differences:
        return "The result is the same as the manifest's, byte for byte."
    more = len(differences) - _SHOWN
    lines = [f"  {line}" for line in differences[:_SHOWN]]
    rest = [f"  and {more:,} more"] if more > 0 else []
    return "\n".join(["The result is not the manifest's:", *lines, *rest])
