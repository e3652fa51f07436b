"""The command line: thin commands over what Python offers."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from langnet.cli.cache import cache
from langnet.cli.collect import collect_command
from langnet.cli.credit import credit_command
from langnet.cli.diagnose import diagnose_command
from langnet.cli.evaluate import evaluate_command
from langnet.cli.exchange import prompts_command
from langnet.cli.export import export_command
from langnet.cli.fit import fit_command
from langnet.cli.group import Main
from langnet.cli.guide import guide
from langnet.cli.models import models
from langnet.cli.pools import pools_command
from langnet.cli.report import report_command
from langnet.cli.rounds import rounds_command
from langnet.cli.run import run_command
from langnet.cli.serve import serve_command
from langnet.cli.show import show_command
from langnet.cli.sweep import sweep_command
from langnet.cli.tasks import tasks_command
from langnet.cli.ui import ui_command

__all__ = ["main"]


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    try:
        found = version("langnet")
    except PackageNotFoundError:
        found = "(not installed)"
    click.echo(f"langnet {found}, Python {platform.python_version()}")
    context.exit()


@click.group(
    cls=Main,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Networks of language nodes whose prompts are fitted by variational inference.

    NETWORK is a Python file with network(task) or graph, module:attribute, or a graph file
    (.yaml, .json).

    Examples:
        langnet models pull smollm2
        langnet diagnose graphs/dln2.py
        langnet fit graphs/dln2.py
        langnet credit runs/dln2-subjectivity-seed0
        langnet report runs/dln2-subjectivity-seed0 --open
        langnet eval runs/dln2-subjectivity-seed0/best.yaml --task subjectivity
        langnet run graphs/dln2.py --input text="The film opens in a harbour."
        langnet show graphs/dln2.py
    """


for command in (
    diagnose_command,
    fit_command,
    guide,
    credit_command,
    report_command,
    evaluate_command,
    sweep_command,
    collect_command,
    export_command,
    pools_command,
    rounds_command,
    run_command,
    serve_command,
    ui_command,
    show_command,
    prompts_command,
    tasks_command,
    models,
    cache,
):
    main.add_command(command)
